# SPDX-License-Identifier: GPL-2.0-or-later
"""SIGHUP: a good configuration is taken over whole, a bad one leaves the old in force and says why."""
import signal

import pytest

from daemon import merged, only, set_members
from net import wait_until

pytestmark = pytest.mark.short


def test_good_config_is_taken_over(net, start):
    daemon = start(only(udp_flood=(1000000, 2)))
    net.blast(proto="udp", rate=10000, count=3000)
    wait_until(lambda: daemon.traffic()["packets"] >= 3000, 5)
    assert not daemon.rules()
    program = net.xdp_attached()
    daemon.configure(only(udp_flood=(500, 2)))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any(e["type"] == "config" for e in daemon.events()), 5, "an event about the configuration")
    net.blast(proto="udp", rate=10000, count=3000)
    assert daemon.wait_rule(net.attacker4)["limit_count"] == 500
    assert net.xdp_attached() == program


def test_bad_config_is_refused(net, start):
    config = only(udp_flood=(500, 2))
    daemon = start(config)
    daemon.config_path.write_text(daemon.config_path.read_text().replace('"udp_flood"', '"udp_fload"'))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "udp_fload" in daemon.log(), 5, "the log names the unknown detector")
    net.blast(proto="udp", rate=10000, count=3000)
    assert daemon.wait_rule(net.attacker4)["limit_count"] == 500


def test_mode_and_protected_set_follow(net, start):
    config = only(udp_flood=(500, 2))
    daemon, counter = start({**config, "mode": "observe"}), net.pass_counter()
    daemon.configure({**config, "mode": "enforce"})
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.status()["mode"] == "enforce", 5)
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    daemon.configure(merged(config, {"access": {"allow": [net.attacker4]}}))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_no_rule(net.attacker4, 5)
    before = counter.read()
    net.blast(proto="udp", count=100)
    assert counter.read() - before == 100


def test_enforcing_after_observing_is_kept_up(net, start):
    """The helper that comes with the mode is told what is wanted: a set that somebody empties is filled again."""
    config = only(udp_flood=(500, 2))
    daemon = start({**config, "mode": "observe"})
    daemon.configure({**config, "mode": "enforce"})
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.status()["mode"] == "enforce", 5)
    daemon.verb("block", net.attacker4, "--for", "5m")
    wait_until(lambda: set_members(net, net.attacker4), 3, "the block in its set")
    net.gateway.run("ipset", "flush")
    wait_until(lambda: set_members(net, net.attacker4), 5, "the block back in its set")
    wait_until(lambda: daemon.enforcers()["iptables"]["repairs"] == 1, 3, "the repair is counted")


def test_observe_mode_on_trial_lifts_blocks_for_its_time_only(net, start):
    config = only(udp_flood=(500, 2))
    daemon = start(config)
    assert daemon.verb("block", "198.51.100.64/26", "--for", "10m").returncode == 0
    before = daemon.rules()["198.51.100.64"]
    daemon.configure({**config, "mode": "observe"})
    assert daemon.verb("reload", "--confirm", "2s").returncode == 0
    assert daemon.status()["mode"] == "observe" and not daemon.rules()
    wait_until(lambda: daemon.status()["mode"] == "enforce", 10, "the configuration before comes back")
    after = daemon.rules()["198.51.100.64"]
    assert (after["id"], after["expires_at"]) == (before["id"], before["expires_at"])
    wait_until(lambda: set_members(net, "198.51.100.65"), 10, "iptables has it again")
    counter = net.pass_counter()
    passed = counter.read()
    net.blast(src="198.51.100.65", proto="udp", count=100)
    assert counter.read() == passed
    sql = "SELECT removed_at FROM rules WHERE id = ?"
    wait_until(lambda: daemon.query(sql, after["id"])[0]["removed_at"] is None, 5, "the record has it too")
