# SPDX-License-Identifier: Apache-2.0
"""deploy/ansible against three small Debians, each with a systemd, an sshd, a
network and a file system of its own: from the packages to a job, and a second
run that changes nothing. Skipped where this machine cannot do it.

usage: fleet.py FOLDER_OF_DEBS WORK_FOLDER
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from machine import Machine, Unfit, host_release, make_base, need_tools, sh

HERE = Path(__file__).resolve().parent
ROLE = HERE.parent.parent / "deploy" / "ansible"
ENTERED = "LOGTALLY_ANSIBLE_TEST"
HOSTS = {"c0.example": "10.77.0.1", "web1.example": "10.77.0.2",
         "db1.example": "10.77.0.3"}
LINES = 1000
SKIPPED = 77


def said(text):
    print(f"ok  {text}", flush=True)


def prepare(folder, base):
    """With the network of this machine."""
    need_tools()
    for tool in ("ansible-playbook", "ssh-keygen"):
        if shutil.which(tool) is None:
            raise Unfit(f"{tool} is not installed")
    debs = [next(folder.glob(f"{n}_*.deb")) for n in
            ("logtally", "logtally-coordinator", "logtally-worker")]
    base.parent.mkdir(parents=True, exist_ok=True)
    make_base(base, debs, host_release(),
              ["openssh-server", "python3", "python3-apt"])


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


def write_log(root):
    folder = root / "var/log/web"
    folder.mkdir()
    folder.chmod(0o750)
    log = folder / "access.log"
    log.write_text("".join(
        f'10.0.0.{i % 250} - - [02/Jan/2026:03:04:05 +0000] "GET /{i} '
        f'HTTP/1.1" 200 {i} "-" "-"\n' for i in range(LINES)))
    log.chmod(0o640)
    sh("chroot", root, "chown", "-R", "root:adm", "/var/log/web")


class Fleet:
    def __init__(self, work, base):
        self.work, self.machines = work, {}
        self.key = work / "id"
        self.key.unlink(missing_ok=True)
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key)
        sh("ip", "link", "add", "br0", "type", "bridge")
        sh("ip", "addr", "add", "10.77.0.254/24", "dev", "br0")
        sh("ip", "link", "set", "br0", "up")
        for name, address in HOSTS.items():
            self.add(name, address, base)

    def add(self, name, address, base):
        root = self.work / name.split(".")[0]
        make_root(base, root)
        (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(f"{self.key}.pub", root / "root/.ssh/authorized_keys")
        (root / "etc/hostname").write_text(name.split(".")[0] + "\n")
        write_log(root)
        m = self.machines[name] = Machine(root)
        link = f"v{len(self.machines)}"
        sh("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0",
           "netns", m.pid1)
        sh("ip", "link", "set", link, "master", "br0", "up")
        m.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        m.run("ip", "link", "set", "eth0", "up")
        m.until("sshd listens", lambda: ":22 " in m.run("ss", "-Hltn"))

    def write_inventory(self, debs):
        line = "{0} ansible_host={1}".format
        first = next(iter(HOSTS))
        text = "\n".join([
            "[logtally_coordinator]", line(first, HOSTS[first]),
            "[logtally_workers]", *(line(*x) for x in HOSTS.items()),
            "[all:vars]", "ansible_user=root",
            "ansible_python_interpreter=/usr/bin/python3",
            f"ansible_ssh_private_key_file={self.key}",
            f"logtally_coordinator=tcp://{HOSTS[first]}:7700",
            f"logtally_packages={debs}", ""])
        self.inventory = self.work / "inventory.ini"
        self.inventory.write_text(text)

    def play(self):
        """What came of each host: {"web1.example": {"ok": 9, ...}}"""
        p = subprocess.run(
            ["ansible-playbook", "-i", self.inventory, ROLE / "site.yml"],
            text=True, capture_output=True, timeout=900, env={
                **os.environ, "HOME": str(self.work), "LC_ALL": "C.UTF-8",
                "ANSIBLE_HOST_KEY_CHECKING": "False",
                "ANSIBLE_PIPELINING": "True", "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_LOCAL_TEMP": str(self.work / "tmp")})
        assert p.returncode == 0, p.stdout[-6000:] + p.stderr[-3000:]
        recap = p.stdout[p.stdout.index("PLAY RECAP"):]
        found = {}
        for name, rest in re.findall(r"^(\S+) +: (.*)$", recap, re.M):
            found[name] = {k: int(v) for k, v in
                           re.findall(r"(\w+)=(\d+)", rest)}
        assert set(found) == set(HOSTS), recap
        return found

    def logtally(self, *args):
        first = self.machines[next(iter(HOSTS))]
        return first.run("runuser", "-u", "logtally", "--", "logtally", *args,
                         "--coordinator", f"tcp://{HOSTS['c0.example']}:7700",
                         "--keys", "/etc/logtally/keys/issued/admin")

    def close(self):
        for m in self.machines.values():
            m.stop()


def journey(fleet, debs):
    fleet.write_inventory(debs)
    found = fleet.play()
    assert all(f["changed"] > 0 and f["failed"] == 0 for f in found.values())
    said("installed, keys made and copied, configured, started: "
         + ", ".join(f"{n} changed {f['changed']}" for n, f in found.items()))
    names = {n.split(".")[0] for n in HOSTS}
    up = {w["name"] for w in json.loads(fleet.logtally("workers", "--json"))
          if w["state"] == "up" and w["sandbox"] == "full"}
    assert up == names, up
    out = fleet.logtally("submit", "count", "*:/var/log/web/access.log",
                         "--quiet", "-o", "tsv")
    assert out.split()[-1] == str(len(HOSTS) * LINES), out
    said(f"a job counted {LINES} lines on each of {len(HOSTS)} hosts")
    out = fleet.logtally("doctor", "client")
    assert out == "client: nothing is wrong\n", out
    # As root, where the daemon's user is another, and the unit has the keys.
    for name, m in fleet.machines.items():
        here = ["coordinator"] if name == "c0.example" else []
        out = m.run("logtally", "doctor", ok=False).stdout
        assert out.splitlines() == [f"{p}: nothing is wrong" for p in
                                    (*here, "worker")], out
    said("doctor finds nothing wrong, on any of them")
    pids = [m.unit("worker", "MainPID") for m in fleet.machines.values()]
    found = fleet.play()
    assert all(f["changed"] == 0 and f["failed"] == 0
               for f in found.values()), found
    assert pids == [m.unit("worker", "MainPID")
                    for m in fleet.machines.values()]
    said("again: nothing changed, nothing was restarted")


def main():
    folder, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    work /= host_release()
    try:
        if ENTERED not in os.environ:
            prepare(folder, work / "base")
            enter()
        fleet = Fleet(work, work / "base")
    except Unfit as e:
        print(f"skipped: {e}")
        return SKIPPED
    try:
        journey(fleet, folder)
    finally:
        fleet.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
