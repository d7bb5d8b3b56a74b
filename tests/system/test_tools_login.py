# SPDX-License-Identifier: GPL-2.0-or-later
"""Guessing passwords against real servers for SSH and FTP, and people who just log in."""
import ftplib
import itertools
import threading
import time

import pytest

from conftest import FULL
from sshd import SSH, start_sshd

GUESSES_MOST = 40


@pytest.fixture(scope="module")
def servers(arena, tmp_path_factory):
    """sshd and an FTP server on the gateway; what the test needs to use them honestly."""
    folder = tmp_path_factory.mktemp("servers")
    files = folder / "files"
    files.mkdir()
    for number in range(5):
        (files / f"{number}.bin").write_bytes(bytes(200000))
    arena.serve(arena.net.gateway, "ftp", str(files))
    return start_sshd(arena.net.gateway, folder, settings="UsePAM no\nForceCommand /bin/true")


def guess_ssh(net):
    """One connection, one wrong password; whether the server refused it."""
    command = ["timeout", "5", "sshpass", "-p", "wrong", *SSH, "-n", "-o", "PubkeyAuthentication=no", f"root@{net.GATEWAY4}"]
    return "Permission denied" in net.attacker.run(*command, check=False).stderr


def guess_ftp(net):
    def one():
        with ftplib.FTP(net.GATEWAY4, timeout=3) as session:
            session.login("reader", "wrong")

    try:
        net.attacker.call(one)
    except ftplib.error_perm as error:
        return str(error).startswith("530")
    except OSError:
        return False


def guess_until_blocked(arena, source, guess):
    """Four at a time; returns the rule and how many passwords were refused until then."""
    answers, made = [], itertools.count()

    def work():
        while source not in arena.daemon.rules() and next(made) < GUESSES_MOST:
            answers.append(guess(arena.net))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        return arena.daemon.wait_rule(source, 30), answers.count(True)
    finally:
        for worker in workers:
            worker.join()


@pytest.mark.parametrize("guess", [guess_ssh, guess_ftp])
def test_password_guessing(arena, servers, guess):
    source = arena.outsider()
    rule, refused = guess_until_blocked(arena, source, guess)
    assert rule["detector"] == "brute_force", rule["reason"]
    assert rule["observed"] > rule["limit_count"] and refused > rule["limit_count"] / 2
    arena.assert_stopped(source)


def test_an_administrator_logs_in(arena, servers):
    """Eight real sessions; two minutes are enough for them in life, the short form takes sixteen seconds."""
    source, net = arena.outsider(), arena.net
    for _ in range(8):
        begun = time.monotonic()
        net.attacker.run(*SSH, "-n", "-o", "PasswordAuthentication=no", "-i", servers, f"root@{net.GATEWAY4}", "true")
        time.sleep(max(0, (15 if FULL else 2) - (time.monotonic() - begun)))
    arena.assert_unharmed(source, 8 * 10)


def test_files_are_fetched(arena, servers):
    """Five files, a data connection to another port for each, and one wrong password in the beginning."""
    source, sizes = arena.outsider(), []

    def fetch():
        with ftplib.FTP(arena.net.GATEWAY4, timeout=5) as session:
            with pytest.raises(ftplib.error_perm):
                session.login("reader", "mistyped")
        with ftplib.FTP(arena.net.GATEWAY4, timeout=5) as session:
            session.login("reader", "secret")
            for name in session.nlst():
                content = bytearray()
                session.retrbinary(f"RETR {name}", content.extend)
                sizes.append(len(content))

    arena.net.attacker.call(fetch)
    assert sizes == [200000] * 5
    arena.assert_unharmed(source, 200)
