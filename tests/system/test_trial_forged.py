# SPDX-License-Identifier: GPL-2.0-or-later
"""Ten thousand forged sources, quiet ones and ones that are over a limit, keep no real attacker from being blocked."""
import time

import pytest

import trial
from conftest import FULL
from daemon import merged, only
from net import wait_until

FORGED = 10000
SECONDS = 30 if FULL else 8  # that the attacker goes on for once he is blocked: longer than a block
TIMES = 3 if FULL else 1
ROOM = 1000
BLOCKS = {"response": {"unproven_block_seconds": 6, "max_unproven_blocks": ROOM}}
FORMS = {
    # few packets of each: none is over a limit
    "quiet": (only(udp_flood=(200, 2), port_scan=(20, 10)), 200),
    # each is over a limit, by a quarter
    "loud": (only(udp_flood=(10, 5), port_scan=(20, 10)), 25000),
}
ATTACKS = {"udp": {"proto": "udp", "rate": 1000}, "scan": {"proto": "syn", "dport": 1, "dport_mode": "list", "rate": 200}}
MAC = "02:00:00:00:00:{:02x}"


@pytest.mark.parametrize("form, attack", [("quiet", "scan"), ("loud", "scan"), ("loud", "udp")])
def test_forged_sources(net, start, form, attack):
    config, rate = FORMS[form]
    daemon, until_blocked, passed = start(merged(config, BLOCKS), interfaces=["eth0"]), [], []
    forged = net.blast_start(src="198.18.0.0", src_mode="list", sources=FORGED, proto="udp", rate=rate, seconds=3600)
    if form == "loud":
        wait_until(lambda: daemon.status()["active_rules"] >= ROOM, 30, "all room is taken", every=0.1)
    for i in range(TIMES):
        source, mac = f"192.0.2.{i + 1}", MAC.format(i + 1)
        counter, begun = net.pass_counter(source_mac=mac), time.monotonic()
        attacker = net.blast_start(src=source, src_mac=mac, seconds=3600, **ATTACKS[attack])
        rule = daemon.wait_rule(source, 5)
        until_blocked.append(time.monotonic() - begun)
        before = counter.read()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert daemon.status()["active_rules"] <= ROOM
            time.sleep(0.5)
        passed.append(counter.read() - before)
        assert daemon.rules()[source]["id"] == rule["id"], "it is no longer the same block"
        net.blast_end(attacker)
    net.blast_end(forged)
    name = f"{FORGED} forged, {form}; {attack}"
    trial.figure(name, "from the first packet to the block", until_blocked, "s", "5 s")
    trial.figure(name, "packets that passed a block while he went on", passed, "", "0")
    assert not any(passed)
