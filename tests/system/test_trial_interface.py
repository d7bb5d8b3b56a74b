# SPDX-License-Identifier: GPL-2.0-or-later
"""An interface that is deleted and made again, many times: watched within a second, and nothing of the old ones is left."""
import collections
import time

import trial
from conftest import FULL
from daemon import bpf_alive, merged, only, pins_of
from net import wait_until

TIMES = 100 if FULL else 10
CONFIG = merged(only(udp_flood=(500, 2)), {"response": {"block_seconds": 600, "unproven_block_seconds": 600}})


def kinds(objects):
    return collections.Counter(kind for kind, _ in objects)


def healthy(daemon):
    return all(e["state"] != "unenforced" for e in daemon.status()["enforcers"])


def test_deleted_and_made_again(net, start):
    daemon, taken = start(CONFIG), []
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    wait_until(lambda: healthy(daemon), 5, "all is enforced")
    objects, files, pins = daemon.bpf_objects(), daemon.open_files(), len(pins_of(net.gateway))
    links = {one for one in objects if one[0] == "link"}
    for _ in range(TIMES):
        net.gateway.ip("link", "del", "eth0")
        begun = time.monotonic()
        net.gateway.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", net.attacker.name)
        wait_until(lambda: net.xdp_attached("eth0"), 1, "it is watched again", every=0)
        taken.append(time.monotonic() - begun)
        wait_until(lambda: healthy(daemon), 2, "the daemon knows")
        now = {one for one in daemon.bpf_objects() if one[0] == "link"}
        wait_until(lambda: bpf_alive(links | now) == now, 2, "the old link is gone")
        links = now
    trial.figure("interface made again", "from its making to XDP on it", taken, "s", "1 s")
    assert kinds(daemon.bpf_objects()) == kinds(objects), "BPF objects that the daemon holds"
    wait_until(lambda: daemon.open_files() <= files, 2, f"descriptors: {daemon.open_files()} after {files}")
    assert len(pins_of(net.gateway)) == pins
    for namespace in (net.gateway, net.attacker):
        namespace.ip("link", "set", "eth0", "up")
    net.attacker_mac, net.gateway_mac = net.attacker.mac("eth0"), net.gateway.mac("eth0")
    counter = net.pass_counter()
    net.blast(proto="udp", count=100)
    wait_until(lambda: net.xdp()["drops"] >= 100, 3, "the block holds on the new interface")
    assert counter.read() == 0
    filters = net.gateway.run("tc", "filter", "show", "dev", "eth0", "egress").stdout
    assert filters.count("name fwgen_egress") == 1, filters
