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
# are printed instead of offered.
ZSH = """
compadd() { while [[ $1 == -* && $1 != -- ]]; do
    [[ $1 == -S ]] && shift; shift; done; [[ $1 == -- ]] && shift
    print -l -- $@; }
compset() { words[CURRENT]=${words[CURRENT]##$~2}; }
_files() { print -- FILES; }
words=("$@"); CURRENT=$#
source %s
"""
BASH = """
source %s
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compopt() { :; }
_logtally
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def offered(shell, *words):
    """Those of the offered words that go on with the last one."""
    last = re.split("[,=]", words[-1])[-1]
    if shell == "bash":  # it cuts words there
        words = [x for w in words for x in re.split("(=)", w) if x] or [""]
        words += [""] if last == "" and words[-1] != "=" else []
    argv = {"bash": ["bash", "--norc", "-c", BASH % (FOLDER / "logtally.bash")],
            "zsh": ["zsh", "-f", "-c", ZSH % (FOLDER / "_logtally")]}[shell]
    p = subprocess.run([*argv, shell, LOGTALLY, *words], capture_output=True,
                       text=True, timeout=20)
    assert p.stderr == ""
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
    (["doctor", ""], {"coordinator", "worker", "client"}),
    (["doctor", "worker", "-o", ""], {"text", "json"}),
    (["submit", "count", "--dead"], {"--deadline"}),
    (["run", "count", "--progress=js"], {"json"}),
    (["run", "count", "--progress="], {"auto", "bar", "json", "none"}),
    (["submit", "--format=comb"],
     {"combined", "combined+time", "combined+us"}),
    (["run", "--by=ip,u"], {"url", "user", "ua"}),
    # The query is the first word that is no option, wherever it stands.
    (["run", "-o", "json", "--quiet", "sta"], {"status"}),
    (["run", "--output=json", "sta"], {"status"}),
    (["keys", "--role", "worker", "re"], {"revoke", "reload"})])
def test_words_are_offered(shell, words, want):
    assert offered(shell, *words) == want


# Files; the shells know them.
@pytest.mark.parametrize("words", [
    ["run", "count", "sta"], ["run", "status=404", "sta"],
    ["run", "-b", "ip", "sta"], ["run", "-q", "daily.ltq", "sta"],
    ["plan", "--by=ip", "sta"], ["submit", "count", "--deadline", "sta"]])
def test_no_names_of_fields_behind_the_query(shell, words):
    assert offered(shell, *words) <= {"FILES"}


def named(command, option):
    """The values that the help has for an option."""
    text = subprocess.run([LOGTALLY, command, "--help"], capture_output=True,
                          text=True).stdout
    what = re.search(rf"{option} KIND(.*?)^ +(?:-\w, )?--", text,
                     re.M | re.S)[1]
    what = re.sub(r"\(.*?\)|;.*", "", " ".join(what.split()))
    return {x.strip() for x in what.split(",")}


@pytest.mark.parametrize("command", ["run", "submit", "report"])
@pytest.mark.parametrize("option", ["--output", "--progress"])
def test_the_values_of_an_option_are_those_of_the_help(shell, command, option):
    assert offered(shell, command, "count", option, "") \
        == named(command, option)


def test_the_roles_are_those_of_the_help(shell):
    text = subprocess.run([LOGTALLY, "keys", "--help"], capture_output=True,
                          text=True).stdout
    assert offered(shell, "keys", "new", "d", "n", "--role", "") \
        == set(re.search(r"--role ([a-z|]+)", text)[1].split("|"))


@pytest.mark.parametrize("command", ["run", "submit", "plan", "jobs", "status",
                                     "wait", "result", "cancel", "workers",
                                     "doctor", "formats", "report", "keys",
                                     "audit"])
def test_all_options_of_a_command_are_offered(shell, command):
    assert offered(shell, command, "--") == options_of(command)


def test_all_fields_of_the_language_are_offered(shell):
    source = FOLDER.parents[1] / "common" / "query" / "field.c"
    fields = set(re.findall(r'= \{"(\w+)", TYPE_', source.read_text()))
    assert len(fields) > 10
    assert offered(shell, "run", "--by", "") == fields | {"host", "file",
                                                          "line"}


@pytest.mark.parametrize("field", "ip ident user time request method url path "
                         "query proto status bytes referer ua vhost port dur "
                         "host file line".split())
def test_what_is_offered_as_a_field_is_one(field):
    assert subprocess.run([LOGTALLY, "run", f"count by {field}", "--explain"],
                          capture_output=True).returncode == 0
    for name in ("logtally.bash", "_logtally"):
        assert field in (FOLDER / name).read_text().split("fields=")[1]
