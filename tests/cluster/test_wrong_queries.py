# SPDX-License-Identifier: Apache-2.0
"""Wrong queries: what is wrong, where, what was meant, and exit code 2."""
import os
from concurrent.futures import ThreadPoolExecutor

from conftest import HERE, run

TABLE = HERE.parent / "oracle" / "wrong_queries.tsv"


def rows():
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            query, message, column, width, suggestion = line.split("\t")
            yield query, message, int(column), int(width), suggestion


def wrong(row):
    """What is not as the table has it, or None."""
    query, message, column, width, suggestion = row
    p = run("run", "--explain", query, ok=False)
    lines = p.stderr.decode().splitlines()
    marked = " " * (2 + column) + "^" * width
    marked += " " + suggestion if suggestion else ""
    if (p.returncode == 2 and p.stdout == b"" and len(lines) == 3 and
            lines[0].startswith("error: ") and message in lines[0] and
            lines[1] == "  " + query and lines[2] == marked):
        return None
    return query, p.returncode, lines


def test_mistakes_are_told_with_exit_code_two():
    """Some of them: the parser's own test has all."""
    table = list(rows())[::20]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [w for w in pool.map(wrong, table) if w]
    assert found == []
