# SPDX-License-Identifier: GPL-2.0-or-later
"""Forged addresses of those who must never be blocked do not get them blocked."""
import socket
import subprocess

import pytest

from daemon import merged, only
from net import wait_until
from sshd import SSH, start_sshd

LIMITS = merged(only(udp_flood=(500, 2), syn_flood=(200, 2), port_scan=(20, 10)),
                {"access": {"allow": ["192.0.2.50", "2001:db8:ffff::/48"]}})
RESOLVER, NTP_SERVER, BGP_NEIGHBOUR = "192.0.2.53", "192.0.2.123", "198.51.100.179"
FORGED = {
    "own_address": "198.51.100.1",
    "own_address_elsewhere": "203.0.113.1",
    "own_ipv6": "2001:db8:a::1",
    "default_gateway": "198.51.100.254",
    "allowed": "192.0.2.50",
    "allowed_prefix": "2001:db8:ffff::9",
    "resolver": RESOLVER,
    "ntp_server": NTP_SERVER,
    "bgp_neighbour": BGP_NEIGHBOUR,
}
REASONS = {"default_gateway": "default gateway of eth0", "resolver": "resolver", "ntp_server": "NTP server",
           "bgp_neighbour": "BGP neighbour", "allowed": "access.allow"}


def private_files(folder):
    """A command in front of the daemon's: it sees a resolv.conf and an /etc/systemd of the test's."""
    (folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    (folder / "systemd").mkdir()
    (folder / "systemd" / "timesyncd.conf").write_text(f"[Time]\nNTP=ntp.example.org {NTP_SERVER}\n")
    script = (f"mount --bind {folder}/resolv.conf /etc/resolv.conf; mount --bind {folder}/systemd /etc/systemd; "
              'exec "$@"')
    return ["unshare", "-m", "sh", "-c", script, "sh"]


def open_bgp_session(net):
    """The gateway's connection to a neighbour's port 179; both ends."""
    net.attacker.ip("address", "add", f"{BGP_NEIGHBOUR}/32", "dev", "eth0")
    net.gateway.ip("neighbour", "replace", BGP_NEIGHBOUR, "lladdr", net.attacker_mac, "dev", "eth0", "nud", "permanent")
    listener = net.attacker.call(lambda: socket.create_server((BGP_NEIGHBOUR, 179)))
    return net.gateway.call(lambda: socket.create_connection((BGP_NEIGHBOUR, 179), 5)), listener


@pytest.mark.short
def test_forged_protected_sources(net, start, tmp_path):
    """All of them at once; one that is not protected shows that the attack would have been stopped."""
    session = open_bgp_session(net)
    daemon, counter = start(LIMITS, prefix=private_files(tmp_path)), net.pass_counter()
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
        assert any(REASONS.get(name, "") in told for told in told_protected(daemon, source)), f"no word about {name}"
    for end in session:
        end.close()


def test_new_address_becomes_protected(net, start):
    """An address that the box gets later takes its rule away."""
    daemon = start(LIMITS)
    net.blast(src="198.51.100.90", proto="udp", rate=20000, count=3000)
    rule = daemon.wait_rule("198.51.100.90")
    net.gateway.ip("address", "add", "198.51.100.90/24", "dev", "eth0")
    daemon.wait_no_rule("198.51.100.90", 5)
    row = wait_until(lambda: daemon.query("select * from rules where id = ? and removed_at is not null", rule["id"]), 3)
    assert row[0]["removed_why"] == "protected"


class Admin:
    """Somebody from the client's network who is logged in on the gateway."""

    def __init__(self, net, key, *options, user="root", port=22):
        self.process = net.client.popen(*SSH, *options, "-p", port, "-o", "PasswordAuthentication=no", "-i", key,
                                        f"{user}@{net.CLIENT_GATEWAY4}", "exec cat", stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def talk(self):
        """What he types comes back."""
        self.process.stdin.write("still here\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "still here\n"


def told_protected(daemon, address):
    return [e["message"] for e in daemon.events() if e["source"] == address and "protected as" in e["message"]]


def at_the_prompt(net, folder):
    """A client that got as far as sshd's question for root's password, and leaves it unanswered."""
    asked, ask = folder / "asked", folder / "ask"
    ask.write_text(f"#!/bin/sh\ntouch {asked}\nexec sleep 60\n")
    ask.chmod(0o755)
    net.attacker.popen("env", f"SSH_ASKPASS={ask}", "SSH_ASKPASS_REQUIRE=force", *SSH, "-o", "PubkeyAuthentication=no",
                       f"root@{net.GATEWAY4}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(asked.exists, 10, "the client is asked for a password")


def test_who_is_logged_in(net, start, tmp_path):
    """An administrator's forged address gets nobody cut off; who only got as far as the login prompt is no administrator."""
    daemon, key = start(LIMITS), start_sshd(net.gateway, tmp_path)
    admin = Admin(net, key)
    assert admin.talk()
    at_the_prompt(net, tmp_path)
    net.blast(src=net.client4, proto="udp", count=5)
    wait_until(lambda: daemon.sources().get(net.client4, {}).get("state") == "protected", 4, "the administrator is protected")
    net.blast(src=net.client4, proto="udp", rate=20000, count=3000)
    net.blast(src=net.client4, proto="syn", dport_mode="list", rate=5000, count=500)
    wait_until(lambda: told_protected(daemon, net.client4), 5, "an alarm about the administrator's address")
    assert all("SSH session of root" in text for text in told_protected(daemon, net.client4))
    assert net.client4 not in daemon.rules() and net.xdp()["drops"] == 0
    assert admin.talk()
    net.blast(proto="udp", rate=20000, count=3000)
    daemon.wait_rule(net.attacker4)
    assert not told_protected(daemon, net.attacker4)


@pytest.mark.parametrize("user,settings", [("root", "UsePAM yes"), ("nobody", "UsePAM no")])
def test_login_without_a_session(net, start, tmp_path, user, settings):
    """`ssh -N` opens no session: PAM's login uid tells that somebody has logged in, or whose process it is."""
    key = start_sshd(net.gateway, tmp_path, 2222, settings)
    daemon = start(LIMITS)
    Admin(net, key, "-N", user=user, port=2222)
    net.blast(src=net.client4, proto="udp", count=5)
    wait_until(lambda: daemon.sources().get(net.client4, {}).get("state") == "protected", 6, "the administrator is protected")
