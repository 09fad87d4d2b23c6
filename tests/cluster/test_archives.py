# SPDX-License-Identifier: Apache-2.0
"""Archives of many frames, cut into ranges: the answer and the receipt of their
text, or a file that is missing. With LOGTALLY_EVERY at every byte."""
import json
import os

import archives
import make_logs
import pytest
from conftest import run

QUERY = "count, sum(bytes), distinct(ip) by status"
KINDS = list(archives.KINDS)
EVERY = os.environ.get("LOGTALLY_EVERY")
TEXT = make_logs.make(11, 40_000)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "plain.log").write_bytes(TEXT)
    for kind, make in archives.KINDS.items():
        (folder / kind).write_bytes(make(TEXT, 20))
    return folder


def answer(path, *options, fmt="combined", query=QUERY):
    doc = json.loads(run("run", query, path, "-f", fmt, "-o", "json",
                         *options).stdout)
    doc["receipt"]["hosts"] = len(doc["receipt"].get("hosts", []))
    for sample in doc["receipt"]["samples"]:
        del sample["file"]
    return doc


def differences(a, b):
    skip = ("bytes", "seconds", "shards", "elapsed_s", "elapsed_ms", "micros",
            "notes")
    return {k: (a["receipt"][k], b["receipt"].get(k)) for k in a["receipt"]
            if k not in skip and a["receipt"][k] != b["receipt"].get(k)}


@pytest.fixture(scope="module")
def plain(made):
    return answer(made / "plain.log")


@pytest.mark.parametrize("kind", KINDS)
def test_the_receipt_is_that_of_the_text(made, plain, kind):
    whole = answer(made / kind)
    cut = answer(made / kind, "--shard-size", "1", "-j", "2",
                 fmt="auto" if kind.startswith("p") else "combined")
    shards = int(cut["receipt"]["shards"])
    assert int(whole["receipt"]["shards"]) == 1 and shards >= 10
    assert plain["rows"] == whole["rows"] == cut["rows"]
    assert plain["receipt"]["samples"]
    assert differences(plain, cut) == {}
    assert differences(plain, whole) == {}
    assert whole["receipt"]["bytes"] == cut["receipt"]["bytes"]


def test_a_cluster_counts_the_same(made, plain, cluster):
    cluster.worker("web1", made)
    cluster.worker("web2", made)
    for kind in ("piped.zst", "bgzf.gz", "members.gz"):
        cut = cluster.submit(QUERY, f"shared:{made}/{kind}", "-f", "combined",
                             "--shard-size", "1")
        assert int(cut["receipt"]["shards"]) >= 10
        assert cut["receipt"]["complete"]
        assert cut["rows"] == plain["rows"]


FALSE = [(20, 1), (20, 5), (1, 1), (1, 3)]  # members, false ones in them


@pytest.fixture(scope="module", params=FALSE)
def false(request, tmp_path_factory):
    """Text with lines that look like the beginning of a member, and members of
    it in which they can be seen."""
    n, planted = request.param
    folder = tmp_path_factory.mktemp("false")
    lines = TEXT.splitlines(keepends=True)
    for i in range(planted):
        lines.insert((i + 1) * len(lines) // (planted + 1), archives.FALSE)
    text = b"".join(lines)
    (folder / "text.log").write_bytes(text)
    (folder / "false.gz").write_bytes(b"".join(
        archives.member(piece, 0 if archives.FALSE in piece else 6)
        for piece in archives.pieces(text, n)))
    return folder


def test_a_false_member_costs_no_file(false):
    """It is cut there, and read as one when that is found out."""
    want = answer(false / "text.log")
    got = answer(false / "false.gz", "--shard-size", "1", "-j", "2")
    assert got["rows"] == want["rows"]
    assert int(got["receipt"]["shards"]) == 1
    assert differences(want, got) == {}
    assert got["receipt"]["samples"] and got["receipt"]["complete"]


def test_a_cluster_finds_out_a_false_member(false, cluster):
    want = answer(false / "text.log")
    cluster.worker("web1", false)
    cluster.worker("web2", false)
    got = cluster.submit(QUERY, f"shared:{false}/false.gz", "-f", "combined",
                         "--shard-size", "1")
    assert got["rows"] == want["rows"] and got["receipt"]["complete"]
    assert int(got["receipt"]["shards"]) == 1
    assert cluster.coordinator.said("read-as-one")


def one_of_two(folder, kind, data):
    """The archive beside a sound file: what is counted of both."""
    (folder / kind).write_bytes(data)
    (folder / "good.log").write_bytes(TEXT[:2000])
    return run("run", "count", folder / kind, folder / "good.log", "-f",
               "combined", "-o", "json", "--shard-size", "1",
               "--allow-partial", ok=False)


def check_named_or_exact(folder, kind, data, lines):
    p = one_of_two(folder, kind, data)
    good, both = lines
    count = json.loads(p.stdout)["rows"][0][0]
    if p.returncode == 0:
        assert count == both
    else:
        receipt = json.loads(p.stdout)["receipt"]
        assert p.returncode == 3 and count == good
        assert len(receipt["missing"]) == 1
        assert str(folder / kind) in receipt["missing"][0]
        assert not receipt["complete"] and int(receipt["files"]) == 1
    return p.returncode


def counted(folder, data):
    (folder / "text").write_bytes(data)
    return answer(folder / "text", query="count")["rows"][0][0]


@pytest.fixture(scope="module")
def lines(plain, tmp_path_factory):
    good = counted(tmp_path_factory.mktemp("good"), TEXT[:2000])
    return good, good + int(plain["receipt"]["accepted"])


def places(n):
    return range(n) if EVERY else (n // 3, n // 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_byte_is_a_missing_file(made, tmp_path, lines, kind):
    data = (made / kind).read_bytes()
    for at in places(len(data)):
        bad = bytes([data[at] ^ 1 << at % 8])
        end = check_named_or_exact(
            tmp_path, kind, data[:at] + bad + data[at + 1:], lines)
        assert end == 3 or EVERY


@pytest.mark.parametrize("kind", KINDS)
def test_one_cut_short_is_a_missing_file(made, tmp_path, lines, kind):
    """Between two frames nothing shows that there was more."""
    data = (made / kind).read_bytes()
    good = lines[0]
    for n in places(len(data) - 1):
        p = one_of_two(tmp_path, kind, data[:n + 1])
        count = json.loads(p.stdout)["rows"][0][0]
        ended = data[n + 1:n + 5] in (b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08\x04",
                                      b"\x1f\x8b\x08\x00",
                                      b"\x50\x2a\x4d\x18", b"\x5e\x2a\x4d\x18")
        assert p.returncode == 3 and count == good or ended


def test_bytes_behind_the_last_frame_are_an_error(made, tmp_path, lines):
    for kind in ("piped.zst", "bgzf.gz"):
        data = (made / kind).read_bytes() + b"and more"
        assert check_named_or_exact(tmp_path, kind, data, lines) == 3
