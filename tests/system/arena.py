# SPDX-License-Identifier: GPL-2.0-or-later
"""One gateway and one daemon, with the limits that fwgen ships with, for many stories: each comes from an address of
its own, so that what one of them gets blocked for is nothing to the next."""
import itertools
import pathlib
import subprocess
import sys

from daemon import Daemon
from net import Net, wait_until

SERVERS = str(pathlib.Path(__file__).resolve().parent / "servers.py")
LEARNING_SECONDS = 11  # from the start on, what nobody asked for may have been asked for before
ELSEWHERE4, ELSEWHERE6 = "192.0.2.0/24", "2001:db8:e::/64"  # behind the gateway, as far as the attacker knows


class Arena:
    def __init__(self, config=None):
        self.net, self.daemon, self._numbers = Net(), None, itertools.count(1)
        try:
            self.daemon = Daemon(self.net, config).start()
            self.counter = self.net.pass_counter()
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.daemon:
            self.daemon.close()
        self.net.close()

    # ---- who

    def outsider(self, version=4):
        """A new address on the attacker's wire, which everything started there uses from now on."""
        number = next(self._numbers)
        net = self.net
        address = f"198.51.100.{100 + number}" if version == 4 else f"2001:db8:a::{number + 0x100:x}"
        gateway, elsewhere, full = (net.GATEWAY4, ELSEWHERE4, 32) if version == 4 else (net.GATEWAY6, ELSEWHERE6, 128)
        net.attacker.ip("address", "add", f"{address}/{full}", "dev", "eth0", *(["nodad"] if version == 6 else []))
        net.gateway.ip("neighbour", "replace", address, "lladdr", net.attacker_mac, "dev", "eth0", "nud", "permanent")
        net.attacker.ip("route", "replace", f"{gateway}/{full}", "dev", "eth0", "src", address)
        net.attacker.ip("route", "replace", elsewhere, "via", gateway, "dev", "eth0", "src", address)
        return address

    def wait_learned(self):
        """Until fwgen has seen enough of what leaves to tell what nobody asked for."""
        wait_until(lambda: self.daemon.status()["uptime_s"] > LEARNING_SECONDS, LEARNING_SECONDS + 5, "learning ends", every=0.2)

    # ---- what happens to them

    def attack(self, source, *command, seconds=30):
        """Lets the tool run until its source is blocked, at most so long; returns the rule."""
        tool = self.net.attacker.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return self.daemon.wait_rule(source, seconds)
        finally:
            tool.terminate()
            tool.wait()

    def assert_stopped(self, source, count=200):
        """Nothing of the source passes any more, whatever it is."""
        passed, before = self.counter.read(), self.net.xdp()["drops"]
        for traffic in ({"proto": "udp", "dport": 33333}, {"proto": "ack"}, {"proto": "icmp"}):
            self.net.blast(src=source, count=count, rate=20000, **traffic)
        wait_until(lambda: self.net.xdp()["drops"] - before >= 3 * count, 5, f"{3 * count} packets dropped by XDP")
        assert self.counter.read() == passed, f"packets of {source} passed"

    def assert_caught(self, source, *command, by, seconds=30):
        """The tool's source is blocked by one of these detectors, and then nothing of it passes; returns the rule."""
        rule = self.attack(source, *command, seconds=seconds)
        assert rule["detector"] in by, f"{rule['detector']}: {rule['reason']}"
        assert rule["action"] == "drop" and rule["observed"] > rule["limit_count"]
        self.assert_stopped(source)
        return rule

    def assert_unharmed(self, address, packets):
        """At least so many packets of the address were judged, all of them passed, nothing is held against it."""
        def judged():
            source = self.daemon.sources(100000).get(address)
            return source if source and source["packets"] >= packets else None

        source = wait_until(judged, 5, f"{packets} packets of {address} are counted")
        rules = [rule["reason"] for name, rule in self.daemon.rules().items() if name == address]
        assert not rules and source["dropped"] == 0, f"{address}: {rules or source}"

    # ---- servers

    def serve(self, namespace, *arguments):
        """A server of servers.py, once it is ready."""
        server = namespace.popen(sys.executable, "-B", SERVERS, *arguments, stdout=subprocess.PIPE)
        assert server.stdout.readline() == "ready\n", f"{arguments} did not start"
        return server
