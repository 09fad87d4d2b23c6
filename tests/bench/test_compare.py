# SPDX-License-Identifier: Apache-2.0
"""How the answers of the peers are read, and how ratios are made."""
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
for folder in (ROOT / "bench", ROOT / "bench" / "peers"):
    sys.path.insert(0, str(folder))
import compare  # noqa: E402
import contenders  # noqa: E402
import count_status  # noqa: E402
import format_logs  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402

ANSWER = [["200", 9], ["404", 1]]
LINE = b'1.2.3.4 - - [t] "GET /%d HTTP/1.1" %d 5 "-" "a \\" 500 b"\n'


def test_awk():
    assert contenders.of_key_count(b"404 1\n200 9\n") == ANSWER


def test_json_rows():
    assert contenders.of_json_rows(
        b'{"seconds": 1, "rows": [["404", 1], ["200", 9]]}') == ANSWER
    assert contenders.of_json_rows(b'{"rows": [[200, 9], [404, 1]]}') == ANSWER


def test_miller():
    assert contenders.of_miller(
        b'[{"9": 404, "count": 1}, {"9": 200, "count": 9}]') == ANSWER


def test_goaccess():
    assert contenders.of_goaccess(
        b'{"status_codes": {"data": [{"data": "2xx", "items": [{"hits": '
        b'{"count": 9}, "data": "200 - OK"}]}, {"data": "4xx", "items": '
        b'[{"hits": {"count": 1}, "data": "404 - No"}]}]}}') == ANSWER


def test_a_number():
    assert contenders.of_number(b"54\n") == [[54]]


def test_chunks_are_whole_lines(tmp_path, monkeypatch):
    log = tmp_path / "log"
    log.write_bytes(b"".join(LINE % (n, 200 + n % 2) for n in range(1000)))
    monkeypatch.setattr(count_status, "CHUNK", 777)
    parts = list(count_status.chunks(log))
    assert parts[0][1] == 0 and parts[-1][2] == log.stat().st_size
    assert all(a[2] == b[1] for a, b in zip(parts, parts[1:]))
    total = sum(map(count_status.count_chunk, parts), count_status.Counter())
    assert total == {b"200": 500, b"201": 500}


def test_thirds_are_whole_lines_and_all_of_it(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"".join(LINE % (n, 200) for n in range(1000)))
    parts = [p.read_bytes() for p in contenders.thirds(log, tmp_path / "h")]
    assert b"".join(parts) == log.read_bytes()
    assert all(p.endswith(b"\n") for p in parts)


def contender(name, seconds, data="log", absent=""):
    return measure.Command(name, [], data, seconds=seconds, absent=absent)


def table(*commands):
    t = compare.Table(commands)
    t.size = {"log": 1000, "slice": 100}
    return t


def test_a_ratio_is_of_throughput():
    t = table(contender("us", [1, 1, 3]), contender("it", [4, 2, 3], "slice"))
    t.ratio("work", "us", "it", 20)
    assert t.rows[0]["reached"] == "20.00 x" and t.rows[0]["met"]


def test_a_ratio_of_time_is_at_most():
    t = table(contender("us", [1.2, 1.3, 1.1]), contender("it", [1, 1, 1]))
    t.ratio("work", "us", "it", 1.15, most=True)
    assert t.rows[0]["reached"] == "1.20 x" and not t.rows[0]["met"]


def test_an_absent_peer_stays_in_the_table():
    t = table(contender("us", [1]), contender("it", [], absent="no such"))
    t.ratio("work", "us", "it", 2)
    assert t.rows[0]["reached"] == "absent" and t.rows[0]["met"] is None


def test_a_wrong_answer_is_not_measured():
    c = measure.Command("it", ["echo", "200 8"], "log",
                        contenders.of_key_count, "status of log")
    compare.check([c], {"status of log": ANSWER})
    assert c.absent == "its answer differs"


def test_a_failing_peer_is_named():
    c = measure.Command("it", ["sh", "-c", "echo error: no >&2; exit 3"],
                        "log", contenders.of_key_count, "status of log")
    compare.check([c], {"status of log": ANSWER})
    assert c.absent == "failed: it: exit code 3: error: no"


@pytest.mark.parametrize("text, told", [
    ("", "it said nothing"), ("a\nb\n", "b"),
    ("missing: x\nerror: y\n", "missing: x")])
def test_reason(text, told):
    assert measure.reason(text) == told


def test_peaks_sees_children():
    most = measure.peaks(["sh", "-c", "sleep 0.2; true"])
    assert most["sleep"] > 100 and most["sh"] > 100


def test_figures_replace_those_of_the_document(tmp_path):
    result = {
        "machine": {"date": "d", "cpu": "c", "processors": 2, "kernel": "k",
                    "commit": "x"}, "bytes": {"log": 10**9}, "runs": 5,
        "rows": [{"work": "a | b", "asked": "at least 2 x", "reached": "1 x",
                  "met": False}],
        "commands": [{"name": "it", "absent": "not installed: it"},
                     {"name": "us", "absent": "", "seconds": [1, 2, 9],
                      "log_bytes": 10**9}],
        "micro": {"lines": {"stage": "lines", "bytes_per_second": 2e9,
                            "instructions_per_byte": None}}}
    (tmp_path / "r.json").write_text(json.dumps(result))
    doc = tmp_path / "d.md"
    doc.write_text("a\n<!-- figures -->\nold\n<!-- end of figures -->\nz\n")
    for _ in range(2):
        report.main(tmp_path / "r.json", doc)
    text = doc.read_text()
    assert text.startswith("a\n<!-- figures -->\nMeasured d on c")
    assert text.endswith("```\n<!-- end of figures -->\nz\n")
    assert "old" not in text and text.count("Measured") == 1
    assert "| a \\| b | at least 2 x | 1 x (not met) |" in text
    assert "| us | 2.000 | 0.50 |" in text
    assert "| it | not installed: it | |" in text


def test_logs_of_other_formats(tmp_path):
    log, other = tmp_path / "log", tmp_path / "json"
    log.write_bytes(LINE % (1, 200) + LINE % (2, 404))
    other.write_bytes(b"{}\n")
    files = format_logs.prepare(log, other, tmp_path / "made")
    assert files["common"].read_bytes().splitlines()[1] \
        == b'1.2.3.4 - - [t] "GET /2 HTTP/1.1" 404 5'
    for path in set(files.values()) - {other}:
        assert path.read_bytes().count(b"\n") == 2
    assert {c.data for c in format_logs.commands(files)} == set(files)


def test_rows_of_formats():
    done = [measure.Command(name, [], name, seconds=[s]) for name, s in
            (("combined", 1.0), ("common", 2.0), ("traefik", 2.0),
             ("a regex", 1.0), ("json", 2.0))]
    t = compare.Table(done)
    t.size = {c.data: 4e8 for c in done}
    t.size["combined"] = 2e8
    format_logs.rows(t, done)
    assert [r["reached"] for r in t.rows] \
        == ["0.50 x", "1.00 x", "400 MB/s", "200 MB/s"]
    assert [r["met"] for r in t.rows] == [False, True, True, False]
