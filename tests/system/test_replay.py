# SPDX-License-Identifier: GPL-2.0-or-later
"""fwgen replay: captures of every kind, judged on their own clock, the same rules as live."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import time

import pytest

import captures
from captures import ATTACKER, ATTACKER6, MS, SECOND, SERVER, SERVER6, START
from daemon import BINARY, only
from net import wait_until

pytestmark = pytest.mark.short

FAILED, USAGE, SYSTEM, CONFIGURATION = 1, 64, 71, 78
LIMIT = 200  # SYNs within 2 s
DECISION = {"type", "file", "time", "frame", "source", "prefix_len", "detector", "action", "class", "evidence", "count",
            "limit", "seconds", "destination", "port", "expires", "command"}
SUMMARY = {"type", "file", "packets", "bytes", "malformed", "decisions", "dropped", "sources"}


class Replay:
    """A folder with a configuration and captures, and what replay says about them."""

    def __init__(self, folder):
        self.folder = folder
        self.configure()

    def configure(self, **more):
        config = {**only(syn_flood=(LIMIT, 2)), **more}
        (self.folder / "config.json").write_text(json.dumps(config))

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def run(self, *arguments, **more):
        done = subprocess.run([BINARY, "replay", "--config", self.folder / "config.json", *arguments],
                              capture_output=True, text=True, timeout=120, **more)
        assert "Sanitizer" not in done.stderr, done.stderr
        return done

    def json(self, *files, code=0):
        """The decisions, and the summaries of the files."""
        done = self.run("--json", *files)
        assert done.returncode == code, f"exit {done.returncode}: {done.stderr}"
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        decisions = [line for line in lines if line["type"] == "decision"]
        summaries = [line for line in lines if line["type"] == "summary"]
        assert len(decisions) + len(summaries) == len(lines)
        return decisions, summaries

    def judge(self, content, *arguments):
        """The decisions and the summary of one capture."""
        decisions, [summary] = self.json(*arguments, self.write("capture", content))
        assert summary["decisions"] == len(decisions)
        assert summary["dropped"] == sum(source["dropped"] for source in summary["sources"])
        return decisions, summary


@pytest.fixture
def replay(tmp_path):
    return Replay(tmp_path)


def seconds(ns):
    return pytest.approx(ns / SECOND, abs=2e-6)


# ---- what files may be --------------------------------------------------------------------------

LINKS = [
    ("ethernet", captures.ETHERNET, captures.ethernet),
    ("vlan", captures.ETHERNET, lambda packet: captures.ethernet(packet, b"\x81\x00\x00\x07")),
    ("qinq", captures.ETHERNET, lambda packet: captures.ethernet(packet, b"\x88\xa8\x00\x07\x81\x00\x00\x08")),
    ("sll", captures.SLL, captures.sll),
    ("sll2", captures.SLL2, captures.sll2),
    ("raw", captures.RAW, captures.plain),
    ("null", captures.NULL, captures.loopback("<")),
    ("null-big-endian", captures.NULL, captures.loopback(">")),
    ("loop", captures.LOOP, captures.loopback(">")),
]


@pytest.mark.parametrize("source,destination", [(ATTACKER, SERVER), (ATTACKER6, SERVER6)], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("link,wrap", [case[1:] for case in LINKS], ids=[case[0] for case in LINKS])
def test_link_types(replay, link, wrap, source, destination):
    records = captures.flood(300, link=wrap, source=source, destination=destination)
    [decision], summary = replay.judge(captures.pcap(records, link))
    assert set(decision) == DECISION and set(summary) == SUMMARY
    six = ":" in source
    assert (decision["source"], decision["prefix_len"]) == (source, 128 if six else 32)
    assert (decision["detector"], decision["action"], decision["class"]) == ("syn_flood", "drop", "all")
    assert decision["evidence"] == "unproven"
    assert (decision["count"], decision["limit"], decision["seconds"]) == (LIMIT + 1, LIMIT, 2)
    assert (decision["destination"], decision["port"]) == (destination, 80)
    assert decision["frame"] == LIMIT + 1
    assert decision["time"] == seconds(START + LIMIT * MS)
    assert decision["expires"] == seconds(START + LIMIT * MS + 60 * SECOND)
    assert decision["command"] == f"{'ip6tables' if six else 'iptables'} -t raw -I PREROUTING -s {source} -j DROP"
    # it applies from the next frame on
    assert summary["packets"] == 300 and summary["dropped"] == 300 - (LIMIT + 1)
    assert summary["bytes"] == sum(len(data) for _, data in records)
    assert summary["sources"] == [{"source": source, "packets": 300, "dropped": 99}]


@pytest.mark.parametrize("link,source,destination", [(captures.IPV4, ATTACKER, SERVER),
                                                     (captures.IPV6, ATTACKER6, SERVER6)], ids=["ipv4", "ipv6"])
def test_raw_of_one_family(replay, link, source, destination):
    records = captures.flood(300, link=captures.plain, source=source, destination=destination)
    [decision], _ = replay.judge(captures.pcap(records, link))
    assert (decision["source"], decision["frame"]) == (source, LIMIT + 1)


@pytest.mark.parametrize("content", [
    captures.pcap(captures.flood(300, gap=MS + 1), nano=True),
    captures.pcap(captures.flood(300, gap=MS + 1), order=">"),
    captures.pcapng(captures.flood(300, gap=MS + 1)),
    captures.pcapng(captures.flood(300, gap=MS + 1), resolution=9),
    captures.pcapng(captures.flood(300, gap=MS + 1, link=captures.sll), link=captures.SLL),
], ids=["nanoseconds", "big-endian", "pcapng", "pcapng-nanoseconds", "pcapng-sll"])
def test_file_types(replay, content):
    [decision], summary = replay.judge(content)
    assert decision["frame"] == LIMIT + 1 and summary["dropped"] == 99
    assert decision["time"] == seconds(START + LIMIT * (MS + 1))


def test_what_is_no_ip_counts(replay):
    records = captures.flood(300)
    records[100:100] = [(START + 99 * MS, b"\xff" * 12 + b"\x08\x06" + b"\0" * 28),  # ARP
                        (START + 99 * MS, captures.ethernet(captures.syn())[:20]),    # half an IP header
                        (START + 99 * MS, b"\x02" * 5)]
    [decision], summary = replay.judge(captures.pcap(records))
    assert summary["packets"] == 303 and summary["malformed"] == 1
    assert decision["frame"] == LIMIT + 4 and summary["dropped"] == 99


def test_cut_frames_count_as_long_as_they_were(replay):
    whole = captures.ethernet(captures.udp(size=1000))
    records = [(START + i * MS, whole[:60], len(whole)) for i in range(10)]
    _, summary = replay.judge(captures.pcap(records, snap=60))
    assert summary["bytes"] == 10 * len(whole) and summary["malformed"] == 0


# ---- time ---------------------------------------------------------------------------------------

def test_found_at_an_interval_end(replay):
    """Too slow to cross its limit within one interval: the packet that begins the next one brings the decision."""
    [decision], summary = replay.judge(captures.pcap(captures.flood(400, gap=2500_000)))
    assert decision["frame"] == 301 and decision["time"] == seconds(START + 750 * MS)
    assert decision["count"] == 300
    assert summary["dropped"] == 400 - 301


def test_the_end_of_the_file_ends_the_interval(replay):
    [decision], summary = replay.judge(captures.pcap(captures.flood(290, gap=2500_000)))
    assert decision["frame"] == 290 and decision["time"] == seconds(START + 289 * 2500_000)
    assert summary["dropped"] == 0


def test_blocks_end_on_the_clock_of_the_capture(replay):
    records = captures.flood(LIMIT + 1)
    block = records[-1][0]
    records += captures.flood(1, block + 60 * SECOND - 2000) + captures.flood(1, block + 60 * SECOND)
    [decision], summary = replay.judge(captures.pcap(records))
    assert decision["expires"] == seconds(block + 60 * SECOND)
    assert summary["dropped"] == 1


def test_blocks_are_renewed_while_it_goes_on(replay):
    """100 SYNs in a second never pass 200 in 2 s, 120 always do: one decision, and no gap in it."""
    records = captures.flood(LIMIT + 1) + captures.flood(120 * 180, START + SECOND, SECOND // 120)
    [_], summary = replay.judge(captures.pcap(records))
    assert summary["dropped"] == len(records) - (LIMIT + 1)


def test_an_attack_that_comes_again_is_decided_again(replay):
    records = captures.flood(300) + captures.flood(300, START + 3600 * SECOND)
    first, second = replay.judge(captures.pcap(records))[0]
    assert (first["frame"], second["frame"]) == (LIMIT + 1, 300 + LIMIT + 1)


def test_a_day_takes_as_long_as_its_packets(replay):
    day = [(START + i * 10 * SECOND, captures.ethernet(captures.ping())) for i in range(8640)]
    attack = captures.flood(300, START + 43205 * SECOND)
    began = time.monotonic()
    [decision], summary = replay.judge(captures.pcap(sorted(day + attack)))
    assert time.monotonic() - began < 10
    assert decision["frame"] == 4321 + LIMIT + 1
    assert summary["dropped"] == 99 + 6  # pings are of the same source


def test_years_of_silence(replay):
    records = captures.flood(300) + captures.flood(300, START + 20 * 365 * 86400 * SECOND)
    began = time.monotonic()
    assert len(replay.judge(captures.pcap(records))[0]) == 2
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("start", [0, (2**32 - 100) * SECOND], ids=["1970", "2106"])
def test_ends_of_time(replay, start):
    [decision], summary = replay.judge(captures.pcap(captures.flood(300, start)))
    assert decision["frame"] == LIMIT + 1 and summary["dropped"] == 99
    assert decision["time"] == seconds(start + LIMIT * MS)


def test_frames_out_of_order(replay):
    """What is late counts as of the latest time that was seen; the text says so."""
    records = captures.flood(300)
    for i in range(0, 298, 3):
        records[i], records[i + 2] = records[i + 2], records[i]
    [decision], summary = replay.judge(captures.pcap(records))
    assert decision["frame"] == LIMIT + 1 and summary["dropped"] == 99
    assert "200 frames are older than one before them, by up to 0.002 s" in replay.run(replay.folder / "capture").stdout


# ---- several files ------------------------------------------------------------------------------

def halves(replay):
    """Two files, neither of which is an attack, and a third from the same source."""
    return [replay.write("first", captures.pcap(captures.flood(150))),
            replay.write("second", captures.pcap(captures.flood(100, START + 200 * MS))),
            replay.write("third", captures.pcap(captures.flood(10, START + SECOND)))]


def test_each_file_starts_fresh(replay):
    decisions, summaries = replay.json(*halves(replay))
    assert decisions == []
    assert [summary["packets"] for summary in summaries] == [150, 100, 10]


def test_continue(replay):
    files = halves(replay)
    [decision], summaries = replay.json("--continue", *files)
    assert decision["file"] == str(files[1]) and decision["count"] == LIMIT + 1 + 49
    assert decision["frame"] == 100  # 250 in all: over the limit at the file's end
    assert [summary["packets"] for summary in summaries] == [150, 100, 10]
    assert [summary["dropped"] for summary in summaries] == [0, 0, 10]
    assert [len(summary["sources"]) for summary in summaries] == [1, 1, 1]


def test_continue_goes_forward(replay):
    first, second, third = halves(replay)
    done = replay.run("--json", "--continue", third, second)
    assert done.returncode == FAILED
    assert str(second) in done.stderr and "frame 1 " in done.stderr
    assert json.loads(done.stdout.splitlines()[0])["file"] == str(third)


def test_the_rest_goes_on(replay):
    good = replay.write("good", captures.pcap(captures.flood(300)))
    garbage = replay.write("garbage", os.urandom(1000))
    empty = replay.write("empty", b"")
    missing = replay.folder / "missing"
    done = replay.run("--json", garbage, empty, missing, replay.folder, good)
    assert done.returncode == FAILED
    complaints = done.stderr.splitlines()
    assert len(complaints) == 4
    for path in (garbage, empty, missing):
        assert any(str(path) in line for line in complaints)
    decision, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert decision["frame"] == LIMIT + 1 and summary["packets"] == 300


def test_a_header_alone_is_a_capture(replay):
    assert replay.judge(captures.pcap([]))[1]["packets"] == 0


def test_truncated(replay):
    """What was read is judged; the complaint says how far that was."""
    whole = captures.pcap(captures.flood(400))
    broken = replay.write("broken", whole[:24 + 310 * (16 + 54) + 20])
    done = replay.run("--json", broken)
    assert done.returncode == FAILED
    assert str(broken) in done.stderr and "frame 310:" in done.stderr
    decision, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert decision["frame"] == LIMIT + 1
    assert summary["packets"] == 310 and summary["dropped"] == 109


def test_unknown_link_type(replay):
    path = replay.write("wifi", captures.pcap(captures.flood(3), captures.IEEE802_11))
    done = replay.run("--json", path)
    assert done.returncode == FAILED and done.stdout == ""
    for word in (str(path), "IEEE802_11", "Ethernet", "SLL2", "raw IP"):
        assert word in done.stderr


# ---- configuration ------------------------------------------------------------------------------

def test_observe(replay):
    replay.configure(mode="observe")
    [decision], summary = replay.judge(captures.pcap(captures.flood(300)))
    assert (decision["source"], decision["frame"], decision["action"]) == (ATTACKER, LIMIT + 1, "drop")
    assert summary["dropped"] == 0
    assert "would block" in replay.run(replay.folder / "capture").stdout


def test_access_allow(replay):
    replay.configure(access={"allow": ["198.51.100.0/24"]})
    decisions, summary = replay.judge(captures.pcap(captures.flood(300)))
    assert decisions == [] and summary["dropped"] == 0
    assert "protected as access.allow" in replay.run(replay.folder / "capture").stdout


def test_access_deny(replay):
    replay.configure(access={"deny": ["198.51.100.64/26"]})
    decisions, summary = replay.judge(captures.pcap(captures.flood(300) + captures.flood(3, source="192.0.2.1")))
    assert decisions == [] and summary["dropped"] == 300


def test_limit(replay):
    config = only(syn_flood=(LIMIT, 2))
    config["detectors"]["syn_flood"]["action"] = "limit"
    replay.configure(**config, response={"limit_packets_per_second": 100})
    records = captures.flood(LIMIT + 1) + captures.flood(10000, START + 201 * MS)
    [decision], summary = replay.judge(captures.pcap(records))
    assert decision["action"] == "limit" and "hashlimit-above 100/sec" in decision["command"]
    # a second's worth at once, then 100 a second for 10 s
    assert summary["dropped"] == pytest.approx(10000 - 1100, abs=3)


def test_alarm(replay):
    config = only(syn_flood=(LIMIT, 2))
    config["detectors"]["syn_flood"]["action"] = "alarm"
    replay.configure(**config)
    [decision], summary = replay.judge(captures.pcap(captures.flood(300)))
    assert decision["action"] == "alarm" and decision["command"] == "" and summary["dropped"] == 0


def test_scan(replay):
    replay.configure(**only(port_scan=(20, 10)))
    records = [(START + i * MS, captures.ethernet(captures.syn(port=1000 + i))) for i in range(100)]
    [decision], summary = replay.judge(captures.pcap(records))
    assert decision["detector"] == "port_scan" and decision["count"] > 20
    assert 21 <= decision["frame"] <= 32  # ports may share a bit
    assert summary["dropped"] == 100 - decision["frame"]


def handshakes(acknowledged):
    """300 connections from one source, both directions; `acknowledged` is what its ACKs say of the server's 5000."""
    for i in range(300):
        there, back = (ATTACKER, SERVER, 40000 + i, 80), (SERVER, ATTACKER, 80, 40000 + i)
        yield captures.tcp(*there, "S", seq=1000)
        yield captures.tcp(*back, "SA", seq=5000, ack=1001)
        yield captures.tcp(*there, "A", seq=1001, ack=acknowledged)


@pytest.mark.parametrize("acknowledged,found", [(5001, 0), (6001, 1)], ids=["honest", "forged"])
def test_both_directions(replay, acknowledged, found):
    """Handshakes that end are no flood, ACKs out of the blue end none: the capture shows what the server answered."""
    packets = handshakes(acknowledged)
    frames = [(START + i * MS // 2, captures.ethernet(packet)) for i, packet in enumerate(packets)]
    decisions, _ = replay.judge(captures.pcap(frames))
    assert [decision["source"] for decision in decisions] == [ATTACKER] * found


def test_a_prefix_that_is_walked_through(replay):
    """IPv6 addresses of one /64, each used once, are put together and limited."""
    data = [captures.ethernet(captures.syn(source=f"2001:db8:66:66::{i:x}", destination=SERVER6))
            for i in range(1, 4001)]
    decisions, _ = replay.judge(captures.pcap([(START + i * MS // 2, frame) for i, frame in enumerate(data)]))
    assert {(d["source"], d["prefix_len"], d["action"]) for d in decisions} == {("2001:db8:66:66::", 64, "limit")}


# ---- what is written ----------------------------------------------------------------------------

def test_text(replay):
    path = replay.write("capture", captures.pcap(captures.flood(300)))
    said = replay.run(path)
    assert said.returncode == 0 and said.stderr == ""
    for words in (str(path), "2023-11-14T22:13:20.200Z", "frame 201", f"block {ATTACKER} for 60 s", "syn_flood",
                  "unproven", "201 SYNs", "limit 200 in 2 s", f"iptables -t raw -I PREROUTING -s {ATTACKER} -j DROP",
                  "would have stopped 99 packets", "300 packets", "1 decision"):
        assert words in said.stdout, f"{words} is not in: {said.stdout}"


def test_the_same_file_gives_the_same_answers(replay):
    replay.configure(**only(port_scan=(20, 10), host_sweep=(60, 10)))
    records = [(START + i * MS, captures.ethernet(captures.syn(source=f"198.51.100.{i % 200}", port=i)))
               for i in range(4000)]
    path = replay.write("capture", captures.pcap(records))
    first = replay.run("--json", path).stdout
    assert "decision" in first
    for _ in range(3):
        assert replay.run("--json", path).stdout == first


def test_a_name_that_steers_terminals(replay):
    name = "\x1b[31m\u202e\"x"
    path = replay.write(name, captures.pcap(captures.flood(3)))
    said = replay.run("--json", path).stdout
    assert "\x1b" not in said and json.loads(said)["file"] == str(path)
    assert "\x1b" not in replay.run(path).stdout


def test_database(replay):
    """As the daemon writes it, in the capture's times; the folder is the starter's alone."""
    path, database = replay.write("capture", captures.pcap(captures.flood(300))), replay.folder / "replay.db"
    replay.folder.chmod(0o700)
    assert replay.run("--db", database, path, path).returncode == 0
    assert sorted(entry.name for entry in replay.folder.iterdir()) == ["capture", "config.json", "replay.db"]
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rules = connection.execute("select id, address, detector, created_at, expires_at, removed_at, removed_why"
                                   " from rules order by id").fetchall()
        events = connection.execute("select at, type, source, message from events order by id").fetchall()
        [traffic] = connection.execute("select sum(packets), sum(dropped) from traffic").fetchall()
    at, end = "2023-11-14T22:13:20.200Z", "2023-11-14T22:14:20.200Z"
    assert rules == [(i, ATTACKER, "syn_flood", at, end, end, "expired") for i in (1, 2)]
    assert [event[:3] for event in events] == [(at, "rule", ATTACKER), (end, "rule", ATTACKER)] * 2
    assert traffic == (600, 198)
    again = replay.run("--db", database, path)
    assert again.returncode == 0
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        assert connection.execute("select max(id) from rules").fetchall() == [(3,)]


def test_database_that_cannot_be(replay):
    path = replay.write("capture", captures.pcap(captures.flood(3)))
    done = replay.run("--db", "/nowhere/replay.db", path)
    assert done.returncode == SYSTEM and "/nowhere" in done.stderr and done.stdout == ""


def test_a_full_disk(replay):
    path = replay.write("capture", captures.pcap(captures.flood(300)))
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "replay", "--json", path], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == SYSTEM and "failed to write" in done.stderr


# ---- the command line, and rights ---------------------------------------------------------------

def test_usage(replay):
    path = replay.write("capture", captures.pcap([]))
    for arguments in ([], ["--nonsense", path], [path, "--config"], ["--json=yes", path]):
        done = subprocess.run([BINARY, "replay", *arguments], capture_output=True, text=True)
        assert done.returncode == USAGE and done.stdout == "" and done.stderr.startswith("fwgen replay: ")
    assert "replay FILE..." in subprocess.run([BINARY, "replay", "--help"], capture_output=True, text=True).stdout


def test_bad_configuration(replay):
    replay.configure(nonsense=1)
    done = replay.run(replay.write("capture", captures.pcap([])))
    assert done.returncode == CONFIGURATION and "nonsense" in done.stderr


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def test_root_is_given_up_before_a_byte_is_read(replay):
    pipe, content = replay.folder / "pipe", captures.pcap(captures.flood(300))
    os.mkfifo(pipe, 0o600)
    with subprocess.Popen([BINARY, "replay", "--json", pipe], stdout=subprocess.PIPE, text=True) as process:
        with open(pipe, "wb", buffering=0) as writer:
            wait_until(lambda: status_of(process.pid)["Uid"] == ["65534"] * 4, what="nobody")
            status = status_of(process.pid)
            assert status["Gid"] == ["65534"] * 4 and status["Groups"] == []
            assert status["NoNewPrivs"] == ["1"] and int(status["CapPrm"][0], 16) == 0
            writer.write(content)
        said = process.stdout.read()
    assert json.loads(said.splitlines()[-1])["packets"] == 300


def test_without_root():
    with tempfile.TemporaryDirectory(prefix="fwg-") as folder:
        os.chmod(folder, 0o755)
        binary, path = shutil.copy(BINARY, folder), pathlib.Path(folder) / "capture"
        path.write_bytes(captures.pcap(captures.flood(300)))
        done = subprocess.run([binary, "replay", "--json", path], capture_output=True, text=True, cwd=folder,
                              user=65534, group=65534, extra_groups=[])
        assert done.returncode == 0 and json.loads(done.stdout.splitlines()[-1])["packets"] == 300
        path.chmod(0o600)
        done = subprocess.run([binary, "replay", path], capture_output=True, text=True, cwd=folder,
                              user=65534, group=65534, extra_groups=[])
        assert done.returncode == FAILED and "Permission denied" in done.stderr
