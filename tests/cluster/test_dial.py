# SPDX-License-Identifier: Apache-2.0
"""Workers that dial for their shards: what is theirs alone. What they share
with the others is tested with both (conftest.both_transports)."""
import json
import re
import socket
import subprocess

import make_logs
import pytest
from conftest import Cluster, program, run, wait_for

pytestmark = pytest.mark.parametrize("cluster", ["dial"], indirect=True)


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "access.log"
    log.write_bytes(make_logs.make(1, 100_000) * 40)
    return log


def workers_of(cluster):
    listed = json.loads(cluster.cli("workers", "--json").stdout)
    return {w["name"]: w for w in listed}


def listening(process):
    out = subprocess.run(["ss", "-Htlnp"], capture_output=True,
                         text=True).stdout
    return {int(re.search(r":(\d+) ", line)[1]) for line in out.splitlines()
            if f"pid={process.popen.pid}," in line}


def test_ports_are_open_where_they_are_needed(cluster, log):
    """The worker has none, and the coordinator a third once it came."""
    if not listening(cluster.coordinator):
        pytest.skip("ss does not tell here whose a socket is")
    assert len(listening(cluster.coordinator)) == 2
    dials = cluster.worker("web0", log.parent, "-j", "1")
    lane = re.search(r"lane-open port=(\d+)",
                     cluster.coordinator.log.read_text())
    assert len(listening(cluster.coordinator)) == 3
    assert int(lane[1]) in listening(cluster.coordinator)
    assert listening(dials) == set()


def test_both_kinds_work_on_one_job(cluster, log):
    cluster.worker("web0", log.parent, "-j", "1")
    cluster.transport = "push"
    cluster.worker("web1", log.parent, "-j", "1")
    assert {n: w["transport"] for n, w in workers_of(cluster).items()} == {
        "web0": "dial", "web1": "push"}
    query = "count, sum(bytes) by status, path"
    want = json.loads(run("run", query, log, "-o", "json").stdout)
    got = cluster.submit(query, f"shared:{log}", "--shard-size", "64KB",
                         "--verify", "100%")
    assert got["rows"] == want["rows"]
    # That each counted what the other had counted means that both did.
    n = got["receipt"]["shards"]
    assert n > 8 and (f"{n} of {n} shards were counted by a second worker "
                      f"too: {n} equal") in got["receipt"]["notes"]


def test_whose_connections_are_gone_is_lost_before_its_silence(cluster, log):
    """After half a second, as one that is dialled; silence takes three."""
    worker = cluster.worker("web0", log.parent, "-j", "1")
    cluster.worker("web1", log.parent, "-j", "1")
    job = cluster.popen("submit", "count by path", f"shared:{log}",
                        "--shard-size", "16KB", "-o", "json")
    wait_for("shards of it", lambda: workers_of(cluster)["web0"]["held"] > 0)
    worker.popen.kill()
    cluster.coordinator.until(
        'worker-lost name=web0 why="its connections are gone"', 3)
    out, err = job.communicate(timeout=60)
    assert job.returncode == 0, err
    want = json.loads(run("run", "count by path", log, "-o", "json").stdout)
    assert json.loads(out)["rows"] == want["rows"]


def test_the_second_process_of_a_name_gets_its_shards(cluster, log):
    first = cluster.worker("web0", log.parent, "-j", "1")
    second = cluster.start("second", [
        program("logtally-worker"), "--coordinator", cluster.endpoint,
        "--keys", cluster.keys / "issued" / "web0", "--root", log.parent,
        "-j", "1", "--transport", "dial"])
    second.until("worker-registered")
    first.until("another worker registered with this name")
    rows = cluster.submit("count", f"web0:{log}", "--shard-size", "64KB")
    want = json.loads(run("run", "count", log, "-o", "json").stdout)
    assert rows["rows"] == want["rows"]
    assert rows["receipt"]["retried"] == 0


def test_a_lane_port_that_is_taken_is_said_to_both(cluster, tmp_path, log):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "other").mkdir()
        c = Cluster(tmp_path / "other", transport="dial", options=[
            "--lane-port", str(taken.getsockname()[1])])
        try:
            worker = c.worker_later("web0", log.parent, "-j", "1")
            worker.until("cannot listen on its lane port")
            c.coordinator.until("lane-closed")
            assert c.coordinator.said("Address already in use")
            c.transport = "push"  # those are served all the same
            c.worker("web1", log.parent, "-j", "1")
            assert c.submit("count", f"web1:{log}")["rows"]
        finally:
            c.close()
