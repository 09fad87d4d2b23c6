# SPDX-License-Identifier: Apache-2.0
"""The packages on a Debian with nothing else in it: install, enrol, count,
hang, upgrade, remove, purge. Skipped where this machine cannot do it.

usage: packages.py FOLDER_OF_DEBS WORK_FOLDER [RELEASE]
"""
import json
import shutil
import subprocess
import sys
from pathlib import Path

from machine import (Machine, Unfit, depends_of, host_release, make_base,
                     need_tools, sh)
from written import as_written

DAEMONS = ("coordinator", "worker")
LINES = 5000
FOLDER = "/var/tmp"
HERE = {"COORDINATOR": "127.0.0.1"}
SKIPPED = 77


def said(text):
    print(f"ok  {text}", flush=True)


def newer(debs, folder):
    """The same packages with a higher version."""
    out = []
    for deb in debs:
        tree = folder / deb.stem
        sh("dpkg-deb", "-R", deb, tree)
        control = tree / "DEBIAN/control"
        version = sh("dpkg-deb", "-f", deb, "Version").strip()
        control.write_text(control.read_text().replace(
            f"Version: {version}", f"Version: {version}+1").replace(
            f"(= {version})", f"(= {version}+1)"))
        out.append(folder / f"{deb.stem}_newer.deb")
        sh("dpkg-deb", "--root-owner-group", "-b", tree, out[-1])
        shutil.rmtree(tree)
    return out


def install(m, debs):
    for deb in debs:
        shutil.copy(deb, m.root / "var/tmp")
    return m.run("dpkg", "-i", *(f"/var/tmp/{d.name}" for d in debs))


def stays_stopped(m, name, missing):
    active, condition, failed = m.unit(name, "ActiveState", "ConditionResult",
                                       "Result")
    assert (active, condition, failed) == ("inactive", "no", "success")
    status = m.run("systemctl", "status", "--no-pager", "-l",
                   f"logtally-{name}", ok=False).stdout
    assert f"ConditionPathExists={missing}" in status, status
    assert m.run("systemctl", "is-enabled",
                 f"logtally-{name}").strip() == "enabled"


def is_running(m, name):
    def running():
        active, status = m.unit(name, "ActiveState", "StatusText")
        assert active != "failed", m.run("journalctl", "-u",
                                         f"logtally-{name}", "--no-pager")
        return active == "active" and status
    m.until(f"{name} runs", running, 60)


# The host to enrol is this one.
SSH = """#!/bin/sh
shift
exec sh -c "$*"
"""


def enrol(m):
    one = {**HERE, "root@web1 root@web2 root@web3": "root@web1"}
    ssh = m.root / "usr/local/bin/ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    told = as_written(m, "enrol", FOLDER, one)
    assert "web1: changed" in told, told
    told = as_written(m, "enrol", FOLDER, one)
    assert "web1: unchanged" in told, told
    ssh.unlink()
    told = as_written(m, "client", FOLDER, HERE)
    assert "web1" in told and "full" in told, told


def logtally(m, *args):
    return m.run("logtally", *args)


def count(m):
    out = logtally(m, "submit", "count", "web1:/var/log/web/access.log",
                   "--quiet", "-o", "tsv")
    assert out.split()[-1] == str(LINES), out


def write_log(m):
    """As a web server of Debian does: for the group adm alone."""
    folder = m.root / "var/log/web"
    folder.mkdir()
    (folder / "access.log").write_text("".join(
        f'10.0.0.{i % 250} - - [02/Jan/2026:03:04:05 +0000] "GET /{i} '
        f'HTTP/1.1" 200 {i} "-" "-"\n' for i in range(LINES)))
    m.run("chown", "root:adm", "/var/log/web", "/var/log/web/access.log")
    m.run("chmod", "0750", "/var/log/web")
    m.run("chmod", "0640", "/var/log/web/access.log")


def sees_little(m):
    """What is not for a daemon is not there for it."""
    for name in DAEMONS:
        pid = m.unit(name, "MainPID")
        seen = set(m.run("ls", f"/proc/{pid}/root/").split())
        assert seen <= {"dev", "etc", "lib", "lib64", "proc", "run", "sys",
                        "tmp", "usr", "var", "home", "root"}, seen
        var = set(m.run("ls", f"/proc/{pid}/root/var").split())
        assert var <= {"log", "lib", "tmp"}, var
        hidden = {"coordinator": "keys/issued", "worker": "worker-keys"}[name]
        hidden = f"/proc/{pid}/root/etc/logtally/{hidden}"
        assert not m.run("ls", hidden).strip(), hidden
        caps = m.run("sh", "-c", f"grep Cap /proc/{pid}/status")
        assert set(x.split()[1] for x in caps.splitlines()) == {"0" * 16}
    workers = logtally(m, "workers")
    assert "full" in workers, workers


def hangs(m):
    """A worker whose loop stands still is started again."""
    drop_in = m.root / "etc/systemd/system/logtally-worker.service.d"
    drop_in.mkdir(parents=True)
    (drop_in / "soon.conf").write_text("[Service]\nWatchdogSec=2\n")
    m.run("systemctl", "daemon-reload")
    m.run("systemctl", "restart", "logtally-worker")
    is_running(m, "worker")
    before = m.unit("worker", "MainPID")
    m.run("sh", "-c", f"kill -STOP {before}")
    m.until("another process of the worker", lambda: m.unit(
        "worker", "MainPID") not in (before, "0"), 60)
    assert m.unit("worker", "NRestarts") == "1"
    is_running(m, "worker")
    shutil.rmtree(drop_in)
    m.run("systemctl", "daemon-reload")
    count(m)


LONG = ("distinct(path), p99(bytes) by ip", "/var/log/web/long.log")


def write_long_log(m):
    path = m.root / "var/log/web/long.log"
    block = "".join(
        f'10.0.{i % 250}.{i % 97} - - [02/Jan/2026:03:{i % 60:02}:05 +0000] '
        f'"GET /p{i % 5003} HTTP/1.1" 200 {i % 9999} "-" "Mozilla/5.0"\n'
        for i in range(100_000))
    with open(path, "w") as f:
        for _ in range(60):
            f.write(block)
    m.run("chown", "root:adm", "/var/log/web/long.log")


def begin_long_job(m):
    p = subprocess.Popen(
        m.inside("logtally", "submit", LONG[0], f"web1:{LONG[1]}", "-o",
                 "json", "--shard-size", "4MiB"), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    m.until("the executors count", lambda: " 0 of " not in m.unit(
        "worker", "StatusText"), 30)
    return p


def upgrade(m, debs):
    """With a job under way, which must not show in its result."""
    write_long_log(m)
    newer_debs = newer(debs, m.root.parent)
    before = [m.unit(n, "MainPID") for n in DAEMONS]
    job = begin_long_job(m)
    try:
        install(m, newer_debs)
        assert job.poll() is None, "the job ended before the upgrade"
        for name, pid in zip(DAEMONS, before):
            is_running(m, name)
            assert m.unit(name, "MainPID") != pid
        out, err = job.communicate(timeout=200)
    finally:
        job.kill()
        job.wait()
    assert job.returncode == 0, err
    alone = m.run("logtally", "run", LONG[0], LONG[1], "-o", "json",
                  "--quiet")
    got, want = (json.loads(x)["receipt"]["fingerprint"]
                 for x in (out, alone))
    assert got == want, err
    conf = (m.root / "etc/logtally/worker.conf").read_text()
    assert "127.0.0.1" in conf
    assert logtally(m, "jobs", "--json").count('"query"') == 3
    (m.root / "var/log/web/long.log").unlink()
    count(m)


def left(m):
    out = m.run("find", "/", "-xdev", "-name", "*logtally*", "-not", "-path",
                "/proc/*", "-not", "-path", "/var/tmp/*", "-not", "-path",
                "/opt/*", "-not", "-path", "/root/*")
    return set(out.split())


def remove(m):
    names = [f"logtally-{n}" for n in DAEMONS] + ["logtally"]
    m.run("dpkg", "--remove", *names)
    assert not m.run("sh", "-c", "grep -l ^logtally /proc/[0-9]*/comm",
                     ok=False).stdout.strip()
    for path in ("etc/logtally/worker.conf", "etc/logtally/keys/allowed/web1",
                 "var/lib/logtally/journal.db"):
        assert (m.root / path).exists(), path
    assert not (m.root / "usr/bin/logtally").exists()


def purge(m):
    m.run("dpkg", "--purge", "logtally-coordinator", "logtally-worker",
          "logtally")
    assert not (m.root / "etc/logtally").exists()
    assert not (m.root / "var/lib/logtally").exists()
    assert not left(m), left(m)
    failed = m.run("systemctl", "--failed", "--no-legend", "--plain")
    assert "logtally" not in failed, failed


def relocated(m, tarball):
    """Anywhere, with the libraries of the packages."""
    m.run("mkdir", "/opt/somewhere")
    shutil.copy(tarball, m.root / "opt/somewhere/x.tar.gz")
    m.run("tar", "-xzf", "/opt/somewhere/x.tar.gz", "-C", "/opt/somewhere")
    out = m.run("sh", "-c", "/opt/somewhere/*/bin/logtally run count "
                "/var/log/web/access.log --quiet -o tsv")
    assert out.split()[-1] == str(LINES), out


def journey(m, debs, tarball):
    cli, coordinator, worker = debs
    told = install(m, [cli, coordinator])
    assert "stays stopped until /etc/logtally/keys" in told, told
    stays_stopped(m, "coordinator", "/etc/logtally/keys/coordinator_secret")
    said("installed; the coordinator stays stopped and says what is missing")
    as_written(m, "coordinator", FOLDER, {})
    is_running(m, "coordinator")
    said("the coordinator is ready: " + m.unit("coordinator", "StatusText"))
    install(m, [worker])
    stays_stopped(m, "worker", "/etc/logtally/worker-keys/self_secret")
    write_log(m)
    enrol(m)
    said("the worker is enrolled: " + m.unit("worker", "StatusText"))
    count(m)
    sees_little(m)
    said(f"a job counted {LINES} lines that only the group adm may read; "
         "the daemons see no more than they need")
    hangs(m)
    said("a worker that hung was started again")
    upgrade(m, debs)
    said("upgraded with a job under way: the fingerprint is that of one "
         "machine working alone; same jobs, same settings")
    relocated(m, tarball)
    said("the tarball counts where it was unpacked")
    remove(m)
    install(m, [cli, coordinator, worker])
    for name in DAEMONS:
        is_running(m, name)
    said("removed, and installed again: keys and state were kept")
    remove(m)
    purge(m)
    said("purged: nothing is left")


def main():
    folder, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    release = sys.argv[3] if len(sys.argv) > 3 else host_release()
    work /= release
    debs = [next(folder.glob(f"{n}_*.deb")) for n in
            ("logtally", "logtally-coordinator", "logtally-worker")]
    tarball = next(folder.glob("logtally-*.tar.gz"))
    try:
        need_tools()
        work.mkdir(parents=True, exist_ok=True)
        make_base(work / "base", release, depends_of(debs))
        root = work / "root"
        shutil.rmtree(root, ignore_errors=True)
        sh("cp", "-a", "--reflink=auto", work / "base", root)
        m = Machine(root)
    except Unfit as e:
        print(f"skipped: {e}")
        return SKIPPED
    try:
        journey(m, debs, tarball)
    finally:
        m.stop()
    shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
