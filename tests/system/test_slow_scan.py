# SPDX-License-Identifier: GPL-2.0-or-later
"""A scan at one port a second is found by the long window. Short form: a nearer limit of the same kind."""
import subprocess

from conftest import FULL
from daemon import merged, only


def test_one_port_a_second(net, start):
    limits = [{"count": 20, "seconds": 10}] + ([{"count": 60, "seconds": 900}] if FULL else [])
    if not FULL:
        limits = [{"count": 14, "seconds": 10}, {"count": 15, "seconds": 120}]
    config = merged(only(port_scan=(1, 1)), {"detectors": {"port_scan": {"limits": limits}}})
    daemon = start(config)
    ports = 80 if FULL else 25
    nmap = net.attacker.popen("nmap", "-n", "-Pn", "-sS", "--max-retries", "0", "--scan-delay", "1s", "--max-scan-delay", "1s",
                              "-p", f"1-{ports}", net.GATEWAY4, stdout=subprocess.DEVNULL)
    rule = daemon.wait_rule(net.attacker4, ports + 10)
    nmap.kill()
    assert rule["detector"] == "port_scan"
    assert rule["limit_seconds"] == (900 if FULL else 120)
