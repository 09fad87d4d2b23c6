# SPDX-License-Identifier: Apache-2.0
"""Coordinator and workers as real processes: answers, faults, sentences."""
import json
import os
import random
import signal
import subprocess
import time

import make_logs
import pytest
from conftest import program, run, wait_for

QUERIES = ["count by status", "top 20 path", "sum(bytes) by ip:/24, time:1h"]
CLEAN = [(b'192.0.2.%d - - [14/Nov/2023:22:%02d:00 +0000] "GET /p%d '
          b'HTTP/1.1" 200 %d "-" "ua"\n') % (i % 250, i % 60, i % 97, i)
         for i in range(20_000)]


def rows_and_print(doc):
    return doc["columns"], doc["rows"], doc["receipt"]["fingerprint"]


def local(query, *files):
    return json.loads(run("run", query, *files, "-o", "json").stdout)


@pytest.fixture
def three(cluster, tmp_path):
    for i in range(3):
        folder = tmp_path / f"host{i}"
        folder.mkdir()
        (folder / "access.log").write_bytes(make_logs.make(i, 60_000))
        cluster.worker(f"web{i}", folder, "-j", "1")
    return cluster


@pytest.fixture
def shared(cluster, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    for i in range(12):
        (folder / f"{i}.log").write_bytes(b"".join(CLEAN * 2))
    for i in range(3):
        cluster.worker(f"web{i}", folder, "-j", "1")
    return cluster, folder


@pytest.mark.parametrize("query", QUERIES)
def test_cluster_equals_local(three, tmp_path, query):
    files = [tmp_path / f"host{i}" / "access.log" for i in range(3)]
    sources = [f"web{i}:{f}" for i, f in enumerate(files)]
    assert rows_and_print(three.submit(query, *sources)) == \
        rows_and_print(local(query, *files))


@pytest.mark.parametrize("kind", ["kill", "stop"])
def test_worker_lost_at_a_random_moment(shared, kind):
    cluster, folder = shared
    query, source = "count by path, status", f"shared:{folder}/*.log"
    began = time.monotonic()
    want = rows_and_print(cluster.submit(query, source))
    usual = time.monotonic() - began
    rng = random.Random(11)
    for _ in range(int(os.environ.get("LOGTALLY_CHAOS", "20"))):
        name = f"web{rng.randrange(3)}"
        victim = cluster.workers[name]
        job = cluster.popen("submit", query, source, "-o", "json")
        time.sleep(rng.random() * usual)  # the random moment itself
        victim.popen.send_signal(
            signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
        out, err = job.communicate(timeout=120)
        assert job.returncode == 0, err.decode(errors="replace")
        assert rows_and_print(json.loads(out)) == want
        if kind == "kill":
            victim.popen.wait()
            victim.log.write_text("")
            cluster.worker(name, folder, "-j", "1", new_key=False)
        else:
            victim.popen.send_signal(signal.SIGCONT)


def test_host_local_worker_gone_ends_partial(three, tmp_path):
    three.workers["web1"].popen.kill()
    began = time.monotonic()
    p = three.cli("submit", "count", f"web1:{tmp_path}/host1/*.log",
                  "--deadline", "3s", ok=False)
    assert p.returncode in (3, 5) and b"web1" in p.stderr
    assert time.monotonic() - began < 15


def test_coordinator_not_there(tmp_path):
    run("keys", "init", tmp_path / "keys")
    p = run("workers", "--coordinator", "tcp://127.0.0.1:1", "--keys",
            tmp_path / "keys" / "issued" / "admin", ok=False, timeout=5)
    assert p.returncode == 5 and p.stderr


def test_unknown_key(cluster, tmp_path):
    run("keys", "init", tmp_path / "other")
    p = cluster.cli("workers", "--keys",
                    tmp_path / "other" / "issued" / "admin", ok=False,
                    timeout=5)
    assert p.returncode == 5 and p.stderr


def test_no_worker_for_host(three):
    p = three.cli("submit", "count", "web9:/var/log/x*", ok=False, timeout=5)
    assert p.returncode != 0 and b"web9" in p.stderr


def test_no_file_matches(three, tmp_path):
    p = three.cli("submit", "count", f"web0:{tmp_path}/host0/nothing*",
                  ok=False, timeout=5)
    assert p.returncode != 0 and b"nothing" in p.stderr


def test_revoked_key_is_refused_at_once(cluster):
    run("keys", "new", cluster.keys, "bob", "--role", "client")
    key = cluster.keys / "issued" / "bob"
    cluster.cli("jobs", "--keys", key)
    run("keys", "revoke", cluster.keys, "bob")
    wait_for("the refusal", lambda: cluster.cli(
        "jobs", "--keys", key, ok=False).returncode == 5, 10)


def test_detach_wait_status_result(three, tmp_path):
    source = f"web*:{tmp_path}/host*/*.log"
    job = three.cli("submit", "count", source,
                    "--detach").stdout.decode().strip()
    assert job and " " not in job
    three.cli("wait", job)
    three.cli("status", job)
    assert json.loads(three.cli("result", job, "-o", "json").stdout)["rows"]
    assert job in three.cli("jobs").stdout.decode()
    assert b"web2" in three.cli("workers").stdout
    three.cli("plan", "count", source)


def test_ctrl_c_cancels(three, tmp_path):
    three.workers["web0"].popen.send_signal(signal.SIGSTOP)
    p = three.popen("submit", "count", f"web0:{tmp_path}/host0/*.log")
    wait_for("the job", lambda: three.cli("jobs").stdout.count(b"\n") > 0)
    p.send_signal(signal.SIGINT)
    p.communicate(timeout=20)
    assert p.returncode == 130


def test_small_job_is_not_stuck_behind_a_long_one(shared):
    cluster, folder = shared
    long_job = cluster.popen("submit", "count by line",
                             *[f"shared:{folder}/*.log"], "-o", "json")
    try:
        cluster.submit("count", f"shared:{folder}/0.log")
        assert long_job.poll() is None or long_job.returncode == 0
    finally:
        out, err = long_job.communicate(timeout=120)
    assert long_job.returncode == 0, err.decode(errors="replace")


@pytest.mark.parametrize("name", ["logtally-coordinator", "logtally-worker"])
def test_print_config(name):
    p = subprocess.run([program(name), "--print-config"], capture_output=True)
    assert p.returncode == 0 and p.stdout
