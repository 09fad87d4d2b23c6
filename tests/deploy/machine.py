# SPDX-License-Identifier: Apache-2.0
"""A small Debian that boots its own systemd, in namespaces of this machine:
own processes, network, file system. Needs root and debootstrap."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# $0 root, $1 the name of a cgroup below ours, in each hierarchy.
BOOT = """
set -e
while IFS=: read -r _ controllers path; do
    case $controllers in
    '') h=/sys/fs/cgroup/unified; [ -d "$h" ] || h=/sys/fs/cgroup ;;
    cpuset) continue ;; # wants CPUs given before anybody may enter
    *) h=/sys/fs/cgroup/${controllers#name=} ;;
    esac
    [ -f "$h/cgroup.procs" ] || continue
    mkdir -p "$h/$path/$1"
    echo $$ >"$h/$path/$1/cgroup.procs"
done </proc/self/cgroup
exec unshare --mount --uts --ipc --pid --net --cgroup --fork \\
    --propagation private sh -c '
set -e
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t tmpfs tmpfs "$0/run"
mount -t tmpfs tmpfs "$0/tmp"
mount -t sysfs sysfs "$0/sys"
if [ -d /sys/fs/cgroup/systemd ]; then
    c=$0/sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs "$c"
    mkdir "$c/systemd" "$c/unified"
    mount -t cgroup -o none,name=systemd,xattr cgroup "$c/systemd"
    mount -t cgroup2 cgroup2 "$c/unified"
else
    mount -t cgroup2 cgroup2 "$0/sys/fs/cgroup"
fi
ip link set lo up
cd "$0"
pivot_root . mnt
umount -l /mnt
mount --make-rshared /
exec env -i container=test PATH='"%s"' /lib/systemd/systemd \\
    --log-target=console systemd.unit=multi-user.target' "$0"
""" % PATH


class Unfit(Exception):
    """This machine cannot do it; the text says why."""


def sh(*args, ok=True, **kw):
    p = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE,
                       text=True, stdin=subprocess.DEVNULL,
                       **{"stderr": subprocess.STDOUT, "timeout": 600, **kw})
    if ok and p.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: {p.returncode}\n"
                             f"{p.stdout[-3000:]}")
    return p.stdout if ok else p


def need_tools(*more):
    if os.geteuid() != 0:
        raise Unfit("needs root")
    for tool in ("debootstrap", "unshare", "nsenter", "pivot_root", "ip",
                 *more):
        if shutil.which(tool) is None:
            raise Unfit(f"{tool} is not installed")


def host_release():
    lines = Path("/etc/os-release").read_text().splitlines()
    found = dict(x.split("=", 1) for x in lines if "=" in x)
    return found.get("VERSION_CODENAME", "").strip('"')


def fetch(folder, release):
    mirror = sh("apt-get", "indextargets", "--format", "$(SITE)").split()
    packages = "systemd,dbus,systemd-sysv,iproute2,ca-certificates"
    sh("debootstrap", "--variant=minbase", f"--include={packages}", release,
       folder, *mirror[:1])
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")


def satisfy(folder, wanted, *options):
    policy = folder / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    sh("chroot", folder, "apt-get", "satisfy", "-y", "-q", *options,
       ", ".join(sorted(wanted)),
       env={"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive"})
    policy.unlink()


def depends_of(debs):
    """What they want of Debian."""
    found = {d.strip() for deb in debs for d in
             sh("dpkg-deb", "-f", deb, "Depends").split(",")}
    return {d for d in found if d and not d.startswith("logtally")}


def make_base(folder, release, installed, at_hand=()):
    """What a host has before our packages come: made once, and again when
    something else is wanted. at_hand: where apt looks before it asks the
    network, which a host of these tests does not have."""
    has = folder.parent / "base-has"
    wanted = f"{sorted(installed)}\n{sorted(at_hand)}\n"
    if has.exists() and has.read_text() == wanted:
        return
    try:
        has.unlink(missing_ok=True)
        if not folder.exists():
            fetch(folder, release)
        satisfy(folder, installed, "--no-install-recommends")
        if at_hand:
            satisfy(folder, at_hand, "--download-only")
        has.write_text(wanted)
    except AssertionError as e:
        shutil.rmtree(folder, ignore_errors=True)
        raise Unfit(f"no Debian could be fetched: {e}") from e


def cgroups_named(name):
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for folder in ("unified", ".", controllers.removeprefix("name=")):
            top = CGROUPS / folder / path.strip("/") / name
            if top.is_dir():
                yield top


class Machine:
    def __init__(self, root):
        self.root = root
        self.cgroup = f"logtally-test-{os.getpid()}-{Path(root).name}"
        self.log = open(f"{root}.log", "ab")
        self.popen = subprocess.Popen(
            ["sh", "-c", BOOT, str(root), self.cgroup],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True)
        self.pid1 = None
        try:
            self.until("systemd answers", self.is_up, 60)
        except BaseException:
            self.stop()
            raise

    def is_up(self):
        if self.popen.poll() is not None:
            log = Path(f"{self.root}.log").read_text(errors="replace")
            raise Unfit(f"systemd does not start here: {log[-500:]}")
        kids = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        pids = kids.read_text().split()
        if not pids or b"systemd" not in \
                Path(f"/proc/{pids[0]}/cmdline").read_bytes():
            return False
        self.pid1 = pids[0]
        return self.run("systemctl", "is-active", "multi-user.target",
                        ok=False).returncode == 0

    def inside(self, *args):
        return ["nsenter", "-t", self.pid1, "-m", "-u", "-i", "-n", "-p", "-r",
                "-w", "env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8",
                "HOME=/root", "DEBIAN_FRONTEND=noninteractive",
                *map(str, args)]

    def run(self, *args, ok=True, **kw):
        return sh(*self.inside(*args), ok=ok, **kw)

    def until(self, what, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {what}")

    def unit(self, name, *properties):
        out = self.run("systemctl", "show", f"logtally-{name}.service",
                       *(f"-p{p}" for p in properties))
        found = dict(x.split("=", 1) for x in out.splitlines() if "=" in x)
        values = [found[p] for p in properties]
        return values[0] if len(values) == 1 else values

    def stop(self):
        """Its process 1 takes all others with it."""
        kids = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        if self.popen.poll() is None:
            for pid in kids.read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.log.close()
        for top in cgroups_named(self.cgroup):
            for folder, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
