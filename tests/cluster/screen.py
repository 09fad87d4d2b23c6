# SPDX-License-Identifier: Apache-2.0
"""A terminal of a size of its own (tmux, a server for each), what is typed
into it and what it shows. A screen is compared with a file of
tests/cluster/screens, line by line, in which

    <N>   is a number with its unit: 1.2 GB, 12, 350 ms
    <?>   is anything on this line

Blanks are one, since what stands beside a number moves with its digits."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from conftest import wait_for

SCREENS = Path(__file__).resolve().parent / "screens"
HOLES = {"<N>": r"\d+(?:\.\d+)?(?: ?(?:[KMGT]?B(?:/s)?|ms|s|min \d+ s))?%?",
         "<?>": r".*"}
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None,
                                reason="tmux is not installed")


class Screen:
    def __init__(self, folder, argv, env, columns=80, lines=24):
        self.socket = str(Path(folder) / "tmux")
        self.ended = Path(folder) / "ended"
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

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"],
                       stderr=subprocess.DEVNULL)


def pattern(line):
    parts = re.split("(<N>|<\\?>)", re.sub(" +", " ", line.strip()))
    return "".join(HOLES.get(p, re.escape(p)) for p in parts)


def alike(want, got):
    return len(want) == len(got) and all(
        re.fullmatch(pattern(w), re.sub(" +", " ", g.strip()))
        for w, g in zip(want, got))
