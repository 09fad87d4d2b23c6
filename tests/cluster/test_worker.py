# SPDX-License-Identifier: Apache-2.0
"""The worker daemon as a process: what it says, how it ends, and executors
that die under it."""
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
from conftest import Process, program, run, wait_for

LINE = (b'192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] "GET /p%d HTTP/1.1" '
        b'200 5 "-" "ua"\n')


@pytest.fixture
def keys(tmp_path):
    folder = tmp_path / "keys"
    run("keys", "init", folder)
    run("keys", "new", folder, "web1", "--role", "worker", "--host", "web1")
    return folder / "issued" / "web1"


def worker(*args):
    p = subprocess.run([program("logtally-worker"), *map(str, args)],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       stdin=subprocess.DEVNULL, timeout=20)
    return p.returncode, p.stderr.decode()


@pytest.mark.parametrize("args, says", [
    ([], "--coordinator is missing"),
    (["--coordinator", "x"], "--keys is missing"),
    (["--coordinator", "x", "--keys", "k"], "--root is missing"),
    (["--nonsense"], "--nonsense"),
    (["--intake-port", "70000"], "intake-port"),
    (["word"], "word"),
    (["--coordinator", "x", "--keys", "k", "--transport", "both"],
     "push or dial"),
    (["--coordinator", "x", "--keys", "k", "--transport", "dial",
      "--advertise", "192.0.2.7"], "leave one of the two out"),
])
def test_wrong_usage_is_two(args, says):
    code, text = worker(*args)
    assert code == 2 and says in text


def test_what_cannot_work_ends_at_once(keys, tmp_path):
    code, text = worker("--coordinator", "x", "--root", "/var/log", "--keys",
                        tmp_path / "none")
    assert code == 1 and "none" in text
    base = ["--keys", keys, "--intake-port", "0", "-j", "1"]
    code, text = worker("--coordinator", "http://x", "--root", "/var/log",
                        *base)
    assert code == 2 and "tcp://HOST:PORT" in text
    code, text = worker("--coordinator", "127.0.0.1", "--root", "var", *base)
    assert code == 2 and "absolute" in text
    code, text = worker("--coordinator", "127.0.0.1", "--root",
                        tmp_path / "gone", *base)
    assert code == 1 and "gone" in text


def test_check_config_says_zero_or_two(keys, tmp_path):
    conf = tmp_path / "worker.conf"
    conf.write_text(f"coordinator = 127.0.0.1\nkeys = {keys}\n"
                    f"root = {tmp_path}\nlabel = edge\n")
    assert worker("--config", conf, "--check-config") == (0, "")
    conf.write_text("coordinator = 127.0.0.1\ncolour = blue\n")
    code, text = worker("--config", conf, "--check-config")
    assert code == 2 and f"{conf}:2" in text


def test_it_waits_for_its_coordinator_and_ends_when_told(keys, tmp_path):
    p = Process(tmp_path, "alone", [
        program("logtally-worker"), "--coordinator", "127.0.0.1:9", "--keys",
        keys, "--root", tmp_path, "--intake-port", "0", "-j", "1"])
    p.until("worker-ready")
    p.until("nobody answers there")
    p.popen.send_signal(signal.SIGTERM)
    assert p.popen.wait(10) == 0
    p.stop()


def executors_of(pid):
    out = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="],
                         stdout=subprocess.PIPE).stdout
    return [int(x) for x in out.split()]


def test_dying_executors_cost_attempts_and_never_the_answer(cluster,
                                                            tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    for i in range(8):
        (folder / f"{i}.log").write_bytes(
            b"".join(LINE % (n % 97) for n in range(100_000)))
    pids = [cluster.worker(f"web{i}", folder, "-j", "2").popen.pid
            for i in range(2)]
    query, source = "count by path", f"shared:{folder}/*.log"
    want = cluster.submit(query, source)["rows"]
    rng, over = random.Random(3), threading.Event()

    def chaos():
        while not over.wait(rng.random()):
            for pid in executors_of(rng.choice(pids))[:1]:
                try:
                    os.kill(pid, rng.choice([signal.SIGKILL, signal.SIGABRT,
                                             signal.SIGTERM]))
                except ProcessLookupError:
                    pass

    thread = threading.Thread(target=chaos)
    thread.start()
    try:
        answers = 0
        until = time.monotonic() + 10
        while time.monotonic() < until:
            p = cluster.cli("submit", query, source, "-o", "json", ok=False)
            assert p.returncode in (0, 3), p.stderr.decode()
            if p.returncode == 0:
                assert json.loads(p.stdout)["rows"] == want
                answers += 1
    finally:
        over.set()
        thread.join()
    assert answers > 0
    assert cluster.submit(query, source)["rows"] == want
    for pid in pids:
        wait_for("no zombie", lambda p=pid: all(
            "Z" not in s for s in subprocess.run(
                ["ps", "--ppid", str(p), "-o", "stat="],
                stdout=subprocess.PIPE, text=True).stdout.split()))
