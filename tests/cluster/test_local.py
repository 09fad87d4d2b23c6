# SPDX-License-Identifier: Apache-2.0
"""`logtally run`: mistakes, exit codes, standard input, outputs."""
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
