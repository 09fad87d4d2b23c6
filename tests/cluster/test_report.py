# SPDX-License-Identifier: Apache-2.0
"""`logtally report`: each number is that of its query alone, and the
oracle's."""
import json

import make_logs
import named
import oracle
import pytest
from conftest import Cluster, run

EVERYWHERE = ["overall", "days", "hours", "week", "paths", "static-files",
              "not-found", "heaviest-paths"]


def asked(*args):
    text = run("report", "--print", *args).stdout.decode()
    return dict(line.split(": ", 1) for line in text.splitlines())


def report(*args):
    return json.loads(run("report", *args, "-o", "json").stdout,
                      parse_float=str, parse_int=str)


def check(doc, queries, path, fmt):
    assert [r["name"] for r in doc["results"]] == list(queries)
    for result, query in zip(doc["results"], queries.values()):
        alone = json.loads(
            run("run", query, path, "-f", fmt, "-o", "json").stdout,
            parse_float=str, parse_int=str)
        assert result["rows"] == alone["rows"], query
        assert result["fingerprint"] == alone["receipt"]["fingerprint"]
        names, rows = oracle.run(query, [path], fmt)
        assert [c["name"] for c in result["columns"]] == names
        printed = json.loads(b"{" + oracle.print_rows(rows) + b"}",
                             parse_float=str, parse_int=str)
        assert result["rows"] == printed["rows"], query


@pytest.mark.parametrize("fmt, more", [
    ("combined", ["clients", "referrers", "methods", "status-codes",
                  "agents"]),
    ("common", ["clients", "methods", "status-codes"]),
    ("vhost_combined", ["clients", "referrers", "methods", "status-codes",
                        "agents", "virtual-hosts"]),
])
def test_numbers(tmp_path, fmt, more):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(21, 100_000, fmt))
    queries = asked(log, "-f", fmt)
    assert list(queries) == EVERYWHERE + more
    check(report(log, "-f", fmt), queries, log, fmt)
    assert asked(log) == queries or fmt != "vhost_combined"


def test_slowest_paths_where_there_are_times(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(named.make(8, 60_000, "json"))
    queries = asked(log, "-f", "json")
    assert "slowest-paths" in queries and "virtual-hosts" in queries
    check(report(log, "-f", "json"), queries, log, "json")


def test_a_visitor_is_what_one_says(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(22, 5000))
    for visitors in ("ip", "lower(ua)"):
        doc = report(log, "--visitors", visitors, "--rows", "3")
        alone = json.loads(run("run", f"distinct({visitors})", log, "-o",
                               "json").stdout)
        overall = doc["results"][0]
        assert overall["columns"][1]["name"] == "visitors"
        assert overall["rows"][0][1] == str(alone["rows"][0][0])
        assert any(f"different values of {visitors}," in note
                   for note in doc["receipt"]["notes"])
        assert len(doc["results"][4]["rows"]) == 3


PERIODS = ["--since", "2023-11-01", "--until", "2023-11-15",
           "--compare", "2023-10-10T12:00"]


def test_two_periods_are_compared(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(24, 60_000))
    queries = asked(log, *PERIODS)
    doc = report(log, *PERIODS)
    check(doc, queries, log, "combined")
    assert any("compared with (_before) from 2023-10-10T12:00:00Z until "
               "2023-10-24T12:00:00Z" in n for n in doc["receipt"]["notes"])

    now = report(log, *PERIODS[:4])["results"][0]
    before = report(log, "--since", "2023-10-10T12:00", "--until",
                    "2023-10-24T12:00")["results"][0]
    both = doc["results"][0]
    row = dict(zip((c["name"] for c in both["columns"]), both["rows"][0]))
    assert int(row["hits"]) > 0 and int(row["hits_before"]) > 0
    for column, a, b in zip(now["columns"], now["rows"][0],
                            before["rows"][0]):
        name = column["name"]
        assert (row[name], row[name + "_before"]) == (a, b)
        assert int(row[name + "_change"]) == int(a) - int(b)


@pytest.mark.parametrize("args, why", [
    (["--compare", "yesterday"], "--since"),
    (["--since", "2023-01-01", "--compare", "2023-01-02"], "overlap"),
    (["--since", "2023-01-01", "--compare", "then"], "is no time"),
    (["-f", "$status $request_method", "--since", "today", "--compare",
      "2022-01-01"], "wants lines with times"),
    (["--visitors", "stauts"], "did you mean 'status'"),
    (["--visitors", "ip) | count by (ip"], "error: "),
    (["--visitors", "ip\nx: count"], "one line"),
    (["--rows", "0"], "rows"),
    (["--since", "then"], "is no time"),
    (["-o", "pdf"], "is no output"),
])
def test_mistakes(tmp_path, args, why):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(1, 10))
    p = run("report", log, *args, ok=False)
    assert p.returncode == 2 and why.encode() in p.stderr, p.stderr
    assert p.stdout == b""


def test_no_file():
    p = run("report", ok=False)
    assert p.returncode == 2 and b"no file is named" in p.stderr


def test_since_is_in_every_query(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(1, 300))
    queries = asked(log, "--since", "2023-10-20").values()
    assert queries and all("time >= \"2023-10-20" in q for q in queries)


def test_a_cluster_takes_its_queries(tmp_path):
    root = tmp_path / "logs"
    root.mkdir()
    (root / "a.log").write_bytes(make_logs.make(23, 9000))
    (tmp_path / "cluster").mkdir()
    ltq = tmp_path / "report.ltq"
    ltq.write_bytes(run("report", "--print", root / "a.log").stdout)
    c = Cluster(tmp_path / "cluster")
    try:
        c.worker("web1", root)
        there = json.loads(
            c.cli("submit", "-q", ltq, f"web1:{root}/*", "-o", "json").stdout,
            parse_float=str, parse_int=str)
        assert there["results"] == report(root / "a.log")["results"]
    finally:
        c.close()
