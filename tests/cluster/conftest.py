# SPDX-License-Identifier: Apache-2.0
"""Real processes from the build folder named by LOGTALLY_BUILD. Everything
waits for a condition with a deadline, never for time to pass."""
import collections
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "oracle"))
BUILD = Path(os.environ.get("LOGTALLY_BUILD", ROOT / "build" / "release"))


def program(name):
    return str(BUILD / name)


def wait_for(what, condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


def run(*args, timeout=120, ok=True, **kw):
    p = subprocess.run([program("logtally"), *map(str, args)],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=timeout, **kw)
    if ok:
        assert p.returncode == 0, p.stderr.decode(errors="replace")
    return p


# Below those that connections take by themselves; cut into shares, one for each
# test process, since they run side by side.
PORTS = range(20000, 32000)
SHARES = 24


def take_share():
    """Of the ports: this process has it until it ends, and tells the others
    by a name that no other can bind meanwhile."""
    for i in range(SHARES):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0logtally-test-ports-{i}")
        except OSError:
            name.close()
            continue
        size = len(PORTS) // SHARES
        return name, PORTS[i * size:(i + 1) * size]
    raise AssertionError(f"{SHARES} test processes have all ports")


share = take_share()
# The last ones of this process, which the threads of tests/crash share.
given = collections.deque(maxlen=len(share[1]) // 2)


def free_ports(n, address="127.0.0.1"):
    """n that nobody else got or gets soon: one is bound again after a restart,
    and not held until then."""
    ports = []
    while len(ports) < n:
        port = random.choice(share[1])
        with socket.socket() as s:
            try:
                s.bind((address, port))
            except OSError:
                continue
        if port not in given:
            given.append(port)
            ports.append(port)
    return ports


def free_port(address="127.0.0.1"):
    return free_ports(1, address)[0]


class Process:
    def __init__(self, folder, name, argv, wrap=(), env=None):
        self.log = Path(folder) / f"{name}.log"
        self.file = open(self.log, "ab")
        self.popen = subprocess.Popen([*wrap, *map(str, argv)],
                                      stdin=subprocess.DEVNULL, env=env,
                                      stdout=self.file, stderr=self.file)

    def said(self, text):
        return text in self.log.read_text(errors="replace")

    def until(self, text, seconds=20):
        def ready():
            assert self.popen.poll() is None or self.said(text), \
                self.log.read_text(errors="replace")
            return self.said(text)
        wait_for(f"{text} in {self.log}", ready, seconds)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self.popen.wait()
        self.file.close()


class Cluster:
    """A coordinator and workers with keys of their own. How its workers get
    their shards is `transport`: push (to their intakes), or dial."""

    def __init__(self, folder, address="127.0.0.1", wrap=(), options=(),
                 transport="push"):
        self.folder, self.address = Path(folder), address
        self.transport = transport
        self.keys, self.state = self.folder / "keys", self.folder / "state"
        self.processes, self.workers = [], {}
        self.state.mkdir(exist_ok=True)
        run("keys", "init", self.keys)
        control, sink = free_ports(2)
        self.coordinator = self.start("coordinator", [
            program("logtally-coordinator"), "--keys", self.keys,
            "--state", self.state, "--listen", address, "--control-port",
            control, "--sink-port", sink, "--lane-port", "0", *options], wrap)
        self.coordinator.until("coordinator-ready")
        wait_for("the ports file", (self.state / "ports").exists)
        lines = (self.state / "ports").read_text().split()
        ports = dict(x.split("=") for x in lines if "=" in x)
        self.endpoint = f"tcp://{address}:{ports['control_port']}"

    def start(self, name, argv, wrap=(), env=None):
        p = Process(self.folder, name, argv, wrap, env)
        self.processes.append(p)
        return p

    def worker(self, name, root, *extra, **kw):
        p = self.worker_later(name, root, *extra, **kw)
        p.until("worker-registered")
        return p

    def worker_later(self, name, root, *extra, wrap=(), new_key=True,
                     listen="127.0.0.1", env=None):
        """Registers when there is a coordinator."""
        if new_key:
            run("keys", "new", self.keys, name, "--role", "worker",
                "--host", name)
        p = self.start(name, [
            program("logtally-worker"), "--coordinator", self.endpoint,
            "--keys", self.keys / "issued" / name, "--name", name, "--root",
            root, *self.reached(listen), *extra], wrap, env)
        self.workers[name] = p
        return p

    def reached(self, listen, port="0"):
        return (["--transport", "dial"] if self.transport == "dial" else
                ["--listen", listen, "--intake-port", port])

    def env(self, **more):
        return {**os.environ, "LOGTALLY_COORDINATOR": self.endpoint,
                "LOGTALLY_KEYS": str(self.keys / "issued" / "admin"), **more}

    def cli(self, *args, **kw):
        return run(*args, env=self.env(), **kw)

    def submit(self, query, *sources, **kw):
        return json.loads(self.cli("submit", query, *sources, "-o", "json",
                                   **kw).stdout)

    def popen(self, *args):
        return subprocess.Popen([program("logtally"), *map(str, args)],
                                env=self.env(), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def close(self):
        for p in reversed(self.processes):
            if p.popen.poll() is None:
                p.popen.send_signal(18)  # SIGCONT: a stopped one must end
            p.stop()


def restart(cluster, kill=signal.SIGKILL):
    """The same coordinator again, at the same place."""
    port = cluster.endpoint.rsplit(":", 1)[1]
    cluster.coordinator.popen.send_signal(kill)
    cluster.coordinator.popen.wait()
    cluster.coordinator = cluster.start("coordinator2", [
        program("logtally-coordinator"), "--keys", cluster.keys, "--state",
        cluster.state, "--listen", cluster.address, "--control-port", port,
        "--sink-port", "0", "--lane-port", "0"])
    cluster.coordinator.until("coordinator-ready")


def transport_of(request):
    """A test with @both_transports is one for each; the others push."""
    return getattr(request, "param", "push")


# The same test with workers that are dialled, and with such that dial.
both_transports = pytest.mark.parametrize("cluster", ["push", "dial"],
                                          indirect=True)


@pytest.fixture
def cluster(tmp_path, request):
    c = Cluster(tmp_path, transport=transport_of(request))
    yield c
    c.close()


CLEAN = [(b'192.0.2.%d - - [14/Nov/2023:22:%02d:00 +0000] "GET /p%d '
          b'HTTP/1.1" 200 %d "-" "ua"\n') % (i % 250, i % 60, i % 97, i)
         for i in range(20_000)]


@pytest.fixture
def shared(cluster, tmp_path):
    """Files that every worker sees, in many small shards' worth."""
    folder = tmp_path / "shared"
    folder.mkdir()
    for i in range(12):
        (folder / f"{i}.log").write_bytes(b"".join(CLEAN * 4))
    for i in range(3):
        cluster.worker(f"web{i}", folder, "-j", "1")
    return cluster, folder


def rows_and_print(doc):
    return doc["columns"], doc["rows"], doc["receipt"]["fingerprint"]


def workers_of(cluster):
    listed = json.loads(cluster.cli("workers", "--json").stdout)
    return {w["name"]: w for w in listed}
