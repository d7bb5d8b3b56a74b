# SPDX-License-Identifier: GPL-2.0-or-later
"""Thousands of quiet sources: while there is room, every packet has its source."""
from conftest import FULL
from net import wait_until


def test_every_packet_of_5000_quiet_sources_is_attributed(net, start):
    seconds = 60 if FULL else 10
    daemon = start({"sensor": {"table_buckets": 8192, "memory_mb": 256}})
    sent = net.blast(src="198.18.0.1", src_mode="list", sources=5000, proto="syn", dport=443, rate=5000,
                     count=5000 * seconds)["sent"]
    received = net.xdp()["packets"]
    assert received >= sent
    eth0 = wait_until(lambda: daemon.traffic()["packets"] >= received and daemon.traffic(), 5, "everything is counted")
    assert eth0["attributed"] == eth0["packets"] == received and eth0["unattributed"] == 0
    assert eth0["blind_below_pps"] == 0
    assert daemon.status()["tracked_sources"] >= 5000
    assert not daemon.rules(), "quiet sources were blocked"
