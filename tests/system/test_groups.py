# SPDX-License-Identifier: GPL-2.0-or-later
"""Groups have limits of their own; services that are for some are closed to others, port by port."""
import signal
import socket
import time

import pytest

from daemon import limit, merged, only, set_members
from net import wait_until

pytestmark = pytest.mark.short
OFFICE, OTHER, FORGED = "198.51.100.70", "198.51.100.71", "198.51.100.99"


def group(name, sources, **limits):
    return {"name": name, "sources": sources, "detectors": {k: limit(*pair) for k, pair in limits.items()}}


def flood(net, source, count, **options):
    net.blast(src=source, proto="syn", rate=5000, count=count, **options)


def wait_counted(daemon, source, packets):
    """The packets are in a drained interval, so what follows from them has followed."""
    wait_until(lambda: daemon.sources().get(source, {}).get("packets", 0) >= packets, 15, f"{source} is counted")


def reload(daemon, config):
    before = len(daemon.events())
    daemon.configure(config)
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any(e["type"] == "config" for e in daemon.events()[:len(daemon.events()) - before]), 5,
               "the configuration is in force")


def test_higher_limits_for_an_office(net, start):
    config = only(syn_flood=(300, 10), port_scan=(20, 10))
    daemon = start({**config, "groups": [group("office", [OFFICE], syn_flood=(3000, 10), port_scan=(90, 10))]})
    for source, packets in ((OTHER, 1000), (OFFICE, 1000)):
        flood(net, source, packets, dport=80)
    assert daemon.wait_rule(OTHER)["limit_count"] == 300
    wait_counted(daemon, OFFICE, 1000)
    assert OFFICE not in daemon.rules()
    flood(net, OFFICE, 3000, dport=80)
    rule = daemon.wait_rule(OFFICE)
    assert rule["limit_count"] == 3000
    assert "(limit 3000 in 10 s, group office)" in rule["reason"]


def test_higher_limit_of_ports(net, start):
    config = only(port_scan=(20, 10))
    daemon = start({**config, "groups": [group("office", [OFFICE], port_scan=(90, 10))]})
    for source in (OTHER, OFFICE):
        flood(net, source, 50, dport=1000, dport_mode="list")
    assert daemon.wait_rule(OTHER)["detector"] == "port_scan"
    wait_counted(daemon, OFFICE, 50)
    assert OFFICE not in daemon.rules()


def test_lower_limit_wakes(net, start):
    """No interval ends in the time of this test: what is found is found by a wake-up."""
    config = merged(only(syn_flood=(5000, 60)), {"sensor": {"interval_ms": 10000, "wake_packets": 1000000}})
    daemon = start({**config, "groups": [group("strict", [OFFICE], syn_flood=(50, 20))]})
    began = time.monotonic()
    flood(net, OTHER, 100)
    flood(net, OFFICE, 100)
    rule = daemon.wait_rule(OFFICE, 5)
    assert time.monotonic() - began < 8
    assert rule["limit_count"] == 50 and "group strict" in rule["reason"]
    assert OTHER not in daemon.rules()


def test_reload_changes_who_is_in_a_group(net, start):
    """What was counted in the group is held against its source once it has left it."""
    config = only(syn_flood=(300, 60))
    daemon = start({**config, "groups": [group("office", [OFFICE], syn_flood=(5000, 60))]})
    flood(net, OFFICE, 1000)
    wait_counted(daemon, OFFICE, 1000)
    assert not daemon.rules()
    reload(daemon, {**config, "groups": [group("office", [OTHER], syn_flood=(5000, 60))]})
    flood(net, OFFICE, 10)
    assert daemon.wait_rule(OFFICE)["limit_count"] == 300
    flood(net, OTHER, 1000)
    wait_counted(daemon, OTHER, 1000)
    assert OTHER not in daemon.rules()


# ---- services


SERVER = """
import selectors, socket, sys
selector = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    selector.register(socket.create_server(("", port), backlog=50), selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        connection = key.fileobj.accept()[0]
        connection.sendall(b"hello")
        connection.close()
"""


@pytest.fixture
def served(net):
    """A server on the gateway's ports 22 and 8080 that greets whoever connects."""
    child = net.gateway.popen("/usr/bin/python3", "-c", SERVER, "22", "8080", stdout=-1)
    assert child.stdout.readline() == "ready\n"
    return net


def greeted(namespace, server, port, timeout=5):
    """Whether a connection came about and the server's greeting arrived."""
    def connect():
        try:
            with socket.create_connection((server, port), timeout) as s:
                return s.makefile("rb").read() == b"hello"
        except (TimeoutError, ConnectionError):
            return False

    return namespace.call(connect)


def services(net):
    return {"access": {"services": [{"protocol": "tcp", "port": 22, "from": [f"{net.client4}/32"]},
                                    {"protocol": "udp", "port": 161, "from": ["192.0.2.0/24"]}]}}


def assert_closed(net, counter_before, timeout=0.7):
    assert not greeted(net.attacker, net.GATEWAY4, 22, timeout)
    assert net.xdp()["drops"] > counter_before
    assert greeted(net.attacker, net.GATEWAY4, 8080)


def test_a_reserved_port_closes_for_outsiders(served, start):
    net, daemon = served, start({**only(unauthorized=(0, 60)), **services(served)})
    flood(net, FORGED, 20, dport=22)
    wait_counted(daemon, FORGED, 20)
    assert greeted(net.attacker, net.GATEWAY4, 8080)
    assert not daemon.rules()
    assert greeted(net.attacker, net.GATEWAY4, 22)
    rule = daemon.wait_rule(net.attacker4)
    assert (rule["detector"], rule["port"], rule["class"]) == ("unauthorized", 22, "syn,tcp")
    assert "--dport 22 -j DROP" in rule["command"]
    assert_closed(net, net.xdp()["drops"])
    wait_until(lambda: set_members(net, net.attacker4) == ["fwgen4-port"], 5, "iptables closes the port too")
    for _ in range(3):
        assert greeted(net.client, net.client_gateway4, 22)
    wait_counted(daemon, net.client4, 3)
    assert set(daemon.rules()) == {net.attacker4}


def test_iptables_alone_closes_the_port(served, start):
    net = served
    daemon = start({**only(unauthorized=(0, 60)), **services(net), "response": {"enforcers": ["iptables"]}})
    assert greeted(net.attacker, net.GATEWAY4, 22)
    daemon.wait_rule(net.attacker4)
    wait_until(lambda: set_members(net, net.attacker4) == ["fwgen4-port"], 5, "the set has it")
    assert not greeted(net.attacker, net.GATEWAY4, 22, 0.7)
    assert greeted(net.attacker, net.GATEWAY4, 8080)
    assert net.xdp()["drops"] == 0


def test_udp_and_the_next_run(served, start):
    """Both rules of one source outlive a killed daemon, each with its port."""
    net, daemon = served, start({**only(unauthorized=(0, 60)), **services(served)})
    net.blast(proto="udp", dport=161, count=2)
    wait_until(lambda: [r["port"] for r in daemon.ask("rules")] == [161], 10, "a rule for the UDP port")
    assert greeted(net.attacker, net.GATEWAY4, 22)
    wait_until(lambda: {r["port"] for r in daemon.ask("rules")} == {22, 161}, 10, "a rule for the TCP port")
    wait_until(lambda: len(daemon.query("select id from rules where port > 0")) == 2, 10, "both are stored")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert {r["port"] for r in daemon.ask("rules")} == {22, 161}
    assert_closed(net, net.xdp()["drops"])
