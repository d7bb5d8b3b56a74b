# SPDX-License-Identifier: GPL-2.0-or-later
"""A real OpenSSH server for the tests, with keys of its own, and its clients' command line."""
import subprocess

from net import run, wait_until

SSH = ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
       "-o", "ConnectTimeout=5", "-o", "NumberOfPasswordPrompts=1"]


def start_sshd(namespace, folder, port=22, settings=""):
    """sshd in a mount namespace where it writes nothing of this machine's; returns the key that it lets everybody in with."""
    for name in ("host", "admin"):
        if not (folder / name).exists():
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
    config = folder / f"sshd_config.{port}"
    config.write_text(f"""Port {port}
HostKey {folder}/host
AuthorizedKeysFile none
AuthorizedKeysCommand /usr/bin/cat {folder}/admin.pub
AuthorizedKeysCommandUser root
StrictModes no
PermitRootLogin yes
PasswordAuthentication yes
PidFile none
{settings or "UsePAM no"}
""")
    namespace.popen("unshare", "--mount", "--propagation", "private", "sh", "-c",
                    "mount -t tmpfs none /run && mkdir -m 755 /run/sshd && mount -t tmpfs none /var/log && "
                    f"exec /usr/sbin/sshd -D -e -f {config}", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: not namespace.run("ssh-keyscan", "-p", port, "-T", "1", "127.0.0.1", check=False).stdout == "", 10,
               "sshd answers")
    return folder / "admin"
