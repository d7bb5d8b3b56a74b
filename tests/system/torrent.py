# SPDX-License-Identifier: GPL-2.0-or-later
"""The generator of torrent.c: built when it is missing or older than its sources, run in the attacker's namespace."""
import json
import os
import pathlib
import platform
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "build" / "tests" / "system"
SOURCES = ["torrent.bpf.c", "torrent.c", "torrent.h", "torrent_plan.c", "torrent_plan.h"]
CFLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"]


def build():
    program = FOLDER / "torrent"
    if program.exists() and program.stat().st_mtime >= max((HERE / s).stat().st_mtime for s in SOURCES):
        return program
    FOLDER.mkdir(parents=True, exist_ok=True)
    kernel_half, skeleton = FOLDER / "torrent.bpf.o", FOLDER / "torrent.skel.h"
    bpftool = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run([os.environ.get("CLANG", "clang"), *CFLAGS, "-g", "-target", "bpf", "-mcpu=v3",
                    f"-I/usr/include/{platform.machine()}-linux-gnu", "-c", "-o", kernel_half, HERE / "torrent.bpf.c"], check=True)
    with open(skeleton, "wb") as out:
        subprocess.run([bpftool, "gen", "skeleton", kernel_half, "name", "torrent_bpf"], stdout=out, check=True)
    subprocess.run([os.environ.get("CC", "cc"), *CFLAGS, "-D_GNU_SOURCE", f"-I{FOLDER}", f"-I{HERE}", "-o", program,
                    HERE / "torrent.c", HERE / "torrent_plan.c", "-lbpf"], check=True)
    return program


def start(net, **options):
    """Options as torrent has them; steady is a list of (address, count, packets a second)."""
    command = [build(), "--iface", "eth0", "--dst4", net.GATEWAY4, "--dst6", net.GATEWAY6]
    for address, count, pps in options.pop("steady", []):
        command += ["--steady", f"{address},{count},{pps}"]
    for key, value in options.items():
        command += [f"--{key.replace('_', '-')}", str(value)]
    return net.attacker.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def end(child, timeout=120):
    """Waits for the end; returns what it says it sent."""
    out, errors = child.communicate(timeout=timeout)
    if child.returncode == 77:
        pytest.skip(errors.strip())
    assert child.returncode == 0, errors
    return json.loads(out)


def stop(child):
    """Ends it before its time."""
    child.terminate()
    return end(child)
