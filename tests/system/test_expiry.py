# SPDX-License-Identifier: GPL-2.0-or-later
"""A block ends by itself everywhere, and lasts as long as the attack does."""
import time

import pytest

from daemon import merged, only, set_members
from net import wait_until

SHORT = merged(only(udp_flood=(500, 2)), {"response": {"block_seconds": 3, "unproven_block_seconds": 3}})


def passes(net, counter, **traffic):
    before = counter.read()
    net.blast(count=1, **traffic)
    return counter.read() > before


@pytest.mark.short
@pytest.mark.parametrize("version", [4, 6])
def test_block_ends(net, start, version):
    daemon, counter = start(SHORT), net.pass_counter()
    traffic = {"proto": "udp", "src": net.attacker4 if version == 4 else net.attacker6}
    net.blast(rate=10000, count=3000, **traffic)
    begun = time.monotonic()
    rule = daemon.wait_rule(traffic["src"])
    wait_until(lambda: set_members(net, traffic["src"]), 2, "the address is in a set of iptables'")
    assert not passes(net, counter, **traffic)
    wait_until(lambda: passes(net, counter, **traffic), 6, "packets pass again", every=0.1)
    assert time.monotonic() - begun > 2
    daemon.wait_no_rule(traffic["src"], 3)
    wait_until(lambda: not set_members(net, traffic["src"]), 3, "the address left iptables' sets")
    row = wait_until(lambda: daemon.query("select * from rules where id = ? and removed_at is not null", rule["id"]), 3)
    assert row[0]["removed_why"] == "expired"


def test_block_is_renewed_while_it_goes_on(net, start):
    daemon, counter = start(SHORT), net.pass_counter()
    child = net.blast_start(proto="udp", rate=5000, seconds=40)
    rule = daemon.wait_rule(net.attacker4)
    passed = wait_until(lambda: net.xdp()["drops"] and counter.read())
    before = net.xdp()["drops"]
    wait_until(lambda: net.xdp()["drops"] - before > 30000, 15, "the flood goes on for two block times", every=0.2)
    assert counter.read() == passed, "packets passed while the attack went on"
    now = daemon.rules()[net.attacker4]
    assert now["id"] == rule["id"] and now["expires_at"] > rule["expires_at"]
    net.blast_end(child)
    daemon.wait_no_rule(net.attacker4, 8)


def test_an_old_scan_is_not_held_against_a_later_packet(net, start):
    """Nor is it when the window is far longer than the block: evidence leads to one block."""
    daemon, counter = start(merged(SHORT, only(port_scan=(20, 900)))), net.pass_counter()
    net.blast(proto="syn", dport=1, dport_mode="list", count=100, rate=2000)
    daemon.wait_rule(net.attacker4)
    daemon.wait_no_rule(net.attacker4, 8)
    before = daemon.sources()[net.attacker4]["packets"]
    assert passes(net, counter, proto="syn", dport=443)
    wait_until(lambda: daemon.sources()[net.attacker4]["packets"] > before, 5, "the packet is judged")
    assert net.attacker4 not in daemon.rules()
    assert passes(net, counter, proto="syn", dport=443)
    net.blast(proto="syn", dport=1, dport_mode="list", count=100, rate=2000)
    daemon.wait_rule(net.attacker4)
