# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits from recorded traffic: what was sent at known rates is what suggest and whatif tell."""
import json
import re
import signal
import sqlite3

import pytest

from daemon import merged, only
from net import run, wait_until

pytestmark = pytest.mark.short
LIMIT, SECONDS = 20000, 10
CROWD, EACH = 30, 300
LOUD, LOUD_PACKETS = "198.51.100.99", 1500
ATTACKER = "198.51.100.77"


@pytest.fixture
def recorded(net, start):
    """A daemon that has seen thirty quiet sources, a loud one and an attacker, and has written it down."""
    daemon = start(only(udp_flood=(LIMIT, SECONDS)))
    traffic = {"proto": "udp", "dport": 4444}
    net.blast(src="198.51.100.100", src_mode="list", sources=CROWD, count=CROWD * EACH, rate=20000, **traffic)
    net.blast(src=LOUD, count=LOUD_PACKETS, rate=5000, **traffic)
    net.blast(src=ATTACKER, count=2 * LIMIT, rate=40000, **traffic)
    daemon.wait_rule(ATTACKER)
    sent = CROWD * EACH + LOUD_PACKETS + 2 * LIMIT
    wait_until(lambda: daemon.traffic()["packets"] >= sent, 5, "everything is counted")
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: daemon.query("select * from peaks"), 5, "a reload writes what there is")
    return daemon


def ask(daemon, *arguments):
    done = daemon.verb(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def age(daemon, seconds):
    """As if that traffic had been all of so many seconds."""
    with sqlite3.connect(daemon.database_path) as connection:
        connection.execute("update peaks set seconds = ?", (seconds,))
    connection.close()


def test_what_was_sent_is_recorded(net, recorded):
    row = recorded.query("select * from peaks where detector = 'udp_flood'")[0]
    assert (row["limit_count"], row["limit_seconds"]) == (LIMIT, SECONDS)
    assert (row["sources"], row["largest"], row["found"]) == (CROWD + 1, LOUD_PACKETS, 1)
    assert LIMIT < row["found_largest"] <= 2 * LIMIT
    top = json.loads(row["top"])
    assert top[0] == [ATTACKER, row["found_largest"], "found"] and top[1] == [LOUD, LOUD_PACKETS]
    assert {peak for _, peak in top[2:]} == {EACH} and len(top) == CROWD + 2


def test_little_history_gives_no_limits(recorded):
    answer = ask(recorded, "suggest")
    assert not answer["enough"] and "too little history" in answer["why_not"] and answer["fragment"] is None
    assert [limit["suggested"] for limit in answer["limits"]] == [LIMIT]
    assert "too little history" in recorded.verb("suggest").stdout


def test_suggested_limit_is_taken(net, recorded):
    recorded.stop()
    age(recorded, 7200)
    answer = ask(recorded, "suggest", "--db", recorded.database_path)
    limit = answer["limits"][0]
    assert answer["enough"] and (limit["detector"], limit["seconds"], limit["limit"]) == ("udp_flood", SECONDS, LIMIT)
    assert (limit["sources"], limit["max"], limit["found"]) == (CROWD + 1, LOUD_PACKETS, 1)
    assert EACH <= limit["p50"] <= EACH * 33 / 32 and limit["p99_9"] == LOUD_PACKETS
    assert limit["suggested"] == 2 * LOUD_PACKETS
    text = recorded.verb("suggest", "--db", recorded.database_path).stdout
    fragment = text[text.index("{"):]
    assert json.loads(fragment) == answer["fragment"]
    file = recorded.folder / "fragment.json"
    file.write_text(fragment)
    done = recorded.try_run("check", "--config", file, raw=True)
    assert done.returncode == 0, done.stderr
    # whom it would have stopped: the attacker, as today
    compared = ask(recorded, "whatif", file, "--config", recorded.config_path, "--db", recorded.database_path)
    udp = next(entry for entry in compared["limits"] if (entry["detector"], entry["seconds"]) == ("udp_flood", SECONDS))
    assert udp["over"]["sources"] == udp["over_today"]["sources"] == 1


def test_whatif_names_who_would_have_been_blocked(net, recorded):
    file = recorded.folder / "new.json"
    config = merged(recorded.config, only(udp_flood=(LOUD_PACKETS - 1, SECONDS)))
    config["detectors"]["icmp_flood"]["enabled"] = True
    config["detectors"]["udp_flood"]["action"] = "alarm"
    config["access"] = {"allow": [LOUD]}
    file.write_text(json.dumps(config))
    before = recorded.rules()
    answer = ask(recorded, "whatif", file)
    udp = next(entry for entry in answer["limits"] if entry["detector"] == "udp_flood")
    assert (udp["count"], udp["today"]) == (LOUD_PACKETS - 1, LIMIT)
    assert (udp["over"]["sources"], udp["over_today"]["sources"]) == (2, 1)
    named = {source["source"]: source for source in udp["sources"]}
    assert set(named) == {ATTACKER, LOUD}
    assert named[LOUD]["peak"] == LOUD_PACKETS and named[LOUD]["over"] and not named[LOUD]["over_today"]
    assert named[LOUD]["allowed"] and not named[LOUD]["found"] and named[ATTACKER]["found"]
    assert {(c["detector"], c["says"]) for c in answer["changes"]} == {
        ("icmp_flood", "is off today, would be on"), ("udp_flood", "action drop today, would be alarm")}
    text = recorded.verb("whatif", file).stdout
    assert re.search(rf"^  {LOUD}  {LOUD_PACKETS}, never blocked", text, re.M) and "Nothing was changed" in text
    assert set(recorded.rules()) == set(before)


def test_whatif_refuses_a_bad_file(recorded):
    file = recorded.folder / "new.json"
    file.write_text('{"detectors": {"udp_flod": {}}}')
    done = recorded.verb("whatif", file)
    assert done.returncode == 1 and "udp_flod" in done.stderr and str(file) in done.stderr
    assert recorded.verb("whatif").returncode == 2


def test_the_end_is_recorded_too(net, start):
    daemon = start(only(udp_flood=(LIMIT, SECONDS)))
    net.blast(src=LOUD, count=700, rate=5000, proto="udp", dport=4444)
    wait_until(lambda: LOUD in daemon.sources(), 5, "it is counted")
    daemon.stop()
    row = daemon.query("select * from peaks where detector = 'udp_flood'")[0]
    assert (row["sources"], row["largest"]) == (1, 700)
    # the client finds the database by the configuration
    done = run([*daemon.command("suggest", "--config", daemon.config_path)], check=False)
    assert done.returncode == 0 and "udp_flood" in done.stdout
