# SPDX-License-Identifier: Apache-2.0
"""Small Debians on a network of their own, each with a systemd, an sshd and
a file system of its own. What is done with them is another file's."""
import os
import shutil
import sys
from pathlib import Path

from machine import (Machine, Unfit, depends_of, host_release, make_base,
                     need_tools, sh)

ENTERED = "LOGTALLY_FLEET"
LOG = "/var/log/nginx/access.log"
LINES = 1000
SKIPPED = 77


def said(text):
    print(f"ok  {text}", flush=True)


def prepare(folder, base, tools, more):
    """With the network of this machine."""
    need_tools("ssh-keygen", *tools)
    debs = [next(folder.glob(f"{n}_*.deb")) for n in
            ("logtally", "logtally-coordinator", "logtally-worker")]
    base.parent.mkdir(parents=True, exist_ok=True)
    make_base(base, host_release(), {"openssh-server", *more},
              depends_of(debs))


def enter():
    """Goes on where nobody else sees the networks and mounts that are made."""
    os.environ[ENTERED] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "sh", "-c",
                          'ip link set lo up && exec "$@"', "sh",
                          sys.executable, *sys.argv])


def make_root(base, folder):
    """What a host writes is in a layer of its own over the base."""
    shutil.rmtree(folder.parent / f"{folder.name}-layer", ignore_errors=True)
    upper, work = (folder.parent / f"{folder.name}-layer" / n
                   for n in ("upper", "work"))
    for path in (upper, work, folder):
        path.mkdir(parents=True, exist_ok=True)
    sh("mount", "-t", "overlay", "overlay", "-o",
       f"lowerdir={base},upperdir={upper},workdir={work}", folder)


def write_log(root, number):
    """Other lines on each host, for the group adm alone as Debian has it."""
    log = root / LOG[1:]
    log.parent.mkdir()
    log.parent.chmod(0o750)
    log.write_text("".join(
        f'10.0.{number}.{i % 250} - - [02/Jan/2026:03:04:05 +0000] "GET /{i} '
        f'HTTP/1.1" {200 + i % 7 * number} {i * number} "-" "-"\n'
        for i in range(LINES)))
    log.chmod(0o640)
    sh("chroot", root, "chown", "-R", "root:adm", str(Path(LOG).parent))


class Fleet:
    """hosts: {name: address}; the first is the coordinator's."""

    def __init__(self, work, base, hosts):
        self.work, self.hosts, self.machines = work, hosts, {}
        self.key = work / "id"
        self.key.unlink(missing_ok=True)
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        sh("ip", "link", "add", "br0", "type", "bridge")
        sh("ip", "addr", "add", "10.77.0.254/24", "dev", "br0")
        sh("ip", "link", "set", "br0", "up")
        try:
            for name, address in hosts.items():
                self.add(name, address, base)
        except BaseException:
            self.close()
            raise
        self.first = next(iter(self.machines.values()))

    def add(self, name, address, base):
        root = self.work / name.split(".")[0]
        make_root(base, root)
        (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(f"{self.key}.pub", root / "root/.ssh/authorized_keys")
        (root / "etc/hostname").write_text(name.split(".")[0] + "\n")
        write_log(root, len(self.machines))
        m = self.machines[name] = Machine(root)
        link = f"v{len(self.machines)}"
        sh("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0",
           "netns", m.pid1)
        sh("ip", "link", "set", link, "master", "br0", "up")
        m.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        m.run("ip", "link", "set", "eth0", "up")
        m.until("sshd listens", lambda: ":22 " in m.run("ss", "-Hltn"))

    def close(self):
        for m in self.machines.values():
            m.stop()


def run(hosts, journey, tools=(), more=()):
    """journey(fleet, folder of the packages), both named by the command line;
    tools: what it needs here; more: what the hosts have."""
    folder, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    work /= host_release()
    try:
        if ENTERED not in os.environ:
            prepare(folder, work / "base", tools, more)
            enter()
        fleet = Fleet(work, work / "base", hosts)
    except Unfit as e:
        print(f"skipped: {e}")
        return SKIPPED
    try:
        journey(fleet, folder)
    finally:
        fleet.close()
    return 0
