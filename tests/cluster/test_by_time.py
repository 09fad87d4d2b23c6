# SPDX-License-Identifier: Apache-2.0
"""Files are read only where their times can be; the answer is that of
reading all of them."""
import json
import random
import time

import pytest
from conftest import Cluster, run

DAY = 1700000000
LINES = 60000  # some 6 MB, a line every two seconds


def line(t, n):
    when = time.strftime("%d/%b/%Y:%H:%M:%S", time.gmtime(t))
    return (f'10.0.{n % 7}.{n % 251} - - [{when} +0000] "GET /p/{n % 97} '
            f'HTTP/1.1" {200 + n % 5} {n % 9000} "-" "agent {n % 11}"\n')


def write(path, times):
    path.write_text("".join(line(t, n) for n, t in enumerate(times)))
    return path


def iso(t):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t))


@pytest.fixture(scope="module")
def rising(tmp_path_factory):
    rng = random.Random(5)
    times = [DAY + 2 * n - rng.choice((0, 0, 0, 5, 900, 3600))
             for n in range(LINES)]
    return write(tmp_path_factory.mktemp("logs") / "rising.log", times)


def ask(path, *args, query="count, sum(bytes) by status, time:10m"):
    p = run("run", query, path, "-o", "json", *args)
    return json.loads(p.stdout), p.stderr.decode()


def check_same(path, *args):
    doc, err = ask(path, *args)
    all_of_it, _ = ask(path, *args, "--validate")
    assert doc["rows"] == all_of_it["rows"]
    assert doc["query"] == all_of_it["query"]
    assert all_of_it["receipt"]["unread"] == 0
    assert doc["receipt"]["bytes"] == path.stat().st_size
    return doc, err


@pytest.mark.parametrize("size", ["100MB", "1500KB"])
def test_a_part_of_a_file_is_read(rising, size):
    rng = random.Random(size)
    for since, until in [(3600, 7200), (0, 1800), (2 * LINES - 900, None),
                         (None, 4000), (-90000, -80000), (200000, None)] + [
            (a, a + rng.randrange(1, 9000)) for a in
            rng.sample(range(2 * LINES), 4)]:
        args = ["--shard-size", size]
        if since is not None:
            args += ["--since", iso(DAY + since)]
        if until is not None:
            args += ["--until", iso(DAY + until)]
        doc, _ = check_same(rising, *args)
        assert doc["receipt"]["complete"]
        assert doc["receipt"]["unread"] > 2_000_000


def test_the_receipt_says_what_was_not_read(rising):
    _, err = ask(rising, "--since", iso(DAY + 100000))
    assert "MB outside the time asked for not read" in err


@pytest.mark.parametrize("query", [
    'count by ip', 'time >= "2023-11-15T12:00" | count',
    'where time in "2023-11-15T10:00".."2023-11-15T11:00" | distinct(ip)'])
def test_any_bound_on_time_will_do(rising, query):
    doc, _ = ask(rising, query=query)
    whole, _ = ask(rising, "--validate", query=query)
    assert doc["rows"] == whole["rows"]
    assert (doc["receipt"]["unread"] > 0) == ("time" in query)


# Two halves the wrong way round; one late line among those that are read.
def swapped():
    half = [DAY + 2 * n for n in range(LINES)]
    return half[LINES // 2:] + half[:LINES // 2]


def one_late():
    times = [DAY + 2 * n for n in range(LINES)]
    times[LINES // 2 + 100] -= 7300
    return times


@pytest.mark.parametrize("times", [swapped, one_late])
def test_a_file_in_disorder_is_read_whole(tmp_path, times):
    log = write(tmp_path / "log", times())
    doc, err = check_same(log, "--since", iso(DAY + LINES - 1000), "--until",
                          iso(DAY + LINES + 1000))
    assert "reading the files whole" in err
    assert doc["receipt"]["unread"] == 0 and doc["receipt"]["complete"]


def test_a_cluster_reads_the_same(tmp_path, rising):
    (tmp_path / "c").mkdir()
    root = tmp_path / "logs"
    root.mkdir()
    (root / "a.log").write_bytes(rising.read_bytes())
    write(root / "b.log", swapped())
    c = Cluster(tmp_path / "c")
    try:
        c.worker("web1", root)
        since = ["--since", iso(DAY + LINES - 1000), "--until",
                 iso(DAY + LINES + 1000)]
        query = "count by status"
        doc = c.submit(query, f"web1:{root}/a.log", *since)
        assert doc["rows"] == ask(root / "a.log", *since, "--validate",
                                  query=query)[0]["rows"]
        assert doc["receipt"]["unread"] > 0
        p = c.cli("submit", query, f"web1:{root}/b.log", "-o", "json", *since)
        assert b"reading the files whole" in p.stderr
        assert json.loads(p.stdout)["rows"] == ask(
            root / "b.log", *since, "--validate", query=query)[0]["rows"]
        job = c.cli("submit", "-d", query, f"web1:{root}/b.log",
                    *since).stdout.decode().strip()
        p = c.cli("wait", job, ok=False)
        assert p.returncode == 3
        p = c.cli("result", job, ok=False)
        assert p.returncode == 3 and b"--validate reads them" in p.stderr
    finally:
        c.close()
