# SPDX-License-Identifier: GPL-2.0-or-later
"""What stays and what goes: signals, kill -9, the next start, `fwgen off`."""
import datetime
import os
import select
import signal
import time

import pytest

from daemon import bpf_alive, merged, only, pins_of, set_members
from net import wait_until

LONG = merged(only(udp_flood=(500, 2)), {"response": {"block_seconds": 60, "unproven_block_seconds": 60}})
pytestmark = pytest.mark.short


def block_attacker(net, daemon):
    net.blast(proto="udp", rate=10000, count=3000)
    rule = daemon.wait_rule(net.attacker4)
    wait_until(lambda: set_members(net, net.attacker4), 2, "the address is in a set of iptables'")
    return rule


def passes(net, counter):
    before = counter.read()
    net.blast(proto="udp", count=10)
    return counter.read() > before


def assert_nothing_left(net, objects):
    text = net.iptables().lower()
    assert "fwgen" not in text, text
    assert not net.xdp_attached("eth0") and not net.xdp_attached("eth1")
    assert "clsact" not in net.disciplines()
    wait_until(lambda: not bpf_alive(objects), 5, f"the end of every BPF object ({bpf_alive(objects)} left)")
    assert not pins_of(net.gateway)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_signals_leave_nothing(net, start, number):
    rules_before = net.iptables()
    daemon, counter = start(LONG), net.pass_counter()
    block_attacker(net, daemon)
    assert net.xdp_attached("eth0") and pins_of(net.gateway)
    assert net.disciplines().count("clsact") == 2
    objects = daemon.bpf_objects()
    assert {kind for kind, _ in objects} >= {"map", "prog"}
    assert daemon.stop(number) == 0, daemon.log()
    assert_nothing_left(net, objects)
    assert not os.path.exists(daemon.socket_path)
    assert [name.partition(".")[2] for name in os.listdir("/run/fwgen") if str(net.gateway.inode()) in name] == ["last"]
    assert passes(net, counter)
    assert [line for line in net.iptables().splitlines() if line.startswith("-A")] == \
        [line for line in rules_before.splitlines() if line.startswith("-A")]
    assert daemon.query("select removed_why from rules") == [{"removed_why": "shutdown"}]


def test_others_rules_are_not_touched(net, start):
    net.gateway.run("iptables", "-t", "raw", "-A", "PREROUTING", "-s", "192.0.2.9", "-j", "DROP")
    net.gateway.run("ipset", "create", "mine", "hash:ip")
    daemon = start(LONG)
    block_attacker(net, daemon)
    assert daemon.stop() == 0
    text = net.iptables()
    assert "-A PREROUTING -s 192.0.2.9/32 -j DROP" in text and "create mine " in text and "fwgen" not in text.lower()


def test_on_exit_keep(net, start):
    daemon, counter = start(merged(LONG, {"response": {"on_exit": "keep"}})), net.pass_counter()
    block_attacker(net, daemon)
    assert daemon.stop() == 0
    assert not passes(net, counter) and set_members(net, net.attacker4) and net.xdp_attached()
    daemon.off()
    assert passes(net, counter)


def test_kill_9_deadline_ends_the_block(net, start):
    config = merged(LONG, {"response": {"block_seconds": 4, "unproven_block_seconds": 4}})
    daemon, counter = start(config), net.pass_counter()
    block_attacker(net, daemon)
    daemon.stop(signal.SIGKILL)
    assert not passes(net, counter) and set_members(net, net.attacker4)
    wait_until(lambda: passes(net, counter), 8, "the program itself lets packets pass after the deadline", every=0.1)
    wait_until(lambda: not set_members(net, net.attacker4), 4, "the set's own timeout ends the entry")


def test_kill_9_next_start_adopts(net, start):
    daemon, counter = start(LONG), net.pass_counter()
    rule = block_attacker(net, daemon)
    program = net.xdp_attached()
    daemon.stop(signal.SIGKILL)
    child = net.blast_start(proto="udp", rate=2000, seconds=60)
    sent_before = counter.read()
    time.sleep(1)  # so that a block begun anew would end visibly later than one that was adopted
    daemon.start()
    after = daemon.wait_rule(net.attacker4)
    net.blast_end(child)
    assert program and net.xdp_attached()
    assert counter.read() == sent_before, "packets passed while the daemon was away or came back"
    assert after["id"] == rule["id"] and after["created_at"] == rule["created_at"]
    assert set_members(net, net.attacker4)


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_start_restores_the_time_left(net, start):
    """No traffic this time: the block of before ends when it would have ended."""
    config = merged(LONG, {"response": {"block_seconds": 6, "unproven_block_seconds": 6}})
    daemon, counter = start(config), net.pass_counter()
    begun = time.monotonic()
    rule = block_attacker(net, daemon)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert abs(when(daemon.rules()[net.attacker4]["expires_at"]) - when(rule["expires_at"])) <= 0.01
    daemon.wait_no_rule(net.attacker4, 9)
    assert 5 < time.monotonic() - begun < 9
    assert passes(net, counter)


@pytest.mark.parametrize("how", ["gone", "corrupt", "another"])
def test_kill_9_and_the_database_is_lost(net, start, how):
    """Blocks go on with the time they have left, and with ids of their own, whatever became of their record."""
    config = merged(LONG, {"response": {"block_seconds": 30, "unproven_block_seconds": 30}})
    daemon, counter = start(config), net.pass_counter()
    rule = block_attacker(net, daemon)
    daemon.stop(signal.SIGKILL)
    if how == "gone":
        for path in daemon.folder.glob("network_security.db*"):
            path.unlink()
    elif how == "corrupt":
        for path in daemon.folder.glob("network_security.db-*"):
            path.unlink()
        daemon.database_path.write_bytes(b"no database at all" * 1000)
    else:
        daemon.database_path = daemon.folder / "another.db"
        daemon.configure(merged(config, {"storage": {"database": "another.db"}}))
    daemon.start()
    after = daemon.rules()[net.attacker4]
    assert abs(when(after["expires_at"]) - when(rule["expires_at"])) <= 0.1
    assert (after["origin"], after["evidence"], after["action"]) == ("detector", "unproven", "drop"), after
    assert "record is lost" in after["reason"] and after["id"] >= rule["id"]
    assert not passes(net, counter)
    wait_until(lambda: set_members(net, net.attacker4), 3, "the address is in a set of iptables' again")
    wait_until(lambda: daemon.query("select address from rules where removed_at is null"), 3, "a record of it")
    net.blast(proto="udp", rate=10000, count=3000, src="192.0.2.77")
    fresh = daemon.wait_rule("192.0.2.77")
    assert fresh["id"] > after["id"]
    wait_until(lambda: len(daemon.query("select id from rules")) == 2, 3, "a row for each")


def test_off(net, start):
    """With a running daemon, with a dead one, and with nothing there."""
    daemon, counter = start(LONG), net.pass_counter()
    block_attacker(net, daemon)
    objects = daemon.bpf_objects()
    daemon.stop(signal.SIGKILL)
    assert set_members(net, net.attacker4) and not passes(net, counter)
    assert daemon.off().returncode == 0
    assert_nothing_left(net, objects)
    assert not [name for name in os.listdir("/run/fwgen") if str(net.gateway.inode()) in name]
    assert passes(net, counter)
    again = daemon.off()
    assert again.returncode == 0, again.stderr


def test_off_when_the_daemon_hangs(net, start):
    daemon, counter = start(LONG), net.pass_counter()
    block_attacker(net, daemon)
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        assert daemon.off().returncode == 0
        assert not net.xdp_attached() and "fwgen" not in net.iptables().lower()
        assert passes(net, counter)
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_off_of_one_interface(net, start):
    """A running daemon goes on with the other, keeps its blocks, and does not repair what was asked for."""
    daemon, counter = start(LONG), net.pass_counter()
    block_attacker(net, daemon)
    done = daemon.off("--iface", "eth1")
    assert done.returncode == 0, done.stderr
    assert net.xdp_attached("eth0") and not net.xdp_attached("eth1")
    assert not any(p.name.endswith("-eth1") for p in pins_of(net.gateway))
    assert "-i eth0 -j FWGEN" in net.iptables() and "-i eth1 -j FWGEN" not in net.iptables()
    assert not passes(net, counter) and set_members(net, net.attacker4)
    before = daemon.status()["uptime_s"]
    wait_until(lambda: daemon.status()["uptime_s"] > before + 5, 8, "several looks of daemon and helper")
    assert not net.xdp_attached("eth1") and "-i eth1 -j FWGEN" not in net.iptables()
    assert {e["name"]: e["state"] for e in daemon.status()["enforcers"]} == {"xdp": "enforced", "iptables": "standby"}
    assert any("eth1 is not watched any more" in e["message"] for e in daemon.events())
    net.blast(proto="udp", rate=10000, count=3000, src="192.0.2.77")
    daemon.wait_rule("192.0.2.77")
    wait_until(lambda: set_members(net, "192.0.2.77"), 3, "iptables is kept up to date")
    assert daemon.off("--iface", "eth0").returncode == 0
    daemon.process.wait(5)
    assert not net.xdp_attached("eth0") and "fwgen" not in net.iptables().lower() and not pins_of(net.gateway)


def test_off_of_one_interface_without_a_daemon(net, start):
    daemon = start(LONG)
    daemon.stop(signal.SIGKILL)
    refused = daemon.off("--iface", "nosuch0")
    assert refused.returncode == 69 and "nosuch0" in refused.stderr
    assert net.xdp_attached("eth0") and net.xdp_attached("eth1")
    assert daemon.off("--iface", "eth1").returncode == 0
    assert net.xdp_attached("eth0") and not net.xdp_attached("eth1")
    assert "-i eth0 -j FWGEN" in net.iptables() and "-i eth1 -j FWGEN" not in net.iptables()
    assert daemon.off("--iface", "eth0,eth1").returncode == 0
    assert not net.xdp_attached("eth0") and "fwgen" not in net.iptables().lower() and not pins_of(net.gateway)


def helper_of(daemon):
    """Its only child."""
    for task in os.listdir(f"/proc/{daemon.process.pid}/task"):
        with open(f"/proc/{daemon.process.pid}/task/{task}/children") as children:
            for pid in children.read().split():
                return int(pid)
    raise AssertionError("no helper")


def test_off_ends_the_helper_too(net, start):
    """Both were stopped (Ctrl-Z): the helper must not come back to life and repair what off removed."""
    daemon = start(LONG)
    block_attacker(net, daemon)
    helper = helper_of(daemon)
    ended = os.pidfd_open(helper)
    os.kill(helper, signal.SIGSTOP)
    daemon.process.send_signal(signal.SIGSTOP)
    done = daemon.off()
    try:
        assert done.returncode == 0, done.stderr
        assert select.select([ended], [], [], 0)[0], "the helper lives"
        assert "fwgen" not in net.iptables().lower()
    finally:
        os.close(ended)
        daemon.process.kill()
        daemon.process.wait()


def test_off_ends_an_orphaned_helper(net, start):
    """Its daemon was killed while it stood in the middle of something."""
    daemon = start(LONG)
    helper = helper_of(daemon)
    ended = os.pidfd_open(helper)
    os.kill(helper, signal.SIGSTOP)
    daemon.stop(signal.SIGKILL)
    done = daemon.off()
    assert done.returncode == 0 and "helper" in done.stdout, done
    assert select.select([ended], [], [], 0)[0], "the helper lives"
    os.close(ended)
    assert "fwgen" not in net.iptables().lower()
