# SPDX-License-Identifier: Apache-2.0
"""A worker's key is revoked while it counts: within a second nothing of it is
taken any more, and the job ends exact. LOGTALLY_ROUNDS=100 for the campaign.
"""
import json
import os
import time

import make_logs
import pytest
from conftest import Cluster, run, wait_for

ROUNDS = int(os.environ.get("LOGTALLY_ROUNDS", 3))
CASES = [*(("push", n) for n in range(ROUNDS)),
         *(("dial", n) for n in range((ROUNDS + 2) // 3))]
QUERY = "count, sum(bytes) by status, path"
EFFECTIVE_S = 1.0


@pytest.fixture(scope="module")
def setting(tmp_path_factory, request):
    """A cluster with a worker that stays, and a log that both can read."""
    folder = tmp_path_factory.mktemp("revoked")
    (folder / "logs").mkdir()
    log = folder / "logs" / "access.log"
    log.write_bytes(make_logs.make(1, 200_000) * 80)
    want = json.loads(run("run", QUERY, log, "-o", "json").stdout)["rows"]
    c = Cluster(folder, transport=request.param)
    c.worker("stays", log.parent, "-j", "1")
    yield c, log, want
    c.close()


def busy(cluster, name):
    """Whether it has counted something, and holds more."""
    workers = json.loads(cluster.cli("workers", "--json").stdout)
    return any(w["name"] == name and w["held"] > 0 for w in workers)


@pytest.mark.parametrize("setting, n", CASES, indirect=["setting"],
                         scope="module")
def test_a_busy_worker_is_cut_off(setting, n):
    cluster, log, want = setting
    name = f"goes{n}"
    worker = cluster.worker(name, log.parent, "-j", "1")
    job = cluster.popen("submit", QUERY, f"shared:{log}", "--shard-size",
                        "100000", "-o", "json")
    wait_for("shards", lambda: busy(cluster, name) or job.poll() is not None)
    assert job.poll() is None, "the job was over too soon"
    run("keys", "revoke", cluster.keys, name)
    began = time.monotonic()
    cluster.coordinator.until(f"worker-lost name={name} ")
    took = time.monotonic() - began
    out, err = job.communicate(timeout=60)
    worker.stop()
    assert job.returncode == 0, err
    doc = json.loads(out)
    assert doc["rows"] == want and doc["receipt"]["complete"]
    assert took < EFFECTIVE_S
    print(f"{took * 1000:.0f} ms")
