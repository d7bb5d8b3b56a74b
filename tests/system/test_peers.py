# SPDX-License-Identifier: GPL-2.0-or-later
"""A forged flood does not cut off who really talks here, and whoever keeps a connection open for that is held at the limit."""
import socket
import time

import pytest

from daemon import only
from net import wait_until
from sshd import start_sshd

PPS = 50
LIMITS = {**only(syn_flood=(200, 2), udp_flood=(500, 2)), "response": {"limit_packets_per_second": PPS}}
SECONDS = 2
OUTSIDE4, OUTSIDE6 = "198.51.100.80", "2001:db8:a::80"  # on the attacker's wire, but not the attacker


def track_connections(net):
    """A rule of the administrator's that asks for the connection's state has the kernel keep it."""
    for command in ("iptables", "ip6tables"):
        net.gateway.run(command, "-A", "INPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "ACCEPT")


class Connection:
    """TCP between two namespaces, from an address to a server's."""

    def __init__(self, client, source, server, address, port=8000):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = server.call(lambda: socket.create_server((address, port), family=family))
        self.client = client.call(lambda: socket.create_connection((address, port), 5, (source, 0)))
        self.server = listener.accept()[0]
        listener.close()
        for end in (self.client, self.server):
            end.settimeout(5)

    def works(self, rounds=20):
        """Bytes go both ways, each within the time of a retransmission or two."""
        for sender, receiver in ((self.client, self.server), (self.server, self.client)) * rounds:
            sender.sendall(b"still here")
            received = b""
            while len(received) < 10:
                received += receiver.recv(10 - len(received))
        return received == b"still here"

    def close(self):
        self.client.close()
        self.server.close()


@pytest.fixture
def connect():
    made = []

    def make(*arguments):
        made.append(Connection(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.close()


def outside_client(net):
    """An honest host beyond the attacker's wire, and the way from it to the client's network and back."""
    net.gateway.sysctl(**{"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1})
    net.attacker.ip("address", "add", f"{OUTSIDE4}/32", "dev", "eth0")
    net.attacker.ip("address", "add", f"{OUTSIDE6}/128", "dev", "eth0", "nodad")
    net.attacker.ip("route", "add", "203.0.113.0/24", "via", net.GATEWAY4)
    net.attacker.ip("route", "add", "2001:db8:b::/64", "via", net.GATEWAY6)
    for gateway in (net.CLIENT_GATEWAY4, net.CLIENT_GATEWAY6):
        net.client.ip("route", "add", "default", "via", gateway)
    for address in (OUTSIDE4, OUTSIDE6):
        net.gateway.ip("neighbour", "replace", address, "lladdr", net.attacker_mac, "dev", "eth0", "nud", "permanent")


def wait_limited(daemon, address, classes):
    rule = wait_until(lambda: next((r for r in daemon.ask("rules") if r["address"] == address and r["action"] == "limit"
                                    and classes in r["class"]), None), 10, f"{address} is limited")
    assert rule["evidence"] == "unproven"
    return rule


def assert_held(net, flood, **traffic):
    """The flood goes on, and no more of it arrives than the limit lets pass."""
    counter = net.pass_counter()
    before, start, drops = counter.read(), time.monotonic(), net.xdp()["drops"]
    time.sleep(SECONDS)
    passed, seconds = counter.read() - before, time.monotonic() - start
    assert net.xdp()["drops"] - drops > 1000 * SECONDS, "the flood does not go on"
    assert passed <= PPS * (seconds + 1) * 1.2 + 40, f"{passed} in {seconds:.1f} s"
    assert passed >= PPS / 5, f"all of it is stopped but {passed} in {seconds:.1f} s"  # a busy machine sends in bursts
    return net.blast_end(flood)


@pytest.mark.parametrize("tracked", [True, False])
def test_client_of_the_gateway(net, start, connect, tracked):
    """His connection ends here: own sockets tell, with or without connection tracking."""
    if tracked:
        track_connections(net)
    daemon = start(LIMITS)
    assert daemon.status()["evidence"] == ("conntrack" if tracked else "none")
    connection = connect(net.client, net.client4, net.gateway, net.CLIENT_GATEWAY4)
    flood = net.blast_start(src=net.client4, proto="syn", rate=5000, seconds=30)
    rule = wait_limited(daemon, net.client4, "syn")
    assert "connections with it exist" in rule["reason"]
    assert connection.works()
    assert_held(net, flood)
    assert connection.works()


@pytest.mark.parametrize("version", [4, 6])
def test_client_beyond_the_gateway(net, start, connect, version):
    """His connection is forwarded: the kernel's table of connections tells."""
    outside, inside = (OUTSIDE4, net.client4) if version == 4 else (OUTSIDE6, net.client6)
    track_connections(net)
    outside_client(net)
    daemon = start(LIMITS)
    connection = connect(net.attacker, outside, net.client, inside)
    flood = net.blast_start(src=outside, proto="syn", rate=5000, seconds=30)
    wait_limited(daemon, outside, "syn")
    assert connection.works()
    assert_held(net, flood)
    assert connection.works()


def test_server_that_the_inside_asked(net, start, connect):
    """The forged address is one that a host inside has opened a connection to."""
    track_connections(net)
    outside_client(net)
    daemon = start(LIMITS)
    connection = connect(net.client, net.client4, net.attacker, OUTSIDE4)
    flood = net.blast_start(src=OUTSIDE4, proto="udp", rate=5000, seconds=30)
    wait_limited(daemon, OUTSIDE4, "udp")
    assert connection.works()
    assert_held(net, flood)


def test_nobody_real(net, start):
    """Where the kernel tracks connections, those that the flood itself begins are no evidence for its source."""
    track_connections(net)
    daemon = start(LIMITS)
    flood = net.blast_start(src="198.51.100.90", proto="syn", rate=5000, seconds=30)
    assert daemon.wait_rule("198.51.100.90")["action"] == "drop"
    counter = net.pass_counter()
    time.sleep(SECONDS)
    assert daemon.rules()["198.51.100.90"]["action"] == "drop" and counter.read() == 0
    net.blast_end(flood)


def test_connections_held_for_immunity(net, start, connect, tmp_path):
    """An idle connection and one at sshd's login prompt narrow the block, they do not lift it."""
    daemon = start(LIMITS)
    start_sshd(net.gateway, tmp_path)
    idle = connect(net.attacker, net.attacker4, net.gateway, net.GATEWAY4)
    prompt = net.attacker.call(lambda: socket.create_connection((net.GATEWAY4, 22), 5))
    prompt.sendall(b"SSH-2.0-idle\r\n")
    for proto in ("syn", "udp"):
        flood = net.blast_start(proto=proto, rate=5000, seconds=30)
        wait_limited(daemon, net.attacker4, proto)
        assert_held(net, flood)
    assert daemon.sources()[net.attacker4]["state"] == "limited"
    assert idle.works()
    prompt.close()
