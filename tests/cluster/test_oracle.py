# SPDX-License-Identifier: Apache-2.0
"""`logtally run` agrees with the oracle, however the work is cut."""
import bz2
import gzip
import itertools
import lzma
import os
import subprocess

import make_logs
import named
import oracle
import pytest
import queries
from conftest import run

FORMATS = ("combined", "common", "vhost_combined")
NAMED = ("json", "logfmt", "csv", "tsv", "w3c")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    paths = {}

    def put(name, data):
        (folder / name).write_bytes(data)
        paths[name] = folder / name
    small = make_logs.make(1, 3000)
    put("small", small)
    put("small.gz", make_logs.members(small, 2))
    half = len(small) // 2
    for suffix, pack in (("bz2", bz2.compress), ("xz", lzma.compress),
                         ("zst", zstd)):
        put("small." + suffix, pack(small[:half]) + pack(small[half:]))
    large = make_logs.make(3, 200_000)
    put("large", large)
    put("large.gz", make_logs.members(large, 4))
    put("one.gz", gzip.compress(large, mtime=0))
    put("long", make_logs.make(5, 5000, over_long=True))
    for fmt in NAMED:
        put(fmt, named.make(8, 30_000, fmt))
    for fmt in FORMATS:
        put(fmt, make_logs.make(6, 20_000, fmt))
    return paths


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, check=True,
                          capture_output=True).stdout


def check(query, path, *options, fmt="combined", text=None):
    """The oracle reads `text` where it cannot read the archive."""
    p = run("run", query, path, "-f", fmt, "-o", "json", *options)
    names, rows = oracle.run(query, [text or path], fmt)
    got_names, got_rows, doc = oracle.parse_printed(p.stdout)
    assert got_names == names
    assert got_rows == rows
    assert raw_rows(p.stdout) == oracle.print_rows(rows)
    check_receipt(doc["receipt"], path, text or path)


def check_receipt(receipt, path, text):
    n = {k: int(receipt[k]) for k in
         ("lines", "accepted", "blank", "skipped", "bytes", "files")}
    rejected = receipt["rejected"]
    total = int(rejected["total"])
    assert receipt["complete"] and receipt["missing"] == []
    assert n["lines"] == n["accepted"] + total + n["blank"] + n["skipped"]
    assert sum(map(int, rejected["reasons"].values())) == total
    assert n["bytes"] == path.stat().st_size and n["files"] == 1
    packed = text.suffix == ".gz"
    text = text.read_bytes()
    text = gzip.decompress(text) if packed else text
    assert n["lines"] == text.count(b"\n") + (text[-1:] != b"\n")


def raw_rows(out):
    """The bytes of the rows as they were printed."""
    return out[out.index(b'"rows":['):out.index(b'],\n"receipt":') + 1]


def spread(n, *ways, of=queries.FIXED):
    """Each fixed query with n of all combinations of the ways, others for the
    next query; with LOGTALLY_EVERY set, with all of them."""
    every = list(itertools.product(*ways))
    n = len(every) if os.environ.get("LOGTALLY_EVERY") else n
    return [(query, *every[(i * n + k) % len(every)])
            for i, query in enumerate(of) for k in range(n)]


@pytest.mark.parametrize("query,jobs,name", spread(
    2, ["1", "2"], ["small", "small.gz"]))
def test_fixed_queries_one_byte_shards(made, query, name, jobs):
    check(query, made[name], "-j", jobs, "--shard-size", "1")


@pytest.mark.parametrize("name", ["small.bz2", "small.xz", "small.zst"])
@pytest.mark.parametrize("query", queries.FIXED[:6])
def test_archives_count_as_their_text(made, query, name):
    check(query, made[name], "--shard-size", "1", text=made["small"])


@pytest.mark.parametrize("name", ["small.bz2", "small.xz", "small.zst"])
def test_an_archive_cut_short_is_a_missing_file(made, tmp_path, name):
    cut = tmp_path / name
    cut.write_bytes(made[name].read_bytes()[:-9])
    p = run("run", "count", cut, "-f", "combined", ok=False)
    assert p.returncode == 3 and p.stdout == b""
    assert b"corrupt archive" in p.stderr


@pytest.mark.parametrize("query,name,shard", spread(
    3, ["large", "large.gz", "one.gz", "long"], ["4096", None]))
def test_fixed_queries_larger_logs(made, query, name, shard):
    check(query, made[name], "-j", "2",
          *(["--shard-size", shard] if shard else []))


@pytest.mark.parametrize("query,shard", spread(1, ["7", "100"]))
def test_fixed_queries_odd_shards(made, query, shard):
    check(query, made["small"], "-j", "2", "--shard-size", shard)


LITERALS = ['"bot" | count', 'ua contains "quoted" | count by status',
            'path = "/a.php" | count', '"\\x00" | count by line',
            '404 "Moz" not "bot" | top ip', '"no such text" | count by ip',
            'user endswith "smith" and path startswith "/" | count by path',
            r'path ~ "\.php$" | count by path', 'ua ~ "quo.*agent" | count',
            r'line ~ "(GET|POST) /a[./]" | count by status']


@pytest.mark.parametrize("shard", ["1", "100", "4096", None])
@pytest.mark.parametrize("query", LITERALS)
def test_lines_that_cannot_pass_are_skipped(made, query, shard):
    options = ["-j", "2"] + (["--shard-size", shard] if shard else [])
    # Over-long lines in few pieces: a hundred bytes of 2 MB are many.
    few = shard in (None, "4096")
    for name in ["small", "long"] if few else ["small"]:
        check(query, made[name], *options)
        check(query, made[name], *options, "--validate")


def test_skipped_lines_do_not_depend_on_the_cutting(made):
    def receipt(*options):
        doc = oracle.parse_printed(run("run", '"bot" | count', made["long"],
                                       "-f", "combined", "-o", "json",
                                       *options).stdout)[2]
        return {k: doc["receipt"][k] for k in
                ("lines", "accepted", "rejected", "blank", "skipped")}
    whole = receipt()
    assert int(whole["skipped"]) > 0
    assert receipt("--shard-size", "9000") == whole
    assert receipt("--shard-size", "70000") == whole
    assert int(receipt("--validate")["skipped"]) == 0


@pytest.mark.parametrize("fmt", FORMATS)
def test_formats(made, fmt):
    for query in ("count by status", "count by vhost, port", "top ua"):
        check(query, made[fmt], fmt=fmt)
        check(query, made[fmt], fmt="auto")


@pytest.mark.parametrize("query,fmt", spread(2, NAMED, of=queries.NAMED))
def test_names_of_a_formats_own(made, fmt, query):
    shard = "100" if len(query) % 5 == 0 else "4096"
    check(query, made[fmt], "-j", "2", "--shard-size", shard, fmt=fmt)


@pytest.mark.parametrize("query", list(queries.generate(7, 40)))
def test_random_queries(made, query):
    check(query, made["large"], "-j", "2", "--shard-size", "4096")
