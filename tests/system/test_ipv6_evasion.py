# SPDX-License-Identifier: GPL-2.0-or-later
"""Extension headers and fragments neither hide a blocked source nor invent ports."""
import pytest

import packets
from daemon import only
from net import wait_until

pytestmark = pytest.mark.short


@pytest.mark.parametrize("make", [packets.behind_hop_by_hop, packets.behind_options], ids=lambda f: f.__name__)
def test_flood_behind_extension_headers_is_found(net, start, make):
    daemon = start(only(udp_flood=(500, 2), icmp_flood=(500, 2)))
    net.send_frames([make(net, net.attacker6)] * 2000, rate=5000)
    rule = daemon.wait_rule(net.attacker6)
    assert rule["detector"] == ("udp_flood" if make is packets.behind_hop_by_hop else "icmp_flood")


@pytest.mark.parametrize("proto,make", [("icmp", packets.behind_options), ("udp", packets.behind_hop_by_hop)])
def test_blocked_source_stays_blocked_behind_headers(net, start, proto, make):
    daemon = start(only(udp_flood=(500, 2), icmp_flood=(500, 2)))
    child = net.blast_start(src=net.attacker6, proto=proto, rate=20000, seconds=20)
    daemon.wait_rule(net.attacker6)
    net.blast_end(child)
    counter, before = net.pass_counter(), net.xdp()["drops"]
    net.send_frames([make(net, net.attacker6)] * 200)
    wait_until(lambda: net.xdp()["drops"] - before >= 200, 5, "200 packets dropped")
    assert counter.read() == 0


@pytest.mark.parametrize("version", [4, 6])
def test_fragments_have_no_ports(net, start, version):
    """Later fragments full of bytes that look like SYNs to a hundred ports are no scan; real SYNs are."""
    daemon = start(only(port_scan=(20, 10), syn_flood=(90, 10)))
    source = net.attacker4 if version == 4 else net.attacker6
    frames = [packets.later_fragment(net, source, n, packets.syn_header(n)) for n in range(1, 201)]
    net.send_frames(frames, rate=2000)
    counted = wait_until(lambda: daemon.sources().get(source, {}).get("packets", 0) >= 200 and daemon.sources()[source])
    assert not counted["detectors"] and source not in daemon.rules()
    net.send_frames([packets.syn(net, source, n) for n in range(1, 81)])
    assert daemon.wait_rule(source)["detector"] == "port_scan"
