# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the system tests. They need root, and ./fwgen (or the binary that FWGEN_BINARY names)."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import daemon as daemon_module  # noqa: E402
import trial  # noqa: E402
from arena import Arena  # noqa: E402
from net import Net  # noqa: E402

FULL = bool(os.environ.get("FWGEN_FULL"))


def pytest_configure(config):
    config.addinivalue_line("markers", "short: quick stories, run with the sanitized daemon too")
    if os.geteuid():
        pytest.exit("the system tests need root: they make network namespaces", 77)
    if not os.access(daemon_module.BINARY, os.X_OK):
        pytest.exit(f"{daemon_module.BINARY} is not there: run make first", 71)
    os.environ["FWGEN_BLAST"] = str(build_blast())


def build_blast():
    """The generator, built when it is missing or older than its sources."""
    sources = [HERE / name for name in ("blast.c", "blast_frame.c", "blast_frame.h")]
    program = ROOT / "build" / "tests" / "system" / "blast"
    if not program.exists() or program.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                        "-o", program, sources[0], sources[1]], check=True)
    return program


@pytest.fixture
def net():
    topology = Net()
    yield topology
    topology.close()


@pytest.fixture(scope="module")
def module_net():
    topology = Net()
    yield topology
    topology.close()


@pytest.fixture
def shared_net():
    topology = Net(shared=True)
    yield topology
    topology.close()


@pytest.fixture(scope="module")
def arena():
    """A daemon with the defaults for all tests of a file; each takes addresses of its own."""
    one = Arena()
    yield one
    one.close()
    assert "Sanitizer" not in one.daemon.log() and "runtime error:" not in one.daemon.log(), one.daemon.log()[-8000:]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its daemon's log."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        daemons = list(getattr(item, "daemons", []))
        if "arena" in getattr(item, "funcargs", {}):
            daemons.append(item.funcargs["arena"].daemon)
        for one in daemons:
            report.sections.append(("the daemon's log", one.log()[-4000:]))


def pytest_terminal_summary(terminalreporter):
    """The fault trials' figures."""
    if trial.FIGURES:
        terminalreporter.section("figures")
        for line in trial.table():
            terminalreporter.line(line)


@pytest.fixture
def start(request, net):
    """Makes and starts daemons on the gateway; all are stopped at the end."""
    made = request.node.daemons = []

    def make(config=None, *arguments, run=True, **more):
        one = daemon_module.Daemon(more.pop("net", net), config, more.pop("interfaces", None), more.pop("folder", None))
        made.append(one)
        return one.start(*arguments, **more) if run else one

    yield make
    for one in reversed(made):
        one.close()
    for one in made:
        assert "Sanitizer" not in one.log() and "runtime error:" not in one.log(), one.log()[-8000:]


@pytest.fixture
def daemon(start):
    """A daemon with the defaults, watching all of the gateway's interfaces."""
    return start()


class Bystander:
    """Browses, resolves and pings the gateway from the client's namespace while something else goes on."""

    def __init__(self, net):
        script = str(HERE / "bystander.py")
        pipe = subprocess.PIPE
        self.server = net.gateway.popen("/usr/bin/python3", script, "serve", stdout=pipe)
        assert self.server.stdout.readline() == "ready\n"
        self.user = net.client.popen("/usr/bin/python3", script, "use", net.client_gateway4, net.client_gateway6,
                                     stdin=pipe, stdout=pipe)
        assert self.user.stdout.readline() == "ready\n"

    def end(self):
        """The counts by kind; the server goes too."""
        counts = json.loads(self.user.communicate(timeout=30)[0])
        self.server.kill()
        return counts


@pytest.fixture
def bystander():
    return Bystander
