# SPDX-License-Identifier: Apache-2.0
"""A coordinator that is killed, or ended, goes on with its jobs when it is
back: what was committed is not read again, and whoever waits gets the answer
of one machine."""
import json
import re
import shutil
import signal

import make_logs
import pytest
from conftest import both_transports, restart, run, wait_for

QUERY = "count, sum(bytes) by path, status"


@pytest.fixture
def busy(cluster, tmp_path):
    """Two workers, and a job of many shards that is under way and cannot end
    while web2 stands still."""
    cluster.files = []
    for i in (1, 2):
        folder = tmp_path / f"logs{i}"
        folder.mkdir()
        (folder / "access.log").write_bytes(
            make_logs.make(i, 100_000) * 300)
        cluster.worker(f"web{i}", folder, "-j", "1")
        cluster.files.append(folder / "access.log")
    cluster.submitted = cluster.popen(
        "submit", QUERY, "--shard-size", "64KiB", "-o", "tsv",
        *(f"web{i}:{f}" for i, f in enumerate(cluster.files, 1)))
    until_done(cluster, 5)
    cluster.workers["web2"].popen.send_signal(signal.SIGSTOP)
    return cluster


def job(cluster):
    jobs = json.loads(cluster.cli("jobs", "--json").stdout)
    return jobs[0] if jobs else {"shards_done": 0}


def until_done(cluster, shards):
    wait_for(f"{shards} shards",
             lambda: job(cluster)["shards_done"] >= shards)


def check(cluster):
    cluster.workers["web2"].popen.send_signal(signal.SIGCONT)
    out, err = cluster.submitted.communicate(timeout=120)
    assert cluster.submitted.returncode == 0, err
    want = run("run", QUERY, "-o", "tsv", *cluster.files).stdout
    assert out == want
    return err


def restored(cluster):
    text = cluster.coordinator.log.read_text()
    return int(re.search(r"journal-restored .*commits=(\d+)", text).group(1))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_job_goes_on(busy, how):
    restart(busy, how)
    check(busy)
    assert restored(busy) >= 5


def test_again_and_again(busy):
    for _ in range(3):
        restart(busy)
    check(busy)


@both_transports
def test_worker_and_coordinator_killed_at_once(busy, tmp_path):
    worker = busy.workers["web1"]
    worker.popen.kill()
    worker.popen.wait()
    restart(busy)
    busy.worker("web1", tmp_path / "logs1", "-j", "1", new_key=False)
    check(busy)


def test_a_damaged_journal_is_told(busy):
    busy.coordinator.popen.kill()
    busy.coordinator.popen.wait()
    for path in busy.state.glob("journal.db*"):
        with open(path, "r+b") as file:
            file.write(b"not a database" * 1000)
    restart(busy)
    _, err = busy.submitted.communicate(timeout=120)
    assert busy.submitted.returncode == 1 and b"submit it again" in err
    assert (busy.state / "journal.db.damaged").exists()
    assert b"journal-damaged" in busy.coordinator.log.read_bytes()
