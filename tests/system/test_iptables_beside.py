# SPDX-License-Identifier: GPL-2.0-or-later
"""iptables alone (no XDP drop), beside other people's firewalls: what a blocked source has under way stops, on its way
to the gateway, through it and past DNAT, and nobody else's rule is touched."""
import shutil

import pytest

from conftest import FULL
from daemon import merged
from flavour import FLAVOURS, Flavour, missing
from flows import Flow, opens, passing
from net import Net, wait_until
from plant import plant
from rulesets import FIREWALLD, IPTABLES

ALONE = {"response": {"enforcers": ["iptables"]}}


@pytest.fixture
def router(net):
    """The attacker reaches the client through the gateway, and the other way round."""
    net.gateway.sysctl(**{"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1})
    net.attacker.ip("route", "add", "203.0.113.0/24", "via", net.GATEWAY4)
    net.client.ip("route", "add", "198.51.100.0/24", "via", net.CLIENT_GATEWAY4)
    net.attacker.ip("-6", "route", "add", "2001:db8:b::/64", "via", net.GATEWAY6)
    net.client.ip("-6", "route", "add", "2001:db8:a::/64", "via", net.CLIENT_GATEWAY6)
    return net


DNAT = "*nat\n-A PREROUTING -i eth0 -p tcp --dport 8080 -j DNAT --to-destination 203.0.113.20:80\nCOMMIT\n"
TARGETS = [(Net.GATEWAY4, 2222), ("203.0.113.20", 80), (Net.GATEWAY4, 8080)]
# Each with either iptables, in the long form.
BESIDE = [(flavour, theirs) for flavour in FLAVOURS for theirs in [*IPTABLES, "nothing"]
          if FULL or flavour == "nft" or theirs == "docker"]


def flows_of(net, forwarded6=False):
    flows = {
        "input": Flow(net.attacker, net.gateway, net.GATEWAY4, 2222, "0.0.0.0", 2222),
        "input6": Flow(net.attacker, net.gateway, net.GATEWAY6, 2222, "::", 2222),
        "forward": Flow(net.attacker, net.client, net.client4, 80, "0.0.0.0", 80),
        "dnat": Flow(net.attacker, net.client, net.GATEWAY4, 8080, "0.0.0.0", 80),
    }
    if forwarded6:
        flows["forward6"] = Flow(net.attacker, net.client, net.client6, 80, "::", 80)
    assert passing(flows) == set(flows)
    return flows


def blocks_of(net):
    return [{"address": net.attacker4}, {"address": net.attacker6, "prefix_len": 128}]


def assert_all_stops(net, daemon, flows):
    wait_until(lambda: daemon.enforcers()["iptables"]["state"] == "enforced", 5, "iptables enforces, and says so")
    assert list(daemon.enforcers()) == ["iptables"]
    assert not passing(flows)
    assert not opens(net.attacker, TARGETS)
    assert net.xdp()["drops"] == 0, "XDP dropped nothing: it was iptables"


def assert_goes_on(flows):
    for name, flow in flows.items():
        assert flow.arrives(20), f"{name}: what was held up comes through afterwards"
        flow.close()


def without_empty_raw(text):
    """An empty table raw is there once anybody has asked for it."""
    lines = text.splitlines()
    for family in ("iptables", "ip6tables"):
        empty = [f"{family} {line}" for line in ("*raw", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", "COMMIT")]
        for i in range(len(lines)):
            if lines[i:i + 4] == empty:
                del lines[i:i + 4]
                break
    return lines


@pytest.mark.parametrize("name,theirs", BESIDE)
def test_beside(router, start, tmp_path, name, theirs):
    if missing(name):
        pytest.skip(missing(name))
    net, daemon, flavour = router, start(ALONE, run=False), Flavour(router.gateway, name, tmp_path)
    flavour.load(*IPTABLES.get(theirs, (DNAT, "")))
    plant(daemon, blocks_of(net))
    before, flows = flavour.saved(), flows_of(net, forwarded6=theirs == "nothing")
    daemon.start(prefix=flavour.prefix())
    assert_all_stops(net, daemon, flows)
    assert "-j FWGEN" in flavour.saved(ours=True)
    assert without_empty_raw(flavour.saved()) == without_empty_raw(before)
    daemon.stop()
    assert without_empty_raw(flavour.saved()) == without_empty_raw(before) and not flavour.saved(ours=True)
    assert_goes_on(flows)


@pytest.mark.skipif(not shutil.which("nft"), reason="no nft here")
def test_beside_firewalld(router, start, tmp_path):
    net, daemon = router, start(ALONE, run=False)
    net.gateway.run("nft", "-f", "-", input=FIREWALLD)
    theirs = net.gateway.run("nft", "-s", "list", "table", "inet", "firewalld").stdout
    plant(daemon, blocks_of(net))
    flows = flows_of(net)
    daemon.start()
    assert_all_stops(net, daemon, flows)
    assert net.gateway.run("nft", "-s", "list", "table", "inet", "firewalld").stdout == theirs
    daemon.stop()
    assert net.gateway.run("nft", "-s", "list", "table", "inet", "firewalld").stdout == theirs
    assert_goes_on(flows)


def test_tracking_on_request(net, start):
    """The kernel of a plain box tracks connections once it is asked to, and until it is asked no more."""
    tracking = merged(ALONE, {"response": {"track_connections": True}})
    daemon = start(ALONE)

    def tracked():
        net.blast(proto="udp", count=1, dport=7777)
        return "dport=7777" in net.gateway.run("conntrack", "-L", check=False).stdout

    wait_until(lambda: daemon.enforcers()["iptables"]["state"] == "enforced", 5, "the rules are there")
    assert not tracked()
    daemon.configure(tracking)
    daemon.process.send_signal(1)
    wait_until(tracked, 5, "flows appear in conntrack")
    assert "-A FWGEN -m conntrack --ctstate UNTRACKED -j RETURN" in net.iptables()
    daemon.configure(ALONE)
    daemon.process.send_signal(1)
    wait_until(lambda: "UNTRACKED" not in net.iptables(), 5, "the rule is gone")
    net.gateway.run("conntrack", "-F", check=False)
    wait_until(lambda: not tracked(), 5, "nothing is tracked any more")
