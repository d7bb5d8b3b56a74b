# SPDX-License-Identifier: GPL-2.0-or-later
"""A hundred heavy sources inside a flood of random ones: all found, counted to 2 %, nothing unaccounted for."""
import statistics

from conftest import FULL
from daemon import merged, only
from net import wait_until

SECONDS = 10 if FULL else 4
HEAVY, RATE = 100, 1000


def test_heavy_sources_inside_a_random_flood(net, start):
    config = merged(only(packet_flood=(RATE * SECONDS // 2, 60)), {"sensor": {"table_buckets": 8192, "memory_mb": 256}, "mode": "observe"})
    daemon = start(config)
    flood = net.blast_start(src="2001:db8::/32", src_mode="random", proto="udp", seconds=60)
    sent = net.blast(src="198.18.0.1", src_mode="list", sources=HEAVY, proto="syn", rate=HEAVY * RATE,
                     count=HEAVY * RATE * SECONDS)
    noise = net.blast_end(flood)
    received = wait_until(lambda: net.xdp()["packets"])
    eth0 = wait_until(lambda: daemon.traffic()["packets"] >= received and daemon.traffic(), 10, "everything is counted")
    print(f"random flood {noise['pps']:.0f} pps, heavy {sent['pps']:.0f} pps; of {eth0['packets']} packets "
          f"{eth0['unattributed']} unattributed")
    assert eth0["packets"] == net.xdp()["packets"] == eth0["attributed"] + eth0["unattributed"]
    assert eth0["packets"] <= sent["sent"] + noise["sent"] + 50
    expected = sent["sent"] // HEAVY
    heavy = {f"198.18.0.{i}" for i in range(1, HEAVY + 1)}
    found = {e["source"] for e in daemon.query("select distinct source from events where detector = 'packet_flood'")}
    assert heavy <= found, f"not found: {sorted(heavy - found)}"
    counts = [source["packets"] for address, source in daemon.sources(100000).items() if address in heavy]
    assert len(counts) == HEAVY
    lost = [1 - count / expected for count in counts]
    print(f"lost of a heavy source's packets: median {statistics.median(lost):.3%}, worst {max(lost):.3%}")
    assert max(lost) <= 0.02 and min(lost) >= 0
