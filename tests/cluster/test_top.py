# SPDX-License-Identifier: Apache-2.0
"""`logtally top` and lines of progress on terminals of several sizes."""
import json
import signal
import subprocess

import pytest
from conftest import program, restart, wait_for
from screen import (  # noqa: F401
    QUERY, held_run, needs_tmux, screen, slow)


def held_job(slow):
    """A job of which three quarters are counted."""
    slow.freeze()
    job = int(slow.cli("submit", QUERY, *slow.sources, "-d").stdout)

    def counted():
        s = json.loads(slow.cli("status", job, "--json").stdout)
        return s["shards_done"] == 1
    wait_for("a shard", counted)
    return job


def top(slow, screen, **kw):
    more = kw.pop("env", {})
    return screen([program("logtally"), "top", "-i", "250ms",
                   *kw.pop("args", [])],
                  slow.env(NO_COLOR="1", **more), **kw)


@needs_tmux
def test_a_cluster_at_work(slow, screen):
    job = held_job(slow)
    s = top(slow, screen)
    words = {"endpoint": slow.endpoint}
    s.until_like("top-80x24", **words)
    assert s.colours() == set()
    s.resize(200, 60)
    s.until_like("top-200x60", **words)
    s.type("Enter")
    s.until_like("top-job-200x60", **words)
    s.resize(80, 24)
    s.until_like("top-job-80x24", **words)
    s.type("c")
    s.until(f"cancel job {job} of admin? y: yes")
    s.type("n")
    s.until("Esc back")
    s.type("c", "y")
    s.until(f"job {job} is cancelled")
    s.type("Escape")
    s.until("job-ended")
    s.type("q")
    assert s.exit_code() == 0
    assert "QUERY" not in "\n".join(s.lines())  # the terminal is as it was


@needs_tmux
def test_the_coordinator_goes_and_comes_back(cluster, tmp_path, screen):
    s = screen([program("logtally"), "top"], cluster.env())
    s.until("0 workers up")
    cluster.coordinator.popen.send_signal(signal.SIGSTOP)
    cluster.coordinator.popen.kill()
    s.until("not connected, retrying")
    assert s.colours() == {"31"}
    restart(cluster)
    s.until("0 workers up")
    s.type("C-c")
    assert s.exit_code() == 0


@needs_tmux
def test_a_client_sees_and_cancels_its_own_alone(slow, screen):
    job = held_job(slow)
    slow.cli("keys", "new", slow.keys, "bob", "--role", "client")
    wait_for("bob's key", lambda: slow.cli(
        "jobs", "--keys", slow.keys / "issued" / "bob", ok=False
    ).returncode == 0)
    s = top(slow, screen, env={
        "LOGTALLY_KEYS": str(slow.keys / "issued" / "bob")})
    s.until("no jobs")
    assert QUERY not in s.until("web2") and job > 0
    s.type("c")
    s.until("no job is selected")


@needs_tmux
def test_an_ascii_locale(cluster, tmp_path, screen):
    cluster.worker("web1", tmp_path, "--label", "gr\u00fcn")
    for locale, shown in (("C", "gr?n"), ("C.UTF-8", "gr\u00fcn")):
        s = screen([program("logtally"), "top"],
                   cluster.env(LC_ALL=locale, LANG=locale))
        s.until(shown)
        s.close()


@needs_tmux
def test_a_hostile_query_is_text(slow, screen):
    """Neither in the list nor in the open job does it name the window or move
    the cursor."""
    slow.freeze()
    query = 'path != "\033]2;owned\a\033[2J\033[5;5H" | count by path'
    slow.cli("submit", query, *slow.sources, "-d")
    s = top(slow, screen, columns=200, lines=60)
    s.until("\\x1b]2;owned\\x07\\x1b[2J")
    s.type("Enter")
    s.until("so far, not final")
    s.until("\\x1b]2;owned\\x07\\x1b[2J")
    assert s.tmux("display-message", "-p", "#{pane_title}") != "owned\n"
    assert s.lines()[0].startswith(slow.endpoint)


# ---- without a terminal

def test_no_terminal_is_said(cluster):
    p = cluster.cli("top", ok=False)
    assert p.returncode == 2 and b"top needs a terminal" in p.stderr
    assert p.stdout == b""


def test_one_screen_as_text(slow):
    job = held_job(slow)
    p = subprocess.run([program("logtally"), "top", "--once"],
                       env=slow.env(COLUMNS="100", LINES="40"),
                       stdout=subprocess.PIPE, check=True)
    lines = p.stdout.decode().split("\n")
    assert len(lines) == 40 and max(map(len, lines)) <= 100
    assert "2 workers up" in lines[0] and b"\033" not in p.stdout
    assert any(x.split()[:2] == [">", str(job)] for x in lines)
    p = subprocess.run([program("logtally"), "top", "--once"],
                       env={**slow.env(), "LOGTALLY_COORDINATOR":
                            "tcp://127.0.0.1:1"}, stderr=subprocess.PIPE)
    assert p.returncode == 5 and p.stderr.startswith(b"error: ")


# ---- the line of progress

@needs_tmux
@pytest.mark.parametrize("columns,lines", [(80, 24), (200, 60)])
def test_progress_of_submit(slow, screen, columns, lines):
    slow.freeze()
    s = screen([program("logtally"), "submit", QUERY, *slow.sources,
                "-o", "table"], slow.env(PAGER="cat"), columns, lines)
    s.until_like(f"progress-{columns}x{lines}")
    s.resize(50, 24)
    s.until_like("progress-50x24")
    slow.thaw()
    assert s.exit_code() == 0
    assert "busy" not in s.until("accepted")


@needs_tmux
def test_progress_of_run(tmp_path, screen):
    with held_run(tmp_path, screen) as s:
        s.until_like("progress-run-80x24")
        s.resize(200, 60)
        s.until_like("progress-run-80x24")
    assert s.exit_code() == 0 and "busy" not in s.until("accepted")
