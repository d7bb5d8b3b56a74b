# SPDX-License-Identifier: GPL-2.0-or-later
"""Floods and scans are blocked in XDP with the limits that fwgen ships with; the neighbour notices nothing."""
import subprocess

import pytest

import packets
from net import wait_until


def assert_blocked(net, counter, send, expected):
    """What send() sends, `expected` packets, is dropped by XDP to the last one."""
    passed, before = counter.read(), net.xdp()
    send()
    wait_until(lambda: net.xdp()["drops"] - before["drops"] >= expected, 5, f"{expected} packets dropped by XDP")
    assert counter.read() == passed


def assert_neighbour_unharmed(net, daemon, counts):
    for kind, count in counts.items():
        assert count["tries"] >= 5 and count["failures"] == 0, f"{kind}: {count}"
    for address in (net.client4, net.client6):
        source = wait_until(lambda: daemon.sources().get(address), 5, f"{address} is counted")
        assert source["dropped"] == 0
        assert address not in daemon.rules()


def attack_until_blocked(net, daemon, source, command):
    child = net.attacker.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return daemon.wait_rule(source, 20)
    finally:
        child.terminate()
        child.wait()


HPING = {
    "syn": (["-S", "-p", "80"], {"proto": "syn"}, {"syn_flood"}),
    "udp": (["--udp", "-p", "9999"], {"proto": "udp"}, {"udp_flood"}),
    "icmp": (["--icmp"], {"proto": "icmp"}, {"icmp_flood"}),
}


@pytest.mark.short
@pytest.mark.parametrize("kind", HPING)
def test_hping3_flood(net, daemon, bystander, kind):
    arguments, probe, detectors = HPING[kind]
    neighbour, counter = bystander(net), net.pass_counter()
    rule = attack_until_blocked(net, daemon, net.attacker4, ["hping3", "--flood", "-q", *arguments, net.GATEWAY4])
    assert rule["detector"] in detectors | {"packet_flood"}
    assert rule["action"] == "drop" and rule["evidence"] == "unproven"
    assert_blocked(net, counter, lambda: net.blast(count=2000, rate=20000, **probe), 2000)
    assert_neighbour_unharmed(net, daemon, neighbour.end())


@pytest.mark.short
@pytest.mark.parametrize("version", [4, 6])
def test_nmap_syn_scan(net, daemon, bystander, version):
    neighbour, counter = bystander(net), net.pass_counter()
    source = net.attacker4 if version == 4 else net.attacker6
    target = net.GATEWAY4 if version == 4 else net.GATEWAY6
    nmap = ["nmap", f"-{version}" if version == 6 else "-n", "-n", "-sS", "-Pn", "--max-retries", "1", "-p", "1-1000"]
    rule = attack_until_blocked(net, daemon, source, [*nmap, target])
    assert rule["detector"] == "port_scan"
    assert rule["observed"] > rule["limit_count"]
    assert_blocked(net, counter, lambda: net.blast(src=source, proto="syn", dport=1001, dport_mode="list", count=500,
                                                   rate=10000), 500)
    assert_neighbour_unharmed(net, daemon, neighbour.end())


FLOODS = [(6, "syn", ()), (6, "udp", ()), (6, "icmp", ()), (4, "syn", (7,)), (4, "udp", (100, 7)), (6, "udp", (7,)),
          (6, "icmp", (100, 7))]


@pytest.mark.parametrize("version,proto,tags", FLOODS, ids=lambda value: str(value).replace(" ", ""))
def test_ipv6_and_tagged_floods(net, daemon, bystander, version, proto, tags):
    neighbour, counter = bystander(net), net.pass_counter()
    traffic = {"src": net.attacker4 if version == 4 else net.attacker6, "proto": proto}
    if tags:
        traffic["vlan"] = ",".join(map(str, tags))
    child = net.blast_start(rate=30000, seconds=20, **traffic)
    rule = daemon.wait_rule(traffic["src"])
    wait_until(lambda: net.xdp()["drops"], 5, "the flood is dropped while it goes on")
    sent = net.blast_end(child)["sent"]
    assert rule["detector"] in {f"{proto}_flood", "packet_flood"}
    assert 0 < counter.read() < sent
    assert_blocked(net, counter, lambda: net.blast(count=2000, rate=20000, **traffic), 2000)
    assert_neighbour_unharmed(net, daemon, neighbour.end())


def test_tags_do_not_hide_a_blocked_source(net, daemon):
    """Blocked on the plain wire, the source stays blocked with any number of tags that the parser knows."""
    child = net.blast_start(proto="udp", rate=30000, seconds=20)
    daemon.wait_rule(net.attacker4)
    net.blast_end(child)
    counter = net.pass_counter()
    for tags in ((7,), (100, 7), (1, 2, 3), (1, 2, 3, 4)):
        frames = [packets.udp(net, net.attacker4, 53, tags)] * 50
        assert_blocked(net, counter, lambda: net.send_frames(frames), 50)


def test_one_segment(shared_net, start, bystander):
    """Attacker and neighbour come in on the same interface: only the attacker is stopped."""
    net = shared_net
    daemon = start(net=net)
    neighbour = bystander(net)
    child = net.blast_start(proto="syn", rate=5000, seconds=20)
    daemon.wait_rule(net.attacker4)
    counter = net.pass_counter()
    before = net.xdp()["drops"]
    wait_until(lambda: net.xdp()["drops"] > before + 2000, 10, "the flood is dropped")
    net.blast_end(child)
    assert counter.read() < 5
    assert_neighbour_unharmed(net, daemon, neighbour.end())
