# SPDX-License-Identifier: GPL-2.0-or-later
"""What is written down and shown: database, event log, control socket, verbs in text and JSON."""
import json
import re

import pytest

from daemon import merged, only
from net import wait_until

pytestmark = pytest.mark.short
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
COLUMNS = {
    "rules": "id address prefix_len action class detector evidence origin reason observed limit_count limit_seconds command "
             "config_hash created_at expires_at boot_id expires_boottime_ms removed_at removed_why",
    "events": "id at type severity source destination port protocol detector message details",
    "traffic": "at seconds interface packets bytes tcp udp icmp other dropped unattributed sources",
    "audit": "id at uid pid who verb before after",
}


@pytest.fixture
def attacked(net, start):
    daemon = start(only(udp_flood=(500, 2)))
    daemon.sent = net.blast(proto="udp", rate=10000, count=3000, dport=4444)["sent"]
    daemon.wait_rule(net.attacker4)
    wait_until(lambda: daemon.traffic()["packets"] >= daemon.sent, 5, "everything is counted")
    return daemon


def test_tables(attacked):
    for table, columns in COLUMNS.items():
        there = [row["name"] for row in attacked.query(f"pragma table_info({table})")]
        assert [name for name in there if name in columns.split()] == columns.split()
    assert attacked.query("pragma user_version")[0]["user_version"] >= 1
    assert attacked.query("pragma journal_mode")[0]["journal_mode"] == "wal"


def test_rule_row(net, attacked):
    row = wait_until(lambda: attacked.query("select * from rules"), 5)[0]
    assert row["address"] == net.attacker4 and row["prefix_len"] == 32
    assert (row["action"], row["detector"], row["evidence"], row["origin"]) == ("drop", "udp_flood", "unproven", "detector")
    assert row["observed"] > row["limit_count"] == 500 and row["limit_seconds"] == 2
    assert TIME.match(row["created_at"]) and TIME.match(row["expires_at"]) and row["created_at"] < row["expires_at"]
    assert row["removed_at"] is None and row["removed_why"] is None
    with open("/proc/sys/kernel/random/boot_id") as boot_id:
        assert row["boot_id"] == boot_id.read().strip()
    assert row["reason"] and row["config_hash"] and net.attacker4 in row["command"] and "iptables" in row["command"]


def test_command_is_one_that_iptables_takes(net, attacked):
    """What the rule says a person could type is really that."""
    row = wait_until(lambda: attacked.query("select command from rules"), 5)[0]
    attacked.stop()
    net.gateway.run(*row["command"].split())
    assert net.attacker4 in net.iptables()


def test_events_and_log(net, attacked):
    rows = wait_until(lambda: attacked.query("select * from events where source = ? order by id", net.attacker4), 5)
    assert {"udp_flood"} <= {row["detector"] for row in rows}
    assert all(TIME.match(row["at"]) for row in rows)
    assert {row["type"] for row in rows} <= {"finding", "rule", "alarm", "config", "system"}
    assert {row["severity"] for row in rows} <= {"info", "notice", "warning", "critical"}
    assert any(row["port"] == 4444 and row["destination"] == net.GATEWAY4 for row in rows)
    lines = wait_until(lambda: [e for e in attacked.event_lines() if e.get("src_ip") == net.attacker4], 5)
    assert {"timestamp", "event_type", "fwgen"} <= set(lines[0])
    assert {row["id"] for row in rows} >= {line["fwgen"]["id"] for line in lines}


def test_event_log_says_what_became_of_a_packet(net, start):
    """An alert where somebody was found; that a block goes on or is over is news, and no attack."""
    daemon = start(merged(only(udp_flood=(500, 2), icmp_flood=(500, 2)),
                          {"response": {"block_seconds": 2, "unproven_block_seconds": 2}}))
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    net.blast(proto="icmp", rate=1000, count=3000)
    daemon.wait_no_rule(net.attacker4)

    def lines():
        return [line for line in daemon.event_lines() if line.get("src_ip") == net.attacker4]

    wait_until(lambda: lines()[-1]["fwgen"]["message"].startswith("unblocked"), 5, "the end of the block is told")
    told = [(line["fwgen"]["details"]["change"], line["event_type"], line.get("alert", {}).get("action")) for line in lines()]
    assert told[0] == ("added", "alert", "blocked") and told[-1] == ("removed", "rule", None)
    assert ("also_found", "alert", "blocked") in told
    assert set(told) <= {told[0], told[-1], ("also_found", "alert", "blocked"), ("renewed", "rule", None)}


def test_traffic_rows_add_up(net, attacked):
    attacked.stop()
    total = attacked.query("select sum(packets) as packets, sum(udp) as udp, sum(dropped) as dropped from traffic "
                           "where interface = 'eth0'")[0]
    assert total["packets"] >= attacked.sent and total["udp"] >= attacked.sent
    assert total["dropped"] == net.xdp()["drops"] or not net.xdp()["drops"]


def test_status(attacked):
    status = attacked.status()
    assert status["mode"] == "enforce" and status["evidence"] == "none" and status["version"] and status["uptime_s"] >= 0
    assert {i["name"] for i in status["interfaces"]} == {"eth0", "eth1"}
    eth0 = attacked.traffic()
    assert eth0["sensor"] == "xdp" and eth0["packets"] == eth0["attributed"] + eth0["unattributed"]
    assert {"bytes", "dropped", "sources_estimate", "blind_below_pps"} <= set(eth0)
    wait_until(lambda: {n: e["state"] for n, e in attacked.enforcers().items()}.get("xdp") == "enforced", 5)
    wait_until(lambda: attacked.enforcers()["iptables"]["state"] in ("enforced", "standby"), 5)
    assert attacked.enforcers()["xdp"]["rules"] == 1
    assert status["tracked_sources"] >= 1 and status["memory_bytes"] > 0


def test_sources_and_rules(net, attacked):
    source = wait_until(lambda: attacked.sources().get(net.attacker4), 5)
    assert source["state"] == "blocked" and source["detectors"] == ["udp_flood"]
    assert source["packets"] == attacked.sent and source["dropped"] == net.xdp()["drops"]
    rule = attacked.rules()[net.attacker4]
    assert set(COLUMNS["rules"].split()) <= set(rule)
    wait_until(lambda: set(attacked.rules()[net.attacker4]["enforcers"]) == {"xdp", "iptables"}, 5)
    wait_until(lambda: attacked.rules()[net.attacker4]["packets_dropped"] == net.xdp()["drops"], 5)


@pytest.mark.parametrize("verb", ["status", "sources", "events", "rules"])
def test_verbs(net, attacked, verb):
    text, machine = attacked.verb(verb), attacked.verb(verb, "--json")
    assert text.returncode == 0 and machine.returncode == 0, text.stderr + machine.stderr
    json.loads(machine.stdout)
    assert (net.attacker4 if verb != "status" else "eth0") in text.stdout
    assert (net.attacker4 if verb != "status" else "eth0") in machine.stdout


def test_verb_exit_codes(attacked):
    assert attacked.verb("rules", "--nonsense").returncode == 2
    attacked.stop()
    done = attacked.verb("status")
    assert done.returncode == 3 and "run" in done.stderr


def test_socket_is_not_for_everybody(attacked):
    assert attacked.socket_path.stat().st_mode & 0o777 == 0o660


def test_start_says_what_a_person_needs(attacked):
    log = attacked.log()
    for word in ("eth0", "enforce", "network_security.db", "stop", "off"):
        assert word in log, f"'{word}' is not in the first lines: {log}"
