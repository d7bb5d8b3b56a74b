# SPDX-License-Identifier: GPL-2.0-or-later
"""kill -9 at random moments: what blocks, what is recorded and what `rules` says agree after the next start; without
one, blocks end by themselves in time."""
import random
import signal
import statistics
import time

import trial
from conftest import FULL
from daemon import merged, only
from net import wait_until

TIMES = 200 if FULL else 20
ROUNDS = 20 if FULL else 1
SOURCES = 40
CONFIG = merged(only(udp_flood=(100, 1), syn_flood=(100, 1), port_scan=(20, 10)),
                {"response": {"block_seconds": 20, "unproven_block_seconds": 20}})


def load(net):
    """Attackers of many kinds who go on, beside a flood from everywhere."""
    mixed = [
        {"src": "198.18.0.1", "src_mode": "list", "sources": 20, "proto": "udp", "rate": 5000},
        {"src": "2001:db8:77::1", "src_mode": "list", "sources": 20, "proto": "syn", "rate": 5000},
        {"src": "198.19.0.1", "src_mode": "list", "sources": 10, "proto": "syn", "dport_mode": "list", "rate": 1000},
        {"src": "2001:db8::/32", "src_mode": "random", "proto": "udp", "rate": 10000},
    ]
    return [net.blast_start(seconds=3600, **one) for one in mixed]


def test_kill_9_and_start(net, start):
    daemon, children, taken, counts = start(CONFIG, interfaces=["eth0"]), load(net), [], []
    wait_until(lambda: len(daemon.rules()) >= 50, 10, "all attackers who go on are blocked")
    generator = random.Random(1)  # the same moments in each run, as far as the machine allows
    for i in range(TIMES):
        burst = net.blast_start(src=f"198.18.{1 + i % 250}.1", src_mode="list", sources=20, proto="udp", rate=20000, count=6000)
        time.sleep(generator.uniform(0, 0.7))
        daemon.stop(signal.SIGKILL)
        if generator.random() < 0.2:  # some die while they start
            daemon.start(wait=False)
            time.sleep(generator.uniform(0, 0.4))
            daemon.stop(signal.SIGKILL)
        begun = time.monotonic()
        daemon.start()
        taken.append(time.monotonic() - begun)
        for child in [*children, burst]:
            child.send_signal(signal.SIGSTOP)
        found = []

        def agree():
            found[:] = trial.disagreements(net, daemon)
            return not found

        try:
            wait_until(agree, 5, "kernel, database and rules agree", every=0.2)
        except AssertionError as error:
            raise AssertionError(f"kill number {i + 1}: {error}: {len(found)} differences: {found[:10]}") from None
        counts.append(len(daemon.rules()))
        for child in [*children, burst]:
            child.send_signal(signal.SIGCONT)
        net.blast_end(burst)
    trial.figure("kill -9 under load", "from start to the answer; all agree", taken, "s", "-")
    trial.figure("kill -9 under load", "rules that were compared", counts, "", "-")
    assert statistics.median(counts) >= 40, "this was no load"
    for child in children:
        net.blast_end(child)


def test_nothing_stays_blocked(net, start):
    """The daemon is dead: XDP's deadlines and ipset's time-outs end each block, neither early nor a second late."""
    config = merged(CONFIG, {"response": {"block_seconds": 4, "unproven_block_seconds": 4}})
    late_xdp, late_both, early = [], [], []
    seen = trial.FirstSeen(net)
    daemon = start(config)
    for _ in range(ROUNDS):
        attack = net.blast_start(src="198.18.0.1", src_mode="list", sources=SOURCES, proto="udp", rate=20000, seconds=60)
        wait_until(lambda: len(daemon.rules()) == SOURCES, 10, "all are blocked")
        wait_until(lambda: len(trial.ipset_ends(net)) == SOURCES, 5, "all are in sets of iptables'")
        net.blast_end(attack)
        wait_until(lambda: not trial.disagreements(net, daemon), 3, "all agree")
        expires = {address: trial.when(rule["expires_at"]) for address, rule in daemon.rules().items()}
        daemon.stop(signal.SIGKILL)
        seen.forget()
        probe = net.blast_start(src="198.18.0.1", src_mode="list", sources=SOURCES, proto="udp", rate=SOURCES * 50, seconds=60,
                                batch=1)
        wait_until(lambda: len(seen.received) >= SOURCES, 12, "packets of all pass again")
        net.blast_end(probe)
        assert expires.keys() == seen.received.keys()
        late_xdp += [seen.behind_xdp[address] - at for address, at in expires.items()]
        late_both += [seen.received[address] - at for address, at in expires.items()]
        early += [at - seen.behind_xdp[address] for address, at in expires.items()]
        daemon.start("--no-restore")
    seen.close()
    trial.figure("kill -9, no restart", "end of a block in XDP, after its time", late_xdp, "s", "1 s")
    trial.figure("kill -9, no restart", "end of a block in XDP and iptables, after its time", late_both, "s", "1 s")
    assert max(late_xdp) < 1 and max(late_both) < 1.1, "blocked past its time"  # a probe comes each 20 ms
    assert max(early) < 0.1, "let through before its time"
