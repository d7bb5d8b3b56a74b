# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody takes fwgen's rules away, in any of the ways there are: they come back within seconds, once each, and
what is somebody else's stays as it is. 12 times at random, under FWGEN_FULL=1 100 times with either iptables. The
numbers of a trial can be had again: FWGEN_SEED."""
import json
import os
import random
import re
import statistics
import time

import pytest

from conftest import FULL
from flavour import FLAVOURS, Flavour, missing
from net import run, wait_until
from plant import numbered, plant

TRIALS, WITHIN_S = (100, 5.0) if FULL else (12, 8.0)
FOREIGN4 = """*filter
:THEIRS - [0:0]
-A FORWARD -j THEIRS
-A THEIRS -m set --match-set theirs src -j DROP
-A THEIRS -s 203.0.113.99/32 -j ACCEPT
COMMIT
*nat
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
"""


class Scene:
    def __init__(self, net, flavour, daemon):
        self.net, self.flavour, self.daemon = net, flavour, daemon
        self.whole = self.ours()
        self.theirs = self.foreign()

    def ours(self):
        """Jumps and chain as they are listed, members of our sets, the programs on the interfaces."""
        rules = tuple(self.flavour.run(family, "-t", "raw", "-S", check=False)
                      for family in ("iptables", "ip6tables"))
        sets = sorted(re.findall(r"^(?:create|add) fwgen\S* \S+", self.net.gateway.run("ipset", "save").stdout, re.M))
        return rules, sets, all(self.net.xdp_attached(interface) for interface in self.net.interfaces)

    def foreign(self):
        saved = [self.flavour.run("iptables-save", "-t", table) for table in ("filter", "nat")]
        return ([re.sub(r"^#.*|\[\d+:\d+\]", "", text, flags=re.M) for text in saved],
                self.net.gateway.run("ipset", "save", "theirs").stdout)

    # ---- what a hostile or careless hand does

    def family(self):
        return random.choice(("iptables", "ip6tables"))

    def flush_table(self):
        self.flavour.run(self.family(), "-t", "raw", "-F")

    def delete_chain(self):
        family = self.family()
        self.flavour.run(family, "-t", "raw", "-F")
        self.flavour.run(family, "-t", "raw", "-X", "FWGEN", check=False)  # unless it is back already

    def delete_jump(self):
        self.flavour.run(self.family(), "-t", "raw", "-D", "PREROUTING", "-i", random.choice(self.net.interfaces),
                         "-j", "FWGEN")

    def delete_rule(self):
        self.flavour.run(self.family(), "-t", "raw", "-D", "FWGEN", "1")

    def second_jump(self):
        self.flavour.run(self.family(), "-t", "raw", "-A", "PREROUTING", "-i", "eth0", "-j", "FWGEN")

    def set_name(self):
        return random.choice(("fwgen4", "fwgen6", "fwgen4-udp"))

    def flush_set(self):
        self.net.gateway.run("ipset", "flush", self.set_name())

    def destroy_set(self):
        name = self.set_name()
        self.flavour.run("ip6tables" if "6" in name else "iptables", "-t", "raw", "-F")
        self.net.gateway.run("ipset", "destroy", name, check=False)  # the kernel lets go of it a moment later

    def take_member(self):
        self.net.gateway.run("ipset", "del", "fwgen4", random.choice(numbered(200)))

    def add_member(self):
        self.net.gateway.run("ipset", "add", "fwgen4", "203.0.113.77")

    def insert_before(self):
        rule = ("PREROUTING", "-s", "203.0.113.98", "-j", "ACCEPT")
        self.flavour.run("iptables", "-t", "raw", "-I", *rule)
        wait_until(self.ours_is_first, WITHIN_S, "the jumps are first again")
        assert self.flavour.run("iptables", "-t", "raw", "-S").count("-s 203.0.113.98/32 -j ACCEPT\n") == 1
        self.flavour.run("iptables", "-t", "raw", "-D", *rule)

    def ours_is_first(self):
        rules = re.findall("^-A PREROUTING.*", self.flavour.run("iptables", "-t", "raw", "-S"), re.M)
        return all(rule.endswith("-j FWGEN") for rule in rules[:2]) and len(rules) == 3

    def detach_program(self):
        interface = random.choice(self.net.interfaces)
        index = json.loads(run(["ip", "-n", self.net.gateway.name, "-j", "link", "show", interface]).stdout)[0]["ifindex"]
        shown = json.loads(self.net.gateway.run("bpftool", "-j", "net", "show", "dev", interface).stdout)
        program = next(entry["id"] for entry in shown[0]["xdp"] if entry["ifindex"] == index)
        links = json.loads(run(["bpftool", "-j", "link", "show"]).stdout)
        link = next(l for l in links if l.get("prog_id") == program and l["type"] == "xdp")
        run(["bpftool", "link", "detach", "id", link["id"]])


ACTS = ["flush_table", "delete_chain", "delete_jump", "delete_rule", "second_jump", "flush_set", "destroy_set",
        "take_member", "add_member", "insert_before", "detach_program"]


@pytest.fixture
def scene(net, start, tmp_path, request):
    if missing(request.param):
        pytest.skip(missing(request.param))
    daemon, flavour = start(run=False), Flavour(net.gateway, request.param, tmp_path)
    net.gateway.run("ipset", "create", "theirs", "hash:ip")
    net.gateway.run("ipset", "add", "theirs", "203.0.113.99")
    flavour.load(FOREIGN4)
    plant(daemon, [{"address": address} for address in numbered(200)] +
          [{"address": f"2001:db8::{i:x}", "prefix_len": 128} for i in range(1, 20)] +
          [{"address": "192.0.2.1", "class": "udp"}])
    daemon.start(prefix=flavour.prefix())
    wait_until(lambda: daemon.enforcers()["iptables"]["state"] == "standby", 5, "all is in place")
    return Scene(net, flavour, daemon)


@pytest.mark.parametrize("scene", FLAVOURS if FULL else ["nft"], indirect=True)
def test_vandal(scene):
    seed = int(os.environ.get("FWGEN_SEED", time.time()))
    random.seed(seed)
    # each act once at least, where there are trials enough
    acts = (ACTS + random.choices(ACTS, k=TRIALS))[:TRIALS]
    random.shuffle(acts)
    took = {act: [] for act in ACTS}
    for act in acts:
        begun = time.monotonic()
        getattr(scene, act)()
        wait_until(lambda: scene.ours() == scene.whole, WITHIN_S, f"{act} is repaired (FWGEN_SEED={seed})")
        took[act].append(time.monotonic() - begun)
        assert scene.foreign() == scene.theirs, f"{act}: what is somebody else's stays (FWGEN_SEED={seed})"
        time.sleep(random.random() * 0.5)  # so that acts meet every phase of the regular look
    every = sorted(sum(took.values(), []))
    print(f"\n{scene.flavour.name}: {len(every)} acts, repaired after {statistics.median(every):.2f} s (median), "
          f"{every[-1]:.2f} s (worst); by act, worst: " +
          ", ".join(f"{act} {max(times):.2f}" for act, times in took.items() if times))
    repairs = sum(e["repairs"] for e in scene.daemon.enforcers().values())
    assert repairs >= len(acts) * 3 // 4, "repairs are counted (some acts are mended in one go)"
    assert scene.daemon.enforcers()["iptables"]["state"] == "standby"
    wait_until(lambda: any("somebody changed fwgen's iptables rules" in e["message"] for e in scene.daemon.events()), 5,
               "repairs are told")


@pytest.mark.skipif(not FULL, reason="waits five minutes")
@pytest.mark.parametrize("scene", ["nft"], indirect=True)
def test_a_member_exchanged_for_another(scene):
    """The numbers are as before: only the comparison of all members, every five minutes, can tell."""
    scene.net.gateway.run("ipset", "restore", input="del fwgen4 198.18.0.7\nadd fwgen4 203.0.113.77\n")
    assert scene.ours() != scene.whole
    begun = time.monotonic()
    wait_until(lambda: scene.ours() == scene.whole, 310, "the member is back, the other is gone", every=1)
    print(f"\nafter {time.monotonic() - begun:.0f} s")
