# SPDX-License-Identifier: Apache-2.0
"""Keys are exchanged under a job that runs: as docs/operations.md tells it,
the answer is that of a cluster that was left alone, and the old keys open
nothing any more."""
import json
import re
import shutil
import signal
import subprocess

import make_logs
import pytest
from conftest import ROOT, program, restart, run, wait_for

QUERY = "count, sum(bytes), distinct(ip) by status, path"
JOB = ["--shard-size", "16KB", "-o", "json"]


@pytest.fixture
def two(cluster, tmp_path):
    """Two workers, a job's answer, and the same job under way: it does not
    come to its end while web1 is stopped, and nothing hangs on how quick this
    machine is."""
    names = ["web0", "web1"]
    for i, name in enumerate(names):
        (tmp_path / name).mkdir()
        (tmp_path / name / "access.log").write_bytes(
            make_logs.make(i, 400_000) * 8)
        cluster.worker(name, tmp_path / name, "-j", "1")
    sources = [f"{name}:{tmp_path}/{name}/access.log" for name in names]
    cluster.want = cluster.submit(QUERY, *sources, *JOB)
    cluster.client = cluster.popen("submit", QUERY, *sources, *JOB)
    wait_for("a shard of the job", lambda: len(jobs(cluster)) == 2 and
             jobs(cluster)[-1]["shards_done"] > 0)
    cluster.workers["web1"].popen.send_signal(signal.SIGSTOP)
    goes_on(cluster)
    return cluster


def jobs(cluster):
    return json.loads(cluster.cli("jobs", "--json").stdout)


def goes_on(cluster):
    job = jobs(cluster)[-1]
    assert job["state"] == "running" and job["shards_done"] < job["shards"]


def check_answer(cluster):
    out, err = cluster.client.communicate(timeout=120)
    assert cluster.client.returncode == 0, err.decode()
    got = json.loads(out)
    assert got["receipt"]["complete"]
    assert got["receipt"]["fingerprint"] == \
        cluster.want["receipt"]["fingerprint"]
    assert got["rows"] == cluster.want["rows"]


def fingerprint(cluster, name):
    text = run("keys", "show", cluster.keys, name).stdout.decode()
    return re.search(r"fingerprint +(\S+)", text)[1]


def said_times(process, text):
    return process.log.read_text().count(text)


def test_the_coordinators_key(two, tmp_path):
    old_keys, old_client = tmp_path / "old", tmp_path / "client"
    shutil.copytree(two.keys, old_keys)
    shutil.copytree(two.keys / "issued" / "admin", old_client)
    first = fingerprint(two, "coordinator")

    run("keys", "rotate", two.keys)
    assert b"(announced)" in run("keys", "list", two.keys).stdout
    second = fingerprint(two, "coordinator_next")
    two.workers["web0"].until(f"next={second}")
    goes_on(two)  # with the first one
    run("keys", "rotate", two.keys, "--switch")
    assert b"(switched)" in run("keys", "show", two.keys,
                                "coordinator").stdout
    assert fingerprint(two, "coordinator") == second != first
    restart(two, signal.SIGTERM)
    two.coordinator.until(f"key={second}")
    two.coordinator.until("worker-up name=web0")
    goes_on(two)
    # Who has the old one alone is told what it may be.
    p = two.cli("jobs", "--keys", old_client, ok=False)
    assert p.returncode == 5 and b"was it rotated?" in p.stderr
    p = two.cli("doctor", "-o", "json", ok=False)
    assert b"handshake" not in p.stdout and p.returncode in (0, 1), p.stdout
    two.workers["web1"].popen.send_signal(signal.SIGCONT)
    check_answer(two)  # web1 counted the rest for the second

    run("keys", "rotate", two.keys, "--finish")
    assert b"rotated" not in run("keys", "list", two.keys).stdout
    for name in ("web0", "web1"):
        two.workers[name].until(f"key={second} next=-")
    # Somebody has the old secret, and the coordinator's address.
    port = two.endpoint.rsplit(":", 1)[1]
    two.coordinator.stop()
    (tmp_path / "state2").mkdir()
    thief = two.start("thief", [
        program("logtally-coordinator"), "--keys", old_keys, "--state",
        tmp_path / "state2", "--listen", "127.0.0.1", "--control-port", port,
        "--sink-port", "0"])
    thief.until("coordinator-ready")
    for name in ("web0", "web1"):
        two.workers[name].until("closes the handshake")
    assert not thief.said("worker-up")
    assert two.cli("jobs", ok=False).returncode == 5


def test_a_switch_can_be_taken_back(cluster, tmp_path):
    """A host was forgotten: the old key lets it in again."""
    (tmp_path / "logs").mkdir()
    first = fingerprint(cluster, "coordinator")
    w = cluster.worker("web1", tmp_path / "logs", "-j", "1")
    run("keys", "rotate", cluster.keys)
    (cluster.keys / "issued/web1/coordinator_next").unlink()
    run("keys", "rotate", cluster.keys, "--switch")
    restart(cluster, signal.SIGTERM)
    w.until("was it rotated?")
    run("keys", "rotate", cluster.keys, "--back")
    restart(cluster, signal.SIGTERM)
    wait_for("the worker", lambda: said_times(w, "worker-registered") == 2)
    assert fingerprint(cluster, "coordinator") == first


def test_a_workers_key(two, tmp_path):
    shutil.copytree(two.keys / "issued" / "web1", tmp_path / "old")
    run("keys", "rotate", two.keys, "web1", "--grace", "1h")
    assert b"next key" in run("keys", "show", two.keys, "web1").stdout
    goes_on(two)
    two.workers["web1"].popen.kill()
    two.worker("web1", tmp_path / "web1", "-j", "1", new_key=False)
    run("keys", "rotate", two.keys, "web1", "--finish")
    two.coordinator.until("key-revoked name=web1")
    check_answer(two)  # with what it counted under both
    two.workers["web1"].stop()
    shutil.move(tmp_path / "old", two.keys / "issued" / "again")
    late = two.worker_later("again", tmp_path / "web1", new_key=False)
    late.until("refused this key")


def test_a_clients_key_keeps_its_jobs(cluster, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(make_logs.make(1, 10_000))
    cluster.worker("web1", tmp_path / "logs", "-j", "1")
    run("keys", "new", cluster.keys, "bob", "--role", "client")
    old, new = tmp_path / "bob", cluster.keys / "issued" / "bob"
    shutil.copytree(new, old)
    cluster.cli("submit", "count", f"web1:{tmp_path}/logs/a.log", "--keys",
                old)
    run("keys", "rotate", cluster.keys, "bob")
    for keys in (old, new):
        seen = cluster.cli("jobs", "--json", "--keys", keys).stdout
        assert len(json.loads(seen)) == 1
    run("keys", "rotate", cluster.keys, "bob", "--finish")
    cluster.cli("keys", "reload")
    assert len(json.loads(cluster.cli("jobs", "--json", "--keys",
                                      new).stdout)) == 1
    p = cluster.cli("jobs", "--keys", old, ok=False)
    assert p.returncode == 5 and b"refused this key" in p.stderr


def test_the_grace_is_over(cluster, tmp_path):
    run("keys", "new", cluster.keys, "bob", "--role", "client")
    old, new = tmp_path / "bob", cluster.keys / "issued" / "bob"
    shutil.copytree(new, old)
    run("keys", "rotate", cluster.keys, "bob", "--grace", "2s")
    cluster.cli("jobs", "--keys", new)
    wait_for("the end of the old key", lambda: cluster.cli(
        "jobs", "--keys", old, ok=False).returncode == 5)
    cluster.cli("jobs", "--keys", new)


@pytest.mark.parametrize("args,said", [
    (["--switch"], b"is not being rotated"),
    (["--finish"], b"is not being rotated"),
    (["--switch", "--finish"], b"give one"),
    (["admin", "--switch"], b"without NAME"),
    (["nobody"], b"keys list"),
    (["admin", "--expires", "soon"], b"a date is like"),
    (["--passphrase"], b"neither a passphrase"),
    (["admin", "--grace", "999ms"], b"grace"),
    (["admin", "--grace", "367d"], b"grace")])
def test_what_cannot_be(tmp_path, args, said):
    run("keys", "init", tmp_path / "keys")
    p = run("keys", "rotate", tmp_path / "keys", *args, ok=False)
    assert p.returncode in (1, 2) and said in p.stderr


def test_the_page_says_what_was_tried_here():
    """docs/operations.md has the commands that the tests above run."""
    text = (ROOT / "docs" / "operations.md").read_text()
    for command in ("keys rotate /etc/logtally/keys\n",
                    "keys rotate /etc/logtally/keys --switch\n",
                    "keys rotate /etc/logtally/keys --finish\n",
                    "keys rotate /etc/logtally/keys web1",
                    "keys rotate /etc/logtally/keys web1 --finish"):
        assert command in text
