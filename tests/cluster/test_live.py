# SPDX-License-Identifier: Apache-2.0
"""--live on a terminal: rows as they stand, what they cover, and the final
table at the end."""
import os
import signal
import subprocess

import make_logs
import pytest
from conftest import program, run, wait_for
from screen import Screen, needs_tmux

QUERY = "count by path"


@pytest.fixture
def slow(cluster, tmp_path):
    """Two workers; freeze() stops the executors of web2, which takes what it
    is lent then and does not count it."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.log").write_bytes(make_logs.make(1, 50_000))
    other = tmp_path / "other"
    other.mkdir()
    (other / "3.log").write_bytes(make_logs.make(2, 50_000))
    cluster.worker("web1", folder, "-j", "1")
    cluster.worker("web2", other, "-j", "1")
    cluster.sources = [f"web1:{folder}/*", f"web2:{other}/*"]
    cluster.whole = cluster.cli("submit", QUERY, *cluster.sources,
                                "-o", "table").stdout.decode()
    pids = subprocess.run(
        ["pgrep", "-P", str(cluster.workers["web2"].popen.pid)],
        stdout=subprocess.PIPE, check=True).stdout.split()
    cluster.freeze = lambda: [os.kill(int(p), signal.SIGSTOP) for p in pids]
    cluster.thaw = lambda: [os.kill(int(p), signal.SIGCONT) for p in pids]
    return cluster


@pytest.fixture
def screen(tmp_path):
    screens = []

    def start(*args, **kw):
        screens.append(Screen(tmp_path, *args, **kw))
        return screens[-1]
    yield start
    for s in screens:
        s.close()


@needs_tmux
def test_rows_as_they_stand_and_then_the_answer(slow, screen):
    slow.freeze()
    s = screen([program("logtally"), "submit", QUERY, *slow.sources,
                "--shard-size", "16MiB", "--live", "-o", "table"],
               slow.env(PAGER="cat"))
    s.until_like("live-80x24")
    s.resize(200, 60)
    s.until_like("live-200x60")
    s.resize(60, 10)
    s.until_like("live-60x10")
    wait_for("the audit file", lambda: ' rows key="admin" ' in (
        slow.state / "audit.log").read_text())
    s.resize(80, 60)
    s.until_like("live-80x24")  # tmux takes its time
    slow.thaw()
    assert s.exit_code() == 0
    seen = s.until("accepted")
    assert "not final" not in seen and "more rows" not in seen
    rows = slow.whole.splitlines()
    assert [x for x in seen.split("\n") if x][:len(rows)] == rows


@needs_tmux
def test_ctrl_c_cancels_and_gives_the_terminal_back(slow, screen):
    slow.freeze()
    s = screen([program("logtally"), "submit", QUERY, *slow.sources, "--live"],
               slow.env())
    s.until("so far, not final")
    s.type("C-c")
    assert s.exit_code() == 130
    seen = s.until("is cancelled")
    assert "so far" not in seen


@needs_tmux
def test_wait_shows_them_too(slow, screen):
    slow.freeze()
    job = slow.cli("submit", QUERY, *slow.sources, "-d").stdout.strip()
    s = screen([program("logtally"), "wait", job.decode(), "--live"],
               slow.env())
    s.until("so far, not final: these rows are of 7")
    slow.thaw()
    assert s.exit_code() == 0
    assert s.until("is done").split("\n") == [f"job {job.decode()} is done"]


@needs_tmux
def test_run_shows_them_too(tmp_path, screen):
    fifo = tmp_path / "more"
    subprocess.run(["mkfifo", fifo], check=True)
    log = tmp_path / "x.log"
    log.write_bytes(make_logs.make(1, 1_200_000))
    writer = subprocess.Popen(["sh", "-c", f"exec sleep 60 >{fifo}"])
    try:
        s = screen(["sh", "-c", f"exec {program('logtally')} run '{QUERY}' "
                    f"{log} - --live -j 2 --shard-size 1MiB <{fifo}"],
                   {"PATH": "/usr/bin:/bin", "TERM": "tmux", "PAGER": "cat"})
        s.until("so far, not final: these rows are of 1")
    finally:
        writer.terminate()
        writer.wait()
    assert s.exit_code() == 0 and "not final" not in s.until("accepted")


# ---- where it cannot be

@pytest.mark.parametrize("args,said", [
    ([], b"standard error is none"),
    (["--progress", "json"], b"leave out --progress"),
])
def test_no_terminal_and_nothing_is_asked(tmp_path, args, said):
    log = tmp_path / "x.log"
    log.write_bytes(b"")
    for command in (["run", "count", log], ["submit", "count", "web1:/x"],
                    ["wait", "1"]):
        p = run(*command, "--live", *args, ok=False)
        assert p.returncode == 2 and said in p.stderr and p.stdout == b""
    p = run("submit", "count", "web1:/x", "--live", "-d", ok=False)
    assert p.returncode == 2 and b"--detach" in p.stderr
