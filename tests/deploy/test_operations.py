# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md names the events that the daemons log, and no others; the
blocks that it calls tried are run by `./dev fleet-test` and package-test."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# The event is the first text of two words in a call, or in the table that a
# loop logs from.
CALL = re.compile(r"\b(?:log_event|log_allowed|log_fault|tell)\s*\(([^;]*?);",
                  re.S)
ROW = re.compile(r'^\s*\{"([a-z]+-[a-z-]+)", now->', re.M)
NAME = re.compile(r'"([a-z]+(?:-[a-z]+)+)"')


def logged():
    found = set()
    for folder in ("common", "coordinator", "worker", "certs"):
        for path in (ROOT / folder).rglob("*.c"):
            text = path.read_text()
            for call in CALL.findall(text):
                found.update(NAME.findall(call))
            found.update(ROW.findall(text))
    return found


def explained():
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text[text.index("## What the daemons log"):]
    cells = [line.split("|")[1] for line in table.splitlines()
             if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`([a-z-]+)`",
                                                          cell)]


def test_every_event_is_explained_once():
    assert len(logged()) > 40
    assert sorted(logged()) == sorted(explained())


def test_blocks_called_tried_are_run():
    text = (ROOT / "docs" / "operations.md").read_text()
    told = re.findall(r"<!-- tried: (\w+) -->\n```sh\n", text)
    assert len(told) == text.count("<!-- tried:") == len(set(told))
    by_hand = (ROOT / "tests" / "deploy" / "by_hand.py").read_text()
    assert {n for n in told if f'"{n}"' not in by_hand} == set()
