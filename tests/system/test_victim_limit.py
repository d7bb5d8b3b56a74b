# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that is flooded from everywhere, and victim_flood's action is limit: what passes is what its limit tolerates, other
services of the host go on, and unblocking it is respected."""
import subprocess
import time

from daemon import merged, only
from net import wait_until

PORT = 25565
LIMIT = 1000
CONFIG = merged(only(victim_flood=(LIMIT, 1)), {"detectors": {"victim_flood": {"action": "limit"}}})
ECHO = """
import socket
server = socket.create_server(("", 8080), backlog=128)
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""


def limits(daemon):
    return [rule for rule in daemon.ask("rules") if rule["direction"] == "destination"]


def connects(net):
    return net.client.run("/usr/bin/python3", "-c", "import socket; "
                          f"socket.create_connection(('{net.client_gateway4}', 8080), timeout=2).close()", check=False).returncode == 0


def flood(net):
    return net.blast_start(src="198.18.0.0/15", src_mode="random", proto="syn", sport_mode="random", dport=PORT, rate=20000,
                           seconds=20)


def test_a_flooded_service_is_limited(net, start, capsys):
    server = net.gateway.popen("/usr/bin/python3", "-c", ECHO, stdout=subprocess.PIPE)
    assert server.stdout.readline() == "ready\n"
    daemon, counter = start(CONFIG), net.pass_counter()
    child = flood(net)
    rule = wait_until(lambda: limits(daemon), 10, "the limit")[0]
    assert (rule["address"], rule["port"], rule["class"], rule["action"]) == (net.GATEWAY4, PORT, "syn", "limit")
    assert rule["limit_pps"] == LIMIT and rule["evidence"] == "unproven"
    begun, before = time.monotonic(), counter.read()
    tried = [connects(net) for _ in range(20)]
    wait_until(lambda: time.monotonic() - begun > 4, 10, "seconds to count in")
    passed = (counter.read() - before) / (time.monotonic() - begun)
    assert all(tried), "another service of the host suffers"
    assert LIMIT / 2 < passed < LIMIT * 1.5, f"{passed:.0f} packets a second pass"
    assert list(daemon.rules()) == [net.GATEWAY4], "a source of the flood is blocked"
    # alarmed about as ever, and limited: both are told
    told = [e for e in daemon.events() if e["detector"] == "victim_flood"]
    assert [e["type"] for e in reversed(told)][:2] == ["alarm", "rule"]
    assert all(e["destination"] == net.GATEWAY4 and e["source"] is None for e in told), told
    assert f"limited syn to {net.GATEWAY4} port {PORT}/tcp beyond {LIMIT} packets/s" in told[-2]["message"]
    # somebody does not want it: it ends, and does not come back
    assert daemon.verb("unblock", net.GATEWAY4).returncode == 0
    wait_until(lambda: not limits(daemon), 5, "the limit's end")
    begun, before = time.monotonic(), counter.read()
    wait_until(lambda: time.monotonic() - begun > 2, 10, "seconds to count in")
    freed = (counter.read() - before) / (time.monotonic() - begun)
    assert freed > 5 * passed and not limits(daemon)
    net.blast_end(child)
    server.kill()
    with capsys.disabled():
        print(f"\n{passed:.0f} of 20000 packets/s pass the limit of {LIMIT}, {freed:.0f} without it")
