# SPDX-License-Identifier: Apache-2.0
"""The manual pages: rendered without a warning, as make.py would write them,
and with every option that the programs have."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["LOGTALLY_BUILD"])
PAGES = sorted((ROOT / "docs" / "man").glob("*.[1-8]"))
COMMANDS = ["run", "report", "submit", "plan", "jobs", "status", "wait", "result",
            "cancel", "workers", "formats", "keys", "audit"]
needs_groff = pytest.mark.skipif(shutil.which("groff") is None,
                                 reason="groff is not installed")


def render(page):
    return subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P", "-cbou",
                           page], capture_output=True, text=True)


def test_all_pages_are_there():
    assert [p.name for p in PAGES] == [
        "logtally-coordinator.8", "logtally-formats.7", "logtally-query.7",
        "logtally-worker.8", "logtally.1"]


@needs_groff
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_page_renders_without_a_warning(page):
    p = render(page)
    assert p.returncode == 0 and p.stderr == ""
    assert len(p.stdout.splitlines()) > 40


def test_nothing_in_them_is_stale():
    p = subprocess.run([sys.executable, ROOT / "docs" / "man" / "make.py",
                        BUILD, "--check"], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr


@needs_groff
@pytest.mark.parametrize("page,program", [
    ("logtally.1", ["logtally", c]) for c in COMMANDS] + [
    ("logtally-worker.8", ["logtally-worker"]),
    ("logtally-coordinator.8", ["logtally-coordinator"])],
    ids=lambda x: " ".join(x) if isinstance(x, list) else x)
def test_every_option_is_in_its_page(page, program):
    text = render(ROOT / "docs" / "man" / page).stdout
    if len(program) == 2:
        text = re.search(rf"^   logtally {program[1]}\n(.*?)^(   \w|\w)", text,
                         re.M | re.S)[1]
    said = subprocess.run([BUILD / program[0], *program[1:], "--help"],
                          capture_output=True, text=True).stdout
    options = set(re.findall(r"--[a-z][a-z-]+", said))
    assert options <= set(re.findall(r"--[a-z][a-z-]+", text.replace(
        "\u2010", "-")))


def test_every_command_is_in_the_page():
    said = subprocess.run([BUILD / "logtally", "--help"], capture_output=True,
                          text=True).stdout
    commands = re.search(r"Commands:\n(.*?)\n\n", said, re.S)[1]
    assert [x.split()[0] for x in commands.splitlines()] == COMMANDS
    page = (ROOT / "docs" / "man" / "logtally.1").read_text()
    for command in COMMANDS:
        assert f".SS logtally {command}\n" in page
