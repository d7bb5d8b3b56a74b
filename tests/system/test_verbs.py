# SPDX-License-Identifier: GPL-2.0-or-later
"""What people tell a running daemon, on the command line and on its socket: each verb, whom it is refused, what it
does to real packets, and what is left of it in the record."""
import ipaddress
import json
import os
import random
import re
import subprocess
import time

import pytest
from scapy.layers.inet import IP, UDP
from scapy.utils import rdpcap

from conftest import FULL
from daemon import BINARY, Daemon, only, set_members
from net import Net, run, wait_until

pytestmark = pytest.mark.short

GROUP, USER = 54321, 54322  # numbers that are nobody's
CONFIG = {**only(udp_flood=(500, 2)), "response": {"block_seconds": 600}}
_hosts = iter(range(10, 250))


@pytest.fixture(scope="module")
def box():
    """A daemon for all tests of this file; each takes addresses of its own and ends what it began."""
    net = Net()
    daemon = None
    try:
        daemon = Daemon(net, CONFIG).start()
        daemon.counter = net.pass_counter()
        yield daemon
    finally:
        if daemon:
            daemon.close()
        net.close()


@pytest.fixture
def source():
    return f"203.0.113.{next(_hosts)}"


def said(daemon, *words, code=0):
    """The verb's standard output; standard error when it is to fail."""
    done = daemon.verb(*words)
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def audit(daemon, verb):
    return daemon.query("SELECT * FROM audit WHERE verb = ? ORDER BY id DESC", verb)


def passes(daemon, source, count=50, **more):
    """How many of so many packets of the source get past XDP."""
    before = daemon.counter.read()
    daemon.net.blast(src=source, count=count, rate=20000, **{"proto": "udp", "dport": 33333, **more})
    time.sleep(0.05)  # the last ones may still be on their way to the counter
    return daemon.counter.read() - before


def flood(daemon, source):
    daemon.net.blast(src=source, proto="udp", rate=20000, count=2000)


# ---- block, unblock


def test_block_and_unblock(box, source):
    assert passes(box, source) == 50
    text = said(box, "block", source, "--for", "10m", "--reason", "guessed passwords")
    rule = box.rules()[source]
    assert re.fullmatch(rf"blocked {source} as rule {rule['id']} until [\d:]+ \(10 min\): in the drop map and iptables\n", text), text
    assert (rule["origin"], rule["action"], rule["class"], rule["reason"]) == ("manual", "drop", "all", "guessed passwords")
    assert passes(box, source) == 0
    wait_until(lambda: set_members(box.net, source), 5, "iptables has it, too")
    row = wait_until(lambda: audit(box, "block"), 5, "a row in the table audit")[0]
    assert (row["uid"], row["who"]) == (0, "root") and row["pid"] > 0
    assert f"rule {rule['id']}: {source} drop" in row["after"]

    text = said(box, "unblock", source)
    assert f"ended rule {rule['id']} for {source}: guessed passwords" in text and "left alone until" in text
    assert passes(box, source) == 50
    assert source in wait_until(lambda: audit(box, "unblock"), 5)[0]["before"]
    wait_until(lambda: not set_members(box.net, source), 5, "iptables has let it go")
    # held off: it is told what is found, and nobody is blocked for it
    flood(box, source)
    wait_until(lambda: any(f"{source} not blocked: somebody has unblocked it" in e["message"] for e in box.events()), 5)
    assert source not in box.rules()
    text = said(box, "explain", source)
    assert "It was unblocked by hand and is left alone until" in text
    assert "guessed passwords" in text and "manual" in text, "the rule that was ended is remembered"
    assert box.ask("explain", address=source)["state"] == "held"


def test_block_a_class_with_a_limit(box, source):
    text = said(box, "block", source, "--class", "udp", "--limit", "10", "--for", "60s")
    assert text.startswith(f"limited udp of {source} to 10 packets/s as rule ")
    assert passes(box, source, 200) < 60
    assert passes(box, source, 50, proto="syn") == 50, "other classes pass"
    text = said(box, "explain", source)
    assert f"{source} is limited to 10 packets/s since" in text and "Only packets of class udp are covered" in text
    assert box.ask("explain", address=source)["state"] == "limited"
    said(box, "unblock", source)


def test_block_a_port(box, source):
    text = said(box, "block", source, "--port", "53/udp")
    assert text.startswith(f"blocked udp to port 53 of {source} as rule "), text
    assert passes(box, source, 50, dport=53) == 0
    assert passes(box, source, 50, dport=54) == 50
    text = said(box, "explain", source)
    assert "is not blocked as a whole" in text and "Only what goes to port 53/udp is covered" in text
    said(box, "unblock", source)


def test_block_a_prefix(box):
    said(box, "block", "198.18.5.0/24")
    assert passes(box, "198.18.5.77") == 0
    assert "which is for all of 198.18.5.0/24" in said(box, "explain", "198.18.5.77")
    assert f"rule {box.rules()['198.18.5.0']['id']}" in said(box, "unblock", "198.18.5.77"), "ends what covers it"
    assert passes(box, "198.18.5.77") == 50


def test_unblock_by_number_and_all(box, source):
    said(box, "block", source)
    said(box, "unblock", str(box.rules()[source]["id"]))
    assert source not in box.rules()
    assert "no rule 4000000000 is in force" in said(box, "unblock", "4000000000", code=1)
    assert f"no rule is for {source}" in said(box, "unblock", source, code=1)
    said(box, "block", source)
    said(box, "block", "198.18.6.0/24")
    said(box, "unblock", "--all")
    assert not box.rules()


def test_protected_addresses_are_refused(box):
    for address, why in ((box.net.GATEWAY4, "own address"), ("198.51.100.0/24", "own address"), ("127.0.0.1", "loopback")):
        text = said(box, "block", address, code=1)
        assert "may not be blocked" in text and why in text, text
    assert "own address" in said(box, "protected")
    assert f"{box.net.GATEWAY4} is never blocked" in said(box, "explain", box.net.GATEWAY4)


WRONG = [(["198.51.100.7", "--class", "sync"], "--class is all, or some of"), (["198.51.100.7", "--limit", "0"], "whole number"),
         (["198.51.100.7", "--port", "80/sctp"], "--port is a port like"), (["198.51.100"], "an address or prefix is like"),
         (["198.51.100.7", "--for", "soon"], "is a time like"), (["198.51.100.7", "--fro", "10m"], "did you mean --for?"),
         ([], "missing: ADDR"), (["198.51.100.7", "--file", "x"], "only one of them")]


@pytest.mark.parametrize("words,part", WRONG, ids=lambda value: str(value)[:40])
def test_what_is_typed_wrong_is_said(box, words, part):
    assert part in said(box, "block", *words, code=2)


def test_what_does_not_go_together_is_said(box, source):
    assert "a port is tcp's or udp's" in said(box, "block", source, "--port", "80", code=1)
    assert "can be limited only" in said(box, "block", source, "--to", code=1)
    assert "a block lasts for 86400 s at most" in said(box, "block", source, "--for", "30d", code=1)
    assert not box.rules()


def test_hostile_text_is_harmless(box, source):
    reason = "\x1b[2J\x9b31m\" '; DROP TABLE rules; -- \u202e\n{\"ok\":true}"
    said(box, "block", source, "--reason", reason)
    for verb in (["rules"], ["rules", "--json"], ["explain", source], ["events"], ["events", "--json"]):
        text = said(box, *verb)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), verb
    assert box.ask("rules", limit=1)[0]["reason"] == reason
    assert wait_until(lambda: box.query("SELECT reason FROM rules WHERE address = ?", source), 5)[0]["reason"] == reason
    said(box, "unblock", source)


# ---- lists


def write_list(folder, lines):
    path = folder / "list"
    path.write_text("\n".join(lines) + "\n")
    return path


def numbered(count, start="198.18.128.0"):
    first = ipaddress.ip_address(start)
    return [str(first + i) for i in range(count)]


def test_a_list_with_bad_lines(box, tmp_path):
    lines = [f"{address} 20m # list of today" for address in numbered(2000)]
    lines[:4] = ["# a list", "", "198.18.200.0/24 ; SBL123", "add old 198.18.201.7 timeout 300 comment \"an old set\""]
    lines[99], lines[1000], lines[1999] = "198.18.300.1", "198.18.7.7 soon", "198.18.8.8 10m what is this"
    done = box.verb("block", "--file", write_list(tmp_path, lines))
    assert done.returncode == 1
    assert [int(line.split(":")[2]) for line in done.stderr.splitlines()] == [100, 1001, 2000], done.stderr
    assert '"198.18.300.1" is no address or prefix; right is ADDR[/LEN] [10m] [# reason]' in done.stderr
    assert '"soon" is no time like 10m' in done.stderr
    assert done.stdout == "blocked 1995 addresses; lines that were not: 3\n"
    rules = box.rules()
    assert len(rules) == 1995
    assert rules["198.18.200.0"]["prefix_len"] == 24 and rules["198.18.200.0"]["reason"] == "SBL123"
    assert rules["198.18.201.7"]["reason"] == "an old set"
    assert rules["198.18.128.50"]["reason"] == "list of today"
    assert passes(box, "198.18.128.50") == 0 and passes(box, "198.18.200.9") == 0
    assert "ended 1995 rules in all" in said(box, "unblock", "--all")
    assert not box.rules() and passes(box, "198.18.128.50") == 50


def test_a_long_list_is_fast_and_holds_nothing_up(box, tmp_path):
    count = 100000 if FULL else 20000
    path = write_list(tmp_path, numbered(count, "198.18.0.0"))
    start = time.monotonic()
    done = json.loads(said(box, "block", "--file", path, "--for", "5m", "--json"))
    took = time.monotonic() - start
    assert (done["blocked"], done["failed"]) == (count, 0)
    status = box.status()
    assert status["active_rules"] == count and status["record"]["lost"] == 0
    assert took < 30, f"{took:.1f} s"  # a busy machine's; a few seconds otherwise
    print(f"\n{count} blocks in {took:.2f} s, slowest tick {status['tick_ms_max']:.0f} ms")
    addresses = random.sample(numbered(count, "198.18.0.0"), 5)
    assert all(passes(box, address) == 0 for address in addresses)
    said(box, "unblock", "--all")
    wait_until(lambda: box.status()["record"]["queued"] == 0, 60, "the record has caught up")
    assert box.query("SELECT count(*) AS n FROM rules WHERE removed_why = 'manual' AND address LIKE '198.1%'")[0]["n"] >= count


def test_a_list_that_is_none(box, tmp_path):
    (tmp_path / "binary").write_bytes(b"\0\1\2\n" * 3)
    assert "NUL byte" in said(box, "block", "--file", tmp_path / "binary", code=1)
    assert "No such file" in said(box, "block", "--file", tmp_path / "none", code=1)


# ---- allow


def test_allow_lasts_over_restarts(start, net):
    daemon = start(CONFIG)
    source = "203.0.113.9"
    said(daemon, "block", source)
    assert "never blocked from now on" in said(daemon, "allow", source)
    assert not daemon.rules(), "rules that it covers end"
    assert {"address": source, "prefix_len": 32, "reason": "allowed by root"} in daemon.ask("protected")
    assert "protected as allowed by root" in said(daemon, "block", source, code=1)
    assert "is allowed already" in said(daemon, "allow", source)
    wait_until(lambda: audit(daemon, "allow"), 5)
    daemon.stop()
    daemon.start()
    assert {"address": source, "prefix_len": 32, "reason": "allowed by root"} in daemon.ask("protected")
    earlier = daemon.ask("explain", address=source)["earlier"]
    assert [(rule["reason"], rule["removed_why"]) for rule in earlier] == [("blocked by hand", "protected")]
    flood(daemon, source)
    wait_until(lambda: any(source in e["message"] and "not blocked: protected" in e["message"] for e in daemon.events()), 5)
    assert not daemon.rules()
    said(daemon, "allow", source, "--remove")
    assert "was not allowed by hand" in said(daemon, "allow", source, "--remove", code=1)
    flood(daemon, source)
    daemon.wait_rule(source)


# ---- rights


def as_user(daemon, *words, groups=()):
    return run([BINARY, *words, "--socket", daemon.socket_path], check=False, user=USER, group=USER, extra_groups=list(groups))


@pytest.fixture
def shared_socket(box):
    """As where the group fwgen exists: its members may connect."""
    os.chmod(box.folder, 0o755)
    os.chown(box.socket_path, 0, GROUP)
    yield box
    os.chown(box.socket_path, 0, 0)
    os.chmod(box.folder, 0o700)


def test_who_may_what(shared_socket, source):
    box = shared_socket
    done = as_user(box, "status")
    assert done.returncode == 1 and "run this as root or as a member of group fwgen" in done.stderr
    for verb in (["status"], ["rules"], ["explain", source], ["protected"]):
        assert as_user(box, *verb, groups=[GROUP]).returncode == 0, verb
    changing = [["block", source], ["unblock", "--all"], ["allow", source], ["reload"], ["confirm"], ["pause"], ["resume"],
                ["capture", source]]
    for verb in changing:
        done = as_user(box, *verb, groups=[GROUP])
        assert done.returncode == 1 and f"{verb[0]} needs root" in done.stderr and f"uid {USER}" in done.stderr, done.stderr
    assert source not in box.rules() and not box.status()["paused_until"]
    assert f"block by {USER} (uid {USER}, pid" in box.log()


def test_the_table_of_verbs_is_true(box):
    """What help says of a verb is what it takes, and what changes something is for root."""
    verbs = {verb["verb"]: verb for verb in box.ask("help")}
    reading = {"status", "sources", "rules", "events", "protected", "explain", "help"}
    assert {v for v in verbs if not verbs[v]["changes"]} == reading
    for name in verbs:
        answer = json.loads(box.exchange(json.dumps({"verb": name, "args": {"xyzzy": 1}}).encode() + b"\n"))
        assert not answer["ok"] and "xyzzy" in answer["error"]


# ---- explain


def test_explain_who_was_blocked_by_a_detector(box, source):
    flood(box, source)
    rule = box.wait_rule(source)
    wait_until(lambda: "Seen" or True, 1)
    text = said(box, "explain", source)
    assert f"{source} is blocked since" in text and f"by rule {rule['id']}." in text
    assert f"Why: {rule['reason']} (udp_flood)." in text
    assert "The evidence is unproven" in text and "it is in the drop map and iptables" in text
    assert f"Decided by the configuration in force: {box.config_path} ({rule['config_hash']})." in text
    answer = box.ask("explain", address=source)
    assert answer["state"] == "blocked" and answer["rule"]["id"] == rule["id"]
    assert "\n".join(answer["sentences"]) + "\n" == text
    said(box, "unblock", source)


def test_explain_below_its_limits(box, source):
    box.net.blast(src=source, proto="udp", rate=1000, count=200)
    wait_until(lambda: box.sources().get(source, {}).get("packets") == 200, 2, "all are counted")
    text = said(box, "explain", source)
    count = re.search(r"It is below its limits; the nearest is udp_flood with (\d+) of 500 in 2 s\.", text)
    assert count and 100 <= int(count[1]) <= 200, text
    answer = box.ask("explain", address=source)
    assert answer["state"] == "passing" and answer["seen"]["packets"] == 200 and answer["rule"] is None


def test_explain_who_was_never_seen(box):
    text = said(box, "explain", "203.0.113.254")
    assert text == "203.0.113.254 is not blocked.\nNothing from it was seen lately.\n"
    assert box.ask("explain", address="203.0.113.254")["state"] == "unseen"


def test_explain_in_observe_mode(start, net, source):
    daemon = start({**CONFIG, "mode": "observe"})
    flood(daemon, source)
    wait_until(lambda: "It has been over the limits of: udp_flood." in said(daemon, "explain", source), 5)
    text = said(daemon, "explain", source)
    assert f"{source} is not blocked." in text and "fwgen observes" in text
    assert daemon.ask("explain", address=source)["state"] == "observed"
    assert "nothing is blocked in observe mode" in said(daemon, "block", source, code=1)


def test_explain_what_is_denied(start):
    source = "192.0.2.9"
    daemon = start({**CONFIG, "access": {"deny": ["192.0.2.0/24"]}})
    assert daemon.ask("explain", address=source)["state"] == "denied"
    text = said(daemon, "explain", source)
    assert f"{source} is blocked for good: access.deny in {daemon.config_path} names 192.0.2.0/24." in text
    assert "blocked by access.deny: take it out" in said(daemon, "unblock", source, code=1)


# ---- floods of a host


def test_what_is_said_of_a_flood_limits_it(start, net):
    daemon = start()
    counter = net.pass_counter()
    child = net.blast_start(src="198.18.0.0/15", src_mode="random", proto="syn", sport_mode="random", dport=80, rate=30000,
                            seconds=60)
    try:
        text = wait_until(lambda: (lambda t: t if "is flooded" in t else None)(said(daemon, "explain", net.GATEWAY4)), 10)
        command = re.search(r"To limit what reaches it: fwgen (.*)", text)[1]
        assert command == f"block {net.GATEWAY4} --to --class syn --port 80 --limit 1000 --for 10m"
        assert f"iptables -t raw -A PREROUTING -d {net.GATEWAY4} -p tcp --dport 80 --syn -j CT --notrack" in text
        assert "SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460" in text and "nf_conntrack_tcp_loose=0" in text
        assert any(command in e["message"] for e in daemon.events()), "the alarm says it, too"
        said(daemon, *command.split())
        limited = json.loads(said(daemon, "explain", net.GATEWAY4, "--json"))["rules"]
        assert [(r["direction"], r["limit_pps"], r["port"]) for r in limited] == [("destination", 1000, 80)]
        time.sleep(0.2)
        before = counter.read()
        time.sleep(1)
        assert counter.read() - before < 3000, "packets/s that still reach it"
    finally:
        net.blast_end(child)


# ---- reload


@pytest.fixture
def reloaded(start):
    daemon = start(only(udp_flood=(1000000, 2)))
    daemon.configure(only(udp_flood=(500, 2)))
    return daemon


def limit_in_force(daemon):
    """The smallest of the two limits that a flood of 2,000 is over, by what happens."""
    source = f"203.0.113.{next(_hosts)}"
    flood(daemon, source)
    wait_until(lambda: daemon.sources().get(source, {}).get("packets", 0) >= 2000, 5)
    return 500 if source in daemon.rules() else 1000000


def test_reload_that_nobody_confirms(reloaded):
    text = said(reloaded, "reload", "--confirm", "2s")
    assert "without fwgen confirm the configuration before comes back" in text
    assert reloaded.status()["confirm_until"] and "on trial" in said(reloaded, "status")
    assert limit_in_force(reloaded) == 500
    wait_until(lambda: any("nobody confirmed" in e["message"] for e in reloaded.events()), 5)
    message = next(e["message"] for e in reloaded.events() if "nobody confirmed" in e["message"])
    assert f"the file {reloaded.config_path} stays as it is" in message
    assert reloaded.status()["confirm_until"] is None
    assert limit_in_force(reloaded) == 1000000
    assert "no configuration waits to be confirmed" in said(reloaded, "confirm", code=1)
    rows = wait_until(lambda: (lambda r: r if len(r) == 2 else None)(audit(reloaded, "reload")), 5)
    assert [row["who"] for row in rows] == ["fwgen", "root"]
    assert rows[0]["after"] == rows[1]["before"] != rows[1]["after"]


def test_reload_that_is_confirmed(reloaded):
    said(reloaded, "reload", "--confirm", "2s")
    end = time.monotonic() + 2.5
    assert "is in force" in said(reloaded, "confirm")
    wait_until(lambda: time.monotonic() > end, 5, "the time to confirm is over")
    assert limit_in_force(reloaded) == 500
    assert wait_until(lambda: audit(reloaded, "confirm"), 5)


def test_a_second_reload_on_trial_returns_to_what_was_confirmed(reloaded):
    said(reloaded, "reload", "--confirm", "60s")
    reloaded.configure(only(udp_flood=(1500, 2)))
    assert "without fwgen confirm" in said(reloaded, "reload"), "the trial goes on"
    said(reloaded, "reload", "--confirm", "1s")
    wait_until(lambda: reloaded.status()["confirm_until"] is None, 5)
    assert limit_in_force(reloaded) == 1000000


def test_a_bad_configuration_is_refused(reloaded):
    reloaded.config_path.write_text(reloaded.config_path.read_text().replace('"udp_flood"', '"udp_fload"'))
    assert 'did you mean "udp_flood"?' in said(reloaded, "reload", "--confirm", "60s", code=1)
    assert reloaded.status()["confirm_until"] is None
    assert limit_in_force(reloaded) == 1000000
    reloaded.configure({**only(udp_flood=(500, 2)), "sensor": {"table_buckets": 4096}})
    assert "needs a restart to change, and stays as it was: sensor.table_buckets" in said(reloaded, "reload")


# ---- pause


def test_pause_blocks_nobody_new(box, source):
    said(box, "block", "203.0.113.5")
    assert "nobody new is blocked; blocks stay" in said(box, "pause", "60s")
    try:
        assert "paused" in said(box, "status") and box.status()["paused_until"]
        flood(box, source)
        wait_until(lambda: any(f"{source} not blocked: decisions are paused" in e["message"] for e in box.events()), 5)
        assert source not in box.rules()
        assert "fwgen is paused: it blocks nobody new until" in said(box, "explain", source)
        assert passes(box, "203.0.113.5") == 0, "blocks stay"
    finally:
        said(box, "resume")
    flood(box, source)
    box.wait_rule(source)
    assert "fwgen is not paused" in said(box, "resume", code=1)
    assert wait_until(lambda: audit(box, "pause") and audit(box, "resume"), 5)
    said(box, "unblock", "--all")


@pytest.mark.parametrize("how", ["resume", "time"])
def test_disarmed_blocks_pass_and_come_back(box, source, how):
    said(box, "block", source, "--for", "10m")
    wait_until(lambda: set_members(box.net, source), 5)
    expires = box.rules()[source]["expires_at"]
    assert passes(box, source) == 0
    text = said(box, "pause", "2s" if how == "time" else "60s", "--disarm")
    assert "blocks are lifted" in text
    assert passes(box, source) == 50
    wait_until(lambda: not set_members(box.net, source), 5, "iptables lets it pass, too")
    assert box.status()["disarmed"] and "BLOCKS ARE LIFTED" in said(box, "status")
    assert {e["state"] for e in box.enforcers().values()} == {"unenforced"} and box.rules()[source]["enforcers"] == []
    assert "Its packets pass now: blocks are lifted until" in said(box, "explain", source)
    assert "NOTHING ENFORCES IT" in said(box, "block", "203.0.113.6")
    assert passes(box, "203.0.113.6") == 50, "what is blocked meanwhile waits, too"
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        assert not set_members(box.net, "203.0.113.6")
    if how == "resume":
        said(box, "resume")
    wait_until(lambda: not box.status()["disarmed"], 5)
    assert passes(box, source) == 0 and passes(box, "203.0.113.6") == 0
    assert box.rules()[source]["expires_at"] == expires
    wait_until(lambda: set_members(box.net, source) and set_members(box.net, "203.0.113.6"), 5)
    said(box, "unblock", "--all")


# ---- capture


def capture(box, *words, **more):
    """A capture once it has begun."""
    return subprocess.Popen([str(w) for w in (BINARY, "capture", *words, "--socket", box.socket_path)], stderr=subprocess.PIPE,
                            **{"stdout": subprocess.DEVNULL, **more})


def wait_captured(path):
    wait_until(lambda: path.exists() and path.stat().st_size >= 24, 5, "the capture has begun")


def test_capture_shows_what_is_dropped(box, source, tmp_path):
    other = "203.0.113.7"
    for address in (source, other):
        said(box, "block", address)
    path = tmp_path / "dropped.pcap"
    child = capture(box, source, "--count", "20", "--for", "20s", "-w", path)
    wait_captured(path)
    begun = time.time()
    end = time.monotonic() + 10
    while child.poll() is None and time.monotonic() < end:
        assert passes(box, other, 5, dport=1111) == 0 and passes(box, source, 5, dport=4444) == 0
    assert child.wait(10) == 0 and child.stderr.read() == b"20 dropped packets\n"
    read = rdpcap(str(path))
    assert len(read) == 20
    for packet in read:
        assert packet[IP].src == source and packet[IP].dst == box.net.GATEWAY4 and packet[UDP].dport == 4444
        assert abs(float(packet.time) - begun) < 30
    lines = run(["tcpdump", "-n", "-r", path]).stdout.splitlines()
    assert len(lines) == 20 and all(f"IP {source}." in line for line in lines)
    assert wait_until(lambda: audit(box, "capture"), 5)[0]["after"] == source
    said(box, "unblock", "--all")


def test_capture_of_one_client_at_a_time(box, source, tmp_path):
    said(box, "block", source)
    first, second = tmp_path / "first", tmp_path / "second"
    child = capture(box, source, "--for", "60s", "-w", first)
    wait_captured(first)
    assert "another capture is running" in said(box, "capture", source, code=1)
    child.kill()
    child.wait()
    # it went away: its capture has ended, and the next one sees the next packets
    with open(second, "wb") as out:
        child = wait_until(lambda: begin_capture(box, source, out, second), 5, "another may begin")
    passes(box, source, 3)
    assert child.wait(10) == 0, "ends when it has all that it was to take"
    assert len(rdpcap(str(second))) == 3
    assert not passes(box, source)
    said(box, "unblock", source)


def begin_capture(box, source, out, path):
    child = capture(box, source, "--count", "3", "--for", "60s", stdout=out)
    wait_until(lambda: child.poll() is not None or path.stat().st_size >= 24, 5)
    return child if child.poll() is None else None


def test_capture_ends_with_its_time(box, tmp_path):
    path = tmp_path / "none"
    child = capture(box, "203.0.113.99", "--for", "1s", "-w", path)
    assert child.wait(10) == 0 and child.stderr.read() == b"0 dropped packets\n"
    assert len(rdpcap(str(path))) == 0
    assert said(box, "capture", "203.0.113.99", "--for", "1s", "--json") == ""
    assert "a capture lasts for 1s to 600s" in said(box, "capture", "203.0.113.99", "--for", "1h", code=1)
    assert "nothing is captured for this connection" in json.loads(box.exchange(b'{"verb":"captured"}\n'))["error"]


def test_capture_as_lines(box, source):
    """On a terminal, a line for each packet."""
    said(box, "block", source)
    rule = box.rules()[source]["id"]
    terminal, side = os.openpty()
    child = capture(box, source, "--count", "2", "--for", "20s", stdout=side)
    wait_until(lambda: child.poll() is not None or passes(box, source, 5, dport=4444) or child.poll() is not None, 10)
    os.close(side)
    lines = os.read(terminal, 65536).decode().splitlines()
    os.close(terminal)
    assert child.wait(10) == 0 and len(lines) == 2
    for line in lines:
        assert re.fullmatch(rf"[\d:]+\.\d{{6}} eth0 rule {rule}: {source} port \d+ > {box.net.GATEWAY4} port 4444, udp, \d+ bytes", line), line
    said(box, "unblock", source)
