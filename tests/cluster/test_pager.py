# SPDX-License-Identifier: Apache-2.0
"""A table that is higher than the terminal goes to $PAGER."""
import fcntl
import os
import pty
import struct
import subprocess
import termios

import make_logs
import pytest
from conftest import program

TALL = "count by line | head 100"


def on_a_terminal(query, log, pager, rows=24):
    """(exit code, what the terminal shows)"""
    try:
        leader, follower = pty.openpty()
    except OSError as e:
        pytest.skip(f"no terminal to be had here: {e}")
    fcntl.ioctl(follower, termios.TIOCSWINSZ,
                struct.pack("HHHH", rows, 80, 0, 0))
    p = subprocess.Popen([program("logtally"), "run", query, log],
                         env={**os.environ, "PAGER": pager}, stdout=follower,
                         stderr=subprocess.DEVNULL)
    os.close(follower)
    seen = b""
    try:
        while piece := os.read(leader, 65536):
            seen += piece
    except OSError:  # its other end is closed
        pass
    os.close(leader)
    return p.wait(20), seen.decode().replace("\r\n", "\n")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "access.log"
    path.write_bytes(make_logs.make(1, 300_000))
    return path


@pytest.fixture
def pager(tmp_path):
    """Keeps what it reads, and its words."""
    path = tmp_path / "pager"
    path.write_text(f'#!/bin/sh\necho "$LESS" "$@" >{tmp_path}/words\n'
                    f"cat >{tmp_path}/text\n")
    path.chmod(0o755)
    return path


def test_a_tall_table_goes_to_the_pager(log, pager):
    code, plain = on_a_terminal(TALL, log, "cat")
    assert code == 0 and plain.count("\n") == 101
    assert on_a_terminal(TALL, log, f"{pager} -a  b") == (0, "")
    assert (pager.parent / "text").read_text() == plain
    assert (pager.parent / "words").read_text().split()[-2:] == ["-a", "b"]


def test_a_short_table_does_not(log, pager):
    code, seen = on_a_terminal("count", log, str(pager))
    assert code == 0 and seen.startswith("count\n")
    code, seen = on_a_terminal(TALL, log, str(pager), rows=102)
    assert code == 0 and seen.count("\n") == 101
    assert not (pager.parent / "text").exists()


@pytest.mark.parametrize("name", ["", "cat", "/nowhere/less", "no-such-pager"])
def test_without_a_pager_it_is_printed(log, name):
    code, seen = on_a_terminal(TALL, log, name)
    assert code == 0 and seen.splitlines()[0].split() == ["line", "count"]


def test_a_reader_who_has_seen_enough(log):
    code, seen = on_a_terminal("count by line", log, "head -n 1")
    assert code == 0 and seen.count("\n") == 1
