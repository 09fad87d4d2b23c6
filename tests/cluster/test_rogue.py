# SPDX-License-Identifier: Apache-2.0
"""Who stole a worker's key and sends whatever it likes: counts of other hosts
stay what they are, and so does the coordinator's memory."""
import json
import os
import re
import select
import signal
import subprocess
import time

import make_logs
import pytest
from conftest import Cluster, program, run, wait_for

QUERY = "count, sum(bytes) by status"
SHARD = 20_000
MOST_GROWTH = 128 << 20
SENT = ["OFFER", "HEARTBEAT", "FILES", "BYE", "PARTIAL", "SHARD_FAILED",
        "CANCEL_JOB", "RELOAD_KEYS", "REGISTER", "rubbish"]


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    # What asan keeps of freed memory would count as the coordinator's.
    options = os.environ.get("ASAN_OPTIONS", "")
    monkeypatch.setenv("ASAN_OPTIONS", f"{options}:quarantine_size_mb=4")
    c = Cluster(tmp_path)
    yield c
    c.close()


@pytest.fixture
def logs(tmp_path):
    """Of two honest hosts, and one as long that says something else."""
    out = {}
    for name, seed in (("web1", 1), ("web2", 2)):
        (tmp_path / "logs" / name).mkdir(parents=True)
        out[name] = tmp_path / "logs" / name / "access.log"
        out[name].write_bytes(make_logs.make(seed, 400_000))
    out["evil"] = tmp_path / "evil.log"
    out["evil"].write_bytes(out["web1"].read_bytes().replace(b'" 200 ',
                                                             b'" 418 '))
    return out


def memory(cluster):
    text = open(f"/proc/{cluster.coordinator.popen.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) << 10


def counted(cluster):
    jobs = json.loads(cluster.cli("jobs", "--json").stdout)
    return jobs and jobs[0]["shards_done"] > 0


def start_rogue(cluster, logs):
    run("keys", "new", cluster.keys, "evil", "--role", "worker")
    p = subprocess.Popen(
        [program("tests/rogue"), cluster.endpoint,
         cluster.keys / "issued" / "evil", logs["evil"], QUERY, str(SHARD),
         "web1", "web2"], stdout=subprocess.PIPE)
    cluster.coordinator.until('name=evil')
    return p


def counts(rogue):
    rogue.send_signal(signal.SIGTERM)
    text = rogue.communicate(timeout=20)[0].decode()
    return {(a, b): int(n) for a, b, n in
            (x for x in map(str.split, text.splitlines()) if len(x) == 3)}


def test_a_stolen_worker_key_changes_nothing_of_others(cluster, logs):
    want = json.loads(run("run", QUERY, logs["web1"], logs["web2"], "-o",
                          "json").stdout)["rows"]
    for name in ("web1", "web2"):
        cluster.worker(name, logs[name].parent)
    before = memory(cluster)
    rogue = start_rogue(cluster, logs)
    try:
        stopped = cluster.workers["web2"].popen
        job = cluster.popen("submit", QUERY, f"web1:{logs['web1']}",
                            f"web2:{logs['web2']}", "--shard-size", SHARD,
                            "-o", "json")
        wait_for("a shard", lambda: counted(cluster))
        stopped.send_signal(signal.SIGSTOP)
        assert select.select([rogue.stdout], [], [], 60)[0]
        assert rogue.stdout.readline() == b"enough\n"
        run("keys", "revoke", cluster.keys, "evil")
        began = time.monotonic()
        stopped.send_signal(signal.SIGCONT)
        out, err = job.communicate(timeout=60)
        took = time.monotonic() - began
    finally:
        sent = counts(rogue)
    print(sent, f"{memory(cluster) - before:,} bytes more, {took:.1f} s")
    doc = json.loads(out)
    assert job.returncode == 0, err
    assert doc["rows"] == want and doc["receipt"]["complete"]
    assert took < 10
    assert memory(cluster) - before < MOST_GROWTH
    assert min(sent.get(("sent", what), 0) for what in SENT) >= 50
    assert sent[("told", "REGISTERED")] > 0 and sent[("told", "REFUSED")] > 0
