# SPDX-License-Identifier: Apache-2.0
"""A worker's key is revoked while the worker counts: it is out within a
second, what it held is counted by another, and the job ends exact. A few
rounds; a hundred with LOGTALLY_EVERY=1."""
import json
import os
import signal
import time

import make_logs
from conftest import run, wait_for

ROUNDS = 100 if os.environ.get("LOGTALLY_EVERY") else 4
QUERY = "count, sum(bytes) by status"


def holds(cluster, name):
    workers = json.loads(cluster.cli("workers", "--json").stdout)
    return any(w["name"] == name and w["held"] > 0 for w in workers)


def one_round(cluster, n, log, want):
    """What the other worker holds while it stands still keeps the job from
    ending before the key is revoked."""
    name = f"gone{n}"
    cluster.transport = ("push", "dial")[n % 2]
    worker = cluster.worker(name, log.parent, "-j", "1")
    stays = cluster.workers["stays"].popen
    job = cluster.popen("submit", QUERY, f"shared:{log}", "--shard-size",
                        10_000, "-o", "json")
    wait_for("it counts", lambda: holds(cluster, "stays"))
    stays.send_signal(signal.SIGSTOP)
    busy = holds(cluster, name)
    run("keys", "revoke", cluster.keys, name)
    began = time.monotonic()
    cluster.coordinator.until(f"key-revoked name={name}")
    took = time.monotonic() - began
    assert job.poll() is None
    stays.send_signal(signal.SIGCONT)
    out, err = job.communicate(timeout=60)
    assert job.returncode == 0, err
    doc = json.loads(out)
    assert doc["rows"] == want and doc["receipt"]["complete"]
    worker.stop()
    return took, busy


def test_a_busy_worker_is_out_within_a_second(cluster, tmp_path):
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    log.write_bytes(make_logs.make(1, 4_000_000))
    want = json.loads(run("run", QUERY, log, "-o", "json").stdout)["rows"]
    cluster.worker("stays", log.parent, "-j", "1")
    rounds = [one_round(cluster, n, log, want) for n in range(ROUNDS)]
    slowest = max(took for took, _ in rounds)
    busy = sum(held for _, held in rounds)
    print(f"{len(rounds)} revocations amid a job, {busy} of workers that held "
          f"shards, the slowest in force after {slowest * 1000:.0f} ms")
    assert slowest < 1
    assert busy > 0
