# SPDX-License-Identifier: GPL-2.0-or-later
"""Forged addresses of those who must never be blocked do not get them blocked."""
import pytest

from daemon import merged, only
from net import wait_until

LIMITS = merged(only(udp_flood=(500, 2), syn_flood=(200, 2), port_scan=(20, 10)),
                {"access": {"allow": ["192.0.2.50", "2001:db8:ffff::/48"]}})
RESOLVER = "192.0.2.53"
FORGED = {
    "own_address": "198.51.100.1",
    "own_address_elsewhere": "203.0.113.1",
    "own_ipv6": "2001:db8:a::1",
    "default_gateway": "198.51.100.254",
    "allowed": "192.0.2.50",
    "allowed_prefix": "2001:db8:ffff::9",
    "resolver": RESOLVER,
}


@pytest.mark.short
def test_forged_protected_sources(net, start, tmp_path):
    """All of them at once; one that is not protected shows that the attack would have been stopped."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    private = ["unshare", "-m", "sh", "-c", f'mount --bind {tmp_path}/resolv.conf /etc/resolv.conf; exec "$@"', "sh"]
    daemon, counter = start(LIMITS, prefix=private), net.pass_counter()
    total = 0
    for source in FORGED.values():
        total += net.blast(src=source, proto="udp", rate=20000, count=3000)["sent"]
        total += net.blast(src=source, proto="syn", dport_mode="list", rate=5000, count=500)["sent"]
    wait_until(lambda: daemon.traffic()["packets"] >= total, 5, "everything is counted")
    net.blast(proto="udp", rate=20000, count=3000)
    daemon.wait_rule(net.attacker4)
    rules = daemon.rules()
    assert not set(FORGED.values()) & set(rules), rules
    before, more = counter.read(), 0
    for source in FORGED.values():
        more += net.blast(src=source, proto="udp", count=20)["sent"]
        more += net.blast(src=source, proto="syn", count=20)["sent"]
    assert counter.read() - before == more
    for name, source in FORGED.items():
        assert any(e["source"] == source for e in daemon.events()), f"no word about {name}"


def test_new_address_becomes_protected(net, start):
    """An address that the box gets later takes its rule away."""
    daemon = start(LIMITS)
    net.blast(src="198.51.100.90", proto="udp", rate=20000, count=3000)
    rule = daemon.wait_rule("198.51.100.90")
    net.gateway.ip("address", "add", "198.51.100.90/24", "dev", "eth0")
    daemon.wait_no_rule("198.51.100.90", 5)
    row = wait_until(lambda: daemon.query("select * from rules where id = ? and removed_at is not null", rule["id"]), 3)
    assert row[0]["removed_why"] == "protected"
