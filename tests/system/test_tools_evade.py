# SPDX-License-Identifier: GPL-2.0-or-later
"""Attackers who know how fwgen counts: chosen ports, thin spreading, cover traffic, forged packets."""
import datetime
import socket
import struct
import threading

import pytest

import packets
from arena import ELSEWHERE4
from conftest import FULL
from net import wait_until

OPEN = 5001


@pytest.fixture(scope="module")
def server(arena):
    arena.serve(arena.net.gateway, "stream", str(OPEN))


def passed_until_blocked(arena, source, frames, rate):
    """Sends the frames, of which the source's block must stop the rest; returns the rule and how many got through."""
    before = arena.counter.read()
    arena.net.send_frames(frames, rate=rate)
    rule = arena.daemon.wait_rule(source, 5)
    return rule, arena.counter.read() - before


# ---- chosen ports and addresses --------------------------------------------------------------------------------

@pytest.mark.parametrize("stride", [1, 16, 64, 128, 256, 512, 1000, 1024])
def test_ports_cannot_be_chosen_to_look_like_one(arena, stride):
    """Where a port goes in the bitmap is the daemon's secret: any regular choice counts as what it is."""
    source = arena.outsider()
    frames = [packets.syn(arena.net, source, 1 + n * stride) for n in range(64)]
    rule, passed = passed_until_blocked(arena, source, frames, 100)
    assert rule["detector"] == "port_scan"
    assert rule["limit_count"] < passed <= 40


@pytest.mark.parametrize("stride", [1, 64, 256, 1024])
def test_hosts_cannot_be_chosen_to_look_like_one(arena, stride):
    source = arena.outsider()
    frame = packets.ping(arena.net, source)
    first = int.from_bytes(socket.inet_aton("198.18.0.1"), "big")
    frames = [frame[:30] + struct.pack("!I", first + n * stride) + frame[34:] for n in range(120)]
    rule, passed = passed_until_blocked(arena, source, frames, 100)
    assert rule["detector"] == "host_sweep"
    assert rule["limit_count"] / 2 < passed <= 100


# ---- spread thinly ---------------------------------------------------------------------------------------------

def to_host(frame, address):
    return frame[:30] + socket.inet_aton(address) + frame[34:]


def test_each_port_on_another_host(arena):
    """Neither many ports of few hosts nor few ports of many hosts: at 200 a second the open SYNs tell."""
    source = arena.outsider()
    frames = [to_host(packets.syn(arena.net, source, 100 + n), f"198.18.{n // 200}.{n % 200}") for n in range(1000)]
    rule, passed = passed_until_blocked(arena, source, frames, 200)
    assert rule["detector"] in {"port_scan", "host_sweep", "syn_flood"}
    assert passed < 450


def test_a_scan_shared_by_many_addresses(arena):
    """64 addresses of a /24 try ten ports each: nobody is over a limit, and their whole network is not blocked either."""
    sources = [f"198.51.100.{n}" for n in range(2, 66)]
    frames = [packets.syn(arena.net, source, 1000 + 10 * n + port) for port in range(10) for n, source in enumerate(sources)]
    arena.net.send_frames(frames, rate=500)

    def judged():
        counted = arena.daemon.sources(100000)
        return all(counted.get(source, {}).get("packets", 0) >= 10 for source in sources)

    wait_until(judged, 5, "all are counted")
    assert not set(sources) & set(arena.daemon.rules())
    assert all(rule["prefix_len"] == 32 for rule in arena.daemon.rules().values())


# ---- cover traffic and forged packets --------------------------------------------------------------------------

def test_scan_behind_a_busy_connection(arena, server):
    """The same address has a download going on, thousands of packets a second that are all in order."""
    source, stop = arena.outsider(), threading.Event()

    def download():
        with socket.create_connection((arena.net.GATEWAY4, OPEN), timeout=2) as s:
            s.sendall(b"%d\n" % (1 << 40))
            started.set()
            try:
                while not stop.is_set() and s.recv(1 << 20):
                    pass
            except OSError:
                pass

    started = threading.Event()
    cover = threading.Thread(target=lambda: arena.net.attacker.call(download))
    cover.start()
    try:
        assert started.wait(5)
        rule = arena.attack(source, "nmap", "-n", "-Pn", "-sS", "--max-retries", "1", "-p", "1-300", arena.net.GATEWAY4)
        assert rule["detector"] == "port_scan"
    finally:
        stop.set()
        cover.join()


def test_scan_between_good_connections(arena, server):
    """A completed handshake for each port that is tried."""
    source, gateway = arena.outsider(), arena.net.GATEWAY4

    def scan():
        for port in range(1, 301):
            for target in (OPEN, port):
                try:
                    socket.create_connection((gateway, target), timeout=0.5).close()
                except ConnectionRefusedError:
                    assert target != OPEN
                except OSError:
                    return port

    tried = arena.net.attacker.call(scan)
    rule = arena.daemon.wait_rule(source, 5)
    assert rule["detector"] == "port_scan" and tried and tried < 60


def with_forged_ack(arena, source, port, number):
    """A SYN and then the ACK that would end the handshake, had its sender seen the SYN-ACK."""
    syn = packets.IP(src=source, dst=arena.net.GATEWAY4) / packets.TCP(sport=30000 + number, dport=port, flags="S", seq=1000)
    ack = packets.IP(src=source, dst=arena.net.GATEWAY4) / packets.TCP(sport=30000 + number, dport=port, flags="A", seq=1001,
                                                                      ack=7919 * number)
    return [bytes(packets.ethernet(arena.net) / one) for one in (syn, ack)]


def test_forged_acks_do_not_make_a_scan_honest(arena):
    source = arena.outsider()
    frames = [frame for n in range(100) for frame in with_forged_ack(arena, source, 1000 + n, n)]
    rule, passed = passed_until_blocked(arena, source, frames, 200)
    assert rule["detector"] in {"port_scan", "stealth_scan"}
    assert passed <= 80


def test_forged_acks_do_not_make_a_flood_honest(arena, server):
    """To an open port: each SYN leaves a half-open connection there."""
    source = arena.outsider()
    frames = [frame for n in range(1500) for frame in with_forged_ack(arena, source, OPEN, n)]
    rule, _ = passed_until_blocked(arena, source, frames, 4000)
    assert rule["detector"] in {"syn_flood", "stealth_scan", "port_scan"}


def test_sweep_and_scan_of_a_whole_network(arena):
    """Ten ports on each host of a network."""
    arena.assert_caught(arena.outsider(), "nmap", "-n", "-Pn", "-sS", "--max-retries", "0", "-p", "20-29", ELSEWHERE4,
                        by={"host_sweep", "port_scan", "syn_flood"})


def seconds_left(rule):
    end = datetime.datetime.fromisoformat(rule["expires_at"].replace("Z", "+00:00"))
    return (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def test_decoys(arena):
    """nmap sends each probe from three forged addresses too: nothing proves who it is, so nobody is blocked for long."""
    decoys = ["198.51.100.251", "198.51.100.252", "198.51.100.253"]
    source, gateway = arena.outsider(), arena.net.GATEWAY4
    rule = arena.attack(source, "nmap", "-n", "-Pn", "-sS", "--max-retries", "1", "-D", ",".join([*decoys, "ME"]), "-p", "1-500",
                        gateway)
    assert rule["detector"] == "port_scan"
    forged = [arena.daemon.wait_rule(decoy, 5) for decoy in decoys]
    for one in [rule, *forged]:
        assert one["evidence"] == "unproven" and seconds_left(one) <= 60
    if FULL:
        wait_until(lambda: not {*decoys, source} & set(arena.daemon.rules()), 70, "all of them are free again")
        passed = arena.counter.read()
        arena.net.send_frames([packets.syn(arena.net, decoy, 80) for decoy in decoys])
        wait_until(lambda: arena.counter.read() - passed >= len(decoys), 5, "their packets pass")
