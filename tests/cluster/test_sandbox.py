# SPDX-License-Identifier: Apache-2.0
"""The fences around executors, as the shipped programs put them up."""
import ctypes
import json
import re
import subprocess

from conftest import program, run

LINE = ('10.0.0.1 - - [10/Oct/2024:13:55:36 +0000] "GET / HTTP/1.1" 200 23 '
        '"-" "-"\n')
ENOSYS, NNP, ALLOW, ERRNO = 38, 38, 0x7fff0000, 0x00050000


def no_landlock():
    """A kernel that says it has none, for the process to be."""
    lib = ctypes.CDLL("libseccomp.so.2")
    lib.seccomp_init.restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(ALLOW)))
    call = lib.seccomp_syscall_resolve_name(b"landlock_create_ruleset")
    rule = ctypes.c_uint32(ERRNO | ENOSYS)
    assert lib.seccomp_rule_add(ctx, rule, 444 if call < 0 else call, 0) == 0
    assert lib.seccomp_load(ctx) == 0


def selftest(*args, **kw):
    p = subprocess.run([program("logtally-worker"), "--sandbox-selftest",
                        *args], stdout=subprocess.PIPE, timeout=60, **kw)
    return p.returncode, p.stdout.decode()


def test_selftest_refuses_everything():
    code, out = selftest("--allow-weak-sandbox")
    through = [line for line in out.splitlines() if line.startswith("NOT ")]
    if "sanitizers" in out:  # such a build can read files, and says so
        assert all(re.search("read|open|list|stat|limits", t)
                   for t in through), out
        return
    assert through == [] and code == 0, out
    refused, tried = map(int, re.search(r"(\d+) of (\d+)", out).groups())
    assert refused == tried >= 20


def test_selftest_without_landlock_refuses_all_and_fails():
    code, out = selftest(preexec_fn=no_landlock)
    assert "weak: this kernel has no Landlock" in out
    assert "takes no orders here" in out and code == 1
    if "NOT REFUSED" not in out:  # a release build
        assert selftest("--allow-weak-sandbox", preexec_fn=no_landlock)[0] == 0


def test_run_without_landlock_is_fatal_unless_allowed(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(LINE * 3)
    p = run("run", "count", log, ok=False, preexec_fn=no_landlock)
    assert p.returncode == 1 and p.stdout == b""
    assert b"no Landlock" in p.stderr
    assert b"--allow-weak-sandbox" in p.stderr
    p = run("run", "count", log, "--allow-weak-sandbox",
            preexec_fn=no_landlock)
    assert p.stdout.split() == [b"count", b"3"]


def test_worker_without_landlock_does_not_start(cluster, tmp_path):
    cluster.cli("keys", "new", cluster.keys, "w", "--role", "worker",
                "--host", "w")
    p = subprocess.run(
        [program("logtally-worker"), "--coordinator", cluster.endpoint,
         "--keys", cluster.keys / "issued" / "w", "--root", tmp_path,
         "--intake-port", "0"], stderr=subprocess.PIPE, timeout=60,
        preexec_fn=no_landlock)
    assert p.returncode == 1 and b"no Landlock" in p.stderr


def test_workers_shows_the_level(cluster, tmp_path):
    level = re.search("sandbox: (full|weak)", selftest()[1]).group(1)
    cluster.worker("w", tmp_path, "--allow-weak-sandbox")
    workers = json.loads(cluster.cli("workers", "--json").stdout)
    assert workers[0]["sandbox"].startswith(level)
    assert b"SANDBOX" in cluster.cli("workers").stdout
