# SPDX-License-Identifier: GPL-2.0-or-later
"""The wall clock moves by a day, forwards and back, while blocks stand: they end when they would have ended, and restarts
give them the time they have left. Only the daemon's own idea of the time is moved (libfaketime)."""
import glob
import signal
import time

import pytest

import trial
from conftest import FULL
from daemon import SANITIZED, merged, only, set_members
from net import wait_until

ROUNDS = 5 if FULL else 1
DAY = 86400
SECONDS = 6
LONG = 600


class Clock:
    """What the daemon takes for the time; the file is read at each of its questions."""

    def __init__(self, folder):
        self.path = folder / "faketime"
        self.shift(0)
        library = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
        assert library, "libfaketime is not there: apt-get install faketime"
        # FORCE_MONOTONIC_FIX would let waits for a condition end at once
        self.prefix = ("env", f"LD_PRELOAD={library[0]}", f"FAKETIME_TIMESTAMP_FILE={self.path}", "FAKETIME_NO_CACHE=1",
                       "FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_FORCE_MONOTONIC_FIX=0")

    def shift(self, seconds):
        new = self.path.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.path)
        self.offset = seconds


def config(seconds):
    return merged(only(udp_flood=(100, 1)), {"response": {"block_seconds": seconds, "unproven_block_seconds": seconds}})


def block(net, daemon, source):
    """Returns when, by the true clock, the last packet of an attack was sent that began and ended at once."""
    net.blast(src=source, proto="udp", rate=10000, count=500)
    at = time.time()
    daemon.wait_rule(source)
    return at


pytestmark = pytest.mark.skipif(SANITIZED, reason="two libraries that want to be loaded first")


@pytest.mark.parametrize("shift", [DAY, -DAY], ids=["forwards", "back"])
def test_blocks_end_in_time(net, start, tmp_path, shift):
    clock, seen, off = Clock(tmp_path), trial.FirstSeen(net), []
    daemon = start(config(SECONDS), prefix=clock.prefix)
    for i in range(ROUNDS):
        clock.shift(0)
        source = f"198.18.0.{i + 1}"
        at = block(net, daemon, source)
        clock.shift(shift)
        wait_until(lambda: abs(daemon.status()["uptime_s"]) < 3600, 3, "uptime is not the wall clock's")
        seen.forget()
        probe = net.blast_start(src=source, proto="udp", rate=50, seconds=60, batch=1)
        wait_until(lambda: source in seen.received, SECONDS + 5, "packets pass again")
        net.blast_end(probe)
        off.append(abs(seen.received[source] - at - SECONDS))
        daemon.wait_no_rule(source, 2)
        row = wait_until(lambda: daemon.query("select * from rules where address = ? and removed_at is not null", source), 3)
        assert row[0]["removed_why"] == "expired"
    seen.close()
    assert "error" not in daemon.log(), daemon.log()
    trial.figure(f"clock {shift:+d} s", "end of a block, off its time", off, "s", "1 s")
    assert max(off) < 1.1, "a block did not end in time"  # packets come each 20 ms; its beginning is known to some more


@pytest.mark.parametrize("shift", [DAY, -DAY], ids=["forwards", "back"])
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_restarts_keep_the_time_left(net, start, tmp_path, shift, end):
    clock, off = Clock(tmp_path), []
    daemon = start(config(LONG), prefix=clock.prefix)
    source = "198.18.0.1"
    block(net, daemon, source)
    ends = trial.xdp_ends(trial.blocks_map(daemon))[source]
    for i in range(2 * ROUNDS):
        clock.shift(shift if i % 2 == 0 else 0)
        daemon.stop(end)
        daemon.start(prefix=clock.prefix)
        rule = daemon.wait_rule(source, 1)
        off.append(abs(trial.xdp_ends(trial.blocks_map(daemon))[source] - ends))
        off.append(abs(trial.when(rule["expires_at"]) - clock.offset - ends))
        wait_until(lambda: set_members(net, source), 3, "iptables has it")
        assert -1.2 < trial.ipset_ends(net)[source] - ends < 1
    trial.figure(f"clock {shift:+d} s", f"deadline after a restart ({end.name}), off", off, "s", "1 s")
    assert max(off) < 1
    assert "error" not in daemon.log(), daemon.log()
