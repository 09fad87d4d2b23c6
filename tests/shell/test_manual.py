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
            "cancel", "workers", "top", "doctor", "formats", "keys",
            "audit"]
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
    # What is not filled fits a terminal as well.
    assert [x for x in p.stdout.splitlines() if len(x) > 80] == []
    assert "|---" not in p.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_page_is_of_this_version(page):
    said = subprocess.run([BUILD / "logtally", "--version"], text=True,
                          capture_output=True).stdout.strip()
    assert re.search(r'^\.TH .* "([^"]*)" "[^"]*"$', page.read_text(),
                     re.M)[1] == said


def test_nothing_in_them_is_stale():
    p = subprocess.run([sys.executable, ROOT / "docs" / "man" / "make.py",
                        BUILD, "--check"], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout + p.stderr


def options_in(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+",
                          text.replace("\u2010", "-")))


def help_of(*program):
    p = subprocess.run([BUILD / program[0], *program[1:], "--help"],
                       capture_output=True, text=True)
    return p.stdout


@needs_groff
@pytest.mark.parametrize("page,program", [
    ("logtally.1", ["logtally", c]) for c in COMMANDS] + [
    ("logtally-worker.8", ["logtally-worker"]),
    ("logtally-coordinator.8", ["logtally-coordinator"])],
    ids=lambda x: " ".join(x) if isinstance(x, list) else x)
def test_options_are_those_of_the_help(page, program):
    text = render(ROOT / "docs" / "man" / page).stdout
    if len(program) == 2:
        text = re.search(rf"^   logtally {program[1]}\n(.*?)^(   \w|\w)", text,
                         re.M | re.S)[1]
    else:
        text = re.search(r"^OPTIONS\n(.*?)^\w", text, re.M | re.S)[1]
    assert options_in(text) == options_in(help_of(*program))


@needs_groff
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_page_names_an_option_that_there_is_not(page):
    known = options_in(help_of("logtally") + help_of("logtally-worker") +
                       help_of("logtally-coordinator") +
                       "".join(help_of("logtally", c) for c in COMMANDS))
    assert options_in(render(page).stdout) <= known


def test_every_command_is_in_the_page():
    said = subprocess.run([BUILD / "logtally", "--help"], capture_output=True,
                          text=True).stdout
    commands = re.search(r"Commands:\n(.*?)\n\n", said, re.S)[1]
    assert [x.split()[0] for x in commands.splitlines()] == COMMANDS
    page = (ROOT / "docs" / "man" / "logtally.1").read_text()
    for command in COMMANDS:
        assert f".SS logtally {command}\n" in page
