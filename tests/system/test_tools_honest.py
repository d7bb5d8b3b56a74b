# SPDX-License-Identifier: GPL-2.0-or-later
"""Busy and honest: whatever comes in or is asked for from inside passes with the limits that fwgen ships with."""
import http.client
import socket
import struct
import subprocess
import threading
import time

import pytest

from conftest import FULL
from net import wait_until

PAGES, STREAM, MEDIA, FILES = 8000, 5001, 20000, 2049
HOSTS = [f"192.0.2.{n}" for n in range(1, 31)]
SECONDS = 20 if FULL else 3


@pytest.fixture(scope="module")
def servers(arena):
    """On the gateway, at thirty addresses, and outside, at the attacker's wire: the same kinds."""
    net = arena.net
    for address in HOSTS:
        net.gateway.ip("address", "add", f"{address}/32", "dev", "lo")
    arena.serve(net.gateway, "pages", str(PAGES), "30")
    for namespace in (net.gateway, net.attacker):
        arena.serve(namespace, "stream", str(STREAM))
        arena.serve(namespace, "echo", str(MEDIA))
        arena.serve(namespace, "blocks", str(FILES))
        namespace.popen("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv",
                        "--no-hosts", "--address=/example.net/192.0.2.1", "--port=53",
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda n=namespace: n.call(lambda: resolve("127.0.0.1", 1)) == 1, 10, "dnsmasq answers")


def datagram_socket(address, port, timeout=1.0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.settimeout(timeout)
    s.connect((address, port))
    return s


def resolve(address, count):
    """Questions from a new port each; how many were answered."""
    answered = 0
    for number in range(count):
        question = struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + b"\4name\7example\3net\0" + struct.pack("!2H", 1, 1)
        with datagram_socket(address, 53) as s:
            s.send(question)
            try:
                answered += s.recv(512)[:2] == question[:2]
            except OSError:
                pass
    return answered


def fetch(host, port):
    connection = http.client.HTTPConnection(host, port, timeout=5)
    connection.request("GET", "/")
    size = len(connection.getresponse().read())
    connection.close()
    return size


def test_a_browser(arena, servers):
    """Sixty connections within a second or two to thirty hosts and thirty ports."""
    source = arena.outsider()
    plan = [(HOSTS[n % 30], PAGES + n % 30) for n in range(30)] + [(HOSTS[0], PAGES + n) for n in range(30)]
    sizes = arena.net.attacker.call(lambda: [fetch(*one) for one in plan])
    assert sizes == [3000] * 60
    arena.assert_unharmed(source, 60 * 5)


def test_questions_to_our_resolver(arena, servers):
    source = arena.outsider()
    assert arena.net.attacker.call(lambda: resolve(arena.net.GATEWAY4, 500)) == 500
    arena.assert_unharmed(source, 500)


def test_questions_of_ours(arena, servers):
    """Five hundred answers come from one address to five hundred ports."""
    source = arena.outsider()
    assert arena.net.gateway.call(lambda: resolve(source, 500)) == 500
    arena.assert_unharmed(source, 500)


@pytest.mark.parametrize("inwards", [True, False], ids=["inwards", "outwards"])
def test_ping(arena, inwards):
    source = arena.outsider()
    namespace, target = (arena.net.attacker, arena.net.GATEWAY4) if inwards else (arena.net.gateway, source)
    count = SECONDS * 10
    done = namespace.run("ping", "-q", "-n", "-i", "0.1", "-c", count, target)
    assert f"{count} received" in done.stdout
    arena.assert_unharmed(source, count)


def receive_stream(address, wanted):
    with socket.create_connection((address, STREAM), timeout=10) as s:
        s.sendall(b"%d\n" % wanted)
        got = 0
        while got < wanted:
            got += len(s.recv(1 << 20))
        return got


def send_stream(address, wanted):
    with socket.create_connection((address, STREAM), timeout=10) as s:
        s.sendall(b"0\n" + bytes(wanted))
        s.shutdown(socket.SHUT_WR)
        return wanted if s.recv(1) == b"" else 0


@pytest.mark.parametrize("transfer", [receive_stream, send_stream])
@pytest.mark.parametrize("inwards", [True, False], ids=["to_us", "of_ours"])
def test_transfer(arena, servers, transfer, inwards):
    """Large frames are off in these namespaces: 100 MB are 70,000 packets and their acknowledgements."""
    source, size = arena.outsider(), 65536 * 1600 * (10 if FULL else 1)
    namespace, target = (arena.net.attacker, arena.net.GATEWAY4) if inwards else (arena.net.gateway, source)
    assert namespace.call(lambda: transfer(target, size)) == size
    arena.assert_unharmed(source, 100)


def talk(address, port, rate, seconds, size):
    """Both ways at a steady rate, as a call does; how many came back."""
    with datagram_socket(address, port, 0.5) as s:
        back = []

        def listen():
            try:
                while True:
                    back.append(len(s.recv(2048)))
            except OSError:
                pass

        listener = threading.Thread(target=listen)
        listener.start()
        begun, sent = time.monotonic(), 0
        while sent < rate * seconds:
            due = min(int((time.monotonic() - begun) * rate) + 1, rate * seconds)
            for _ in range(due - sent):
                s.send(bytes(size))
            sent = due
            time.sleep(0.001)
        listener.join()
        return len(back)


@pytest.mark.parametrize("inwards", [True, False], ids=["called", "calling"])
def test_a_call(arena, servers, inwards):
    source, rate = arena.outsider(), 2000
    namespace, target = (arena.net.attacker, arena.net.GATEWAY4) if inwards else (arena.net.gateway, source)
    back = namespace.call(lambda: talk(target, MEDIA, rate, SECONDS, 160))
    assert back >= 0.98 * rate * SECONDS
    arena.assert_unharmed(source, back)


def read_blocks(address, count, size):
    """Asks for one block after the other, as a network file system over UDP does."""
    good = 0
    with datagram_socket(address, FILES) as s:
        for _ in range(count):
            s.send(b"%d " % size)
            good += len(s.recv(65536)) == size
    return good


def write_blocks(address, count, size):
    """The same the other way: each block goes there in fragments, a short answer comes."""
    good = 0
    with datagram_socket(address, FILES) as s:
        for _ in range(count):
            s.send(b"100 ".ljust(size))
            good += len(s.recv(65536)) == 100
    return good


@pytest.mark.parametrize("access", [read_blocks, write_blocks])
@pytest.mark.parametrize("inwards", [True, False], ids=["of_a_client", "of_ours"])
def test_files_in_fragments(arena, servers, access, inwards):
    """2,000 datagrams of 8 KB each way: 12,000 fragments as fast as they go."""
    source, count = arena.outsider(), 2000
    namespace, target = (arena.net.attacker, arena.net.GATEWAY4) if inwards else (arena.net.gateway, source)
    assert namespace.call(lambda: access(target, count, 8192)) == count
    arena.assert_unharmed(source, count)


OWN_SCANS = {
    "syn": ["-sS", "-p", "1-2000"],
    "udp": ["-sU", "-p", "1-300", "--min-rate", "150"],
    "connect": ["-sT", "-p", "1-2000"],
    "null": ["-sN", "-p", "1-500"],
    "everything": ["-A", "-p", "22,53,5001"],
}


@pytest.mark.parametrize("kind", [kind for kind in OWN_SCANS if FULL or kind != "everything"])
def test_our_own_scan_outwards(arena, servers, kind):
    """An auditor inside: the host that he scans answers with hundreds of resets and unreachables, and is not blocked."""
    source = arena.outsider()
    arena.net.gateway.run("nmap", "-n", "-Pn", "--max-retries", "1", *OWN_SCANS[kind], source, timeout=120)
    arena.assert_unharmed(source, 5)


def test_our_own_sweep_outwards(arena):
    """Thirty hosts that answer to everything that nmap asks them."""
    hosts = [arena.outsider() for _ in range(30)]
    arena.net.gateway.run("nmap", "-n", "-sn", "--send-ip", "-PE", "-PS22", "-PA80", "--max-retries", "1", *hosts)
    for host in hosts:
        arena.assert_unharmed(host, 1)


@pytest.fixture
def behind(arena):
    """The client behind the gateway reaches the outside through it; an outsider's address, which reaches him too."""
    net, source = arena.net, arena.outsider()
    net.gateway.sysctl(**{"ipv4/ip_forward": 1})
    net.client.ip("route", "replace", "default", "via", net.client_gateway4)
    net.attacker.ip("route", "replace", "203.0.113.0/24", "via", net.GATEWAY4, "src", source)
    return source


def test_a_client_behind_the_gateway(arena, servers, behind):
    """Each answer comes in on the one interface and goes out on the other: neither end is anything but honest."""
    net = arena.net
    arena.serve(net.attacker, "pages", str(PAGES), "30")
    assert net.client.call(lambda: [fetch(behind, PAGES + n) for n in range(30)]) == [3000] * 30
    assert net.client.call(lambda: resolve(behind, 300)) == 300
    size = 65536 * 800
    assert net.client.call(lambda: receive_stream(behind, size)) == size
    assert net.client.call(lambda: send_stream(behind, size)) == size
    assert net.client.call(lambda: talk(behind, MEDIA, 2000, 1, 160)) >= 1960
    assert net.client.call(lambda: read_blocks(behind, 1000, 8192)) == 1000
    net.client.run("ping", "-q", "-n", "-i", "0.1", "-c", "10", behind)
    arena.assert_unharmed(behind, 5000)
    arena.assert_unharmed(net.client4, 5000)


def test_a_scanned_client_behind_the_gateway(net, start):
    """What is scanned answers every probe with a reset; where nothing is blocked, five thousand of them."""
    daemon = start({"mode": "observe"})
    net.gateway.sysctl(**{"ipv4/ip_forward": 1})
    net.client.ip("route", "replace", "default", "via", net.client_gateway4)
    net.attacker.ip("route", "replace", "203.0.113.0/24", "via", net.GATEWAY4)
    for kind in ("-sS", "-sT", "-sN", "-sA"):
        net.attacker.run("nmap", "-n", "-Pn", kind, "--max-retries", "0", "--min-rate", "1000", "-p", "1-3000", net.client4)
    net.attacker.run("nmap", "-n", "-Pn", "-sU", "--max-retries", "0", "--min-rate", "500", "-p", "1-500", net.client4)
    wait_until(lambda: daemon.sources().get(net.client4, {}).get("packets", 0) >= 10000, 5, "the answers are counted")
    found = {event["source"] for event in daemon.query("select distinct source from events where type = 'finding'")}
    assert found == {net.attacker4}
