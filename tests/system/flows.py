# SPDX-License-Identifier: GPL-2.0-or-later
"""One TCP connection between namespaces, and whether what one end says still comes out of the other."""
import contextlib
import select
import socket


class Flow:
    def __init__(self, client, server, target, port, listen, listen_port):
        """From namespace client to target:port, which some way or other leads to server's listen:listen_port."""
        family = socket.AF_INET6 if ":" in listen else socket.AF_INET
        with server.call(lambda: socket.create_server((listen, listen_port), family=family)) as listener:
            self.out = client.call(lambda: socket.socket(family))
            self.out.settimeout(5)
            listener.settimeout(5)
            self.out.connect((target, port))
            self.end, _ = listener.accept()
        self.sent = self.received = 0

    def send(self):
        self.out.send(b"x")
        self.sent += 1

    def arrives(self, seconds):
        """Waits until all that was ever sent is there; False: nothing new came within the time."""
        before = self.received
        while self.received < self.sent and select.select([self.end], [], [], seconds)[0]:
            self.received += len(self.end.recv(4096))
        return self.received > before

    def close(self):
        for one in (self.out, self.end):
            with contextlib.suppress(OSError):
                one.close()


def passing(flows, seconds=0.5):
    """Sends something on each; which of them bring it to the other end. flows: by name."""
    for flow in flows.values():
        flow.send()
    return {name for i, (name, flow) in enumerate(flows.items()) if flow.arrives(0.1 if i else seconds)}


def opens(client, targets, family=socket.AF_INET, seconds=0.5):
    """With which of the targets, (address, port), a new connection comes about."""
    tries = {}
    for target in targets:
        tries[target] = client.call(lambda: socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
        tries[target].connect_ex(target)
    select.select([], [], [], seconds)
    made = set()
    for target, one in tries.items():
        with one:
            if select.select([], [one], [], 0)[1] and not one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                made.add(target)
    return made
