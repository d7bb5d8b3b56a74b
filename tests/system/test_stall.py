# SPDX-License-Identifier: GPL-2.0-or-later
"""iptables stands still (its lock held by somebody, its process or the helper stopped): the daemon does not. XDP drops
as fast as ever, no tick is late for it, status says what is not enforced, and iptables follows when it can again.

8 s, under FWGEN_FULL=1 60 s. Prints what it measured.
"""
import contextlib
import os
import pathlib
import signal
import statistics
import subprocess
import threading
import time

import pytest

from conftest import FULL
from daemon import merged, only
from flavour import Flavour, missing
from net import wait_until

STALL_S = 60 if FULL else 8
CONFIG = merged(only(udp_flood=(500, 2)), {"response": {"block_seconds": 120, "unproven_block_seconds": 120}})
FOLLOWS_S, INTERVAL_S = 8, 0.25


def sources(net, count):
    return [f"198.51.100.{100 + i}" for i in range(count)]


def until_dropped(net, source):
    """Seconds from the start of a flood to XDP's first drop."""
    before, begun = net.xdp()["drops"], time.monotonic()
    child = net.blast_start(proto="udp", src=source, rate=20000, seconds=20)
    wait_until(lambda: net.xdp()["drops"] > before, 5, f"{source} is dropped", every=0.002)
    took = time.monotonic() - begun
    net.blast_end(child)
    return took


def helper_of(daemon):
    children = pathlib.Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read_text().split()
    return next(int(pid) for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("fwgen-iptables"))


def in_kernel(net, source):
    return source in net.gateway.run("ipset", "save").stdout


class Ticks:
    """A trickle that every interval counts: how many of the intervals that there should be were seen, and the longest
    time that a count took to go on."""

    def __init__(self, net, daemon):
        self.net, self.daemon, self.longest, self.ending = net, daemon, 0.0, False
        self.seen = 0
        self.trickle = net.blast_start(proto="udp", src="198.51.100.50", rate=100, seconds=STALL_S + 60)
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        wait_until(lambda: self.daemon.traffic()["packets"], 5, "the first interval")
        counted, changed = 0, time.monotonic()
        self.begun = changed
        while not self.ending:
            packets, now = self.daemon.traffic()["packets"], time.monotonic()
            if packets != counted:
                self.longest = max(self.longest, now - changed)
                counted, changed = packets, now
                self.seen += 1
                self.share = self.seen * INTERVAL_S / (now - self.begun + INTERVAL_S)
            time.sleep(0.02)

    def close(self):
        self.ending = True
        self.thread.join()
        self.net.blast_end(self.trickle)


def stall_and_look(net, daemon, stalled, said, seconds=STALL_S):
    """What happens while stalled() lasts: new floods are dropped, ticks go on, status says what is not enforced."""
    free = [until_dropped(net, source) for source in sources(net, 3)]
    times = []
    with stalled(), contextlib.closing(Ticks(net, daemon)) as ticks:
        begun = time.monotonic()
        for source in sources(net, 6)[3:]:
            times.append(until_dropped(net, source))
            daemon.wait_rule(source, 2)
        state = wait_until(lambda: s if (s := daemon.enforcers()["iptables"])["state"] == "unenforced" else None,
                           10, "status says that iptables does not enforce")
        assert said in state["reason"]
        assert daemon.enforcers()["xdp"]["state"] == "enforced"
        time.sleep(max(0, seconds - (time.monotonic() - begun)))
    released = time.monotonic()
    wait_until(lambda: all(in_kernel(net, source) for source in sources(net, 6)) and
               daemon.enforcers()["iptables"]["state"] == "standby", FOLLOWS_S, "iptables has followed")
    followed = time.monotonic() - released
    longest, status = ticks.longest, daemon.status()
    print(f"\nstalled for {seconds} s: first drop {statistics.median(times) * 1000:.0f} ms after a flood began (before: "
          f"{statistics.median(free) * 1000:.0f}); {ticks.share:.0%} of the intervals seen, {longest * 1000:.0f} ms at most "
          f"between two, longest tick {status['tick_ms_max']:.1f} ms; iptables followed after {followed:.2f} s")
    assert statistics.median(times) < statistics.median(free) * 2 + 0.1
    # on a busy machine who looks is late too
    assert ticks.share > 0.75 and longest < 5 and status["tick_ms_max"] < 250
    return status


def test_the_helper_stands_still(net, start):
    daemon = start(CONFIG)

    @contextlib.contextmanager
    def stalled():
        helper = helper_of(daemon)
        os.kill(helper, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(helper, signal.SIGCONT)

    stall_and_look(net, daemon, stalled, "the helper process has not answered for", max(STALL_S, 11))
    wait_until(lambda: {"unenforced", "standby"} <= {word for e in daemon.events() if "enforcer iptables" in e["message"]
                                                     for word in e["message"].replace(":", " ").split()},
               8, "both changes of the state are events")


def test_iptables_stands_still(net, start, tmp_path):
    """Each iptables that the helper runs hangs: it is ended after its time limit, blocks in sets go on."""
    hanging = tmp_path / "hang"
    real = os.path.realpath("/usr/sbin/iptables")
    copy = tmp_path / "real"
    copy.write_bytes(pathlib.Path(real).read_bytes())
    copy.chmod(0o755)
    flag = tmp_path / "stop"
    hanging.write_text(f"#!/bin/sh\n[ -e {flag} ] && exec sleep 100\nname=${{0##*/}}\n"
                       f"exec {tmp_path}/xtables-nft-multi \"$name\" \"$@\"\n")
    hanging.chmod(0o755)
    (tmp_path / "xtables-nft-multi").symlink_to(copy)
    script = f"mount --bind {hanging} {real} && exec \"$@\""
    daemon = start(CONFIG, prefix=("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"))

    @contextlib.contextmanager
    def stalled():
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    stall_and_look(net, daemon, stalled, "iptables")


@pytest.mark.skipif(bool(missing("legacy")), reason=missing("legacy"))
def test_somebody_holds_the_lock(net, start, tmp_path):
    """Sets need no lock, so what is blocked meanwhile is in iptables at once."""
    flavour = Flavour(net.gateway, "legacy", tmp_path)
    daemon = start(CONFIG, prefix=flavour.prefix())

    @contextlib.contextmanager
    def stalled():
        hold = ("import fcntl, time; lock = open('/run/xtables.lock', 'w'); fcntl.flock(lock, fcntl.LOCK_EX);"
                f" print('held', flush=True); time.sleep({STALL_S + 60})")
        holder = subprocess.Popen(["nsenter", f"--mount=/proc/{daemon.process.pid}/ns/mnt", "/usr/bin/python3", "-c",
                                   hold], stdout=subprocess.PIPE, text=True)
        try:
            assert holder.stdout.readline() == "held\n"
            yield
            assert all(in_kernel(net, source) for source in sources(net, 6))
        finally:
            holder.kill()
            holder.communicate()

    stall_and_look(net, daemon, stalled, "lock")


def test_a_renamed_interface_waits_for_no_helper(net, start):
    """Another helper takes the place of one that hangs, and no tick waits for either of them."""
    daemon = start(CONFIG)
    os.kill(helper_of(daemon), signal.SIGSTOP)
    net.gateway.ip("link", "set", "eth1", "down")
    net.gateway.ip("link", "set", "eth1", "name", "wan1")
    wait_until(lambda: "-i wan1 -j FWGEN" in net.iptables(), 5, "the jump has the new name")
    wait_until(lambda: daemon.enforcers()["iptables"]["state"] == "standby", 5, "iptables follows")
    assert daemon.status()["tick_ms_max"] < 1000
