# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon under test: started in a gateway's namespace with a folder of its own for everything it writes."""
import copy
import ipaddress
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile

from net import run, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("FWGEN_BINARY", str(ROOT / "fwgen"))
SANITIZED = "asan" in BINARY
if SANITIZED:
    os.environ.setdefault("FWGEN_TIMEOUT_SCALE", "3")
PINS = pathlib.Path("/run/fwgen/bpf")


def merged(base, over):
    """base with the keys of over laid upon it, objects key by key."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def limit(count, seconds):
    return {"limits": [{"count": count, "seconds": seconds}]}


class Daemon:
    def __init__(self, net, config=None, interfaces=None, folder=None):
        self.net, self.process, self.log_text = net, None, ""
        self.owns_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="fwg-"))
        self.config_path = self.folder / "config.json"
        self.socket_path = self.folder / "control.sock"
        self.database_path = self.folder / "network_security.db"
        self.event_log_path = self.folder / "fwgen-events.json"
        self.log_path = self.folder / "log"
        self.interfaces = interfaces or net.interfaces
        self.base = {
            "interfaces": self.interfaces,
            "mode": "enforce",
            "sensor": {"table_buckets": 2048, "memory_mb": 128},
            "storage": {"database": self.database_path.name, "event_log": self.event_log_path.name},
            "control": {"socket": str(self.socket_path)},
            "web": {"enabled": False},
        }
        self.configure(config or {})

    def configure(self, over):
        self.config = merged(self.base, over)
        self.config_path.write_text(json.dumps(self.config, indent=2))

    # ---- life

    def command(self, *arguments, prefix=()):
        return self.net.gateway.enter(*prefix, BINARY, *arguments)

    def run_arguments(self, *more):
        return ["run", "--config", self.config_path, *more]

    def start(self, *arguments, prefix=(), wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(*self.run_arguments(*arguments), prefix=prefix),
                                            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            wait_until(self._answers, 15, "the daemon answers status")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log()}")
        try:
            return self.ask("status")
        except (FileNotFoundError, ConnectionRefusedError):
            return None

    def stop(self, number=signal.SIGTERM, timeout=20):
        """Sends the signal, waits for the end, returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout)

    def try_run(self, *arguments, timeout=20, prefix=(), raw=False):
        """fwgen run that is expected to end by itself."""
        given = list(arguments) if raw else self.run_arguments(*arguments)
        return run(self.command(*given, prefix=prefix), check=False, timeout=timeout, cwd=self.folder)

    def verb(self, *arguments):
        """A client verb as a person types it."""
        return run([BINARY, *arguments, "--socket", self.socket_path], check=False)

    def off(self, *arguments):
        return run(self.command("off", *arguments), check=False)

    def log(self):
        if self.log_path.exists():
            self.log_text = self.log_path.read_text(errors="replace")
        return self.log_text

    def close(self):
        if self.process and self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.off()
        self.log()
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- questions

    def exchange(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.socket_path))
            s.sendall(line)
            return s.makefile("rb").readline()

    def ask(self, verb, **args):
        answer = json.loads(self.exchange(json.dumps({"verb": verb, "args": args}).encode() + b"\n"))
        assert answer["ok"], answer
        return answer["data"]

    def status(self):
        return self.ask("status")

    def traffic(self, interface="eth0"):
        return next(i for i in self.status()["interfaces"] if i["name"] == interface)

    def sources(self, limit=1000):
        return {entry["address"]: entry for entry in self.ask("sources", limit=limit)}

    def events(self):
        """All that the daemon has in memory, the newest first."""
        return self.ask("events", limit=1024)

    def rules(self):
        return {rule["address"]: rule for rule in self.ask("rules")}

    def wait_rule(self, address, timeout=10):
        return wait_until(lambda: self.rules().get(address), timeout, f"a rule for {address}")

    def wait_no_rule(self, address, timeout=10):
        wait_until(lambda: address not in self.rules(), timeout, f"the end of the rule for {address}")

    def enforcers(self):
        return {e["name"]: e for e in self.status()["enforcers"]}

    def query(self, sql, *values):
        """Rows of the database as dictionaries; read-only, as any viewer would."""
        connection = sqlite3.connect(f"file:{self.database_path}?mode=ro", uri=True, timeout=5)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def event_lines(self):
        return [json.loads(line) for line in self.event_log_path.read_text().splitlines()]

    # ---- what it holds in the kernel

    def bpf_objects(self):
        """(kind, id) of every BPF object the daemon has open."""
        found = set()
        for info in pathlib.Path(f"/proc/{self.process.pid}/fdinfo").iterdir():
            try:
                text = info.read_text()
            except FileNotFoundError:
                continue
            for kind in ("map", "prog", "link"):
                number = re.search(rf"^{kind}_id:\s*(\d+)", text, re.M)
                if number and int(number[1]):
                    found.add((kind, int(number[1])))
        return found

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory_kb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss_Anon:\s+(\d+)", text, re.M)[1])


def bpf_alive(objects):
    return {o for o in objects if not run(["bpftool", o[0], "show", "id", o[1]], check=False).returncode}


def pins_of(namespace):
    """What fwgen has left pinned for this namespace: folders carry the namespace's number."""
    if not PINS.is_dir():
        return []
    folders = [p for p in PINS.iterdir() if str(namespace.inode()) in p.name]
    return [p for folder in folders for p in folder.rglob("*") if not p.is_dir()] + folders


def set_members(net, address):
    """Names of the gateway's ipset sets that hold the address."""
    text = net.gateway.run("ipset", "save", check=False).stdout
    wanted = ipaddress.ip_address(address)
    members = re.findall(r"^add (\S+) (\S+)", text, re.M)
    return [name for name, member in members if wanted in ipaddress.ip_network(member.split(",")[0])]


DETECTORS = ["packet_flood", "byte_flood", "syn_flood", "udp_flood", "icmp_flood", "fragment_flood", "port_scan", "host_sweep",
             "stealth_scan", "brute_force", "reflection", "malformed", "unauthorized", "victim_flood"]


def only(**limits):
    """The section `detectors` with these limits, (count, seconds) each, and every other detector off."""
    section = {name: {"enabled": False} for name in DETECTORS}
    for name, pair in limits.items():
        section[name] = {"enabled": True, **limit(*pair)}
    return {"detectors": section}
