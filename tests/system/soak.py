#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`make soak`: minutes of mixed load; the daemon's memory and descriptors must stay flat.

Usage: soak.py [SECONDS]   (600). Prints a line every ten seconds and exits 1 when something grew.
"""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from daemon import Daemon, merged, only  # noqa: E402
from net import Net  # noqa: E402

MEMORY_SLACK = 1.10  # of what it came to when windows and tables were full
CONFIG = merged(only(packet_flood=(20000, 4), syn_flood=(200, 2), udp_flood=(2000, 1), icmp_flood=(500, 2), port_scan=(20, 10)),
                {"response": {"block_seconds": 5, "unproven_block_seconds": 5}, "sensor": {"table_buckets": 8192, "memory_mb": 256}})


def load(net, seconds):
    """A random flood at a bearable rate, heavy sources that are blocked and come back, scans, quiet ones."""
    mixed = [
        {"src": "2001:db8::/32", "src_mode": "random", "proto": "udp", "rate": 50000},
        {"src": "198.18.0.1", "src_mode": "list", "sources": 100, "proto": "syn", "rate": 20000},
        {"src": "198.19.0.1", "src_mode": "list", "sources": 50, "proto": "syn", "dport_mode": "list", "rate": 2000},
        {"src": "2001:db8:77::/64", "src_mode": "random", "proto": "icmp", "rate": 5000},
        {"src": "203.0.113.100", "src_mode": "list", "sources": 5000, "proto": "ack", "rate": 5000},
    ]
    return [net.blast_start(seconds=seconds, **one) for one in mixed]


def measure(daemon):
    return daemon.memory_kb(), daemon.open_files()


def soak(seconds, say=print, every=10):
    """Runs the load; returns what grew, as text, or "" when all is flat."""
    net = Net()
    daemon = Daemon(net, CONFIG)
    try:
        daemon.start()
        children, begun = load(net, seconds), time.monotonic()
        settled, settled_files, seen, tracked = 0, 0, (0, 0), -1
        while any(child.poll() is None for child in children):
            time.sleep(min(every, seconds / 20))
            seen = measure(daemon)
            status = daemon.status()
            filling = status["tracked_sources"] > tracked
            tracked = max(tracked, status["tracked_sources"])
            if filling or time.monotonic() - begun < seconds / 4:
                settled, settled_files = max(settled, seen[0]), max(settled_files, seen[1])
            say(f"{time.monotonic() - begun:5.0f} s: {seen[0]} KiB, {seen[1]} descriptors, {status['tracked_sources']} sources, "
                f"{len(daemon.rules())} rules")
        eth0 = daemon.traffic()
        if eth0["packets"] != eth0["attributed"] + eth0["unattributed"]:
            return f"packets that are neither attributed nor unattributed: {eth0}"
        if not eth0["dropped"]:
            return "nothing was dropped: this was no load"
        if seen[0] > settled * MEMORY_SLACK + 1024:
            return f"memory grew from {settled} to {seen[0]} KiB"
        if filling:
            return f"the tracker was still filling up after {seconds} s: {tracked} sources"
        if seen[1] > settled_files:
            return f"descriptors grew from {settled_files} to {seen[1]}"
        return "" if daemon.stop() == 0 else "the daemon did not end well"
    finally:
        daemon.close()
        net.close()


if __name__ == "__main__":
    if "FWGEN_BLAST" not in os.environ:
        from conftest import build_blast

        os.environ["FWGEN_BLAST"] = str(build_blast())
    wrong = soak(int(sys.argv[1]) if len(sys.argv) > 1 else 600, say=lambda line: print(line, flush=True))
    print(wrong or "flat: memory and descriptors")
    sys.exit(1 if wrong else 0)
