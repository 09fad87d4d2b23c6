# SPDX-License-Identifier: Apache-2.0
"""What strangers without a key can do to a coordinator: knock. Honest users
keep getting their answers, and memory stays within bounds."""
import os
import re
import resource
import select
import socket
import struct
import time

import pytest
from conftest import Cluster, wait_for

N_KEYLESS = 2000
GREETING = (b"\xff" + b"\x00" * 8 + b"\x7f" + b"\x03\x01" +
            b"CURVE".ljust(20, b"\x00") + b"\x00" + b"\x00" * 31)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * N_KEYLESS:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # What asan keeps of freed memory would count as the coordinator's.
    options = os.environ.get("ASAN_OPTIONS", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASAN_OPTIONS", f"{options}:quarantine_size_mb=4")
        c = Cluster(tmp_path_factory.mktemp("strangers"))
    yield c
    c.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(cluster):
    text = open(f"/proc/{cluster.coordinator.popen.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) << 10


def descriptors(cluster):
    return len(os.listdir(f"/proc/{cluster.coordinator.popen.pid}/fd"))


def knock(cluster, first=b""):
    host, port = cluster.endpoint[6:].rsplit(":", 1)
    s = socket.create_connection((host, int(port)), timeout=10)
    if first:
        try:
            s.sendall(first)
        except OSError:
            pass
    return s


def round_trip(cluster):
    """Seconds from the start of a command to its end; the best of three: the
    machine may be busy with other things."""
    best = 1e9
    for _ in range(3):
        start = time.monotonic()
        cluster.cli("jobs", timeout=10)
        best = min(best, time.monotonic() - start)
    return best


def close_all(knocks):
    for s in knocks:
        s.close()


def test_two_thousand_keyless_connections(cluster):
    round_trip(cluster)
    before, had = memory(cluster), descriptors(cluster)
    knocks = [knock(cluster, GREETING if i % 2 else b"")
              for i in range(N_KEYLESS)]
    assert round_trip(cluster) < 1
    assert memory(cluster) - before < 64 << 20
    # The handshake limit closes them all, without anybody's help.
    wait_for("the descriptors", lambda: descriptors(cluster) < had + 50, 20)
    close_all(knocks)
    assert round_trip(cluster) < 1
    assert memory(cluster) - before < 64 << 20


def test_a_scanner_in_a_loop(cluster):
    before, lines = memory(cluster), len(cluster.coordinator.log.read_text())
    end = time.monotonic() + 2
    n = 0
    while time.monotonic() < end:
        knock(cluster, [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00",
                        b"SSH-2.0-x\r\n", b""][n % 4]).close()
        n += 1
    assert n > 100
    assert round_trip(cluster) < 1
    assert memory(cluster) - before < 64 << 20
    assert len(cluster.coordinator.log.read_text()) - lines < 20000


@pytest.mark.parametrize("flags", [0x02, 0x06])
def test_a_gibibyte_announced_before_the_handshake(cluster, flags):
    """A long frame or a long command behind a good greeting."""
    before = memory(cluster)
    knocks = []
    for _ in range(20):
        s = knock(cluster, GREETING)
        try:
            s.sendall(struct.pack(">BQ", flags, 1 << 30) + b"x" * 65536)
        except OSError:
            pass
        knocks.append(s)
    assert round_trip(cluster) < 1
    assert memory(cluster) - before < 64 << 20
    for s in knocks:
        # Closed on them, by a refusal or by the handshake limit.
        deadline = time.monotonic() + 10
        while True:
            assert select.select([s], [], [], deadline - time.monotonic())[0]
            try:
                if not s.recv(65536):
                    break
            except OSError:
                break
    close_all(knocks)
