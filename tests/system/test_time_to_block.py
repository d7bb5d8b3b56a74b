# SPDX-License-Identifier: GPL-2.0-or-later
"""Milliseconds from the packet that crosses a limit to the first packet that XDP drops, and until iptables has the rule.

The generator notes the send time of every packet. What passed is counted behind XDP; since nothing passes
once the block is there, packet number passed + 1 is the first that was dropped.
"""
import array
import datetime
import statistics
import time

import pytest

from conftest import FULL
from daemon import only, set_members
from net import wait_until

RUNS = 15 if FULL else 7
KINDS = {
    "packet_flood": ((2100, 2), {"proto": "udp"}),  # not near a power of two, which wakes anyway
    "syn_flood": ((300, 2), {"proto": "syn"}),
    "port_scan": ((20, 10), {"proto": "syn", "dport": 1, "dport_mode": "list"}),
}
RATE = 50000  # fast enough to cross within an interval as a rule
XDP_MS, IPTABLES_MS = 50, 200  # ten and two times the aim: without wake-ups it is an interval, 125 ms at the median


def block_time_ms(net, daemon, source, limit_count, traffic, folder):
    counter, times = net.pass_counter(), folder / "times"
    net.blast(src=source, rate=RATE, count=RATE, batch=1, cpu=0, times=times, **traffic)
    daemon.wait_rule(source)
    sent = array.array("q", times.read_bytes())
    passed = counter.read()
    counter.close()
    net.counters.remove(counter)
    assert limit_count < passed < len(sent), f"{passed} of {len(sent)} packets passed"
    return (sent[passed] - sent[limit_count]) / 1e6


@pytest.mark.parametrize("detector", KINDS)
def test_xdp(net, start, tmp_path, detector, capsys):
    limit, traffic = KINDS[detector]
    daemon = start(only(**{detector: limit}))
    taken = [block_time_ms(net, daemon, f"198.18.0.{i}", limit[0], traffic, tmp_path) for i in range(1, RUNS + 1)]
    with capsys.disabled():
        print(f"\n{detector}: from the crossing packet to the first drop in XDP: median {statistics.median(taken):.2f} ms, "
              f"worst {max(taken):.2f} ms of {RUNS}")
    assert statistics.median(taken) < XDP_MS


def test_iptables(net, start, capsys):
    """From the decision (created_at) to the address in iptables' set; polled, so a poll's time too long at most."""
    daemon, taken = start(only(syn_flood=(300, 2))), []
    for i in range(1, RUNS + 1):
        source = f"198.18.1.{i}"
        child = net.blast_start(src=source, proto="syn", rate=RATE, count=2000)
        wait_until(lambda: set_members(net, source), 10, "the address is in a set", every=0)
        now = time.time()
        net.blast_end(child)
        created = datetime.datetime.fromisoformat(daemon.rules()[source]["created_at"].replace("Z", "+00:00"))
        taken.append((now - created.timestamp()) * 1000)
    with capsys.disabled():
        print(f"\niptables: from the decision to the set: median {statistics.median(taken):.1f} ms, worst {max(taken):.1f} ms")
    assert statistics.median(taken) < IPTABLES_MS
