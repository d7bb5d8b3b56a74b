# SPDX-License-Identifier: GPL-2.0-or-later
"""Many blocks: a handful of iptables rules for all of them, and back in force at once after a restart.

20,000 in the short form, 100,000 under FWGEN_FULL=1. Prints what it measured.
"""
import re
import signal
import time

import pytest

import daemon as daemon_module
from conftest import FULL
from net import run, wait_until
from plant import numbered, plant

COUNT = 100000 if FULL else 20000
RULES_MAX = 12
# What the blocks may add to a start without any, whose time is that of loading the programs.
APPLIED_S, ENFORCED_S = 2.0, 1.0
# On a machine that does something else besides; the figures are printed.
SLACK = 3 if daemon_module.SANITIZED else 1 if FULL else 2


def rules_of(net, family):
    """Ours: what is in the chain, and the jumps to it."""
    text = net.gateway.run(f"{family}-save", "-t", "raw", check=False).stdout
    return re.findall(r"^-A (?:FWGEN .*|PREROUTING .*-j FWGEN)$", text, re.M)


def start_timed(daemon, count=COUNT):
    """Seconds from the start of the process until all is in force everywhere."""
    begun = time.monotonic()
    daemon.start(wait=False)

    def in_force():
        try:
            enforcers = daemon.enforcers()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return enforcers["xdp"]["state"] == "enforced" and enforcers["iptables"]["state"] == "standby" and all(
            e["rules"] == count for e in enforcers.values())

    wait_until(in_force, 30, f"{count} blocks in force")
    return time.monotonic() - begun


@pytest.fixture
def planted(start):
    daemon = start(run=False)
    daemon.empty_s = start_timed(daemon, 0)
    daemon.stop()
    plant(daemon, [{"address": address} for address in numbered(COUNT)])
    return daemon


def test_many_blocks(net, planted):
    daemon = planted
    applied = start_timed(daemon)
    for family in ("iptables", "ip6tables"):
        assert 0 < len(rules_of(net, family)) <= RULES_MAX
    counts = {family: len(rules_of(net, family)) for family in ("iptables", "ip6tables")}
    daemon.stop(signal.SIGKILL)
    restarted = start_timed(daemon)
    repairs = {e["name"]: e["repairs"] for e in daemon.enforcers().values()}
    print(f"\n{COUNT} blocks: rules {counts}; a start without blocks {daemon.empty_s:.2f} s; from a start with "
          f"empty sets in force after {applied:.2f} s; after kill -9 and a start on what stands {restarted:.2f} s")
    assert repairs == {"xdp": 0, "iptables": 0}
    assert applied - daemon.empty_s < APPLIED_S * SLACK
    assert restarted - daemon.empty_s < ENFORCED_S * SLACK


def test_a_restart_writes_nothing_that_stands(net, planted):
    """Deadlines in the kernel are as before, and no member was written twice: their counters go on."""
    daemon = planted
    start_timed(daemon)
    source = numbered(COUNT)[-1]
    net.gateway.run("ipset", "add", "-exist", "fwgen4", source, "timeout", "3600", "packets", "7", "comment",
                    str(COUNT))
    daemon.stop(signal.SIGKILL)
    start_timed(daemon)
    saved = net.gateway.run("ipset", "save", "fwgen4").stdout
    assert re.search(rf"^add fwgen4 {source} .*packets 7 ", saved, re.M)
    assert len(re.findall("^add ", saved, re.M)) == COUNT
