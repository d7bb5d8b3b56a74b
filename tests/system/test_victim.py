# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that is flooded from everywhere: named within two seconds, with what the packets share; nobody is blocked for it."""
import datetime
import json
import subprocess
import time

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
import socket
server = socket.create_server(("", 8080), backlog=4096)
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""

CLIENTS = """
import json, socket, sys, time
begun, done = time.monotonic(), 0
while time.monotonic() < begun + 4:
    with socket.socket() as s:
        s.bind((f"203.0.113.{100 + done % 100}", 0))
        s.connect((sys.argv[1], 8080))
        done += not s.recv(1)
print(json.dumps({"done": done, "rate": done / (time.monotonic() - begun)}))
"""


def test_many_connections_are_no_flood(net, start, capsys):
    """More new connections than the limit allows SYNs, from a hundred addresses: each comes about."""
    for last in range(100, 200):
        net.client.ip("address", "add", f"203.0.113.{last}/24", "dev", "eth0")
    daemon = start()
    server = net.gateway.popen("/usr/bin/python3", "-c", SERVER, stdout=subprocess.PIPE)
    try:
        assert server.stdout.readline() == "ready\n"
        result = json.loads(net.client.run("/usr/bin/python3", "-c", CLIENTS, net.client_gateway4).stdout)
    finally:
        server.kill()
        server.wait()
    counted = daemon.traffic("eth1")["packets"]
    wait_until(lambda: daemon.traffic("eth1")["packets"] == counted, 2, "all is counted")
    assert result["rate"] > 1000, "too slow to be taken for a flood"
    assert not floods(daemon), floods(daemon)
    with capsys.disabled():
        print(f"\n{result['rate']:.0f} connections/s: no flood")
