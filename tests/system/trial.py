# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fault trials share: the kernel's own view of the blocks, who gets through when, and a table of the figures."""
import datetime
import ipaddress
import json
import re
import select
import socket
import statistics
import struct
import threading
import time

from net import run

SO_TIMESTAMPNS = 35
FIGURES = []


def figure(trial, what, values, unit, bound):
    """Notes a measurement for the table that ends the run; returns its worst value."""
    worst = max(values)
    FIGURES.append((trial, what, len(values), statistics.median(values), worst, unit, bound))
    return worst


def table():
    rows = [("trial", "measured", "n", "median", "worst", "bound")]
    rows += [(trial, what, str(n), f"{median:.3g} {unit}", f"{worst:.3g} {unit}", bound)
             for trial, what, n, median, worst, unit, bound in FIGURES]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


# ---- what the kernel has


def when(text):
    """Seconds since 1970 of a time as fwgen writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def jiffies_hz():
    """Ticks a second, as the coarse clock's resolution says."""
    return round(1 / time.clock_getres(6))  # CLOCK_MONOTONIC_COARSE


def jiffies_now():
    with open("/proc/timer_list") as timers:
        return int(re.search(r"^jiffies: (\d+)", timers.read(), re.M)[1])


def blocks_map(daemon):
    """The id of the map that the XDP programs look into; it outlives the daemon."""
    for kind, number in daemon.bpf_objects():
        if kind == "map" and json.loads(run(["bpftool", "-j", "map", "show", "id", number]).stdout).get("name") == "blocks":
            return number
    raise AssertionError("the daemon has no map called blocks")


def as_bytes(entry):
    return bytes(int(byte, 16) for byte in entry)


def xdp_ends(map_id):
    """When each block of the drop map ends, by address; what is over is left out."""
    entries = json.loads(run(["bpftool", "-j", "map", "dump", "id", map_id]).stdout)
    jiffies, now, ends = jiffies_now(), time.time(), {}
    for entry in entries:
        address = ipaddress.IPv6Address(as_bytes(entry["key"])[:16])
        left = (struct.unpack_from("=Q", as_bytes(entry["value"]))[0] - jiffies) / jiffies_hz()
        if left > 0:
            ends[str(address.ipv4_mapped or address)] = now + left
    return ends


def ipset_ends(net):
    """When each member of the gateway's sets ends at the earliest: ipset shows whole seconds, and is right within one."""
    before = time.time()
    text = net.gateway.run("ipset", "save", check=False).stdout
    members = re.findall(r"^add fwgen\S+ ([0-9a-f:.]+)\S* timeout (\d+)", text, re.M)
    return {address: before + int(left) for address, left in members}


def disagreements(net, daemon):
    """How rules, database, drop map and ipset differ, as text; deadlines may by a second."""
    rules = {rule["address"]: when(rule["expires_at"]) for rule in daemon.ask("rules")}
    rows = daemon.query("select address, expires_at from rules where removed_at is null")
    views = {"database": {row["address"]: when(row["expires_at"]) for row in rows},
             "drop map": xdp_ends(blocks_map(daemon)), "ipset": ipset_ends(net)}
    found = []
    for name, view in views.items():
        for address in rules.keys() | view.keys():
            if address not in view or address not in rules:
                found.append(f"{address} is in {name if address in view else 'rules'} only")
            elif not -1.2 < view[address] - rules[address] < 1:  # reading a set takes some time, too
                found.append(f"{address} ends {view[address] - rules[address]:+.2f} s from rules in {name}")
    return found


# ---- who gets through


class FirstSeen:
    """When the first packet of each source came out of XDP, and when the first came to a socket of the gateway.

    Times are the kernel's. The sources are to send UDP to this port.
    """

    def __init__(self, net, port=80):
        self.behind_xdp, self.received, self.total_received = {}, {}, 0
        self._stop = False

        def make():
            frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
            frames.bind(("eth0", 0x0800))
            frames.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind((net.GATEWAY4, port))
            for one in (frames, datagrams):
                one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            return frames, datagrams

        self._sockets = net.gateway.call(make)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        frames, datagrams = self._sockets
        while not self._stop:
            for one in select.select(self._sockets, [], [], 0.2)[0]:
                data, control, _, address = one.recvmsg(128, 64)
                seconds, nanoseconds = struct.unpack("qq", control[0][2][:16])
                at = seconds + nanoseconds / 1e9
                if one is frames:
                    self.behind_xdp.setdefault(socket.inet_ntoa(data[26:30]), at)
                else:
                    self.total_received += 1
                    self.received.setdefault(address[0], at)

    def forget(self):
        self.behind_xdp, self.received = {}, {}

    def close(self):
        self._stop = True
        self._thread.join()
        for one in self._sockets:
            one.close()
