# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/evaluate holds what replay decides against the labels: captures made here, each kind of score, good and bad."""
import ipaddress
import struct

import pytest

import packets
from daemon import BINARY, ROOT
from net import run
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Dot1Q, Ether

HOST, SCANNER, OTHER, CLIENT = "192.0.2.1", "198.51.100.66", "198.51.100.67", "203.0.113.5"
COLUMNS = ["file", "class", "attacker_ips", "victim_ips", "score", "accept_detectors", "attack_start_s", "ignore_ips", "notes"]
START = 1700000000.25


def tcp(source, destination, flags, sport=40000, dport=80, tag=None, **more):
    frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    if tag:
        frame /= Dot1Q(vlan=tag)
    return bytes(frame / IP(src=source, dst=destination) / TCP(sport=sport, dport=dport, flags=flags, **more))


def scan(source=SCANNER, ports=60, begin=0.0, tag=None):
    """(time, frame): a SYN every 10 ms, each refused."""
    for i in range(ports):
        yield begin + i / 100, tcp(source, HOST, "S", dport=1000 + i, tag=tag)
        yield begin + i / 100 + 0.001, tcp(HOST, source, "RA", 1000 + i, 40000, tag=tag)


def syn_flood(source=SCANNER, count=3000, begin=0.0):
    frame = tcp(source, HOST, "S")
    return [(begin + i / 10000, frame) for i in range(count)]


def browsing(client=CLIENT, connections=5, begin=0.0):
    for i in range(connections):
        at, port = begin + i / 5, 50000 + i
        steps = [(client, HOST, "S", 100, 0), (HOST, client, "SA", 900, 101), (client, HOST, "A", 101, 901),
                 (client, HOST, "FA", 101, 901), (HOST, client, "FA", 901, 102), (client, HOST, "A", 102, 902)]
        for n, (source, destination, flags, seq, ack) in enumerate(steps):
            ports = (port, 80) if source == client else (80, port)
            yield at + n / 100, tcp(source, destination, flags, *ports, seq=seq, ack=ack)


def spoofed_flood(count=20000, begin=0.0):
    """A SYN from a new address each, 40,000 a second, and the list of the addresses."""
    frame, first = tcp("0.0.0.0", HOST, "S"), int(ipaddress.ip_address("198.18.0.0"))
    sources = [first + (i * 40503) % 131072 for i in range(count)]
    frames = [(begin + i / 40000, frame[:26] + struct.pack("!I", s) + frame[30:]) for i, s in enumerate(sources)]
    return frames, [str(ipaddress.ip_address(s)) for s in sources]


def write_capture(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, frame in sorted(frames, key=lambda one: one[0]):
            microseconds = round((START + at) * 1e6)
            file.write(struct.pack("<IIII", *divmod(microseconds, 1000000), len(frame), len(frame)) + frame)


class Folder:
    def __init__(self, path):
        self.path, self.lines, self.output, self.rows = path, [], "", {}

    def add(self, name, frames, **label):
        if frames is not None:
            write_capture(self.path / f"{name}.pcap", frames)
        label = {"file": f"{name}.pcap", "class": "port_scan", "attack_start_s": "0", **label}
        self.lines.append("\t".join(label.get(column, "-") for column in COLUMNS))

    def attack(self, name, frames, **label):
        self.add(name, frames, **{"attacker_ips": SCANNER, "score": "source", "accept_detectors": "port_scan", **label})

    def benign(self, name, frames, **label):
        self.add(name, frames, **{"class": "benign", "score": "benign", "attack_start_s": "-", **label})

    def evaluate(self, *options):
        """The exit code; rows by file, and the whole output, are kept."""
        (self.path / "labels.tsv").write_text("\n".join(["\t".join(COLUMNS), *self.lines]) + "\n")
        done = run([ROOT / "scripts" / "evaluate", self.path, "--binary", BINARY, *options], check=False)
        self.output = done.stdout + done.stderr
        table = [line.split() for line in done.stdout.split("\n\n")[0].splitlines()[1:]]
        self.rows = {row[0]: row[3] for row in table if len(row) > 3}
        return done.returncode

    def cells(self, name):
        """A row's cells by heading, from the Markdown table, whose cells end visibly."""
        self.evaluate("--markdown")
        head, _, *table = [line.strip("| ").split(" | ") for line in self.output.splitlines() if line.startswith("|")]
        return next(dict(zip(head, row)) for row in table if row[0] == name)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_all_good(folder):
    folder.attack("scan", [*scan(), *browsing()])
    folder.attack("tagged", scan(tag=7))
    folder.attack("flood", syn_flood(), **{"class": "syn_flood", "accept_detectors": "syn_flood,packet_flood"})
    folder.benign("peace", browsing(connections=20))
    folder.add("odd", [(0, b"\0" * 60), (0.1, tcp(CLIENT, HOST, "S")[:40]), (0.2, packets.Raw(b"\xff" * 90).load)],
               **{"class": "malformed", "score": "none"})
    assert folder.evaluate() == 0, folder.output
    assert set(folder.rows.values()) == {"PASS"} and len(folder.rows) == 5
    assert "5 captures: 5 pass, 0 fail. Attackers found: 3 of 3; victims named: 0 of 0; benign sources blocked: 0 of 5" in \
        folder.output
    row = folder.cells("scan")
    assert row["detectors"] == "port_scan" and 21 <= int(row["try"]) <= 26
    assert float(row["found s"]) == pytest.approx((int(row["try"]) - 1) / 100, abs=0.002)
    assert row["80/99"] == "-" and row["benign blocked"] == "-"
    row = folder.cells("flood")
    assert 201 <= int(row["frame"]) <= 210 and row["80/99"] == "yes"
    assert float(row["stopped"].split()[0]) == pytest.approx(100 * (1 - int(row["frame"]) / 3000), abs=0.1)
    assert row["after"] == "100.0 %"


def test_attacker_missed(folder):
    folder.attack("few", scan(ports=6))
    assert folder.evaluate() == 1
    assert f"FAIL: few.pcap: attacker missed: {SCANNER}" in folder.output
    assert "Attackers found: 0 of 1" in folder.output


def test_found_by_a_detector_that_does_not_count(folder):
    folder.attack("scan", scan(), accept_detectors="brute_force")
    assert folder.evaluate() == 1
    assert f"attacker missed: {SCANNER} (only by port_scan)" in folder.output


def test_one_of_two_attackers_missed(folder):
    (folder.path / "who.txt").write_text(f"{SCANNER}\n{OTHER}\n")
    folder.attack("two", [*scan(), *scan(OTHER, ports=5)], attacker_ips="@who.txt")
    assert folder.evaluate() == 1
    assert f"attacker missed: {OTHER}\n" in folder.output and "Attackers found: 1 of 2" in folder.output


def test_benign_source_blocked(folder):
    folder.benign("mislabelled", [*scan(OTHER), *browsing()])
    assert folder.evaluate() == 1
    assert folder.rows == {"mislabelled": "FAIL"}
    assert f"benign source blocked: {OTHER}, by port_scan at frame" in folder.output
    assert "benign sources blocked: 1 of 3" in folder.output  # the scanned host and the client too
    assert folder.cells("mislabelled")["benign blocked"] == OTHER


@pytest.mark.parametrize("ignored,code", [("-", 1), (OTHER, 0), (f"{CLIENT},{OTHER}", 0), ("*", 0), (CLIENT, 1)])
def test_everybody_else_is_benign_but_who_is_ignored(folder, ignored, code):
    folder.attack("two", [*scan(), *scan(OTHER, begin=2)], ignore_ips=ignored)
    assert folder.evaluate() == code, folder.output


@pytest.mark.parametrize("starts,code", [("3", 0), ("0", 1), ("3.9", 1)])
def test_victim_is_named_in_time(folder, starts, code):
    """Named 3 s after the file's begin: late by the label that says 0, before its attack by the one that says 3.9."""
    frames, sources = spoofed_flood(begin=3)
    (folder.path / "who.txt").write_text("\n".join(sources))
    folder.add("spread", [*browsing(), *frames], score="victim", victim_ips="192.0.2.0/30", attacker_ips="@who.txt",
               accept_detectors="victim_flood", attack_start_s=starts, **{"class": "syn_flood"})
    assert folder.evaluate() == code, folder.output
    if starts == "0":
        assert "victim 192.0.2.0/30 named after 3." in folder.output and "victims named: 0 of 1" in folder.output
    if starts == "3":
        assert "victims named: 1 of 1" in folder.output


def test_victim_not_named(folder):
    folder.add("calm", browsing(), score="victim", victim_ips=HOST, attacker_ips=CLIENT, **{"class": "syn_flood"})
    assert folder.evaluate() == 1
    assert f"victim not named: {HOST}/32" in folder.output


@pytest.mark.parametrize("starts,code", [("5", 0), ("6", 1)])
def test_a_finding_before_the_attack_is_none(folder, starts, code):
    folder.attack("later", [*browsing(), *scan(begin=5)], attack_start_s=starts)
    assert folder.evaluate() == code, folder.output
    if code:
        assert f"attacker {SCANNER} found before its attack, by port_scan" in folder.output
    else:
        assert float(folder.cells("later")["found s"]) < 1


def test_other_limits_by_config(folder):
    folder.attack("scan", scan())
    config = folder.path / "config.json"
    config.write_text('{"detectors": {"port_scan": {"enabled": false}}}')
    assert folder.evaluate("--config", config) == 1


def write_raw_ip(path, frames):
    """Big-endian, nanoseconds, no link layer."""
    with open(path, "wb") as file:
        file.write(struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))
        for at, frame in frames:
            seconds, nanoseconds = divmod(round((START + at) * 1e9), 1000000000)
            file.write(struct.pack(">IIII", seconds, nanoseconds, len(frame) - 14, len(frame) - 14) + frame[14:])


def write_cooked(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 113))
        for at, frame in frames:
            packet = struct.pack("!HHH8s", 0, 1, 6, b"") + frame[12:]
            file.write(struct.pack("<IIII", *divmod(round((START + at) * 1e6), 1000000), len(packet), len(packet)) + packet)


def write_pcapng(path, frames):
    """One interface that counts milliseconds and one that counts the usual microseconds; the frames are the second's."""
    def block(kind, body):
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    with open(path, "wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        file.write(block(1, struct.pack("<HHIHHB3xHH", 1, 0, 0, 9, 1, 3, 0, 0)))
        file.write(block(1, struct.pack("<HHI", 1, 0, 0)))
        for at, frame in frames:
            high, low = divmod(round((START + at) * 1e6), 1 << 32)
            file.write(block(6, struct.pack("<IIIII", 1, high, low, len(frame), len(frame)) + frame + bytes(-len(frame) % 4)))


@pytest.mark.parametrize("write", [write_raw_ip, write_cooked, write_pcapng])
def test_other_kinds_of_captures(folder, write):
    write(folder.path / "scan.pcap", list(scan()))
    folder.attack("scan", None)
    assert folder.evaluate() == 0, folder.output
    row = folder.cells("scan")
    assert 21 <= int(row["try"]) <= 26 and int(row["frame"]) == 2 * int(row["try"]) - 1
    assert float(row["found s"]) == pytest.approx((int(row["try"]) - 1) / 100, abs=0.002)


def test_captures_that_cannot_be_read(folder):
    folder.benign("gone", None)
    (folder.path / "text.pcap").write_text("no capture\n")
    folder.benign("text", None)
    (folder.path / "unlisted.pcap").write_bytes(b"")
    assert folder.evaluate() == 1
    assert folder.rows == {"gone": "FAIL", "text": "FAIL"}
    assert "gone.pcap: the capture is not there" in folder.output
    assert "unlisted.pcap has no line in labels.tsv" in folder.output


def test_usage(folder):
    evaluate = ROOT / "scripts" / "evaluate"
    done = run([evaluate, folder.path, "--binary", BINARY], check=False)
    assert done.returncode == 64 and "labels.tsv is not there" in done.stderr
    assert run([evaluate], check=False).returncode == 64
    assert run([evaluate, "--help"]).stdout.startswith("usage: scripts/evaluate")
    folder.attack("scan", scan(), score="maybe")
    assert folder.evaluate() == 64 and "labels.tsv:2: score 'maybe' is none of source, victim" in folder.output
    folder.lines.clear()
    folder.attack("scan", scan(), attacker_ips="198.51.100.300")
    assert folder.evaluate() == 64 and "labels.tsv:2: '198.51.100.300'" in folder.output
    (folder.path / "labels.tsv").write_text("file\tscore\n")
    done = run([evaluate, folder.path, "--binary", BINARY], check=False)
    assert done.returncode == 64 and "no column class, attacker_ips" in done.stderr
    assert run([evaluate, folder.path, "--binary", folder.path / "nothing"], check=False).returncode == 69
