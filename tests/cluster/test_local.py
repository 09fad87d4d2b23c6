# SPDX-License-Identifier: Apache-2.0
"""`logtally run`: mistakes, exit codes, standard input, outputs."""
import json
import os
import threading
import time

import make_logs
import pytest
from conftest import run


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "access.log"
    path.write_bytes(make_logs.make(1, 3000))
    return path


def test_query_mistake_is_marked(log):
    p = run("run", "stauts >= 500 | top path", log, ok=False)
    assert p.returncode == 2 and p.stdout == b""
    assert b"unknown field 'stauts'" in p.stderr
    assert b"^^^^^^ did you mean 'status'?" in p.stderr


@pytest.mark.parametrize("query", ["", "count |", "count by", "path > 5",
                                   "count, count", "top 0x path ("])
def test_bad_queries(log, query):
    assert run("run", query, log, ok=False).returncode == 2


def test_no_such_file(tmp_path):
    p = run("run", "count", tmp_path / "gone", ok=False)
    assert p.returncode == 1 and b"gone" in p.stderr


def test_no_line_fits(tmp_path):
    (tmp_path / "x").write_bytes(b"nothing\nat all\n")
    assert run("run", "count", tmp_path / "x", ok=False).returncode == 4


def test_standard_input_equals_file(log):
    a = run("run", "count by status", log, "-o", "tsv").stdout
    b = run("run", "count by status", "-", "-o", "tsv",
            input=log.read_bytes()).stdout
    assert a == b


@pytest.mark.parametrize("form", ["table", "tsv", "csv", "json", "jsonl",
                                  "md"])
def test_outputs_do_not_depend_on_j(log, form):
    def lines(j):
        out = run("run", "count by ip", log, "-o", form, "-j", j).stdout
        return out.split(b'"receipt"')[0]
    assert lines("1") == lines("2") != b""


TIMED = (b'h - - [%s] "GET / HTTP/1.1" 200 1 "-" "-"\n')


@pytest.fixture
def timed(tmp_path):
    path = tmp_path / "timed.log"
    path.write_bytes(b"".join(TIMED % t for t in (
        b"14/Nov/2023:21:59:59 +0000", b"14/Nov/2023:23:00:00 +0100",
        b"14/Nov/2023:22:59:59 +0000", b"14/Nov/2023:23:00:00 +0000")))
    return path


@pytest.mark.parametrize("options,count", [
    ((), b"4"), (("--since", "2023-11-14T22:00"), b"3"),
    (("--since", "2023-11-14 22:00", "--until", "2023-11-14 23:00"), b"2"),
    (("--since", "2023-11-15", "--tz", "Asia/Tokyo"), b"4"),
    (("--until", "2023-11-15T07:00", "--tz", "Asia/Tokyo"), b"1"),
    (("--since", "2h ago"), b"0"), (("--until", "yesterday"), b"4")])
def test_since_and_until_narrow_a_query(timed, options, count):
    p = run("run", "count", timed, "--no-header", "-f", "combined", *options)
    assert p.stdout == count + b"\n"


def test_a_zone_changes_how_times_are_printed(timed):
    def out(*options):
        return run("run", "min(time) by time:1d", timed, "--no-header", "-f",
                   "combined", "-o", "tsv", *options).stdout
    assert out() == b"2023-11-14T00:00:00Z\t2023-11-14T21:59:59Z\n"
    assert out("--tz", "UTC") == out()
    assert out("--tz", "Asia/Tokyo") == (
        b"2023-11-14T09:00:00+09:00\t2023-11-15T06:59:59+09:00\n")


@pytest.mark.parametrize("options,what", [
    (("--since", "2h"), b"is no time"), (("--until", "soon"), b"is no time"),
    (("--tz", "Mars/Phobos"), b"no time zone"), (("--tz", "../x"), b"no time"),
    (("--since", "2023-01-02", "--until", "2023-01-02"), b"not before")])
def test_wrong_times_and_zones(timed, options, what):
    p = run("run", "count", timed, *options, ok=False)
    assert p.returncode == 2 and what in p.stderr and p.stdout == b""


@pytest.mark.parametrize("line,query,says", [
    (b"Oct 10 13:55:36 h a[1]: x\n", "count by hour(time)", True),
    (b"Oct 10 13:55:36 h a[1]: x\n", "count", False),
    (b"<13>1 2023-10-10T13:55:36Z h a 1 - - x\n", "count by time:1h", False)])
def test_the_receipt_says_when_years_were_guessed(tmp_path, line, query, says):
    (tmp_path / "syslog").write_bytes(line * 3)
    p = run("run", query, tmp_path / "syslog", "-f", "syslog")
    assert (b"times had no year" in p.stderr) == says


@pytest.mark.parametrize("flags,query", [
    (["-w", "5xx"], "5xx | count"), (["-b", "status"], "count by status"),
    (["-w", "status < 400", "-b", "path", "-n", "3"],
     "status < 400 | top 3 path"),
    (["--by", "method, status", "--top", "2"], "top 2 method, status")])
def test_flags_build_a_query(log, flags, query):
    got = run("run", log, "-o", "json", "--quiet", *flags).stdout
    want = run("run", query, log, "-o", "json", "--quiet").stdout
    assert json.loads(got)["rows"] == json.loads(want)["rows"]
    assert json.loads(got)["query"] == json.loads(want)["query"]


@pytest.mark.parametrize("flags", [["-n", "3"], ["-w", "x y"], ["-n", "0"],
                                   ["-q", "/dev/null", "-b", "path"]])
def test_flags_that_build_none(log, flags):
    assert run("run", log, *flags, ok=False).returncode == 2


@pytest.mark.parametrize("most,code", [("0", 4), ("1", 4), ("2", 0), (None, 0)])
def test_more_rejects_than_allowed(tmp_path, most, code):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(1, 3000) + b"x\ny\n")
    rejected = json.loads(run("run", "count", log, "-f", "combined", "-o",
                              "json").stdout)["receipt"]["rejected"]["total"]
    most = [] if most is None else ["--max-rejects",
                                    str(rejected - 2 + int(most))]
    p = run("run", "count", log, "-f", "combined", *most, ok=False)
    assert p.returncode == code
    assert (p.stdout == b"") == (code == 4)
    assert (b"lines were rejected (--max-rejects)" in p.stderr) == (code == 4)


def test_the_number_of_rejects_is_one(log):
    for wrong in ("x", "-1", "", "99999999999999999999"):
        assert run("run", "count", log, "--max-rejects", wrong,
                   ok=False).returncode == 2


def objects(p):
    return [json.loads(x) for x in p.stderr.decode().splitlines()
            if x.startswith("{")]


def progress_of(log, text, times):
    log.write_bytes(text * times)
    p = run("run", "count by status", log, "--progress=json", "--quiet")
    updates = objects(p)
    assert len(updates) == len(p.stderr.splitlines()) >= 2
    assert updates[-1]["state"] == "done"
    assert updates[-1]["bytes_done"] == updates[-1]["bytes"] \
        == log.stat().st_size
    done = [u["bytes_done"] for u in updates]
    assert done == sorted(done)
    # Executors rest for want of shards alone: at the end, and while what they
    # counted is merged.
    busy = [u["executors_busy"] > 0 for u in updates if u["workers_busy"]]
    assert sum(busy) * 2 >= len(busy)
    return busy


def test_progress_for_programs(tmp_path):
    log = tmp_path / "log"
    text = make_logs.make(1, 200_000)
    # So much that it is seen at work, however quick this machine is.
    assert any(progress_of(log, text, times) for times in (20, 200, 2000))
    log.write_bytes(text)
    assert objects(run("run", "count", log, "--progress", "none")) == []
    p = run("run", "count", log, "--progress", "much", ok=False)
    assert p.returncode == 2 and b"--progress is auto, bar, json" in p.stderr


# How long standard input is nobody knows before its end.
def test_progress_of_standard_input(tmp_path):
    text = make_logs.make(1, 200_000) * 20
    p = run("run", "count by status", "-", "--progress=json", "--quiet",
            input=text)
    updates = objects(p)
    assert {u["bytes"] for u in updates} == {0}
    assert not any("left_seconds" in u for u in updates)
    assert updates[-1]["state"] == "done" and updates[-1]["streams"] == 1
    assert updates[-1]["bytes_done"] == len(text)


def cut_short(log, lines, to, seconds):
    """The log, whole, is cut short after so long; what `run` says then."""
    log.write_bytes(lines)
    cut = threading.Timer(seconds, os.truncate, (log, to))
    cut.start()
    try:
        return run("run", "'needle' | count", log, "-j", "1", "-o", "json",
                   "-f", "combined", "--shard-size", 8 << 20, ok=False)
    finally:
        cut.cancel()
        cut.join()


# Lines without the word are looked for in the mapped file; mapped bytes that
# are gone would kill who touches them.
def test_a_file_cut_short_while_it_is_mapped_has_changed(tmp_path):
    lines = make_logs.make(1, 3000) * 12000
    to = len(lines) // 2 + 777
    began = time.monotonic()
    cut_short(tmp_path / "log", lines, to, 60)
    took, changed, i = time.monotonic() - began, 0, 0
    while changed < 4 and time.monotonic() - began < 60:
        i += 1
        p = cut_short(tmp_path / "log", lines, to, took * (i % 13) / 13)
        assert b"executor" not in p.stderr, p.stderr
        if p.returncode == 0:
            receipt = json.loads(p.stdout)["receipt"]
            assert receipt["bytes"] in (to, len(lines))  # as planned
            assert receipt["skipped"] == receipt["lines"]
        else:
            changed += 1
            assert p.returncode == 3 and b"changed" in p.stderr, p.stderr
    assert changed == 4
