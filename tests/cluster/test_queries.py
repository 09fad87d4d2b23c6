# SPDX-License-Identifier: Apache-2.0
"""Several queries in one pass: each has the rows it has alone."""
import json
import random

import make_logs
import named
import pytest
import queries
from conftest import Cluster, run

N_QUERIES = 12


def write(path, asked):
    path.write_text("".join(f"q{i}: {q}\n" for i, q in enumerate(asked)))
    return path


def alone(query, *args):
    return json.loads(run("run", query, *args, "-o", "json").stdout)


def check(doc, asked, args):
    """Each result is that of its query alone, to its fingerprint."""
    bad = 0
    assert [r["name"] for r in doc["results"]] == [
        f"q{i}" for i in range(len(asked))]
    for result, query in zip(doc["results"], asked):
        single = alone(query, *args, "--validate")
        assert result["query"] == single["query"]
        assert result["columns"] == single["columns"]
        assert result["rows"] == single["rows"]
        assert result["fingerprint"] == single["receipt"]["fingerprint"]
        bad += single["receipt"]["bad_values"]
        for what in ("lines", "accepted", "bytes", "blank", "rejected"):
            assert doc["receipt"][what] == single["receipt"][what]
    # Queries that are counted together look at a value once.
    assert (doc["receipt"]["bad_values"] > 0) == (bad > 0)


@pytest.mark.parametrize("seed", range(3))
def test_generated_queries(tmp_path, seed):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(seed + 40, 3000))
    asked = list(queries.generate(seed + 40, N_QUERIES))
    args = [log, "-f", "combined"]
    ltq = write(tmp_path / "all.ltq", asked)
    doc = json.loads(run("run", "-q", ltq, *args, "--shard-size", "9000",
                         "-o", "json").stdout)
    check(doc, asked, args)


TOGETHER = [
    "count, sum(bytes) by path", "404 | count by path",
    "path contains \"1\" | distinct(ip), count by path | sort -count, path | "
    "head 3", "5xx or 4xx | max(bytes), p50(bytes) by path", "count",
    "distinct(ip), p95(bytes), distinct~(ua), first(path), last(path)",
    "distinct(ip), p95(bytes), distinct~(ua), first(path), last(path), "
    "avg(bytes) by time:1m",
    "distinct(ip), p95(bytes), distinct~(ua), first(path), last(path), "
    "avg(bytes) by time:1h | head 1",
    "count if(5xx) by weekday(time), hour(time)",
    "hour(time) > 3 | count if(ua contains \"Mac\") by time:1h",
    "404 and bytes > 100 | count, sum(bytes), avg(bytes) if(bytes > 200 or "
    "method = \"GET\")", "path = \"nothing\" | count, sum(bytes)",
    "path = \"nothing\" | count by path", "ip in 10.0.0.0/8 | count by ip:/16",
    "count by ip", "status >= 400 | count by status, method",
    "status >= 400 | count by status", "top 3 status by method",
    "let x = bytes * 2 | sum(x) by path", "count, count if(404) by file, host",
    "status >= 400 and path ~ \"a\" | min(bytes) if(method = \"GET\") "
    "by status", "count by hour(time) | sort -count | head 2"]


@pytest.mark.parametrize("seed", range(2))
def test_queries_that_share_tables(tmp_path, seed):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(seed + 70, 3000))
    args = [log, "-f", "combined"]
    ltq = write(tmp_path / "all.ltq", TOGETHER)
    doc = json.loads(run("run", "-q", ltq, *args, "--shard-size", "9000",
                         "-o", "json").stdout)
    check(doc, TOGETHER, args)


def test_own_names_of_several_queries(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(named.make(8, 2000, "json"))
    asked = ["count by status", "count by path, k8s.pod",
             "k8s.pod ~ \"1\" | top 3 ua", "distinct(k8s.pod), sum(bytes)",
             "count by missing, level, k8s.pod"]
    ltq = write(tmp_path / "all.ltq", asked)
    doc = json.loads(run("run", "-q", ltq, log, "-f", "json", "-o",
                         "json").stdout)
    check(doc, asked, [log, "-f", "json"])


def test_a_cluster_counts_the_same(tmp_path):
    rng = random.Random(3)
    root = tmp_path / "logs"
    root.mkdir()
    for i in range(3):
        (root / f"{i}.log").write_bytes(make_logs.make(rng.random(), 2000))
    ltq = tmp_path / "all.ltq"
    ltq.write_text("# two\nby-status: count by status\n\n"
                   "paths: 200 |\n   top 5 path\n")
    (tmp_path / "cluster").mkdir()
    c = Cluster(tmp_path / "cluster")
    try:
        c.worker("web1", root)
        p = c.cli("submit", "-q", ltq, f"web1:{root}/*", "-o", "json",
                  "--shard-size", "20000")
        there = json.loads(p.stdout)
        here = json.loads(run("run", "-q", ltq, *sorted(root.iterdir()),
                              "-o", "json").stdout)
        assert there["results"] == here["results"]
        assert there["receipt"]["fingerprint"] == \
            here["receipt"]["fingerprint"]
        job = json.loads(c.cli("jobs", "--json").stdout)
        job = (job["jobs"] if isinstance(job, dict) else job)[0]["job"]
        again = json.loads(c.cli("result", job, "-o", "json").stdout)
        assert again["results"] == there["results"]
    finally:
        c.close()


@pytest.mark.parametrize("text, why", [
    ("count\n", "1: expected NAME: QUERY"),
    ("", "there is no query"),
    ("# nothing\n", "there is no query"),
    ("  a: count\n", "goes on with none"),
    ("a: count\na: count by ip\n", "two queries of one name"),
    ("a: count by stauts\n", "did you mean 'status'"),
    ("".join(f"q{i}: count\n" for i in range(33)), "too many queries"),
    ("a: " + "path = 'x' or " * 9000, "too long"),
])
def test_wrong_files(tmp_path, text, why):
    ltq = tmp_path / "a.ltq"
    ltq.write_text(text)
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(1, 10))
    p = run("run", "-q", ltq, log, ok=False)
    assert p.returncode == 2 and why.encode() in p.stderr, p.stderr
    assert p.stdout == b""
