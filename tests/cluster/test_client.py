# SPDX-License-Identifier: Apache-2.0
"""The command line against a coordinator: sentences, exit codes, settings,
and what happens when the connection or the coordinator goes."""
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import time

import make_logs
import pytest
from conftest import program, restart, run, wait_for


@pytest.fixture
def one(cluster, tmp_path):
    """One worker with one log; `source` names it."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "access.log").write_bytes(make_logs.make(1, 20_000))
    cluster.worker("web1", folder, "-j", "1")
    cluster.source = f"web1:{folder}/access.log"
    return cluster


def only_job(cluster):
    return wait_for("the job", lambda: json.loads(
        cluster.cli("jobs", "--json").stdout))[0]


# ---- mistakes

@pytest.mark.parametrize("args,said", [
    ([], b"usage: logtally COMMAND"),
    (["submti"], b"did you mean 'submit'?"),
    (["frobnicate"], b"`logtally --help`"),
    (["submit"], b"submit needs QUERY SOURCE..."),
    (["submit", "stauts = 5", "web1:/x"], b"did you mean 'status'?"),
    (["submit", "count", "/var/log/x"], b"HOST:/var/log/x"),
    (["submit", "count", "web1:x"], b"web1:/PATH"),
    (["submit", "count", "web1:/x", "-o", "xml"], b"-o xml"),
    (["status", "x"], b"no job number"),
    (["jobs", "more"], b"does not expect 'more'"),
    (["jobs"], b"LOGTALLY_COORDINATOR"),
    (["jobs", "--coordinator", "127.0.0.1:1"], b"LOGTALLY_KEYS"),
])
def test_mistakes_need_no_network(tmp_path, args, said):
    env = {k: v for k, v in os.environ.items() if "LOGTALLY" not in k}
    p = run(*args, ok=False, timeout=5, env={**env, "HOME": str(tmp_path)})
    assert p.returncode == 2 and said in p.stderr and p.stdout == b""


@pytest.mark.parametrize("name", ["submit", "plan", "jobs", "status", "wait",
                                  "result", "cancel", "workers", "top"])
def test_every_command_has_help(name):
    by_option = run(name, "--help").stdout
    assert f"usage: logtally {name}".encode() in by_option
    assert run("help", name).stdout == by_option


# ---- where the coordinator is

def test_command_line_over_environment_over_file(cluster, tmp_path):
    folder = tmp_path / "home" / "logtally"
    folder.mkdir(parents=True)
    conf = folder / "client.conf"
    keys = cluster.keys / "issued" / "admin"
    env = {k: v for k, v in os.environ.items() if "LOGTALLY" not in k}
    env["XDG_CONFIG_HOME"] = str(folder.parent)
    conf.write_text(f"coordinator = {cluster.endpoint}\nkeys = {keys}\n")
    run("jobs", env=env)
    nowhere = {**env, "LOGTALLY_COORDINATOR": "tcp://127.0.0.1:1"}
    assert run("jobs", env=nowhere, ok=False).returncode == 5
    run("jobs", "--coordinator", cluster.endpoint, env=nowhere)
    conf.write_text("coordinater = x\n")
    p = run("jobs", env=env, ok=False)
    assert p.returncode == 2 and b"client.conf:1" in p.stderr


# ---- no connection

def test_wrong_server_key(cluster, tmp_path):
    run("keys", "init", tmp_path / "other")
    mixed = tmp_path / "mixed"
    shutil.copytree(cluster.keys / "issued" / "admin", mixed)
    shutil.copy(tmp_path / "other" / "issued" / "admin" / "coordinator",
                mixed / "coordinator")
    p = cluster.cli("jobs", "--keys", mixed, ok=False, timeout=5)
    assert p.returncode == 5 and b"copy the folder again" in p.stderr


def test_unknown_key_is_told_its_fingerprint(cluster, tmp_path):
    run("keys", "init", tmp_path / "other")
    mixed = tmp_path / "mixed"
    shutil.copytree(tmp_path / "other" / "issued" / "admin", mixed)
    shutil.copy(cluster.keys / "issued" / "admin" / "coordinator",
                mixed / "coordinator")
    p = cluster.cli("jobs", "--keys", mixed, ok=False, timeout=2)
    assert p.returncode == 5 and b"fingerprint" in p.stderr


def test_something_else_listens(cluster):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        p = cluster.cli("jobs", "--coordinator",
                        f"127.0.0.1:{s.getsockname()[1]}", ok=False,
                        timeout=6)
    assert p.returncode == 5 and b"never finishes" in p.stderr


# ---- a job's life

def test_numbers_for_people_and_for_programs(one):
    one.submit("count", one.source)
    job = only_job(one)
    assert job["state"] == "done" and job["query"] == "count"
    assert json.loads(one.cli("status", job["job"], "--json").stdout)["job"] \
        == job["job"]
    assert json.loads(one.cli("workers", "--json").stdout)[0]["name"] == "web1"
    plan = json.loads(one.cli("plan", "count", one.source, "--json").stdout)
    assert plan["files_total"] == 1
    assert plan["files"][0]["bytes"] == plan["bytes_total"] > 0
    assert b"1 file on 1 host" in one.cli("plan", "count", one.source).stdout


def test_no_progress_in_a_pipe(one):
    p = one.cli("submit", "count by path", one.source)
    assert b"\r" not in p.stderr and b"\033" not in p.stderr


def test_progress_on_a_terminal_is_erased(one):
    try:
        leader, follower = pty.openpty()
    except OSError as e:
        pytest.skip(f"no terminal to be had here: {e}")
    one.workers["web1"].popen.send_signal(signal.SIGSTOP)
    p = subprocess.Popen([program("logtally"), "submit", "count", one.source],
                         env=one.env(), stdout=subprocess.DEVNULL,
                         stderr=follower)
    os.close(follower)
    seen = b""
    while b"planning" not in seen:
        seen += os.read(leader, 4096)
    one.workers["web1"].popen.send_signal(signal.SIGCONT)
    assert p.wait(20) == 0
    seen += os.read(leader, 65536)
    assert b"\r\033[K" in seen.replace(b"\r\n", b"")
    os.close(leader)


def test_ctrl_c_while_waiting_leaves_the_job(one):
    one.workers["web1"].popen.send_signal(signal.SIGSTOP)
    job = one.cli("submit", "count", one.source,
                  "--detach").stdout.decode().strip()
    p = one.popen("wait", job)
    time.sleep(0.3)  # whenever it comes, the answer is the same
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=10)
    assert p.returncode in (130, -signal.SIGINT)
    assert one.cli("wait", job, "--timeout", "200ms",
                   ok=False).returncode == 124
    one.workers["web1"].popen.send_signal(signal.SIGCONT)
    one.cli("wait", job)


def test_cancel(one):
    one.workers["web1"].popen.send_signal(signal.SIGSTOP)
    job = one.cli("submit", "count", one.source,
                  "--detach").stdout.decode().strip()
    assert b"is cancelled" in one.cli("cancel", job).stderr
    p = one.cli("result", job, ok=False)
    assert p.returncode == 1 and b"no result" in p.stderr
    one.workers["web1"].popen.send_signal(signal.SIGCONT)


def test_jobs_of_others_stay_theirs(one):
    one.submit("count", one.source)
    job = only_job(one)["job"]
    run("keys", "new", one.keys, "bob", "--role", "client")
    bob = ["--keys", one.keys / "issued" / "bob"]
    assert one.cli("jobs", "--json", *bob).stdout == b"[]\n"
    for command in ("status", "result", "cancel", "wait"):
        p = one.cli(command, job, *bob, ok=False)
        assert p.returncode == 1 and p.stdout == b""


def test_large_result_comes_in_many_chunks(one, tmp_path):
    (tmp_path / "logs" / "access.log").write_bytes(b"".join(
        b'192.0.2.1 - - [14/Nov/2023:22:00:00 +0000] "GET /%d HTTP/1.1" 200 '
        b'5 "-" "ua"\n' % i for i in range(20_000)))
    p = one.cli("submit", "count by line", one.source, "-o", "tsv")
    assert len(p.stdout) > 1_000_000 and p.stdout.count(b"\n") == 20_001
    again = one.cli("result", only_job(one)["job"], "-o", "tsv")
    assert again.stdout == p.stdout


# ---- the coordinator goes

def test_results_outlive_the_coordinator(one):
    p = one.cli("submit", "count by status", one.source, "-o", "tsv")
    job = only_job(one)["job"]
    restart(one)
    assert one.cli("result", job, "-o", "tsv").stdout == p.stdout
    one.workers["web1"].until("worker-registered")
    wait_for("the worker", lambda: json.loads(
        one.cli("workers", "--json").stdout))
    assert only_job(one)["job"] == job
    one.submit("count", one.source)
    assert len(json.loads(one.cli("jobs", "--json").stdout)) == 2


def test_restarted_while_a_client_waits(one):
    one.workers["web1"].popen.send_signal(signal.SIGSTOP)
    p = one.popen("submit", "count", one.source)
    only_job(one)
    restart(one)
    one.workers["web1"].popen.send_signal(signal.SIGCONT)
    out, err = p.communicate(timeout=30)
    assert p.returncode == 0 and b"trying again" in err
    assert out == one.cli("submit", "count", one.source).stdout


def test_restarted_without_its_journal(one):
    one.workers["web1"].popen.send_signal(signal.SIGSTOP)
    p = one.popen("submit", "count", one.source)
    only_job(one)
    one.coordinator.popen.kill()
    one.coordinator.popen.wait()
    for file in one.state.glob("journal.db*"):
        file.unlink()
    restart(one)
    _, err = p.communicate(timeout=30)
    one.workers["web1"].popen.send_signal(signal.SIGCONT)
    assert p.returncode == 1 and b"has forgotten job" in err


def test_key_revoked_while_it_waits(one):
    run("keys", "new", one.keys, "bob", "--role", "client")
    one.workers["web1"].popen.send_signal(signal.SIGSTOP)
    p = subprocess.Popen(
        [program("logtally"), "submit", "count", one.source], env=one.env(
            LOGTALLY_KEYS=str(one.keys / "issued" / "bob")),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    only_job(one)
    run("keys", "revoke", one.keys, "bob")
    _, err = p.communicate(timeout=15)
    one.workers["web1"].popen.send_signal(signal.SIGCONT)
    assert p.returncode == 5 and b"refused this key" in err


def test_revoking_a_key_does_not_disturb_the_others(one):
    """Every connection is cut, and all but one come back."""
    want = one.cli("submit", "count by path", one.source, "-o", "tsv").stdout
    run("keys", "new", one.keys, "bob", "--role", "client")
    jobs = [one.popen("submit", "count by path", one.source, "-o", "tsv")
            for _ in range(4)]
    run("keys", "revoke", one.keys, "bob")
    for _ in range(10):
        one.cli("workers")
    for job in jobs:
        out, err = job.communicate(timeout=60)
        assert job.returncode == 0 and out == want, err


def test_a_new_key_of_an_old_name_is_another(one):
    """The old connection must not speak for the new key."""
    run("keys", "revoke", one.keys, "web1")
    wait_for("the refusal", lambda: b"key-revoked" in
             one.coordinator.log.read_bytes())
    shutil.rmtree(one.keys / "issued" / "web1")
    (one.keys / "revoked" / "web1").unlink()
    run("keys", "new", one.keys, "web1", "--role", "worker")
    time.sleep(1.5)  # longer than a heartbeat
    workers = json.loads(one.cli("workers", "--json").stdout)
    assert not workers or workers[0]["last_heard_ms"] > 1000


# ---- the daemon

def coordinator(*args, **kw):
    return subprocess.run([program("logtally-coordinator"), *map(str, args)],
                          capture_output=True, timeout=10, **kw)


def test_two_coordinators_cannot_share_a_state_folder(cluster):
    p = coordinator("--keys", cluster.keys, "--state", cluster.state,
                    "--control-port", "0", "--sink-port", "0")
    assert p.returncode == 1 and b"another coordinator" in p.stderr
    cluster.cli("jobs")


def test_port_in_use(cluster, tmp_path):
    port = cluster.endpoint.rsplit(":", 1)[1]
    p = coordinator("--keys", cluster.keys, "--state", tmp_path / "state2",
                    "--listen", "127.0.0.1", "--control-port", port)
    assert p.returncode == 1 and b"choose another port" in p.stderr


def test_sigterm_ends_it_cleanly(cluster):
    cluster.coordinator.popen.terminate()
    assert cluster.coordinator.popen.wait(10) == 0
    assert not (cluster.state / "ports").exists()


def test_check_config(tmp_path):
    run("keys", "init", tmp_path / "keys")
    good = ["--keys", tmp_path / "keys", "--state", tmp_path / "state"]
    assert coordinator(*good, "--check-config").returncode == 0
    for bad in (["--check-config"], [*good, "--control-port", "70000"],
                [*good[2:], "--keys", tmp_path, "--check-config"],
                [*good, "--frob"], [*good, "stray"]):
        p = coordinator(*bad)
        assert p.returncode == 2 and p.stderr.count(b"\n") <= 2
    (tmp_path / "c.conf").write_text("deadline = 10m\nsink-prot = 7\n")
    p = coordinator(*good, "--config", tmp_path / "c.conf", "--check-config")
    assert p.returncode == 2 and b"c.conf:2" in p.stderr


def test_printed_config_is_a_config(tmp_path):
    first = coordinator("--print-config", "--deadline", "5m").stdout
    (tmp_path / "c.conf").write_bytes(first)
    assert coordinator("--print-config", "--config",
                       tmp_path / "c.conf").stdout == first


def test_a_pause_of_the_coordinator_is_not_the_workers_silence(one):
    one.coordinator.popen.send_signal(signal.SIGSTOP)
    time.sleep(4)  # longer than a worker's silence may last
    one.coordinator.popen.send_signal(signal.SIGCONT)
    # The worker dials anew in the meantime, which is its right.
    wait_for("the worker", lambda: b"up" in one.cli("workers").stdout)
    assert not one.coordinator.said("it is silent")


def test_progress_for_programs(one):
    p = one.cli("submit", "count", one.source, "--progress", "json")
    lines = [x for x in p.stderr.decode().splitlines() if x.startswith("{")]
    assert json.loads(lines[-1])["state"] == "done"
    job = one.cli("submit", "-d", "count", one.source).stdout.decode().strip()
    p = one.cli("wait", job, "--progress", "json")
    lines = [x for x in p.stderr.decode().splitlines() if x.startswith("{")]
    assert json.loads(lines[-1])["state"] == "done"
