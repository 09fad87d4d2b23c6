# SPDX-License-Identifier: Apache-2.0
"""--live on a terminal: rows as they stand, what they cover, and the final
table at the end."""
import json

import make_logs
import pytest
from conftest import program, restart, run, wait_for
from screen import (  # noqa: F401
    QUERY, held_run, needs_tmux, screen, slow)


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
def test_ctrl_z_gives_the_terminal_back_for_a_while(slow, screen):
    slow.freeze()
    s = screen([program("logtally"), "submit", QUERY, *slow.sources, "--live"],
               slow.env())
    s.until("so far, not final")
    s.type("C-z")
    wait_for("the screen before", lambda: s.lines() in ([""], ["^Z"]))
    s.go_on()
    s.until("so far, not final")


@needs_tmux
def test_a_coordinator_that_comes_back_shows_them_again(slow, screen):
    slow.freeze()
    s = screen([program("logtally"), "submit", QUERY, *slow.sources, "--live"],
               slow.env(PAGER="cat"))
    s.until("so far, not final")
    slow.coordinator.popen.kill()
    assert "so far" not in s.until("lost the connection")
    restart(slow)
    s.until("so far, not final: these rows are of 74%")
    slow.thaw()
    assert s.exit_code() == 0
    s.until("accepted")


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
    with held_run(tmp_path, screen, "--live") as s:
        s.until("so far, not final: these rows are of 1")
    assert s.exit_code() == 0 and "not final" not in s.until("accepted")


@needs_tmux
def test_looking_on_changes_no_answer(tmp_path, screen):
    """What aggregates remember is listed in the middle, and merged into
    afterwards."""
    query = ("count, distinct(path), distinct~(ip), p95(bytes), first(ua), "
             "sum(bytes) by status")
    more = make_logs.make(2, 300_000)
    with held_run(tmp_path, screen, "--live", "-o", "json", ">",
                  str(tmp_path / "watched"), query=query, more=more) as s:
        s.until("so far, not final: these rows are of 1")
    assert s.exit_code() == 0
    plain = run("run", query, tmp_path / "x.log", "-", "-o", "json",
                input=more).stdout
    watched = json.loads((tmp_path / "watched").read_bytes())
    assert watched["rows"] == json.loads(plain)["rows"]


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
