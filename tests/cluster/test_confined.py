# SPDX-License-Identifier: Apache-2.0
"""The fences of coordinator and supervisor around themselves. That they can
do their work inside is what every other test of this folder shows."""
import os
import re
import subprocess

import make_logs
import pytest
from conftest import Cluster, program, wait_for
from test_sandbox import no_landlock

SET_UP = {"CapEff": 0, "CapPrm": 0, "CapInh": 0, "CapBnd": 0, "CapAmb": 0}
DAC_READ_SEARCH, KILL, SETGID, SETUID = 2, 5, 6, 7


def status(process):
    with open(f"/proc/{process.popen.pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def rights(process):
    said = status(process)
    return {name: int(said[name], 16) for name in SET_UP}


@pytest.mark.parametrize("name", ["coordinator", "worker"])
def test_selftest(name):
    p = subprocess.run([program(f"logtally-{name}"), "--sandbox-selftest"],
                       stdout=subprocess.PIPE, timeout=60)
    out = p.stdout.decode()
    who = "supervisor" if name == "worker" else name
    level, rest = re.search(rf"^{who}: (\w+)(.*)$", out, re.M).groups()
    assert level == "full" or "no Landlock" in rest or "sanitizers" in rest
    good, tried = map(int, re.search(r"(\d+) of (\d+) as it should be",
                                     out).groups())
    assert good == tried >= 40, out
    if "sanitizers" not in out:
        assert p.returncode == 0, out


def test_daemons_are_confined_and_count(cluster, tmp_path):
    (tmp_path / "a.log").write_bytes(make_logs.make(1, 10_000))
    w = cluster.worker("web1", tmp_path, "-j", "1")
    for p in (cluster.coordinator, w):
        assert p.said("daemon-confined level=full") or p.said("sanitizers")
        said = status(p)
        assert said["NoNewPrivs"] == "1" and said["Seccomp"] == "2"
    if os.geteuid() == 0:
        assert rights(cluster.coordinator) == SET_UP
        kept = sum(1 << n for n in (DAC_READ_SEARCH, KILL, SETGID, SETUID))
        have = rights(w)
        assert have["CapEff"] == have["CapPrm"] and have["CapEff"] & ~kept == 0
        assert have["CapBnd"] & ~kept == 0
        assert have["CapInh"] == have["CapAmb"] == 0
    assert cluster.submit("count", f"web1:{tmp_path}/a.log")["rows"]


def daemon(name, folder, *extra, **kw):
    keys = folder / "keys"
    where = ["--state", folder / "state2"] if name == "coordinator" else \
        ["--coordinator", "127.0.0.1:1", "--root", folder, "-j", "1"]
    return subprocess.Popen(
        [program(f"logtally-{name}"), "--keys", keys if name == "coordinator"
         else keys / "issued" / "web1", *map(str, where), "--listen",
         "127.0.0.1", *extra], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)


PORTS = {"coordinator": ["--control-port", "0", "--sink-port", "0"],
         "worker": ["--intake-port", "0", "--allow-weak-sandbox"]}


@pytest.mark.parametrize("name", ["coordinator", "worker"])
@pytest.mark.parametrize("how", ["must", "yes", "no"])
def test_without_landlock(tmp_path, name, how):
    """`must` does not start, `yes` says what is missing and does."""
    from conftest import run
    run("keys", "init", tmp_path / "keys")
    run("keys", "new", tmp_path / "keys", "web1", "--role", "worker")
    p = daemon(name, tmp_path, *PORTS[name], "--confine", how,
               preexec_fn=no_landlock)
    seen = b""
    try:
        if how == "must" and b"sanitizers" not in selftest_of(name):
            seen, _ = p.communicate(timeout=20)
            assert p.returncode == 1 and b"confine = must" in seen
            assert b"no Landlock" in seen
            return
        os.set_blocking(p.stdout.fileno(), False)
        def ready():
            nonlocal seen
            seen += p.stdout.read() or b""
            return f"{name}-ready".encode() in seen
        wait_for(f"{name} to be ready", ready)
        assert (b"level=none" if how == "no" else b"no Landlock") in seen
    finally:
        p.kill()
        p.communicate()


def selftest_of(name):
    return subprocess.run([program(f"logtally-{name}"), "--sandbox-selftest"],
                          stdout=subprocess.PIPE, timeout=60).stdout


@pytest.mark.parametrize("name", ["coordinator", "worker"])
def test_a_wrong_setting(tmp_path, name):
    p = daemon(name, tmp_path, "--confine", "maybe")
    out, _ = p.communicate(timeout=20)
    assert p.returncode == 2 and b"yes, must or no" in out


def test_its_own_ports_are_bound_again(tmp_path):
    """After a key is revoked both sockets are bound anew, inside."""
    c = Cluster(tmp_path)  # with ports that are given
    try:
        from conftest import run
        run("keys", "new", c.keys, "bob", "--role", "client")
        c.cli("keys", "reload")
        c.cli("jobs", "--keys", c.keys / "issued" / "bob")
        run("keys", "revoke", c.keys, "bob")
        c.coordinator.until("key-revoked name=bob")
        c.cli("jobs")
        assert not c.coordinator.said("listen-failed")
    finally:
        c.close()
