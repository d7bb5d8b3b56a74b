# SPDX-License-Identifier: GPL-2.0-or-later
"""run --takeover under a flood: not one packet of a blocked source gets through, neither past XDP nor past iptables."""
import subprocess
import time

import pytest

import trial
from conftest import FULL
from daemon import merged, only, set_members
from net import wait_until

TIMES = 20 if FULL else 3
MAC = "02:00:00:00:00:01"  # the blocked source's packets are told from others by it


@pytest.mark.parametrize("enforcers", [["xdp"], ["xdp", "iptables"]], ids="+".join)
def test_takeovers(net, start, enforcers):
    daemon = start(merged(only(udp_flood=(500, 2)), {"response": {"enforcers": enforcers, "block_seconds": 60,
                                                                  "unproven_block_seconds": 60}}))
    counter, seen, taken = net.pass_counter(source_mac=MAC), trial.FirstSeen(net), []
    flood = [net.blast_start(proto="udp", src_mac=MAC, rate=20000, seconds=3600),
             net.blast_start(proto="syn", src="2001:db8::/32", src_mode="random", rate=20000, seconds=3600)]
    daemon.wait_rule(net.attacker4)
    if "iptables" in enforcers:
        wait_until(lambda: set_members(net, net.attacker4), 3, "the address is in a set of iptables'")
    passed = wait_until(counter.read, 1, "the first packets passed")
    wait_until(lambda: net.xdp()["drops"] > 1000, 5, "the flood is dropped")
    seen.forget()
    dropped = net.xdp()["drops"]
    for _ in range(TIMES):
        old, begun = daemon.process, time.monotonic()
        daemon.start("--takeover", wait=False)
        assert old.wait(20) == 0
        wait_until(daemon._answers, 20, "the new daemon answers")
        taken.append(time.monotonic() - begun)
        assert daemon.rules()[net.attacker4]
        if "iptables" in enforcers:
            assert set_members(net, net.attacker4)
    through, stopped = counter.read() - passed, net.xdp()["drops"] - dropped
    for child in flood:
        net.blast_end(child)
    seen.close()
    assert stopped > 1000 * TIMES, "this was no flood"
    name = f"takeover, {'+'.join(enforcers)}"
    trial.figure(name, "packets of the blocked source that passed", [through], f"of {stopped}", "0")
    trial.figure(name, "from start to the answer", taken, "s", "-")
    assert not through and net.attacker4 not in seen.received


def test_only_one_at_a_time(net, start):
    """Without --takeover the second is refused, with its process and what would do."""
    daemon = start(only())
    refused = daemon.try_run()
    assert refused.returncode == 69 and f"process {daemon.process.pid}" in refused.stderr and "--takeover" in refused.stderr
    assert daemon.process.poll() is None
    # many who take over at the same moment: one is left
    heirs = [subprocess.Popen(daemon.command(*daemon.run_arguments("--takeover")), cwd=daemon.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
    try:
        assert daemon.process.wait(20) == 0
        wait_until(lambda: sum(heir.poll() is None for heir in heirs) == 1, 30, "one is left", every=0.1)
        daemon.process = next(heir for heir in heirs if heir.poll() is None)
        wait_until(daemon._answers, 10, "it answers")
    finally:
        for heir in heirs:
            if heir is not daemon.process and heir.poll() is None:
                heir.kill()
            if heir is not daemon.process:
                heir.wait()
