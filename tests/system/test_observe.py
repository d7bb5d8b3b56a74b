# SPDX-License-Identifier: GPL-2.0-or-later
"""Observe mode says what it would have done and does nothing."""
import pytest

from daemon import only, set_members
from net import wait_until

pytestmark = pytest.mark.short


@pytest.mark.parametrize("how", ["config", "option"])
def test_observe(net, start, how):
    config = only(udp_flood=(500, 2), port_scan=(20, 10))
    daemon = start({**config, "mode": "observe"}) if how == "config" else start(config, "--observe")
    assert daemon.status()["mode"] == "observe"
    counter = net.pass_counter()
    flood = net.blast(proto="udp", rate=10000, count=3000)["sent"]
    scan = net.blast(proto="syn", src="198.51.100.67", dport_mode="list", rate=1000, count=200)["sent"]
    wait_until(lambda: {net.attacker4, "198.51.100.67"} <= {e["source"] for e in daemon.events() if e["source"]}, 5,
               "events about both sources")
    wait_until(lambda: daemon.traffic()["packets"] >= flood + scan, 5, "everything is counted")
    assert counter.read() == flood + scan
    assert net.xdp()["drops"] == 0 and not set_members(net, net.attacker4)
    assert not daemon.rules()
    assert not daemon.query("select * from rules")
