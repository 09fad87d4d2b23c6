# SPDX-License-Identifier: Apache-2.0
"""deploy/enrol with hosts that are folders: ssh and systemctl are scripts of
this test, the programs are real."""
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ENROL = HERE.parent.parent / "deploy" / "enrol"
sys.path.insert(0, str(HERE.parent / "cluster"))
from conftest import BUILD, cluster  # noqa: E402,F401

# Runs the command with the folder of that host for /etc/logtally.
SSH = """#!/bin/sh
host=$1
shift
[ -d "$HOSTS/$host" ] || { echo "ssh: no host $host" >&2; exit 255; }
ETC=$HOSTS/$host exec sh -c "$*"
"""

SYSTEMCTL = """#!/bin/sh
pid=$(cat "$ETC/pid" 2>/dev/null) || pid=
echo "$*" >>"$ETC/systemctl"
case $1 in
is-active) [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null ;;
restart | start)
    [ -z "$pid" ] || kill "$pid"
    "$BUILD/logtally-worker" --config "$ETC/worker.conf" \\
        --keys "$ETC/worker-keys" --listen 127.0.0.1 --intake-port 0 -j 1 \\
        </dev/null >/dev/null 2>>"$ETC/log" &
    echo $! >"$ETC/pid"
    ;;
esac
"""


class Hosts:
    def __init__(self, folder, cluster):
        self.folder, self.cluster = folder, cluster
        bin_ = folder / "bin"
        bin_.mkdir(parents=True)
        for name, text in (("ssh", SSH), ("systemctl", SYSTEMCTL)):
            (bin_ / name).write_text(text)
            (bin_ / name).chmod(0o755)
        self.env = {**os.environ, "HOSTS": str(folder), "BUILD": str(BUILD),
                    "PATH": f"{bin_}:{BUILD}:{os.environ['PATH']}"}

    def add(self, name):
        (self.folder / name).mkdir()
        (self.folder / name / "worker.conf").write_text(
            f"root = {self.folder}\ncoordinator = tcp://127.0.0.1:1\n")

    def enrol(self, *hosts):
        return subprocess.run(
            [str(ENROL), "-c", self.cluster.endpoint, "-k",
             str(self.cluster.keys), *hosts], env=self.env, timeout=100,
            stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def asked(self, name):
        return (self.folder / name / "systemctl").read_text().splitlines()

    def close(self):
        for pid in self.folder.glob("*/pid"):
            subprocess.run(["kill", pid.read_text().strip()])


@pytest.fixture
def hosts(tmp_path, cluster):
    h = Hosts(tmp_path / "hosts", cluster)
    yield h
    h.close()


def test_hosts_are_enrolled_once(hosts):
    hosts.add("root@web1.example")
    hosts.add("elsewhere")
    p = hosts.enrol("root@web1.example", "web2=elsewhere")
    assert (p.returncode, p.stdout) == (0, "web1: changed\nweb2: changed\n"), \
        p.stderr
    keys = hosts.folder / "elsewhere" / "worker-keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert stat.S_IMODE((keys / "self_secret").stat().st_mode) == 0o600
    assert not (hosts.folder / "elsewhere" / "worker-keys.new").exists()
    conf = (hosts.folder / "elsewhere" / "worker.conf").read_text()
    assert conf == (f"root = {hosts.folder}\n"
                    f"coordinator = {hosts.cluster.endpoint}\n")
    # Again: nothing is touched, and nothing is restarted.
    before = hosts.asked("elsewhere")
    p = hosts.enrol("root@web1.example", "web2=elsewhere")
    assert (p.returncode, p.stdout) == (
        0, "web1: unchanged\nweb2: unchanged\n"), p.stderr
    assert set(hosts.asked("elsewhere")[len(before):]) == {
        "is-active --quiet logtally-worker"}
    log = hosts.folder / "access.log"
    log.write_text('1.2.3.4 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1"'
                   ' 200 5 "-" "-"\n')
    rows = hosts.cluster.submit("count", f"web*:{log}")["rows"]
    assert rows == [[2]]


def test_a_host_that_cannot_be_dialled(hosts):
    hosts.add("laptop")
    conf = hosts.folder / "laptop" / "worker.conf"
    for said in ("changed", "unchanged"):
        p = hosts.enrol("-t", "dial", "laptop")
        assert (p.returncode, p.stdout) == (0, f"laptop: {said}\n"), p.stderr
        assert conf.read_text().splitlines()[1:] == [
            f"coordinator = {hosts.cluster.endpoint}", "transport = dial"]
    p = hosts.enrol("laptop")  # what is not said is left as it is
    assert (p.returncode, p.stdout) == (0, "laptop: unchanged\n"), p.stderr
    worker, = json.loads(hosts.cluster.cli("workers", "--json").stdout)
    assert worker["transport"] == "dial"


def test_a_host_that_fails_is_named_and_the_others_go_on(hosts):
    hosts.add("web2")
    p = hosts.enrol("web1", "web2")
    assert p.returncode == 1
    assert "ssh: no host web1" in p.stderr
    assert "web1: not enrolled" in p.stderr
    assert p.stdout == "web2: changed\n"


@pytest.mark.parametrize("args", [
    [], ["-c", "tcp://x:7700"], ["-c", "x'; reboot'", "web1"],
    ["-c", "tcp://x:7700", "-k", "/nowhere", "web1"], ["web1"],
    ["-c", "tcp://x:7700", "-t", "both", "web1"]])
def test_usage(args):
    p = subprocess.run([str(ENROL), *args], capture_output=True, text=True,
                       timeout=20)
    assert p.returncode == 2 and p.stderr
