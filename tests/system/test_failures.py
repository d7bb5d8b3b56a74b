# SPDX-License-Identifier: GPL-2.0-or-later
"""What the system refuses: a full or read-only /run, no right to mount, a configuration that cannot be read."""
import pytest

from daemon import merged, only
from net import wait_until

LONG = merged(only(udp_flood=(500, 2)), {"response": {"block_seconds": 60, "unproven_block_seconds": 60}})
SYSTEM, CONFIGURATION = 71, 78
pytestmark = pytest.mark.short


def with_run(options, then="", enter=""):
    """In front of a command: a mount namespace of its own with a /run of its own."""
    return "unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {options} none /run; {then} exec {enter} "$@"', "sh"


def without(*capabilities):
    left_out = ",".join(f"-{one}" for one in capabilities)
    return f"--bounding-set={left_out}", f"--inh-caps={left_out}"


@pytest.mark.parametrize("options, then, why", [
    ("size=8k", "dd if=/dev/zero of=/run/fill bs=4k 2>/dev/null;", "No space left"),
    ("nr_inodes=2", "touch /run/fill;", "No space left"),
    ("ro", "", "Read-only"),
], ids=["full", "no_inodes", "read_only"])
def test_no_room_for_the_lock(net, start, options, then, why):
    daemon = start(LONG, run=False)
    done = daemon.try_run(prefix=with_run(options, then))
    assert done.returncode == SYSTEM and "/run/fwgen" in done.stderr and why in done.stderr, done
    assert not net.xdp_attached() and "fwgen" not in net.iptables().lower()


def test_no_right_to_mount(net, start):
    """Without a BPF file system of its own it works, says what that costs, and cleans up all the same."""
    daemon = start(LONG, prefix=with_run("mode=755", enter=f"setpriv {' '.join(without('sys_admin'))} --"))
    assert "going on without pins" in daemon.log()
    assert all(i["direction"] == "seen" for i in daemon.status()["interfaces"]), daemon.log()
    net.blast(proto="udp", rate=10000, count=3000)
    daemon.wait_rule(net.attacker4)
    counter = net.pass_counter()
    net.blast(proto="udp", count=10)
    assert counter.read() == 0
    wait_until(lambda: daemon.status()["uptime_s"] > 3, 5, "a look at the interfaces")
    assert not any("not seen" in e["message"] or "not watched" in e["message"] for e in daemon.events())
    assert daemon.stop() == 0
    assert not net.xdp_attached() and "clsact" not in net.disciplines() and "fwgen" not in net.iptables().lower()


def test_a_configuration_that_cannot_be_read(net, start):
    daemon = start(LONG, run=False)
    powerless = ("setpriv", "--reuid=65534", "--clear-groups", *without("dac_override", "dac_read_search"))
    daemon.folder.chmod(0o755)
    daemon.config_path.chmod(0)
    done = daemon.try_run(prefix=powerless)
    assert done.returncode == CONFIGURATION and f"{daemon.config_path}: Permission denied" in done.stderr, done
    daemon.config_path.chmod(0o644)
    daemon.folder.chmod(0)
    done = daemon.try_run("check", "--config", daemon.config_path, prefix=powerless, raw=True)
    daemon.folder.chmod(0o755)
    assert done.returncode == CONFIGURATION and "Permission denied" in done.stderr, done
