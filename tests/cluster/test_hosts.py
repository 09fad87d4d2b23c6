# SPDX-License-Identifier: Apache-2.0
"""Three hosts as far as one machine can: network namespaces with their own
addresses and their own /var/log; loopback addresses where not permitted."""
import json
import os
import subprocess
import sys

import make_logs
import pytest
from conftest import Cluster, program, run

# Nobody gets in; who went out hears the answers.
SHUT = """table inet shut {
    chain input {
        type filter hook input priority 0; policy drop
        iif lo accept
        ct state established,related accept
    }
}
"""
MOUNT = 'mount --bind "$0" /var/log && exec "$@"'


def ip(*args, check=True):
    return subprocess.run(["ip", *args], check=check, capture_output=True)


def spaces():
    return [f"lt{os.getpid()}-{i}" for i in range(4)]


def lay_cables(names):
    """Namespace 0 holds the bridge 10.77.0.1, the others 10.77.0.2 to 4."""
    for name in names:
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
    ip("-n", names[0], "link", "add", "br0", "type", "bridge")
    ip("-n", names[0], "addr", "add", "10.77.0.1/24", "dev", "br0")
    ip("-n", names[0], "link", "set", "br0", "up")
    for i, name in enumerate(names[1:]):
        ip("-n", names[0], "link", "add", f"v{i}", "type", "veth", "peer",
           "name", "eth0", "netns", name)
        ip("-n", names[0], "link", "set", f"v{i}", "master", "br0", "up")
        ip("-n", name, "addr", "add", f"10.77.0.{i + 2}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
    subprocess.run(["unshare", "-m", "true"], check=True)


def permitted(names):
    try:
        lay_cables(names)
        return True
    except (OSError, subprocess.CalledProcessError):
        return False


def shut(name):
    """A firewall on the host; False: there is no nft here."""
    try:
        return subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"],
                              input=SHUT.encode()).returncode == 0
    except OSError:
        return False


def can_be_dialled(enter, address, port):
    return subprocess.run([
        *enter, sys.executable, "-c", "import socket, sys; "
        "socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.5)",
        address, str(port)], stderr=subprocess.DEVNULL).returncode == 0


def check_that_nothing_gets_in(coordinator, host):
    """Even where somebody listens."""
    server = subprocess.Popen([
        *host, sys.executable, "-c", "import socket, sys; "
        "s = socket.create_server(('10.77.0.2', 7710)); print(flush=True); "
        "sys.stdin.read()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        assert can_be_dialled(host, "10.77.0.2", 7710)
        assert not can_be_dialled(coordinator, "10.77.0.2", 7710)
    finally:
        server.communicate()


def check(folder, names, real, transport="push"):
    enter = [["ip", "netns", "exec", n] if real else [] for n in names]
    c = Cluster(folder, "10.77.0.1" if real else "127.0.0.1", enter[0],
                transport=transport)
    try:
        files = []
        for i in (1, 2, 3):
            root = folder / f"log{i}"
            root.mkdir()
            files.append(root / "access.log")
            files[-1].write_bytes(make_logs.make(i, 50_000))
            wrap = enter[i] + (["unshare", "-m", "sh", "-c", MOUNT,
                                str(root)] if real else [])
            c.worker(f"web{i}", "/var/log" if real else root, wrap=wrap,
                     listen=f"10.77.0.{i + 1}" if real else f"127.0.0.{i + 1}")
        sources = [f"web{i}:/var/log/access.log" if real else f"web{i}:{f}"
                   for i, f in enumerate(files, 1)]
        query = "count, sum(bytes) by status"
        out = subprocess.run(
            [*enter[0], program("logtally"), "submit", query, *sources,
             "-o", "json"], env=c.env(), capture_output=True, timeout=60)
        assert out.returncode == 0, out.stderr
        got = json.loads(out.stdout)
        want = json.loads(run("run", query, *files, "-o", "json").stdout)
        assert got["rows"] == want["rows"]
        assert got["receipt"]["fingerprint"] == \
            want["receipt"]["fingerprint"]
    finally:
        c.close()


@pytest.mark.parametrize("transport", ["push", "dial"])
def test_three_hosts(tmp_path, capsys, transport):
    names = spaces()
    real = permitted(names)
    is_shut = real and transport == "dial" and all(map(shut, names[1:]))
    with capsys.disabled():
        print("hosts:", "network namespaces" if real else
              "loopback addresses (namespaces are not permitted here)",
              "that nobody gets into" if is_shut else "")
    try:
        if is_shut:
            check_that_nothing_gets_in(
                *(["ip", "netns", "exec", n] for n in names[:2]))
        check(tmp_path, names, real, transport)
    finally:
        for name in names:
            ip("netns", "del", name, check=False)
