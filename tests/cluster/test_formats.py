# SPDX-License-Identifier: Apache-2.0
"""Every named format reads what the oracle's reader of patterns reads: its
samples, and samples with something wrong in them.
"""

import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import patterns  # noqa: E402

LOGTALLY = pathlib.Path(os.environ["LOGTALLY_BUILD"]) / "logtally"
ODD = [b" ", b'"', b"\\", b"[", b"]", b"-", b":", b"/", b",", b", ", b" : ",
       b"x", b"|", b"{", b"\xff", b'" "', b"] ["]


def spoiled(line, chance):
    """A piece put in, taken out, or doubled."""
    at = chance.randrange(len(line) + 1)
    end = min(len(line), at + chance.randrange(1, 9))
    what = chance.randrange(3)
    if what == 0:
        return line[:at] + chance.choice(ODD) + line[at:]
    if what == 1:
        return line[:at] + line[end:]
    return line[:end] + line[at:]


def value(raw):
    if raw is not None and re.fullmatch(rb"-?[0-9]{1,18}", raw):
        return int(raw)
    return None


def asked(name, path):
    out = subprocess.run(
        [LOGTALLY, "run", "-f", name, "--quiet", "-o", "json",
         "count by len(ip), status", path],
        stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


@pytest.mark.parametrize("name", patterns.names())
def test_a_format_reads_as_its_pattern_says(name, tmp_path):
    seed = 20260101
    chance = random.Random(seed)
    texts, samples = patterns.read(name)
    compiled = [patterns.compile_pattern(t) for t in texts]
    lines = samples + [spoiled(chance.choice(samples), chance)
                       for _ in range(2000)]
    lines = [line for line in lines if line]
    path = tmp_path / "log"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    want = collections.Counter()
    for line in lines:
        fields = patterns.read_line(compiled, line)
        if fields is not None:
            ip, status = fields
            want[None if ip is None else len(ip), value(status)] += 1
    answer = asked(name, path)
    got = {(row[0], row[1]): row[2] for row in answer["rows"]}
    assert got == dict(want), f"seed {seed}"
    assert answer["receipt"]["accepted"] == sum(want.values())
