# SPDX-License-Identifier: GPL-2.0-or-later
"""Interfaces come, go and change their names while fwgen watches them, or while it is away."""
import re
import signal

import pytest

from daemon import merged, only, pins_of, set_members
from net import Namespace, run, wait_until

LONG = merged(only(udp_flood=(500, 2)), {"response": {"block_seconds": 60, "unproven_block_seconds": 60}})
pytestmark = pytest.mark.short


def rename(net, old, new):
    net.gateway.ip("link", "set", old, "down")
    net.gateway.ip("link", "set", old, "name", new)
    net.gateway.ip("link", "set", new, "up")


def add_wire(net, name):
    """A new interface of the gateway; its other end is the client's."""
    net.gateway.ip("link", "add", name, "type", "veth", "peer", "name", f"to-{name}", "netns", net.client.name)
    net.gateway.ip("link", "set", name, "up")
    net.client.ip("link", "set", f"to-{name}", "up")


def jumps(net):
    return set(re.findall(r"-A PREROUTING -i (\S+) -j FWGEN", net.gateway.run("iptables-save", "-t", "raw").stdout))


def link_pins(net):
    return sorted(p.name.split("-", 2)[2] for p in pins_of(net.gateway) if p.name.startswith("link-"))


def has_filter(net, interface):
    return "fwgen_egress" in net.gateway.run("tc", "filter", "show", "dev", interface, "egress").stdout


def names(daemon):
    return [i["name"] for i in daemon.status()["interfaces"]]


def told(daemon, text):
    return any(text in event["message"] for event in daemon.events())


def is_healthy(daemon):
    return {e["name"]: e["state"] for e in daemon.status()["enforcers"]} == {"xdp": "enforced", "iptables": "standby"}


def test_a_renamed_interface_is_followed(net, start):
    """It stays watched under its new name, which may have a dot; a new interface of the old name takes its place."""
    daemon = start(LONG)
    program = net.xdp_attached("eth1")
    rename(net, "eth1", "lan.100")
    wait_until(lambda: names(daemon) == ["eth0", "lan.100"], 1, "the new name")
    assert net.xdp_attached("lan.100") == program and told(daemon, "eth1 is called lan.100 now")
    wait_until(lambda: jumps(net) == {"eth0", "lan.100"}, 3, "jumps of the new name")
    assert has_filter(net, "lan.100")
    wait_until(lambda: is_healthy(daemon), 3, "all is enforced under the new name")
    add_wire(net, "eth1")
    wait_until(lambda: names(daemon) == ["eth0", "eth1"], 1, "the new eth1")
    assert net.xdp_attached("eth1") and not net.xdp_attached("lan.100")
    assert has_filter(net, "eth1") and not has_filter(net, "lan.100")
    wait_until(lambda: jumps(net) == {"eth0", "eth1"}, 3, "jumps of the new interface")
    assert told(daemon, "eth1 is another interface now") and link_pins(net) == ["eth0", "eth1"]
    wait_until(lambda: is_healthy(daemon), 3, "all is enforced")


def test_exchanged_names(net, start):
    """Both are watched all the time, and the next start finds each by the name that it has then."""
    daemon, counter = start(LONG), net.pass_counter()
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    programs = net.xdp_attached("eth0"), net.xdp_attached("eth1")
    rename(net, "eth0", "tmp0")
    rename(net, "eth1", "eth0")
    rename(net, "tmp0", "eth1")
    wait_until(lambda: names(daemon) == ["eth1", "eth0"], 1, "the new names")
    assert (net.xdp_attached("eth1"), net.xdp_attached("eth0")) == programs
    wait_until(lambda: is_healthy(daemon), 3, "all is enforced")
    passed = counter.read()
    net.blast(proto="udp", count=10)
    assert counter.read() == passed, "packets of a blocked source passed"
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert names(daemon) == ["eth0", "eth1"] and link_pins(net) == ["eth0", "eth1"]
    assert net.xdp_attached("eth0") and net.xdp_attached("eth1") and "not on" not in daemon.log()


def test_renamed_while_the_daemon_was_dead(net, start):
    """Watched under its new name it is taken over without a gap; not watched any more it is let go."""
    daemon, counter = start(LONG), net.pass_counter()
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    daemon.stop(signal.SIGKILL)
    rename(net, "eth0", "wan0")
    program = net.xdp_attached("wan0")
    child, passed = net.blast_start(proto="udp", rate=2000, seconds=60), counter.read()
    daemon.start("--iface", "wan0,eth1")
    wait_until(lambda: net.xdp_attached("wan0") != program, 2, "the new program on the old link")
    net.blast_end(child)
    assert counter.read() == passed, "packets of a blocked source passed"
    assert "wan0 was called eth0 in the run before" in daemon.log() and link_pins(net) == ["eth1", "wan0"]
    daemon.stop(signal.SIGKILL)
    rename(net, "wan0", "old0")
    add_wire(net, "wan0")
    daemon.start("--iface", "wan0,eth1")
    assert net.xdp_attached("wan0") and not net.xdp_attached("old0") and not has_filter(net, "old0")
    assert "off 1 other interface" in daemon.log() and link_pins(net) == ["eth1", "wan0"]


def test_an_interface_that_leaves_the_namespace(net, start):
    """It takes no program of ours along, and is watched again once it is back."""
    daemon, elsewhere = start(LONG), Namespace("elsewhere")
    net.namespaces.append(elsewhere)
    net.gateway.ip("link", "set", "eth1", "netns", elsewhere.name)
    wait_until(lambda: daemon.enforcers()["xdp"]["state"] == "unenforced", 1, "the daemon has noticed")
    assert "xdp" not in elsewhere.ip("link", "show", "eth1")
    elsewhere.ip("link", "set", "eth1", "netns", net.gateway.name)
    net.gateway.ip("link", "set", "eth1", "up")
    wait_until(lambda: is_healthy(daemon), 1, "it is watched again")
    assert net.xdp_attached("eth1") and has_filter(net, "eth1") and names(daemon) == ["eth0", "eth1"]


def test_off_of_an_interface_with_another_name(net, start):
    """fwgen off takes the name that it has now; and the configuration's of one that is gone."""
    daemon = start(LONG)
    rename(net, "eth1", "lan0")
    wait_until(lambda: jumps(net) == {"eth0", "lan0"}, 3, "jumps of the new name")
    done = daemon.off("--iface", "lan0")
    assert done.returncode == 0, done.stderr
    assert net.xdp_attached("eth0") and not net.xdp_attached("lan0") and not has_filter(net, "lan0")
    assert jumps(net) == {"eth0"} and link_pins(net) == ["eth0"]
    assert told(daemon, "lan0 is not watched any more")


def test_off_of_an_interface_that_is_gone(net, start):
    daemon = start(LONG)
    net.gateway.ip("link", "del", "eth1")
    wait_until(lambda: daemon.enforcers()["xdp"]["state"] == "unenforced", 1, "the daemon has noticed")
    assert daemon.off("--iface", "eth1").returncode == 0
    add_wire(net, "eth1")
    wait_until(lambda: told(daemon, "eth1 is not watched any more"), 3, "it lets go")
    wait_until(lambda: is_healthy(daemon), 3, "all is enforced")
    assert not net.xdp_attached("eth1") and jumps(net) == {"eth0"}


def test_no_restore(net, start):
    """What the run before blocked ends: in the kernel, in iptables and in the record."""
    daemon, counter = start(LONG), net.pass_counter()
    for end, source in (signal.SIGKILL, net.attacker4), (signal.SIGTERM, "192.0.2.77"):
        net.blast(proto="udp", rate=10000, count=3000, src=source)
        rule = daemon.wait_rule(source)
        wait_until(lambda: set_members(net, source), 2, "the address is in a set of iptables'")
        daemon.stop(end)
        daemon.start("--no-restore")
        assert not daemon.rules() and told(daemon, "--no-restore")
        wait_until(lambda: not set_members(net, source), 3, "iptables' sets are empty")
        passed = counter.read()
        net.blast(proto="udp", count=10, src=source)
        assert counter.read() == passed + 10
        row = wait_until(lambda: daemon.query("select * from rules where id = ? and removed_at is not null", rule["id"]), 3)
        assert row[0]["removed_why"] == "manual"
        net.blast(proto="udp", rate=10000, count=3000, src=source)
        daemon.wait_rule(source)  # who goes on is blocked as anybody else
        daemon.stop()
        daemon.start("--no-restore")
        daemon.stop()
        daemon.start()
        assert not daemon.rules(), "the next start brings nothing back"


def test_off_after_a_clean_stop_knows_the_database(net, start, tmp_path):
    """Typed anywhere, without its options: rules that the next start would bring back end in the record."""
    daemon = start(LONG)
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    assert daemon.stop() == 0
    done = run(daemon.command("off"), cwd=tmp_path)
    assert f"rules ended in {daemon.database_path}: 1" in done.stdout, done.stdout
    daemon.start()
    assert not daemon.rules()


def test_off_tells_of_a_filter_that_stays(net, start):
    daemon = start(LONG)
    daemon.stop(signal.SIGKILL)
    done = run(daemon.command("off", prefix=("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")), check=False)
    assert done.returncode == 71, done
    assert "tc filter off the egress of eth0" in done.stderr and "not everything could be removed" in done.stdout
    assert daemon.off().returncode == 0 and not has_filter(net, "eth0")
