# SPDX-License-Identifier: Apache-2.0
"""What the shells offer for a command line that is not finished."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "completion"
LOGTALLY = Path(os.environ["LOGTALLY_BUILD"]) / "logtally"

# zsh has its completion system in interactive shells alone: here its words
# are printed instead of offered, and no line is cut at a comma.
ZSH = """
compadd() { while [[ $1 == -* && $1 != -- ]]; do
    [[ $1 == -S ]] && shift; shift; done; [[ $1 == -- ]] && shift
    print -l -- $@; }
compset() { words[CURRENT]=${words[CURRENT]##*,}; }
_files() { print -- FILES; }
words=("$@"); CURRENT=$#
source %s
"""
BASH = """
source %s
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_logtally 2>/dev/null
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def offered(shell, *words):
    """Those of the offered words that go on with the last one."""
    argv = {"bash": ["bash", "--norc", "-c", BASH % (FOLDER / "logtally.bash")],
            "zsh": ["zsh", "-f", "-c", ZSH % (FOLDER / "_logtally")]}[shell]
    p = subprocess.run([*argv, shell, LOGTALLY, *words], capture_output=True,
                       text=True, timeout=20)
    assert p.stderr == ""
    last = words[-1].rsplit(",", 1)[-1]
    return {x.rsplit(",", 1)[-1] for x in p.stdout.split()
            if x.rsplit(",", 1)[-1].startswith(last)}


def options_of(command):
    text = subprocess.run([LOGTALLY, command, "--help"], capture_output=True,
                          text=True).stdout
    return set(re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", text, re.M))


@pytest.fixture(params=["bash", "zsh"])
def shell(request):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.mark.parametrize("words,want", [
    (["r"], {"run", "report", "result"}), (["w"], {"wait", "workers"}),
    (["--"], {"--help", "--version"}),
    (["run", "count", "-o", "js"], {"json", "jsonl"}),
    (["run", "count", "--output", "t"], {"table", "tsv"}),
    (["run", "count", "-f", "comb"],
     {"combined", "combined+time", "combined+us"}),
    (["submit", "count", "--format", "au"], {"auto"}),
    (["run", "sta"], {"status"}), (["run", "to"], {"top"}),
    (["run", "-b", "pr"], {"proto"}), (["run", "-b", "ip,u"],
                                       {"url", "user", "ua"}),
    (["keys", "re"], {"revoke", "reload"}),
    (["keys", "new", "d", "web1", "--role", ""],
     {"worker", "client", "admin"}),
    (["formats", ""], {"test"}), (["audit", ""], {"verify"}),
    (["submit", "count", "--dead"], {"--deadline"})])
def test_words_are_offered(shell, words, want):
    assert offered(shell, *words) == want


@pytest.mark.parametrize("command", ["run", "submit", "plan", "wait", "keys",
                                     "result", "workers"])
def test_all_options_of_a_command_are_offered(shell, command):
    assert offered(shell, command, "--") == options_of(command)


@pytest.mark.parametrize("field", "ip ident user time request method url path "
                         "query proto status bytes referer ua vhost port dur "
                         "host file line".split())
def test_what_is_offered_as_a_field_is_one(field):
    assert subprocess.run([LOGTALLY, "run", f"count by {field}", "--explain"],
                          capture_output=True).returncode == 0
    for name in ("logtally.bash", "_logtally"):
        assert field in (FOLDER / name).read_text().split("fields=")[1]
