# SPDX-License-Identifier: Apache-2.0
"""Coordinator and workers as real processes: answers, faults, sentences."""
import json
import os
import signal
import subprocess
import time

import make_logs
import pytest
from conftest import (CLEAN, both_transports, program, rows_and_print, run,
                      wait_for)

QUERIES = ["count by status", "top 20 path", "sum(bytes) by ip:/24, time:1h"]


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


@pytest.mark.parametrize("cluster, query", [
    *(("push", q) for q in QUERIES), ("dial", QUERIES[2])],
    indirect=["cluster"])
def test_cluster_equals_local(three, tmp_path, query):
    files = [tmp_path / f"host{i}" / "access.log" for i in range(3)]
    sources = [f"web{i}:{f}" for i, f in enumerate(files)]
    assert rows_and_print(three.submit(query, *sources)) == \
        rows_and_print(local(query, *files))


def test_host_local_worker_gone_ends_partial(three, tmp_path):
    three.workers["web1"].popen.kill()
    began = time.monotonic()
    p = three.cli("submit", "count", f"web1:{tmp_path}/host1/*.log",
                  "--deadline", "3s", ok=False)
    assert p.returncode == 3 and b"web1" in p.stderr
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
    assert p.returncode == 1 and b"web9" in p.stderr


def test_no_file_matches(three, tmp_path):
    p = three.cli("submit", "count", f"web0:{tmp_path}/host0/nothing*",
                  ok=False, timeout=5)
    assert p.returncode == 1 and b"nothing" in p.stderr


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


def jobs_of(cluster):
    return json.loads(cluster.cli("jobs", "--json").stdout)


@both_transports
def test_ctrl_c_cancels(three, tmp_path):
    three.workers["web0"].popen.send_signal(signal.SIGSTOP)
    p = three.popen("submit", "count", f"web0:{tmp_path}/host0/*.log")
    wait_for("the job", lambda: jobs_of(three))
    p.send_signal(signal.SIGINT)
    p.communicate(timeout=20)
    assert p.returncode == 130
    assert [j["state"] for j in jobs_of(three)] == ["cancelled"]


def test_a_share_of_the_shards_is_counted_twice_and_compared(shared):
    """Real executors of several workers make the same bytes of it."""
    cluster, folder = shared
    job = ["count, sum(bytes), distinct(ip), first(path) by status, ip",
           f"shared:{folder}/*.log", "--shard-size", "400KB"]
    want = rows_and_print(cluster.submit(*job))
    doc = cluster.submit(*job, "--verify", "100%")
    assert rows_and_print(doc) == want
    n = doc["receipt"]["shards"]
    assert n > 3
    assert (f"{n} of {n} shards were counted by a second worker too: "
            f"{n} equal") in doc["receipt"]["notes"]
    doc = cluster.submit(*job, "--verify", "0.001%")
    assert (f"1 of {n} shards were counted by a second worker too: "
            "1 equal") in doc["receipt"]["notes"]


def test_who_counts_wrong_is_found_and_named(cluster, tmp_path):
    """One of two workers reads 418 where a log says 200: bad memory."""
    log = tmp_path / "access.log"
    log.write_bytes(b"".join(CLEAN) * 2)
    cluster.worker("good", tmp_path, "-j", "1")
    cluster.worker("bad", tmp_path, "-j", "1", env={
        **os.environ, "BAD_READS": "wrong",
        "LD_PRELOAD": program("tests/libbad_reads.so"),
        "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})
    job = ["submit", "count by status", f"shared:{log}", "-o", "json",
           "--shard-size", "400KB", "--verify", "100%"]
    p = cluster.cli(*job, ok=False)
    assert p.returncode == 3
    p = cluster.cli(*job, "--allow-partial", ok=False)
    receipt = json.loads(p.stdout)["receipt"]
    assert p.returncode == 3 and receipt["missing"]
    for sentence in receipt["missing"]:
        assert f"{log}: bytes " in sentence
        assert "good counted it, and bad counted something else" in sentence \
            or "bad counted it, and good counted something else" in sentence
    assert any(" differ" in note for note in receipt["notes"])
    assert cluster.coordinator.said("counts-differ")


@pytest.mark.parametrize("share, source", [
    ("0%", "shared:/x"), ("101", "shared:/x"), ("five", "shared:/x"),
    ("5%%", "shared:/x"), ("-1", "shared:/x"), ("5", "web0:/x")])
def test_a_share_that_makes_no_sense_is_refused(three, share, source):
    p = three.popen("submit", "count", source, f"--verify={share}")
    out, err = p.communicate(timeout=20)
    assert (p.returncode, out) == (2, b""), err
    assert b"--verify" in err


def test_small_job_is_not_stuck_behind_a_long_one(shared):
    cluster, folder = shared
    long_job = cluster.popen("submit", "count by path, ip, time:1s, bytes",
                             f"shared:{folder}/*.log", "--shard-size", "40KB",
                             "-o", "json")
    wait_for("the long job", lambda: any(
        j["state"] == "running" and 0 < j["shards_done"] < j["shards"] / 3
        for j in jobs_of(cluster)))
    cluster.submit("count", f"shared:{folder}/0.log")
    states = {j["query"]: j["state"] for j in jobs_of(cluster)}
    assert states["count"] == "done"
    assert states["count by path, ip, time:1s, bytes"] == "running"
    out, err = long_job.communicate(timeout=240)
    assert long_job.returncode == 0, err.decode(errors="replace")


@pytest.mark.parametrize("name", ["logtally-coordinator", "logtally-worker"])
def test_print_config(name):
    p = subprocess.run([program(name), "--print-config"], capture_output=True)
    assert p.returncode == 0 and p.stdout
