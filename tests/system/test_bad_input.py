# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input: one clear message, the exit code of the contract, nothing half installed."""
import json
import os
import sqlite3
import subprocess

import pytest

from daemon import only, pins_of
from net import run, wait_until

pytestmark = pytest.mark.short

USAGE, UNAVAILABLE, SYSTEM, PERMISSION, CONFIGURATION = 64, 69, 71, 77, 78
DROPPER = """
__attribute__((section("xdp"), used)) int stranger(void *context) { return 2; }
char terms[] __attribute__((section("license"), used)) = "GPL";
"""


def assert_refused(net, daemon, done, code, *words):
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    said = done.stdout + done.stderr
    for word in words:
        assert word in said, f"'{word}' is not in: {said}"
    assert "Sanitizer" not in said
    assert "fwgen" not in net.iptables().lower()
    assert not pins_of(net.gateway)
    assert not daemon.socket_path.exists()


def test_missing_interface(net, start):
    daemon = start(run=False)
    assert_refused(net, daemon, daemon.try_run("--iface", "nope0"), UNAVAILABLE, "nope0")
    assert_refused(net, daemon, daemon.try_run("--iface", "eth0,nope0"), UNAVAILABLE, "nope0")
    assert not net.xdp_attached("eth0")


def test_no_root(net, start):
    daemon = start(run=False)
    daemon.folder.chmod(0o755)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    assert_refused(net, daemon, daemon.try_run(prefix=nobody), PERMISSION, "root")


def test_another_xdp_program(net, start, tmp_path):
    (tmp_path / "stranger.c").write_text(DROPPER)
    obj = tmp_path / "stranger.o"
    run(["clang", "-O2", "-g", "-target", "bpf", "-c", tmp_path / "stranger.c", "-o", obj])
    net.gateway.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "obj", obj, "sec", "xdp")
    theirs = net.xdp_attached()
    assert theirs
    daemon = start(run=False)
    assert_refused(net, daemon, daemon.try_run(), UNAVAILABLE, "eth0", "stranger")
    assert net.xdp_attached() == theirs and not net.xdp_attached("eth1")


def test_memory_for_too_few_cpus(net, start):
    """Counting goes on for the CPUs that have tables, and the start says what would do for all."""
    cpus = os.sysconf("SC_NPROCESSORS_CONF")
    small = {"sensor": {"table_buckets": 2048, "memory_mb": 16}}  # 5 MB for a CPU, two interfaces
    if cpus == 1:
        pytest.skip("one CPU has its tables in any case")
    daemon = start(small)
    warning = next(e["message"] for e in daemon.events() if "memory_mb 16" in e["message"])
    assert f"1 of {cpus} CPUs" in warning and "for 2 interfaces" in warning, warning
    needed = int(warning.rsplit(" ", 1)[1])
    daemon.stop()
    daemon.configure({"sensor": {"table_buckets": 2048, "memory_mb": needed - 1}})
    daemon.start()
    assert any("CPUs can be counted" in e["message"] for e in daemon.events())
    daemon.stop()
    daemon.configure({"sensor": {"table_buckets": 2048, "memory_mb": needed}})
    daemon.start()
    assert not any("CPUs can be counted" in e["message"] for e in daemon.events())


def test_memory_for_no_cpu(net, start):
    """The interfaces of the command line are held to what those of the file are."""
    daemon = start({"interfaces": [], "sensor": {"table_buckets": 4096, "memory_mb": 16}}, run=False)
    check = run(daemon.command("check", "--config", daemon.config_path), check=False)
    assert check.returncode == 0, check.stderr
    assert_refused(net, daemon, daemon.try_run("--iface", "eth0,eth1"), CONFIGURATION, "sensor.memory_mb", "20 MB")


def test_second_daemon(net, start):
    first = start()
    program = net.xdp_attached()
    second = start(run=False)
    done = second.try_run()
    assert done.returncode == UNAVAILABLE and str(first.process.pid) in done.stderr + done.stdout
    assert first.status() and net.xdp_attached() == program


CONFIGS = {
    "unknown key": ('{"response": {"block_secs": 5}}', ["response.block_secs", "block_seconds"]),
    "wrong type": ('{"sensor": {"interval_ms": "fast"}}', ["sensor.interval_ms", "fast"]),
    "out of range": ('{"sensor": {"interval_ms": 1}}', ["sensor.interval_ms", "50"]),
    "unknown detector": ('{"detectors": {"port_scam": {}}}', ["port_scam", "port_scan"]),
    "no JSON": ('{"mode": "enforce",}', ["line 1"]),
    "bad address": ('{"access": {"allow": ["300.1.2.3"]}}', ["access.allow", "300.1.2.3"]),
}


@pytest.mark.parametrize("what", CONFIGS)
def test_broken_config(net, start, what):
    text, words = CONFIGS[what]
    daemon = start(run=False)
    daemon.config_path.write_text(text)
    assert_refused(net, daemon, daemon.try_run("--iface", "eth0"), CONFIGURATION, "config.json", *words)
    done = daemon.try_run("check", "--config", daemon.config_path, raw=True)
    assert_refused(net, daemon, done, CONFIGURATION, *words)


def test_config_that_others_may_write(net, start):
    daemon = start(run=False)
    daemon.config_path.chmod(0o666)
    assert_refused(net, daemon, daemon.try_run(), CONFIGURATION, "config.json")


def test_config_is_not_there(net, start):
    daemon = start(run=False)
    done = daemon.try_run("run", "--config", daemon.folder / "none.json", raw=True)
    assert_refused(net, daemon, done, CONFIGURATION, "none.json")


@pytest.mark.parametrize("arguments", [["run", "--nonsense"], ["run", "--iface"], ["check", "--nonsense"]], ids=" ".join)
def test_usage(net, start, arguments):
    daemon = start(run=False)
    assert_refused(net, daemon, daemon.try_run(*arguments, raw=True), USAGE, arguments[1])


def test_check_touches_nothing(net, start):
    daemon = start(run=False)
    done = daemon.try_run("check", "--config", daemon.config_path, raw=True)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in daemon.folder.iterdir()} == {"config.json"}
    assert not net.xdp_attached()


def test_corrupt_database(net, start):
    """Moved aside, said so, and a new one begun: the record never keeps the gateway unguarded."""
    daemon = start(run=False)
    garbage = b"this was a database once\n" * 1000
    daemon.database_path.write_bytes(garbage)
    daemon.start()
    aside = list(daemon.folder.glob("network_security.db.corrupt-*"))
    assert len(aside) == 1 and aside[0].read_bytes() == garbage
    assert aside[0].name in daemon.log()
    assert daemon.query("select count(*) as n from rules") == [{"n": 0}]


def test_database_of_a_newer_version(net, start):
    daemon = start(run=False)
    with sqlite3.connect(daemon.database_path) as connection:
        connection.execute("pragma user_version = 999")
        connection.execute("create table rules (x)")
        connection.execute("create table events (x)")
    before = daemon.database_path.read_bytes()
    assert_refused(net, daemon, daemon.try_run(), SYSTEM, "network_security.db")
    assert daemon.database_path.read_bytes() == before


def test_database_folder_is_missing(net, start):
    daemon = start({"storage": {"database": "none/of/these/x.db"}}, run=False)
    assert_refused(net, daemon, daemon.try_run(), SYSTEM, "x.db")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs", folder])
    yield folder
    run(["umount", "-l", folder])


def fill(folder):
    done = subprocess.run(["dd", "if=/dev/zero", f"of={folder}/ballast", "bs=4096"], stderr=subprocess.DEVNULL, check=False)
    assert done.returncode


def test_full_disk_at_start(net, start, small_disk):
    daemon = start(folder=small_disk, run=False)
    fill(small_disk)
    assert_refused(net, daemon, daemon.try_run(), SYSTEM, "network_security.db")


def test_full_disk_later(net, start, small_disk):
    """The record stops and says so; blocking does not."""
    daemon = start({**only(udp_flood=(500, 2))}, folder=small_disk, run=False)
    daemon.log_path = small_disk.parent / "log"
    daemon.start()
    fill(small_disk)
    counter = net.pass_counter()
    for last in range(70, 75):
        net.blast(src=f"198.51.100.{last}", proto="udp", rate=10000, count=3000)
        daemon.wait_rule(f"198.51.100.{last}")
    passed = counter.read()
    net.blast(src="198.51.100.70", proto="udp", count=100)
    assert counter.read() == passed
    failing = wait_until(lambda: daemon.status()["record"]["failing"], 15, "status says that the record fails")
    wait_until(lambda: failing in daemon.log() or "No space" in daemon.log(), 5, "the log speaks of the full disk")
    assert daemon.stop() == 0


def test_socket_survives_nonsense(net, start):
    daemon = start()
    for line in (b"\n", b"{}\n", b"[1,2]\n", b"\xff\xfe\n", b'{"verb":"nope"}\n', b'{"verb":7}\n', b"{" * 3000 + b"\n"):
        answer = json.loads(daemon.exchange(line))
        assert answer["ok"] is False and answer["error"]
    assert daemon.status()
