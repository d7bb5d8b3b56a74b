# SPDX-License-Identifier: GPL-2.0-or-later
"""hping3's floods, each with an end, against the limits that fwgen ships with."""
import pytest

from conftest import FULL


def hping3(source, microseconds, count, *arguments):
    """hping3 asks no routing table for its address."""
    return ["hping3", "-q", "-n", "-a", source, "-i", f"u{microseconds}", "-c", str(count), *arguments]


FLOODS = {
    "syn": (["-S", "-p", "80"], {"syn_flood"}),
    "syn_to_random_ports": (["-S", "-p", "++1"], {"syn_flood", "port_scan"}),
    "udp": (["--udp", "-p", "9999", "-d", "64"], {"udp_flood"}),
    "udp_from_port_53": (["--udp", "-k", "-s", "53", "-p", "9999", "-d", "400"], {"udp_flood", "reflection"}),
    "ping": (["--icmp"], {"icmp_flood"}),
    "unreachable": (["--icmp", "--icmptype", "3", "--icmpcode", "3"], {"icmp_flood"}),
    "ack": (["-A", "-p", "80"], {"stealth_scan", "port_scan", "packet_flood"}),
    "syn_ack": (["-S", "-A", "-p", "80"], {"reflection", "packet_flood"}),
    "xmas": (["-F", "-P", "-U", "-p", "80"], {"stealth_scan"}),
    "null": (["-p", "80"], {"stealth_scan"}),
    "syn_fin": (["-S", "-F", "-p", "80"], {"stealth_scan", "syn_flood"}),
    "udp_fragments": (["--udp", "-f", "-d", "200", "-p", "9999"], {"fragment_flood", "udp_flood"}),
    "icmp_fragments": (["--icmp", "-f", "-d", "200"], {"fragment_flood", "icmp_flood"}),
    "syn_fragments": (["-S", "-f", "-d", "200", "-p", "80"], {"fragment_flood", "syn_flood"}),
    "later_fragments": (["-S", "-x", "-g", "64", "-d", "16", "-p", "80"], {"fragment_flood"}),
    "bad_offset": (["-A", "-O", "2", "-p", "80"], {"malformed"}),
}

LATE = {"ack", "syn_ack"}  # in its first seconds fwgen cannot tell these from what was asked for


@pytest.mark.parametrize("kind", sorted(FLOODS, key=lambda kind: kind in LATE))
def test_flood(arena, kind):
    arguments, detectors = FLOODS[kind]
    if kind in LATE:
        arena.wait_learned()
    source = arena.outsider()
    arena.assert_caught(source, *hping3(source, 1, 300000, *arguments, arena.net.GATEWAY4), by=detectors)


@pytest.mark.parametrize("rate", [80, 400] if FULL else [400])
def test_syn_flood_at_a_low_rate(arena, rate):
    """Below the short limit, over the long one: 500 in 10 s."""
    source = arena.outsider()
    command = hping3(source, 1000000 // rate, 3000, "-S", "-p", "80", arena.net.GATEWAY4)
    rule = arena.assert_caught(source, *command, by={"syn_flood"})
    assert rule["limit_count"] == (500 if rate == 80 else 200)
