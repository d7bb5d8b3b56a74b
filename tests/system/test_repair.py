# SPDX-License-Identifier: GPL-2.0-or-later
"""What others take off an interface comes back, what an earlier run left on others goes."""
import re
import signal

import pytest

from daemon import merged, only, pins_of
from net import run, wait_until

LONG = merged(only(udp_flood=(500, 2)), {"response": {"block_seconds": 60, "unproven_block_seconds": 60}})
pytestmark = pytest.mark.short


def link_pin(net, interface):
    return next((p for p in pins_of(net.gateway) if p.name.startswith("link-") and p.name.endswith(f"-{interface}")), None)


def messages(daemon):
    return [event["message"] for event in daemon.events()]


def is_blocked(net, counter):
    before = counter.read()
    net.blast(proto="udp", count=10)
    return counter.read() == before


def test_fewer_interfaces_after_kill_9(net, start):
    """The next start watches eth0 alone: nothing of ours is on eth1 any more, and eth0 never let go."""
    daemon, counter = start(LONG), net.pass_counter()
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    wait_until(lambda: "-i eth1 -j FWGEN" in net.iptables(), 3, "the jump of eth1")
    daemon.stop(signal.SIGKILL)
    assert net.xdp_attached("eth0") and net.xdp_attached("eth1") and link_pin(net, "eth1")
    daemon.start("--iface", "eth0")
    assert net.xdp_attached("eth0") and link_pin(net, "eth0")
    assert not net.xdp_attached("eth1") and not link_pin(net, "eth1")
    assert is_blocked(net, counter)
    wait_until(lambda: "-i eth1 -j FWGEN" not in net.iptables() and "-i eth0 -j FWGEN" in net.iptables(), 3,
               "the jump of eth0 alone")
    assert [i["name"] for i in daemon.status()["interfaces"]] == ["eth0"]


def test_a_detached_program_comes_back(net, start):
    daemon, counter = start(LONG), net.pass_counter()
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    repairs = daemon.enforcers()["xdp"]["repairs"]
    run(["bpftool", "link", "detach", "pinned", link_pin(net, "eth0")])
    assert not net.xdp_attached("eth0")
    wait_until(lambda: net.xdp_attached("eth0"), 3, "the program is back")
    assert is_blocked(net, counter)
    wait_until(lambda: daemon.enforcers()["xdp"]["repairs"] == repairs + 1, 2, "the repair is counted")
    assert daemon.enforcers()["xdp"]["state"] == "enforced"
    assert sum("eth0 was not watched" in m and "attached anew" in m for m in messages(daemon)) == 1
    before = daemon.traffic()["packets"]
    net.blast(proto="udp", count=100)
    wait_until(lambda: daemon.traffic()["packets"] >= before + 100, 3, "its packets are counted again")


def test_an_interface_that_comes_back_is_watched(net, start):
    daemon = start(LONG)
    mac = net.gateway.mac("eth1")
    net.client.ip("link", "del", "eth0")
    wait_until(lambda: daemon.enforcers()["xdp"]["state"] == "unenforced", 5, "the daemon has noticed")
    assert any("there is no interface eth1" in m for m in messages(daemon))
    net.gateway.ip("link", "add", "eth1", "address", mac, "type", "veth", "peer", "name", "eth0", "netns",
                   net.client.name)
    net.gateway.ip("link", "set", "eth1", "up")
    net.client.ip("link", "set", "eth0", "up")
    wait_until(lambda: net.xdp_attached("eth1"), 1, "the program is on the new interface")
    wait_until(lambda: daemon.enforcers()["xdp"]["state"] == "enforced", 3, "all is enforced again")
    assert daemon.enforcers()["xdp"]["repairs"] == 1
    assert any("eth1 is watched again" in m for m in messages(daemon))
    before = daemon.traffic("eth1")["packets"]
    net.client.ip("addr", "add", "203.0.113.50/24", "dev", "eth0")
    net.client.ip("neigh", "replace", "203.0.113.99", "lladdr", mac, "dev", "eth0", "nud", "permanent")
    net.client.run("ping", "-c", "3", "-i", "0.2", "-W", "0.2", "203.0.113.99", check=False)
    wait_until(lambda: daemon.traffic("eth1")["packets"] > before, 3, "its packets are counted")


def test_anothers_program_is_left_alone_and_named_once(net, start, tmp_path):
    source = tmp_path / "pass.bpf.c"
    source.write_text('__attribute__((section("xdp"), used)) int others(void *c) { return 2; }\n')
    run(["clang", "-O2", "-target", "bpf", "-c", source, "-o", tmp_path / "pass.o"])
    daemon = start(LONG)
    daemon.process.send_signal(signal.SIGSTOP)  # it would be faster
    net.client.ip("link", "del", "eth0")
    net.gateway.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth0", "netns", net.client.name)
    net.gateway.run("ip", "link", "set", "dev", "eth1", "xdp", "obj", tmp_path / "pass.o", "sec", "xdp")
    daemon.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "already there" in daemon.enforcers()["xdp"].get("reason", ""), 6, "it says who is there")
    program = net.xdp_attached("eth1")
    wait_until(lambda: daemon.status()["uptime_s"] > 8, 10, "several looks")
    assert net.xdp_attached("eth1") == program
    assert sum("already there" in m for m in messages(daemon)) == 1
    net.gateway.run("ip", "link", "set", "dev", "eth1", "xdp", "off")
    wait_until(lambda: net.xdp_attached("eth1"), 5, "ours is back once there is room")


def test_what_another_version_left_is_taken_over(net, start):
    """Its maps cannot be read, its links can: the new program comes into their place, with the rules of the record."""
    daemon, counter = start(LONG), net.pass_counter()
    daemon.verb("block", net.attacker4, "--for", "5m")
    daemon.stop(signal.SIGUSR2)  # as --takeover asks it to
    folder = link_pin(net, "eth0").parent
    other = folder.rename(folder.with_name(re.sub(r"v\d+-", "v1-", folder.name)))
    flood = net.blast_start(proto="udp", rate=2000, count=4000)
    daemon.start()
    net.blast_end(flood)
    assert counter.read() == 0 and not other.exists()
    assert link_pin(net, "eth0").parent == folder and link_pin(net, "eth1")
    assert daemon.enforcers()["xdp"]["state"] == "enforced" and list(daemon.rules()) == [net.attacker4]
    assert daemon.off().returncode == 0 and not net.xdp_attached("eth0")
