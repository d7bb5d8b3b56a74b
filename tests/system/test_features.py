# SPDX-License-Identifier: GPL-2.0-or-later
"""What replay writes for others to learn from: features as CSV, and peaks for suggest and whatif."""
import csv
import json
import sqlite3
import subprocess

import pytest

import captures
from captures import ATTACKER, MS, SECOND, SERVER, START
from daemon import BINARY, only

pytestmark = pytest.mark.short
NEIGHBOUR = "198.51.100.7"
LIMIT = 200  # SYNs within 2 s


@pytest.fixture
def replay(tmp_path):
    """Replays captures (name and records each) with these arguments, in a folder of its own."""
    (tmp_path / "config.json").write_text(json.dumps(only(syn_flood=(LIMIT, 2), udp_flood=(5000, 10))))

    def run(files, *arguments, code=0):
        paths = []
        for name, records in files.items():
            paths.append(tmp_path / name)
            paths[-1].write_bytes(captures.pcap(records))
        done = subprocess.run([BINARY, "replay", "--config", tmp_path / "config.json", "--json", *arguments, *paths],
                              capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == code and "Sanitizer" not in done.stderr, f"exit {done.returncode}: {done.stderr}"
        return done

    run.folder = tmp_path
    return run


def rows_of(path):
    text = path.read_bytes().decode()
    assert text.endswith("\r\n") and text.count("\n") == text.count("\r\n")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def traffic():
    """25 s: an attacker's flood in the first second, somebody's 40 datagrams a second all the time."""
    calm = captures.flood(1000, START, 25 * MS, make=captures.udp, source=NEIGHBOUR)
    return sorted(captures.flood(300) + calm, key=lambda record: record[0])


def test_rows_are_what_was_sent(replay):
    replay({"a.pcap": traffic()}, "--features", replay.folder / "out.csv")
    rows = rows_of(replay.folder / "out.csv")
    assert {row["file"] for row in rows} == {str(replay.folder / "a.pcap")}
    flood = [row for row in rows if row["source"] == ATTACKER]
    assert [(row["time"], row["packets"], row["syn"], row["udp"]) for row in flood] == [
        (str(START // SECOND), "300", "300", "0")]
    assert flood[0]["found"] == "syn_flood" and int(flood[0]["dropped"]) == 300 - (LIMIT + 1)
    assert int(flood[0]["syn_flood_2"]) == 300 and flood[0]["udp_flood_10"] == "0"
    calm = [row for row in rows if row["source"] == NEIGHBOUR]
    assert [int(row["time"]) for row in calm] == [START // SECOND + i for i in (0, 10, 20)]
    assert [int(row["packets"]) for row in calm] == [400, 400, 200]
    assert all(row["found"] == "" and row["syn"] == "0" for row in calm)
    assert all(350 <= int(row["udp_flood_10"]) <= 430 for row in calm[:2])


def test_files_are_told_apart(replay):
    name = 'an "odd", name.pcap'
    replay({"a.pcap": captures.flood(10), name: captures.flood(20)}, "--features", replay.folder / "out.csv")
    rows = rows_of(replay.folder / "out.csv")
    assert [(row["file"], row["packets"]) for row in rows] == [
        (str(replay.folder / "a.pcap"), "10"), (str(replay.folder / name), "20")]


def test_files_that_go_on_share_windows(replay):
    replay({"a.pcap": captures.flood(10), "b.pcap": captures.flood(20, START + SECOND)}, "--continue", "--features",
           replay.folder / "out.csv")
    assert [row["packets"] for row in rows_of(replay.folder / "out.csv")] == ["30"]


def test_a_file_that_cannot_be_written(replay):
    done = replay({"a.pcap": captures.flood(10)}, "--features", "/nowhere/out.csv", code=71)
    assert "/nowhere/out.csv" in done.stderr
    done = replay({"a.pcap": captures.flood(10)}, "--features", "/dev/full", code=71)
    assert "/dev/full" in done.stderr and "No space left" in done.stderr


def test_database_has_what_sources_came_to(replay):
    """Two hours of a capture: rows hour by hour, and limits that follow from them."""
    calm = [record for n in range(30) for record in captures.flood(
        240, START + n * MS, 30 * SECOND, make=captures.udp, source=f"198.51.100.{100 + n}")]
    records = sorted(calm + captures.flood(300), key=lambda record: record[0])
    replay({"a.pcap": records}, "--db", replay.folder / "a.db")
    with sqlite3.connect(f"file:{replay.folder / 'a.db'}?mode=ro", uri=True) as connection:
        rows = connection.execute("select seconds, sources, largest, found from peaks where detector = 'syn_flood' "
                                  "or detector = 'udp_flood' order by detector, at").fetchall()
    connection.close()
    assert len(rows) == 4 and sum(row[0] for row in rows) / 2 == pytest.approx(7170, abs=10)
    assert [row[3] for row in rows[:1]] == [1]  # the flood, in the first hour
    assert rows[2][1:3] == (30, 1)
    done = subprocess.run([BINARY, "suggest", "--json", "--db", replay.folder / "a.db"], capture_output=True, text=True,
                          check=True)
    answer = json.loads(done.stdout)
    assert answer["enough"] and answer["watched_seconds"] == pytest.approx(7170, abs=10)
    limits = {limit["detector"]: limit for limit in answer["limits"]}
    assert limits["syn_flood"]["found"] == 1 and limits["syn_flood"]["suggested"] == LIMIT
    assert limits["udp_flood"]["sources"] == 60 and limits["udp_flood"]["suggested"] < 5000
    assert SERVER not in done.stdout


def test_what_is_no_table_is_not_overwritten(replay):
    victim = replay.folder / "b.pcap"
    victim.write_bytes(captures.pcap(traffic()))
    before = victim.read_bytes()
    done = replay({"a.pcap": traffic()}, "--features", victim, code=71)
    assert "no table of features" in done.stderr and victim.read_bytes() == before
    table = replay.folder / "out.csv"
    for _ in range(2):
        replay({"a.pcap": traffic()}, "--features", table)
    assert rows_of(table)


def test_reserved_services_are_seen(replay):
    """Somebody outside talks to a reserved UDP port, once."""
    config = json.loads((replay.folder / "config.json").read_text())
    config["detectors"]["unauthorized"] = {"enabled": True}
    config["access"] = {"services": [{"protocol": "udp", "port": 5555, "from": ["10.0.0.0/8"]}]}
    (replay.folder / "config.json").write_text(json.dumps(config))
    records = captures.flood(3, START, 25 * MS, make=lambda **to: captures.udp(**{**to, "port": 5555}), source=NEIGHBOUR)
    lines = [json.loads(line) for line in replay({"a.pcap": records}).stdout.splitlines()]
    found = [line for line in lines if line["type"] == "decision"]
    assert [(line["detector"], line["source"], line["port"]) for line in found] == [("unauthorized", NEIGHBOUR, 5555)]
