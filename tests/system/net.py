# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces for the system tests: a gateway, an attacker and a client, joined by veth pairs.

Nothing of the machine's own network is touched: every interface is created inside a namespace whose
name starts with fwg-. What fwgen dropped or let pass is read from outside of fwgen: the driver's own
XDP counters (ethtool -S) and a packet socket behind the XDP program (PassCounter).
"""
import ctypes
import itertools
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_ATTACH_FILTER, ETH_P_ALL = 26, 3
_numbers = itertools.count(1)
_libc = ctypes.CDLL(None, use_errno=True)


def wait_until(condition, timeout=10.0, what="the condition", every=0.01):
    """Waits for a true value of condition() and returns it; fails the test after timeout seconds."""
    scale = float(os.environ.get("FWGEN_TIMEOUT_SCALE", "1"))
    end = time.monotonic() + timeout * scale
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout * scale:g} s")
        time.sleep(every)


def run(command, check=True, timeout=60, **more):
    """A command to its end, output as text; the error names command and its stderr."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, **more)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()}")
    return done


class Namespace:
    """One network namespace. Commands enter it by nsenter, since `ip netns exec` hides mounts."""

    def __init__(self, role):
        self.name = f"fwg-{os.environ.get('FWGEN_TEST_ID', os.getpid())}-{next(_numbers)}-{role}"
        self.path = f"/run/netns/{self.name}"
        self.children = []
        run(["ip", "netns", "add", self.name])
        for key in ("all", "default"):
            self.sysctl(**{f"ipv6/conf/{key}/accept_dad": 0, f"ipv6/conf/{key}/router_solicitations": 0,
                           f"ipv6/conf/{key}/addr_gen_mode": 1, f"ipv4/conf/{key}/rp_filter": 0})
        self.ip("link", "set", "lo", "up")

    def enter(self, *command):
        return ["nsenter", f"--net={self.path}", "--", *map(str, command)]

    def run(self, *command, **more):
        return run(self.enter(*command), **more)

    def popen(self, *command, **more):
        child = subprocess.Popen(self.enter(*command), text=True, **more)
        self.children.append(child)
        return child

    def ip(self, *arguments):
        return run(["ip", "-n", self.name, *arguments]).stdout

    def sysctl(self, **values):
        self.run("sh", "-c", "; ".join(f"echo {value} > /proc/sys/net/{key}" for key, value in values.items()))

    def call(self, function):
        """Runs function in a thread that has entered the namespace; sockets made there stay in it."""
        result = []

        def body():
            try:
                with open(self.path, "rb") as netns:
                    if _libc.setns(netns.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                result.append((function(), None))
            except BaseException as error:  # handed to the caller below
                result.append((None, error))

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        value, error = result[0]
        if error:
            raise error
        return value

    def mac(self, interface="eth0"):
        return json.loads(run(["ip", "-n", self.name, "-j", "link", "show", interface]).stdout)[0]["address"]

    def inode(self):
        return os.stat(self.path).st_ino

    def delete(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream:
                    stream.close()
        run(["ip", "netns", "del", self.name], check=False)


class PassCounter:
    """Counts what comes out of the XDP program: a packet socket, from one hardware address to the interface's own.

    The kernel counts packets that find the socket's buffer full too, so the count is exact at any rate.
    """

    def __init__(self, namespace, interface, source_mac):
        own, peer = (bytes.fromhex(mac.replace(":", "")) for mac in (namespace.mac(interface), source_mac))
        load_word, load_half, jump_equal, give = 0x20, 0x28, 0x15, 0x06
        program = [
            (load_word, 0, 0, 6), (jump_equal, 0, 7, int.from_bytes(peer[:4], "big")),
            (load_half, 0, 0, 10), (jump_equal, 0, 5, int.from_bytes(peer[4:], "big")),
            (load_word, 0, 0, 0), (jump_equal, 0, 3, int.from_bytes(own[:4], "big")),
            (load_half, 0, 0, 4), (jump_equal, 0, 1, int.from_bytes(own[4:], "big")),
            (give, 0, 0, 1), (give, 0, 0, 0),
        ]
        code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
        buffer = ctypes.create_string_buffer(code)
        filter_ = struct.pack("HP", len(program), ctypes.addressof(buffer))

        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filter_)
            s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.bind((interface, ETH_P_ALL))
            return s

        self.socket = namespace.call(make)
        self.total = 0

    def read(self):
        """Packets since the counter was made; the kernel's own count is cleared by reading."""
        packets, _ = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.total += packets
        return self.total

    def close(self):
        self.socket.close()


class Net:
    """gateway, attacker, client.

    Direct (default): gateway eth0 is the attacker's wire, eth1 the client's. Shared: both are on one
    Ethernet segment (a bridge in a namespace of its own) with the gateway's eth0.
    """

    GATEWAY4, GATEWAY6 = "198.51.100.1", "2001:db8:a::1"
    CLIENT_GATEWAY4, CLIENT_GATEWAY6 = "203.0.113.1", "2001:db8:b::1"
    ROUTER4 = "198.51.100.254"

    def __init__(self, shared=False):
        self.shared, self.counters, self.namespaces = shared, [], []
        try:
            self._build(shared)
        except BaseException:
            self.close()
            raise

    def _namespace(self, role):
        namespace = Namespace(role)
        self.namespaces.append(namespace)
        return namespace

    def _build(self, shared):
        self.gateway, self.attacker, self.client = (self._namespace(r) for r in ("gateway", "attacker", "client"))
        if shared:
            switch = self._namespace("switch")
            switch.ip("link", "add", "br0", "type", "bridge")
            for i, namespace in enumerate((self.gateway, self.attacker, self.client)):
                self._wire(namespace, "eth0", switch, f"port{i}")
                switch.ip("link", "set", f"port{i}", "master", "br0")
            switch.ip("link", "set", "br0", "up")
            self.client4, self.client6 = "198.51.100.20", "2001:db8:a::20"
            self.client_gateway4, self.client_gateway6 = self.GATEWAY4, self.GATEWAY6
            self.interfaces, client_side = ["eth0"], "eth0"
        else:
            self._wire(self.gateway, "eth0", self.attacker, "eth0")
            self._wire(self.gateway, "eth1", self.client, "eth0")
            self.client4, self.client6 = "203.0.113.20", "2001:db8:b::20"
            self.client_gateway4, self.client_gateway6 = self.CLIENT_GATEWAY4, self.CLIENT_GATEWAY6
            self.interfaces, client_side = ["eth0", "eth1"], "eth1"
        self.attacker4, self.attacker6 = "198.51.100.66", "2001:db8:a::66"
        addresses = [
            (self.gateway, "eth0", self.GATEWAY4, self.GATEWAY6), (self.attacker, "eth0", self.attacker4, self.attacker6),
            (self.client, "eth0", self.client4, self.client6),
        ]
        if not shared:
            addresses.append((self.gateway, "eth1", self.CLIENT_GATEWAY4, self.CLIENT_GATEWAY6))
        for namespace, interface, v4, v6 in addresses:
            namespace.ip("address", "add", f"{v4}/24", "dev", interface)
            namespace.ip("address", "add", f"{v6}/64", "dev", interface, "nodad")
        self.gateway_mac, self.attacker_mac = self.gateway.mac("eth0"), self.attacker.mac()
        self._neighbours(self.attacker, "eth0", self.gateway_mac, self.GATEWAY4, self.GATEWAY6)
        self._neighbours(self.gateway, "eth0", self.attacker_mac, self.attacker4, self.attacker6, self.ROUTER4)
        self._neighbours(self.client, "eth0", self.gateway.mac(client_side), self.client_gateway4, self.client_gateway6)
        self._neighbours(self.gateway, client_side, self.client.mac(), self.client4, self.client6)
        self.gateway.ip("route", "add", "default", "via", self.ROUTER4)

    @staticmethod
    def _wire(a, a_name, b, b_name):
        a.ip("link", "add", a_name, "type", "veth", "peer", "name", b_name, "netns", b.name)
        for namespace, name in ((a, a_name), (b, b_name)):
            namespace.run("ethtool", "-K", name, "gro", "off", "gso", "off", "tso", "off", "tx", "off", "rx", "off",
                          check=False)
            namespace.ip("link", "set", name, "up")

    @staticmethod
    def _neighbours(namespace, interface, mac, *addresses):
        for address in addresses:
            namespace.ip("neighbour", "replace", address, "lladdr", mac, "dev", interface, "nud", "permanent")

    # ---- what happened, seen from outside of fwgen

    def xdp(self, interface="eth0"):
        """The driver's own count of packets given to XDP, and of those dropped by it."""
        text = self.gateway.run("ethtool", "-S", interface).stdout
        total = {"packets": 0, "drops": 0, "ring": 0}
        for queue_value in re.finditer(r"rx_queue_\d+_(xdp_packets|xdp_drops|drops): (\d+)", text):
            key = {"xdp_packets": "packets", "xdp_drops": "drops", "drops": "ring"}[queue_value[1]]
            total[key] += int(queue_value[2])
        return total

    def pass_counter(self, source_mac=None, interface="eth0"):
        counter = PassCounter(self.gateway, interface, source_mac or self.attacker_mac)
        self.counters.append(counter)
        return counter

    def iptables(self):
        """Every rule and set of the gateway, as text."""
        parts = [self.gateway.run(command, check=False).stdout for command in ("iptables-save", "ip6tables-save")]
        return "\n".join(parts + [self.gateway.run("ipset", "save", check=False).stdout])

    def xdp_attached(self, interface="eth0"):
        link = json.loads(run(["ip", "-n", self.gateway.name, "-j", "-d", "link", "show", interface]).stdout)[0]
        return link.get("xdp", {}).get("prog", {}).get("id") or None

    def disciplines(self):
        """The gateway's queueing disciplines as tc shows them."""
        return self.gateway.run("tc", "qdisc", "show").stdout

    # ---- traffic

    def _blast_command(self, options):
        source = str(options.get("src", self.attacker4))
        defaults = {"iface": "eth0", "src": source, "src-mac": self.attacker_mac, "dst-mac": self.gateway_mac,
                    "dst": self.GATEWAY6 if ":" in source else self.GATEWAY4}
        command = [os.environ["FWGEN_BLAST"]]
        for key, value in {**defaults, **{k.replace("_", "-"): v for k, v in options.items()}}.items():
            command += [f"--{key}"] if value is True else [f"--{key}", str(value)]
        return command

    def blast(self, timeout=120, **options):
        """Runs the generator in the attacker's namespace to its end; returns what it says it sent."""
        return json.loads(self.attacker.run(*self._blast_command(options), timeout=timeout).stdout)

    def blast_start(self, **options):
        return self.attacker.popen(*self._blast_command(options), stdout=subprocess.PIPE)

    @staticmethod
    def blast_end(child, timeout=60):
        """Stops a generator that blast_start began; returns what it says it sent."""
        if child.poll() is None:
            child.terminate()
        return json.loads(child.communicate(timeout=timeout)[0])

    def send_frames(self, frames, rate=0):
        """Sends frames made by packets.py from the attacker's wire; rate in frames a second, 0: no pause."""
        s = self.attacker.call(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
        with s:
            self.attacker.call(lambda: s.bind(("eth0", 0)))
            start = time.monotonic()
            for i, frame in enumerate(frames):
                while rate and (time.monotonic() - start) * rate < i:
                    time.sleep(min(0.002, 1 / rate))
                self._send_frame(s, frame)

    @staticmethod
    def _send_frame(s, frame):
        while True:
            try:
                s.send(frame)
                return
            except OSError as error:
                if error.errno != 105:  # ENOBUFS: the wire is full, again
                    raise

    def close(self):
        for counter in self.counters:
            counter.close()
        for namespace in self.namespaces:
            namespace.delete()
