# SPDX-License-Identifier: GPL-2.0-or-later
"""Who offends again is blocked longer, a restart of the daemon between: the record knows him."""
import datetime
import signal
import socket

import pytest

from daemon import merged, only
from net import wait_until

LISTEN = """
import socket
server = socket.create_server(("", 22), backlog=128)
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""
CONFIG = merged(only(brute_force=(10, 120)), {"response": {"block_seconds": 3, "escalation": 4, "max_block_seconds": 3600}})


def log_in_until_blocked(net, daemon):
    """Connections, one after the other; returns the rule."""
    def one():
        try:
            socket.create_connection((net.GATEWAY4, 22), timeout=0.5).close()
        except OSError:
            pass

    def blocked():
        net.attacker.call(one)
        return daemon.rules().get(net.attacker4)

    return wait_until(blocked, 20, "the block of who logs in too often")


def seconds(rule):
    begin, end = (datetime.datetime.fromisoformat(rule[key].replace("Z", "+00:00")) for key in ("created_at", "expires_at"))
    return (end - begin).total_seconds()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_an_offence_outlasts_a_restart(net, start, number):
    server = net.gateway.popen("/usr/bin/python3", "-c", LISTEN, stdout=-1)
    assert server.stdout.readline() == "ready\n"
    first = start(CONFIG)
    rule = log_in_until_blocked(net, first)
    assert rule["evidence"] == "proven"
    assert seconds(rule) == 3
    first.wait_no_rule(net.attacker4)
    first.stop(number)
    second = start(CONFIG, folder=first.folder)
    rule = log_in_until_blocked(net, second)
    assert seconds(rule) == 12, rule
    server.kill()
