# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that is flooded from everywhere: named within two seconds, with what the packets share; nobody is blocked for it."""
import datetime
import json
import subprocess
import time

import pytest

from net import wait_until

PORT = 25565


def floods(daemon):
    return [e for e in daemon.events() if e["detector"] == "victim_flood"]


def wall(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_a_flood_of_random_sources_is_named(net, start, capsys):
    daemon = start()
    begun = time.time()
    child = net.blast_start(src="198.18.0.0/15", src_mode="random", proto="syn", sport_mode="random", dport=PORT, rate=50000,
                            seconds=30)
    wait_until(lambda: floods(daemon), 10, "the flood is told")
    sent = net.blast_end(child)
    event = floods(daemon)[-1]
    after = wall(event["at"]) - begun
    assert after < 2, f"told after {after:.2f} s"
    assert event["type"] == "alarm" and event["severity"] == "critical"
    assert (event["destination"], event["port"], event["protocol"]) == (net.GATEWAY4, PORT, "tcp")
    assert event["source"] is None
    details = event["details"]
    # the first interval's: every packet has its own source, or nearly
    assert 100 < details["sources"] <= details["observed"] < sent["pps"] * 1.5
    common = {one["field"]: (one["value"], one["share"]) for one in details["common"]}
    assert common["length"] == (60, 100) and common["flags"] == ("SYN", 100) and common["ttl"][1] == 100
    assert common["destination_port"] == (PORT, 100) and "source_port" not in common
    assert details["sources"] > details["observed"] / 3
    assert not daemon.rules()
    line = next(one for one in daemon.event_lines() if one["fwgen"].get("detector") == "victim_flood")
    assert line["event_type"] == "alert" and line["dest_ip"] == net.GATEWAY4 and "src_ip" not in line
    text = daemon.verb("events").stdout
    assert f"flood: {details['observed']} unasked packets to {net.GATEWAY4} port {PORT}/tcp from about" in text, text
    assert len(floods(daemon)) == 1, "told more than once"
    with capsys.disabled():
        print(f"\n{sent['pps']} packets/s, told after {after:.2f} s: {event['message']}")


SERVER = """
import socket, threading
tcp = socket.create_server(("", 8080), backlog=4096)
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("", 8053))
def answer():
    while True:
        udp.sendto(*udp.recvfrom(64))
threading.Thread(target=answer, daemon=True).start()
print("ready", flush=True)
while True:
    tcp.accept()[0].close()
"""

CLIENT = """
import json, socket, sys, time
address, kind = sys.argv[1], sys.argv[2]
begun, done = time.monotonic(), 0
while time.monotonic() < begun + 3:
    with socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.bind((f"203.0.113.{100 + done % 100}", 0))
        s.connect((address, 8080 if kind == "tcp" else 8053))
        if kind == "udp":
            s.send(b"question")
        done += len(s.recv(64)) == (8 if kind == "udp" else 0)
print(json.dumps(done / (time.monotonic() - begun)))
"""


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_busy_server_is_not_flooded(net, start, capsys, kind):
    """More new connections, or questions, a second than the limit, from a hundred addresses: each is answered."""
    for last in range(100, 200):
        net.client.ip("address", "add", f"203.0.113.{last}/24", "dev", "eth0")
    daemon = start()
    server = net.gateway.popen("/usr/bin/python3", "-c", SERVER, stdout=subprocess.PIPE)
    try:
        assert server.stdout.readline() == "ready\n"
        rate = json.loads(net.client.run("/usr/bin/python3", "-c", CLIENT, net.client_gateway4, kind).stdout)
    finally:
        server.kill()
        server.wait()
    received = net.xdp("eth1")["packets"] * 0.99  # but for ARP
    wait_until(lambda: daemon.traffic("eth1")["packets"] >= received, 5, "everything is counted")
    assert rate > 1500, "too slow to be taken for a flood"
    assert not floods(daemon), floods(daemon)
    with capsys.disabled():
        print(f"\n{rate:.0f} {kind} a second: no flood")
