# SPDX-License-Identifier: Apache-2.0
"""A rolling upgrade as docs/operations.md orders it, under a job that runs:
the workers, one after the other, then the coordinator."""
import json
import signal

import make_logs
from conftest import restart, wait_for

QUERY = "count, sum(bytes), distinct(ip) by status, path"
JOB = ["--shard-size", "16KB", "-o", "json"]


def only_job(cluster):
    return json.loads(cluster.cli("jobs", "--json").stdout)[-1]


def done_so_far(cluster):
    return only_job(cluster)["shards_done"]


def goes_on(cluster):
    """More is counted than a moment ago, and not all of it."""
    before = done_so_far(cluster)
    wait_for("more shards", lambda: done_so_far(cluster) > before)
    job = only_job(cluster)
    assert job["state"] == "running" and job["shards_done"] < job["shards"], \
        f"the job is too short for this test: {job}"


def test_rolling_upgrade_changes_no_answer(cluster, tmp_path):
    names = ["web0", "web1", "web2"]
    for i, name in enumerate(names):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "access.log").write_bytes(make_logs.make(i, 400_000) * 20)
        cluster.worker(name, folder, "-j", "1")
    sources = [f"{name}:{tmp_path}/{name}/access.log" for name in names]
    undisturbed = cluster.submit(QUERY, *sources, *JOB)

    client = cluster.popen("submit", QUERY, *sources, *JOB)
    wait_for("the job", lambda: len(json.loads(
        cluster.cli("jobs", "--json").stdout)) == 2)
    for name in names:
        goes_on(cluster)
        cluster.workers[name].stop()
        cluster.worker(name, tmp_path / name, "-j", "1", new_key=False)
    goes_on(cluster)
    restart(cluster, signal.SIGTERM)
    out, err = client.communicate(timeout=120)
    assert client.returncode == 0, err.decode()
    got = json.loads(out)
    assert got["receipt"]["complete"]
    assert got["receipt"]["fingerprint"] == \
        undisturbed["receipt"]["fingerprint"]
    assert got["rows"] == undisturbed["rows"]
