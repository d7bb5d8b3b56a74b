# SPDX-License-Identifier: GPL-2.0-or-later
"""Both iptables: the one of nf_tables and the legacy one, each as the `iptables` that a daemon finds."""
import os
import re

from net import run

NAMES = ["iptables", "ip6tables", "iptables-restore", "ip6tables-restore", "iptables-save", "ip6tables-save"]
FLAVOURS = ["nft", "legacy"]


def missing(flavour):
    """Why the flavour cannot be tested here, or ""."""
    if not os.path.exists(f"/usr/sbin/iptables-{flavour}") or not os.path.islink("/etc/alternatives/iptables"):
        return f"no iptables-{flavour} here"
    if run(["unshare", "-n", f"iptables-{flavour}", "-t", "raw", "-S"], check=False,
           env={**os.environ, "XTABLES_LOCKFILE": "/dev/null"}).returncode:
        return f"the kernel has no iptables-{flavour}"
    return ""


class Flavour:
    """One of them in a namespace, and for a daemon that is to use it a place of its own for /run: its lock is not ours."""

    def __init__(self, namespace, name, folder):
        self.namespace, self.name, self.folder = namespace, name, folder
        self.links = folder / "alternatives"
        self.links.mkdir()
        for program in NAMES:
            stem, dash, verb = program.partition("-")
            (self.links / program).symlink_to(f"/usr/sbin/{stem}-{name}{dash}{verb}")

    def prefix(self):
        """What a daemon is started with."""
        script = f"mount -t tmpfs tmpfs /run && mount --bind {self.links} /etc/alternatives && exec \"$@\""
        return ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")

    def run(self, program, *arguments, **more):
        """A command of the family "iptables" or "ip6tables", as somebody else would give it: run("iptables-save")."""
        stem, dash, verb = program.partition("-")
        environment = {**os.environ, "XTABLES_LOCKFILE": str(self.folder / "lock")}
        return self.namespace.run(f"{stem}-{self.name}{dash}{verb}", *arguments, env=environment, **more).stdout

    def load(self, text4, text6=""):
        """Foreign rules, as their owners load them."""
        self.run("iptables-restore", input=text4)
        if text6:
            self.run("ip6tables-restore", input=text6)

    def saved(self, ours=False):
        """All rules but ours, or only those: text, without counters and the time."""
        lines = []
        for family in ("iptables", "ip6tables"):
            text = re.sub(r"\[\d+:\d+\]", "[0:0]", self.run(f"{family}-save"))
            lines += [f"{family} {line}" for line in text.splitlines()
                      if not line.startswith("#") and bool(re.search(r"\bFWGEN\b", line)) == ours]
        return "\n".join(lines)
