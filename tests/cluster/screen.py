# SPDX-License-Identifier: Apache-2.0
"""A terminal of a size of its own (tmux, a server for each), what is typed
into it and what it shows. A screen is compared with a file of
tests/cluster/screens, line by line, in which

    <N>   is a number with its unit: 1.2 GB, 12, 350 ms
    <?>   is anything on this line
    <*>   on a line of its own: any lines, or none

Blanks are one, since what stands beside a number moves with its digits."""
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import make_logs
import pytest
from conftest import program, wait_for

SCREENS = Path(__file__).resolve().parent / "screens"
HOLES = {"<N>": r"\d+(?:\.\d+)?(?: ?(?:[KMGT]?B(?:/s)?|ms|s|min \d+ s))?%?",
         "<?>": r".*"}
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None,
                                reason="tmux is not installed")


class Screen:
    made = 0

    def __init__(self, folder, argv, env, columns=80, lines=24):
        Screen.made += 1
        self.socket = str(Path(folder) / f"tmux{Screen.made}")
        self.ended = Path(folder) / f"ended{Screen.made}"
        # The shell keeps the screen and the exit code of what has ended.
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns),
                  "-y", str(lines), "--", "sh", "-c",
                  f'trap : INT; "$@"; echo $? >{self.ended}; exec cat', "sh",
                  *map(str, argv), env=env)

    def tmux(self, *args, env=None):
        return subprocess.run(
            ["tmux", "-u", "-S", self.socket, *args], check=True, timeout=20,
            stdout=subprocess.PIPE, env={
                k: v for k, v in (env or os.environ).items() if k != "TMUX"
            }).stdout.decode()

    def colours(self):
        """Those of letters, as the terminal was told."""
        return set(re.findall(r"\033\[(?:\d+;)*(3[0-7])m",
                              self.tmux("capture-pane", "-e", "-p")))

    def lines(self):
        """Without the empty ones at the end."""
        text = self.tmux("capture-pane", "-p")
        return [x.rstrip() for x in text.rstrip("\n").split("\n")]

    def until(self, text, seconds=20):
        """The screen that has it."""
        seen = [""]

        def there():
            seen[0] = "\n".join(self.lines())
            return text in seen[0]
        try:
            wait_for(text, there, seconds)
        except AssertionError:
            raise AssertionError(f"no '{text}' in\n{seen[0]}") from None
        return seen[0]

    def type(self, *keys):
        self.tmux("send-keys", *keys)

    def resize(self, columns, lines):
        self.tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def until_like(self, name, seconds=20, **words):
        """It shows what is in the file, in which {word} stands for others."""
        want = (SCREENS / f"{name}.txt").read_text()
        for word, text in words.items():
            want = want.replace("{" + word + "}", text)
        want = want.rstrip("\n").split("\n")
        deadline = time.monotonic() + seconds
        while not alike(want, got := self.lines()):
            if time.monotonic() > deadline:
                raise AssertionError("wanted\n" + "\n".join(want) +
                                     "\n\nbut there is\n" + "\n".join(got))
            time.sleep(0.02)

    def exit_code(self):
        wait_for("its end", lambda: self.ended.exists() and
                 self.ended.read_text().endswith("\n"))
        return int(self.ended.read_text())

    def go_on(self):
        """After Ctrl-Z, as the shell's fg."""
        group = self.tmux("display-message", "-p", "#{pane_pid}")
        os.killpg(int(group), signal.SIGCONT)

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"],
                       stderr=subprocess.DEVNULL)


def one_blank(line):
    return re.sub(" +", " ", line.strip())


def pattern(line):
    if line == "<*>":
        return "(?:.*\n)*?"
    parts = re.split("(<N>|<\\?>)", one_blank(line))
    return "".join(HOLES.get(p, re.escape(p)) for p in parts) + "\n"


def alike(want, got):
    return re.fullmatch("".join(map(pattern, want)),
                        "".join(one_blank(g) + "\n" for g in got))


QUERY = "count by path"


@pytest.fixture
def slow(cluster, tmp_path):
    """Two workers; freeze() stops the executors of web2, which takes what it
    is lent then and does not count it."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.log").write_bytes(make_logs.make(1, 50_000))
    other = tmp_path / "other"
    other.mkdir()
    (other / "3.log").write_bytes(make_logs.make(2, 50_000))
    cluster.worker("web1", folder, "-j", "1")
    cluster.worker("web2", other, "-j", "1")
    cluster.sources = [f"web1:{folder}/*", f"web2:{other}/*"]
    cluster.whole = cluster.cli("submit", QUERY, *cluster.sources,
                                "-o", "table").stdout.decode()
    pids = subprocess.run(
        ["pgrep", "-P", str(cluster.workers["web2"].popen.pid)],
        stdout=subprocess.PIPE, check=True).stdout.split()

    def send(number):
        for pid in pids:
            with suppress(ProcessLookupError):  # its job was cancelled
                os.kill(int(pid), number)
    cluster.freeze = lambda: send(signal.SIGSTOP)
    cluster.thaw = lambda: send(signal.SIGCONT)
    yield cluster
    cluster.thaw()  # else its worker waits for it at the end


@pytest.fixture
def screen(tmp_path):
    screens = []

    def start(*args, **kw):
        screens.append(Screen(tmp_path, *args, **kw))
        return screens[-1]
    yield start
    for s in screens:
        s.close()


@contextmanager
def held_run(folder, screen, *options, query=QUERY, more=b""):
    """`logtally run` of a log, and of a standard input that ends behind the
    with, after `more`."""
    fifo, log = folder / "more", folder / "x.log"
    os.mkfifo(fifo)
    log.write_bytes(make_logs.make(1, 1_200_000))
    s = screen(["sh", "-c", f"exec {program('logtally')} run '{query}' {log} "
                f"- -j 2 --shard-size 1MiB {' '.join(options)} <{fifo}"],
               {"PATH": "/usr/bin:/bin", "TERM": "tmux", "PAGER": "cat"})
    with open(fifo, "wb") as standard_input:
        yield s
        standard_input.write(more)
