# SPDX-License-Identifier: GPL-2.0-or-later
"""Who has a /64 guesses passwords from one address of it after the other: eight of them, and all of it is blocked, in one rule;
not where this host has an address of its own in it."""
import socket
import subprocess

from daemon import merged, only
from net import wait_until

LISTEN = """
import socket
server = socket.create_server(("::", 22), family=socket.AF_INET6, backlog=128)
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""
CONFIG = merged(only(brute_force=(10, 120)), {"response": {"block_seconds": 60}})
THEIRS = "2001:db8:bad::"  # all of it is the attacker's
SHARED = "2001:db8:a::"    # the wire's own, which the gateway is in as well


def add(net, address):
    net.attacker.ip("address", "add", f"{address}/128", "dev", "eth0", "nodad")
    net.gateway.ip("neighbour", "replace", address, "lladdr", net.attacker_mac, "dev", "eth0", "nud", "permanent")


def log_in_until_blocked(net, daemon, address):
    def one():
        with socket.socket(socket.AF_INET6) as s:
            s.settimeout(0.5)
            s.bind((address, 0))
            try:
                s.connect((net.GATEWAY6, 22))
            except OSError:
                pass

    def blocked():
        net.attacker.call(one)
        return daemon.query("SELECT id FROM rules WHERE address = ?", address)

    wait_until(blocked, 20, f"the block of {address}")


def test_many_of_a_prefix_become_one_rule(net, start):
    net.gateway.ip("route", "add", f"{THEIRS}/64", "dev", "eth0")
    server = net.gateway.popen("/usr/bin/python3", "-c", LISTEN, stdout=subprocess.PIPE)
    assert server.stdout.readline() == "ready\n"
    daemon, counter = start(CONFIG), net.pass_counter()
    for number in range(0x100, 0x109):
        add(net, f"{SHARED}{number:x}")
        log_in_until_blocked(net, daemon, f"{SHARED}{number:x}")
    assert len(daemon.rules()) == 9, "the gateway's own prefix is blocked as a whole"
    for number in range(1, 9):
        add(net, f"{THEIRS}{number:x}")
        log_in_until_blocked(net, daemon, f"{THEIRS}{number:x}")
    rule = wait_until(lambda: daemon.rules().get(THEIRS), 5, "one rule for all of them")
    assert (rule["prefix_len"], rule["action"], rule["class"], rule["evidence"]) == (64, "drop", "all", "proven")
    assert rule["reason"].startswith("8 proven attackers of this /64, the last for: "), rule
    assert len(daemon.rules()) == 10, "its members are still there"
    wait_until(lambda: daemon.query("SELECT count(*) AS n FROM rules WHERE removed_why = 'rolled_up'")[0]["n"] == 8, 5)
    # one that was never seen
    add(net, f"{THEIRS}99")
    before = counter.read()
    net.blast(src=f"{THEIRS}99", proto="udp", rate=1000, count=200)
    assert counter.read() == before, "packets of the prefix pass"
    server.kill()
