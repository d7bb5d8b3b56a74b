# SPDX-License-Identifier: GPL-2.0-or-later
"""nmap, in all the ways it looks around, against the limits that fwgen ships with."""
import pytest

from arena import ELSEWHERE4
from conftest import FULL

QUICK = ["nmap", "-n", "-Pn", "--max-retries", "1"]
UDP = [*QUICK, "-sU", "--min-rate", "200", "--max-rate", "200", "-p", "1-1000"]
PORTS = ["-p", "1-1000"]

SCANS = {
    "syn": ([*QUICK, "-sS", *PORTS], {"port_scan"}),
    "connect": ([*QUICK, "-sT", *PORTS], {"port_scan"}),
    "udp": (UDP, {"port_scan"}),
    "null": ([*QUICK, "-sN", *PORTS], {"stealth_scan", "port_scan"}),
    "fin": ([*QUICK, "-sF", *PORTS], {"stealth_scan", "port_scan"}),
    "xmas": ([*QUICK, "-sX", *PORTS], {"stealth_scan", "port_scan"}),
    "fragmented": ([*QUICK, "-sS", "-f", *PORTS], {"port_scan", "fragment_flood", "malformed", "syn_flood"}),
    "from_port_53": ([*QUICK, "-sS", "-g", "53", *PORTS], {"port_scan"}),
    "udp_from_port_53": ([*UDP, "-g", "53"], {"port_scan"}),
}


@pytest.mark.parametrize("kind", SCANS)
def test_scan_of_one_host(arena, kind):
    command, detectors = SCANS[kind]
    arena.assert_caught(arena.outsider(), *command, arena.net.GATEWAY4, by=detectors)


@pytest.mark.parametrize("kind", ["syn", "connect", "udp", "null", "xmas"])
def test_scan_of_one_ipv6_host(arena, kind):
    command, detectors = SCANS[kind]
    arena.assert_caught(arena.outsider(6), *command, "-6", arena.net.GATEWAY6, by=detectors)


LATE_SCANS = {
    "ack": [*QUICK, "-sA", *PORTS],
    "window": [*QUICK, "-sW", *PORTS],
    "protocols": ["nmap", "-n", "-Pn", "-sO", "--max-retries", "0", "-p", "3-60"],
}


@pytest.mark.parametrize("kind", LATE_SCANS)
def test_scan_with_what_might_have_been_asked_for(arena, kind):
    """ACKs of no connection, other protocols: nobody asked for them, which fwgen cannot tell in its first seconds."""
    arena.wait_learned()
    arena.assert_caught(arena.outsider(), *LATE_SCANS[kind], arena.net.GATEWAY4, by={"stealth_scan", "port_scan"})


@pytest.mark.xfail(strict=True, reason="FIN with ACK is how old connections end: one in eight counts, and none as a port tried")
def test_maimon_scan(arena):
    arena.wait_learned()
    arena.assert_caught(arena.outsider(), *QUICK, "-sM", *PORTS, arena.net.GATEWAY4, by={"stealth_scan", "port_scan"}, seconds=5)


@pytest.mark.xfail(strict=True, reason="a first fragment without flags counts as malformed and as a SYN, its port as none tried")
def test_slow_scan_in_fragments(arena):
    """Eight bytes to a fragment: the ports are in the first, the flags in the second."""
    arena.assert_caught(arena.outsider(), "nmap", "-n", "-Pn", "-sS", "-f", "--max-retries", "0", "--scan-delay", "100ms",
                        "--max-scan-delay", "100ms", "-p", "1-150", arena.net.GATEWAY4, by={"port_scan", "malformed"}, seconds=8)


def test_slow_scan(arena):
    """A port every 0.3 s is over the short limit after six seconds; one every two seconds over the long one after two minutes."""
    delay, limit, seconds = ("2s", 60, 200) if FULL else ("300ms", 20, 30)
    rule = arena.assert_caught(arena.outsider(), "nmap", "-n", "-Pn", "-sS", "--max-retries", "0", "--scan-delay", delay,
                               "--max-scan-delay", delay, "-p", "1-150", arena.net.GATEWAY4, by={"port_scan"}, seconds=seconds)
    assert rule["limit_count"] == limit


@pytest.mark.skipif(not FULL, reason="takes half a minute")
def test_polite_timing(arena):
    arena.assert_caught(arena.outsider(), "nmap", "-n", "-Pn", "-sS", "-T2", "--max-retries", "0", *PORTS, arena.net.GATEWAY4,
                        by={"port_scan"}, seconds=60)


SWEEPS = {
    "ping": ["-sn", "-PE"],
    "syn_ping": ["-sn", "-PS22"],
    "one_port": ["-Pn", "-sS", "-p", "22"],
    "udp_port": ["-Pn", "-sU", "-p", "161", "--min-rate", "100"],
}


@pytest.mark.parametrize("kind", SWEEPS)
def test_sweep(arena, kind):
    """No host of the network answers, which is what makes nmap slow down."""
    rule = arena.assert_caught(arena.outsider(), "nmap", "-n", "--max-retries", "0", "--min-hostgroup", "256", *SWEEPS[kind],
                               ELSEWHERE4, by={"host_sweep"})
    assert rule["limit_seconds"] == 10
