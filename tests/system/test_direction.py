# SPDX-License-Identifier: GPL-2.0-or-later
"""What this side asked for is no attack, the same packets unasked are; with default limits. And the tc filter that tells."""
import json
import signal
import socket

import pytest

from daemon import only, pins_of
from net import run, wait_until
from packets import ICMP, IP, UDP, IPv6, Raw, ethernet
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoReply

pytestmark = pytest.mark.short
LEARNING = 10  # seconds after a start in which a missing note says nothing
SERVICE, CLIENT = 443, 50000


def filters(net, interface="eth0"):
    """Programs and handles of the filters on the interface's egress."""
    rows = json.loads(net.gateway.run("tc", "-j", "filter", "show", "dev", interface, "egress").stdout or "[]")
    return [(row["options"]["bpf_name"].split(":")[0], row["options"]["handle"])
            for row in rows if "handle" in row.get("options", {})]


def has_clsact(net, interface="eth0"):
    return "clsact" in net.gateway.run("tc", "qdisc", "show", "dev", interface).stdout


def ours(net, interface="eth0"):
    return [name for name, _ in filters(net, interface) if name == "fwgen_egress"]


def wait_learned(daemon):
    wait_until(lambda: daemon.status()["uptime_s"] > LEARNING + 0.5, LEARNING + 5, "the end of the learning")


def ends(net, family):
    return (net.GATEWAY4, net.attacker4) if family == 4 else (net.GATEWAY6, net.attacker6)


def ask(net, family, port=SERVICE):
    """The gateway sends one datagram to the attacker, who for once is a server."""
    near, far = ends(net, family)

    def send():
        with socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind((near, CLIENT))
            s.sendto(b"?", (far, port))

    net.gateway.call(send)


def download(net, family, seconds=3):
    """Thousands of datagrams a second from the server's port to the client's."""
    near, far = ends(net, family)
    return net.blast(src=far, dst=near, proto="udp", sport=SERVICE, dport=CLIENT, rate=4000, seconds=seconds, length=1200)


def blocked(daemon, address):
    return address in daemon.rules()


def assert_counted(daemon, packets, interface="eth0"):
    wait_until(lambda: daemon.traffic(interface)["packets"] >= packets, 5, "what was sent is counted")


@pytest.mark.parametrize("family", [4, 6])
def test_udp_download(net, start, family):
    daemon = start()
    near, far = ends(net, family)
    assert daemon.traffic()["direction"] == "seen"
    wait_learned(daemon)
    ask(net, family)
    sent = download(net, family)["sent"]
    assert sent > 5000
    assert_counted(daemon, sent)
    assert not blocked(daemon, far), daemon.rules()
    ask(net, family, SERVICE + 1)  # of this host something was seen, but nobody asked for these
    source = "192.0.2.90" if family == 4 else "2001:db8:a::90"
    net.blast(src=source, dst=near, proto="udp", sport=SERVICE, dport=CLIENT, rate=4000, seconds=3, length=1200)
    assert daemon.wait_rule(source)["detector"] == "udp_flood"


def test_udp_download_through_the_gateway(net, start):
    """The client behind the gateway asks; both interfaces are watched."""
    daemon = start()
    net.gateway.sysctl(**{"ipv4/ip_forward": 1})
    net.client.ip("route", "add", "default", "via", net.CLIENT_GATEWAY4)
    net.attacker.ip("route", "add", "203.0.113.0/24", "via", net.GATEWAY4)
    wait_learned(daemon)

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((net.client4, CLIENT))
            s.sendto(b"?", (net.attacker4, SERVICE))

    net.client.call(send)
    before = daemon.traffic("eth1")["packets"]
    sent = net.blast(dst=net.client4, proto="udp", sport=SERVICE, dport=CLIENT, rate=4000, seconds=3)["sent"]
    assert_counted(daemon, sent)
    assert not daemon.rules() and daemon.traffic("eth1")["packets"] >= before
    net.blast(dst=net.client4, proto="udp", sport=SERVICE + 1, dport=CLIENT, rate=4000, seconds=3)
    assert daemon.wait_rule(net.attacker4)["detector"] == "udp_flood"


def echo_reply(net, source, number):
    if ":" in source:
        return bytes(ethernet(net) / IPv6(src=source, dst=net.GATEWAY6) / ICMPv6EchoReply(id=77, seq=number))
    return bytes(ethernet(net) / IP(src=source, dst=net.GATEWAY4) / ICMP(type=0, id=77, seq=number))


@pytest.mark.parametrize("family", [4, 6])
def test_replies_to_our_pings(net, start, family):
    daemon = start()
    far = ends(net, family)[1]
    wait_learned(daemon)
    done = net.gateway.run("ping", "-f", "-c", "3000", "-w", "20", far).stdout
    assert "3000 received" in done or int(done.split(" received")[0].split()[-1]) > 1500, done
    assert_counted(daemon, 1500)
    assert not daemon.rules()
    source = "192.0.2.91" if family == 4 else "2001:db8:a::91"
    frames = [echo_reply(net, source, number) for number in range(64)]
    net.send_frames(frames * 40, rate=1500)
    assert daemon.wait_rule(source)["detector"] == "icmp_flood"


def unreachable(net, source, port):
    """An ICMP error from source, about a datagram of the gateway's from this port."""
    if ":" in source:
        about = IPv6(src=net.GATEWAY6, dst=net.attacker6) / UDP(sport=port, dport=SERVICE)
        return bytes(ethernet(net) / IPv6(src=source, dst=net.GATEWAY6) / ICMPv6DestUnreach() / about)
    about = IP(src=net.GATEWAY4, dst=net.attacker4) / UDP(sport=port, dport=SERVICE) / Raw(b"?")
    return bytes(ethernet(net) / IP(src=source, dst=net.GATEWAY4) / ICMP(type=3, code=3) / about)


@pytest.mark.parametrize("family", [4, 6])
def test_unreachables_about_our_packets(net, start, family):
    daemon = start()
    router, forger = ("192.0.2.92", "192.0.2.93") if family == 4 else ("2001:db8:a::92", "2001:db8:a::93")
    wait_learned(daemon)
    ask(net, family)
    net.send_frames([unreachable(net, router, CLIENT)] * 2500, rate=1500)
    assert_counted(daemon, 2500)
    assert not daemon.rules()
    net.send_frames([unreachable(net, forger, CLIENT + 1)] * 2500, rate=1500)
    assert daemon.wait_rule(forger)["detector"] == "icmp_flood"


def test_who_is_scanned_by_us_is_no_attacker(net, start):
    """RSTs of 2,000 closed ports and SYN-ACKs of the open ones, all to ports of ours."""
    daemon = start()
    wait_learned(daemon)
    server = net.attacker.call(lambda: socket.create_server((net.attacker4, 2000), backlog=100))

    def scan():
        refused = opened = 0
        for port in range(1, 2001):
            with socket.socket() as s:
                if s.connect_ex((net.attacker4, port)):
                    refused += 1
                else:
                    opened += 1
        return refused, opened

    assert net.gateway.call(scan) == (1999, 1)
    server.close()
    assert_counted(daemon, 2000)
    assert not daemon.rules(), daemon.rules()


@pytest.mark.parametrize("why", ["no_egress_hook", "another_way_back"])
def test_only_one_direction_is_seen(net, start, why):
    """Then ports must do: what comes from a service to a client is likely wanted, what goes to a service is not."""
    if why == "no_egress_hook":
        net.gateway.run("tc", "qdisc", "add", "dev", "eth0", "ingress")
    else:  # answers of the gateway leave by an interface that is not watched
        net.gateway.ip("route", "add", net.attacker4, "via", net.client4, "dev", "eth1", "src", net.GATEWAY4)
        net.gateway.ip("route", "replace", "default", "via", net.client4, "dev", "eth1")
    daemon = start(interfaces=["eth0"])
    direction = daemon.traffic()
    if why == "no_egress_hook":
        assert direction["direction"] == "unknown" and "ingress discipline" in direction["direction_reason"]
        assert any("what leaves eth0 is not seen" in e["message"] for e in daemon.events())
        assert "what leaves is not seen" in daemon.verb("status").stdout
    else:
        assert direction["direction"] == "seen" and "direction_reason" not in direction
    wait_learned(daemon)
    sent = net.blast(proto="udp", sport=SERVICE, dport=CLIENT, rate=2000, seconds=4, length=1200)["sent"]
    assert_counted(daemon, sent)
    assert not daemon.rules(), daemon.rules()
    net.blast(proto="udp", src="192.0.2.94", sport=CLIENT, dport=SERVICE, rate=2000, seconds=4)
    assert daemon.wait_rule("192.0.2.94")["detector"] == "udp_flood"
    if why == "no_egress_hook":
        net.gateway.run("tc", "qdisc", "del", "dev", "eth0", "ingress")
        wait_until(lambda: daemon.traffic()["direction"] == "seen", 5, "the place is taken once it is free")
        assert any("what leaves eth0 is seen again" in e["message"] for e in daemon.events())


# ---- the filter


def test_a_removed_filter_is_put_back(net, start):
    daemon = start(only())
    assert len(ours(net, "eth0")) == len(ours(net, "eth1")) == 1
    for interface, what in ("eth0", ["filter", "del", "dev", "eth0", "egress"]), ("eth1", ["qdisc", "del", "dev", "eth1", "clsact"]):
        net.gateway.run("tc", *what)
        wait_until(lambda: any(f"what leaves {interface} was not seen" in e["message"] for e in daemon.events()), 1, "it says so")
        assert ours(net, interface)
    assert daemon.traffic()["direction"] == daemon.traffic("eth1")["direction"] == "seen"
    assert daemon.stop() == 0
    assert not filters(net) and not has_clsact(net) and not filters(net, "eth1") and not has_clsact(net, "eth1")


def test_an_interface_that_comes_back_has_one(net, start):
    daemon = start(only())
    mac = net.gateway.mac("eth1")
    net.client.ip("link", "del", "eth0")
    wait_until(lambda: daemon.enforcers()["xdp"]["state"] == "unenforced", 5, "the daemon has noticed")
    net.gateway.ip("link", "add", "eth1", "address", mac, "type", "veth", "peer", "name", "eth0", "netns", net.client.name)
    net.gateway.ip("link", "set", "eth1", "up")
    net.client.ip("link", "set", "eth0", "up")
    wait_until(lambda: ours(net, "eth1"), 6, "the filter is on the new interface")
    assert len(filters(net, "eth1")) == 1


def test_kill_9_and_a_restart_leave_one(net, start):
    daemon = start(only())
    before = filters(net)
    daemon.stop(signal.SIGKILL)
    assert filters(net) == before and len(before) == 1
    for _ in range(3):
        daemon.start()
        assert filters(net) == before and len(filters(net, "eth1")) == 1
        daemon.stop(signal.SIGKILL)
    daemon.start("--iface", "eth0")  # fewer interfaces: nothing of ours is on the other
    assert filters(net) == before and not filters(net, "eth1") and not has_clsact(net, "eth1")
    assert daemon.stop() == 0
    assert not filters(net) and not has_clsact(net)


def test_off_removes_it(net, start):
    """Of a dead daemon, of one that keeps its blocks at the end, and from one interface of a living one."""
    daemon = start(only())
    daemon.stop(signal.SIGKILL)
    assert ours(net)
    assert daemon.off().returncode == 0
    assert not any(filters(net, i) or has_clsact(net, i) for i in ("eth0", "eth1")) and not pins_of(net.gateway)
    daemon.configure({"response": {"on_exit": "keep"}})
    daemon.start()
    assert daemon.stop() == 0
    assert len(ours(net)) == 1 and net.xdp_attached()
    daemon.start()
    assert len(ours(net)) == 1
    assert daemon.off("--iface", "eth1").returncode == 0
    assert not filters(net, "eth1") and not has_clsact(net, "eth1") and ours(net)
    uptime = daemon.status()["uptime_s"]
    wait_until(lambda: daemon.status()["uptime_s"] > uptime + 5, 8, "several looks of the daemon")
    assert not filters(net, "eth1")
    done = daemon.off()
    assert done.returncode == 0 and "tc filters removed: 1" in done.stdout, done.stdout
    assert not filters(net) and not has_clsact(net)


def test_others_filters_stay(net, start, tmp_path):
    source = tmp_path / "others.bpf.c"
    source.write_text('__attribute__((section("tc"), used)) int others(void *c) { return 0; }\n')
    run(["clang", "-O2", "-target", "bpf", "-c", source, "-o", tmp_path / "others.o"])
    add = ("tc", "filter", "add", "dev", "eth0", "egress", "bpf", "da", "obj", tmp_path / "others.o", "sec", "tc")
    net.gateway.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    net.gateway.run(*add)
    before = filters(net)
    daemon = start()
    assert [name for name, _ in filters(net)] == ["fwgen_egress", "others.o"]  # it comes first
    wait_learned(daemon)
    ask(net, 4)
    sent = download(net, 4)["sent"]
    assert_counted(daemon, sent)
    assert not daemon.rules()
    assert daemon.off().returncode == 0
    assert filters(net) == before and has_clsact(net)


def test_what_left_while_the_filter_was_gone(net, start):
    """An answer to what nobody could see is no attack: after the filter is back, too."""
    daemon = start()
    begun = daemon.status()["uptime_s"]  # the learning has begun before
    wait_until(lambda: daemon.status()["uptime_s"] > begun + LEARNING + 0.5, LEARNING + 5, "the end of the learning")
    ask(net, 4, SERVICE + 1)  # so that the gateway counts as a host whose packets are seen
    daemon.process.send_signal(signal.SIGSTOP)
    net.gateway.run("tc", "filter", "del", "dev", "eth0", "egress")
    ask(net, 4)
    daemon.process.send_signal(signal.SIGCONT)
    wait_until(lambda: any("its tc filter was gone" in e["message"] for e in daemon.events()), 1, "the filter is back")
    assert ours(net)
    sent = download(net, 4)["sent"]
    assert_counted(daemon, sent)
    assert not blocked(daemon, net.attacker4), daemon.rules()
