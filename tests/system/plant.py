# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules put into a daemon's database while it is not running: the next start has them in force."""
import contextlib
import datetime
import pathlib
import sqlite3
import time

BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
DEFAULTS = {"prefix_len": 32, "action": "drop", "class": "all", "detector": "", "evidence": "proven",
            "origin": "manual", "reason": "planted", "observed": 0, "limit_count": 0, "limit_seconds": 0,
            "limit_pps": 0, "command": "", "config_hash": "", "port": 0}


def _text(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


_empty = []  # the database that the first daemon made


def make_tables(daemon):
    if not _empty:
        daemon.start()
        daemon.stop()
        _empty.append(daemon.database_path.read_bytes())
    daemon.database_path.write_bytes(_empty[0])


def plant(daemon, rules, seconds=3600):
    """rules: dictionaries of columns, address at least. For a daemon that never ran a database is made."""
    if not daemon.database_path.exists():
        make_tables(daemon)
    now = time.time()
    times = {"created_at": _text(now), "expires_at": _text(now + seconds), "boot_id": BOOT_ID,
             "expires_boottime_ms": int((time.clock_gettime(time.CLOCK_BOOTTIME) + seconds) * 1000)}
    rows = [{**DEFAULTS, **times, **rule} for rule in rules]
    columns = list(rows[0])
    sql = f"insert into rules ({', '.join(columns)}) values ({', '.join(':' + column for column in columns)})"
    with contextlib.closing(sqlite3.connect(daemon.database_path)) as connection, connection:
        connection.executemany(sql, rows)


def numbered(count):
    """As many addresses of 198.18.0.0/15."""
    return [f"198.{18 + (i >> 16)}.{i >> 8 & 255}.{i & 255}" for i in range(count)]
