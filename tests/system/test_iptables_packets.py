# SPDX-License-Identifier: GPL-2.0-or-later
"""iptables alone (no XDP drop): what of each kind of block passes, counted behind it packet by packet; with ipset and
without."""
import re

import pytest

from net import wait_until
from plant import plant

ALONE = {"response": {"enforcers": ["iptables"]}}
COUNT = 300
ALL, SYN, PORT, LIMIT, NET, FREE = (f"198.51.100.{100 + i}" for i in range(6))
RULES = [
    {"address": ALL},
    {"address": SYN, "class": "syn"},
    {"address": PORT, "class": "udp", "port": 53},
    {"address": LIMIT, "class": "udp", "action": "limit", "limit_pps": 50},
    {"address": "198.51.100.104", "prefix_len": 31},
    {"address": "2001:db8:a::100", "prefix_len": 128, "class": "icmp"},
]
NET, FREE = "198.51.100.105", "198.51.100.110"
SOURCES = [ALL, SYN, PORT, LIMIT, NET, FREE]


class Behind:
    """Counters in table mangle, which packets reach after raw."""

    def __init__(self, net):
        self.net = net
        for source in SOURCES:
            net.gateway.run("iptables", "-t", "mangle", "-A", "PREROUTING", "-s", source)
        net.gateway.run("ip6tables", "-t", "mangle", "-A", "PREROUTING", "-s", "2001:db8:a::100", "-p", "icmpv6")
        net.gateway.run("ip6tables", "-t", "mangle", "-A", "PREROUTING", "-s", "2001:db8:a::100", "-p", "udp")

    def counts(self):
        text = "".join(self.net.gateway.run(program, "-t", "mangle", "-c").stdout
                       for program in ("iptables-save", "ip6tables-save"))
        return {(m[2] + (m[3] or "")): int(m[1])
                for m in re.finditer(r"^\[(\d+):\d+\] -A PREROUTING -s (\S+?)/\d+( -p \S+)?$", text, re.M)}

    def passing(self, source, more="", **traffic):
        """How many of COUNT packets come through."""
        before = self.counts()[source + more]
        sent = self.net.blast(src=source, count=COUNT, rate=20000, **traffic)["sent"]
        assert sent == COUNT
        return self.counts()[source + more] - before


def assert_blocks_work(net, behind):
    assert behind.passing(FREE, proto="udp") == COUNT
    assert behind.passing(ALL, proto="udp") == 0 == behind.passing(ALL, proto="syn") == behind.passing(ALL, proto="icmp")
    assert behind.passing(NET, proto="udp") == 0
    assert behind.passing(SYN, proto="syn") == 0 and behind.passing(SYN, proto="udp") == COUNT
    assert behind.passing(PORT, proto="udp", dport=53) == 0 and behind.passing(PORT, proto="udp", dport=54) == COUNT
    assert 50 <= behind.passing(LIMIT, proto="udp") < 150 and behind.passing(LIMIT, proto="syn") == COUNT
    assert behind.passing("2001:db8:a::100", " -p ipv6-icmp", proto="icmp") == 0
    assert behind.passing("2001:db8:a::100", " -p udp", proto="udp") == COUNT
    assert net.xdp()["drops"] == 0, "XDP dropped nothing"


HIDE_IPSET = ("unshare", "--mount", "--propagation", "private", "sh", "-c",
              "mount --bind /dev/null /usr/sbin/ipset && exec \"$@\"", "sh")


@pytest.mark.parametrize("without_ipset", [False, True], ids=["sets", "without-ipset"])
def test_what_passes(net, start, without_ipset):
    daemon, behind = start(ALONE, run=False), Behind(net)
    plant(daemon, RULES)
    daemon.start(prefix=HIDE_IPSET if without_ipset else ())
    state = wait_until(lambda: e if (e := daemon.enforcers()["iptables"])["state"] == "enforced" and
                       e["rules"] == len(RULES) else None, 5, "iptables enforces")
    assert list(daemon.enforcers()) == ["iptables"]
    assert ("without ipset (it is not installed)" in state.get("reason", "")) == without_ipset
    assert bool(net.gateway.run("ipset", "list", "-n").stdout) != without_ipset
    assert_blocks_work(net, behind)
    daemon.stop()
    assert "FWGEN" not in net.iptables() and "create fwgen" not in net.iptables()
    assert behind.passing(ALL, proto="udp") == COUNT
