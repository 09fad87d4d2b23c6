# SPDX-License-Identifier: Apache-2.0
"""The made logs: the same seed gives the same bytes, each shape is what it
says, every line has the combined format."""
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOGGEN = Path(os.environ.get("LOGTALLY_BUILD", ROOT / "build" / "release"),
              "bench", "loggen")
SHAPES = ("combined", "few", "many", "long", "short")
LINE = re.compile(
    rb'\d+\.\d+\.\d+\.\d+ - \S+ \[(\d\d/Nov/2023:\d\d:\d\d:\d\d \+0000)\] '
    rb'"(?:GET|POST) (\S+) HTTP/1.1" (\d{3}) (?:\d+)'
    rb'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?')


def loggen(*args):
    return subprocess.run([LOGGEN, *map(str, args)], check=True,
                          stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module", params=SHAPES)
def shape(request):
    data = loggen(request.param, 5, 4)
    assert data.endswith(b"\n")
    rows = [LINE.fullmatch(line) for line in data.split(b"\n")[:-1]]
    assert all(rows)
    return request.param, data, rows


def test_same_seed_same_bytes(shape):
    name, data, _ = shape
    assert loggen(name, 5, 4) == data
    assert loggen(name, 6, 4)[:1000] != data[:1000]


def test_size_is_as_asked(shape):
    _, data, _ = shape
    assert 4_000_000 - 25_000 < len(data) <= 4_000_000


def test_times_rise_through_one_day(shape):
    _, _, rows = shape
    times = [m[1] for m in rows]
    assert times == sorted(times)
    assert times[0][:14] == b"14/Nov/2023:00"
    assert times[-1][:14] == b"14/Nov/2023:23"


def test_lines_have_the_length_of_the_shape(shape):
    name, data, rows = shape
    low, high = {"short": (60, 95), "long": (8000, 14000)}.get(
        name, (170, 220))
    assert low < len(data) / len(rows) < high


def test_keys_are_as_many_as_the_shape_says(shape):
    name, _, rows = shape
    urls = len({m[2] for m in rows})
    if name == "few":
        assert urls == 8
    elif name in ("many", "long"):
        assert urls >= len(rows) * 0.99
    elif name == "combined":
        assert len(rows) * 0.3 < urls < len(rows) * 0.6


def test_some_fail_and_few_have_the_needle():
    rows = [LINE.fullmatch(x) for x in loggen("combined", 1, 20).split(b"\n")
            if x]
    status = Counter(m[3][:1] for m in rows)
    assert 0.013 < status[b"5"] / len(rows) < 0.017
    needles = sum(b"needle" in m[0] for m in rows)
    assert 0.5 < needles / len(rows) * 10_000 < 2


def test_a_quote_is_escaped_somewhere():
    assert b'(\\"batch\\" mode)' in loggen("combined", 1, 4)


def test_log_of_the_demonstration_stays():
    data = loggen(1, 1)
    assert loggen(1, 1) == data
    assert LINE.fullmatch(data[:data.index(b"\n")])


@pytest.mark.parametrize("args", [
    (), ("1",), ("round", "1", "1"), ("few", "1"), ("1", "1", "31")])
def test_usage(args):
    p = subprocess.run([LOGGEN, *args], stderr=subprocess.PIPE)
    assert p.returncode == 2
    assert b"usage: loggen" in p.stderr
