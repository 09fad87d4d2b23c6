# SPDX-License-Identifier: Apache-2.0
"""Real processes, and something goes wrong with them in the middle of a job.

    chaos.py RUNS [--seed N] [--only FAULT] [--at-once N] [--web1 dial|push]
    chaos.py --small

Each run has a coordinator, two workers behind proxies (or, to cut its wire,
one of them in a network namespace), one of which dials for its shards and one
is dialled (web1, which most faults are about, is either), and a job whose
answer is known from `logtally run`. One or two faults come at random moments. After
it: the same fingerprint, or exit code 3 and just the files named that a fault
spoiled; and no process is left. A run that goes wrong keeps its folder and
prints its seed. Wants LOGTALLY_BUILD, the folder of the programs."""
import argparse
import collections
import concurrent.futures
import errno
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cluster"),
                str(HERE.parent / "oracle")]
import own_net  # noqa: E402
own_net.enter()
import conftest  # noqa: E402
import faults  # noqa: E402
import links  # noqa: E402
import make_logs  # noqa: E402
import proxy  # noqa: E402

QUERY = "count, sum(bytes) by status, method"
LOG_BYTES = 24 << 20
SMALL_BYTES = 8 << 20  # the test suite counts with sanitizers: seconds too
END_S = 60
SMALL = ["worker_killed", "executor_killed", "coordinator_killed",
         "both_killed", "worker_stopped", "coordinator_stopped",
         "control_reset", "sink_corrupt", "intake_freeze", "lane_reset",
         "lane_freeze_from", "file_truncated",
         "client_killed", "disk_full", "wire_cut_from_worker"]


class Wrong(Exception):
    pass


class Run:
    QUERY, SHARD_BYTES = QUERY, 12 << 10

    def __init__(self, seed, only, data, web1=None):
        self.rng = random.Random(seed)
        one, other = ("push", "dial") if random.Random(
            f"transport {seed}").random() < 0.5 else ("dial", "push")
        if web1 and web1 != one:
            one, other = other, one
        self.transport = {"web1": one, "web2": other}
        self.seed, self.data, self.names = seed, data, []
        names = sorted(faults.FAULTS)
        if only:
            self.names = [only]
        else:  # every kind in turn, and often a second one
            self.names = [names[seed % len(names)]]
            if self.rng.random() < 0.3:
                self.names.append(self.rng.choice(
                    [n for n in names if faults.go_together(n, *self.names)]))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="chaos-"))
        self.proxies, self.mounted, self.in_time = {}, False, 0
        self.link = None

    # -- what the faults use

    def stop(self, pid, seconds):
        try:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def end_worker(self, how):
        self.worker.popen.send_signal(how)
        self.worker.popen.wait(30)

    def start_worker(self):
        self.worker = self.new_worker("web1", self.log.parent, self.port)

    def restart_coordinator(self, how, pause):
        port = self.cluster.endpoint.rsplit(":", 1)[1]
        old = self.cluster.coordinator.popen
        old.send_signal(how)
        old.wait(30)
        time.sleep(pause)
        self.cluster.coordinator = self.cluster.start("coordinator2", [
            conftest.program("logtally-coordinator"), "--keys",
            self.cluster.keys, "--state", self.cluster.state, "--listen",
            self.cluster.address, "--control-port", port, "--sink-port",
            self.sink, "--lane-port", self.lane])
        self.cluster.coordinator.until("coordinator-ready")

    def wait_again(self):
        job = json.loads(self.cluster.cli("jobs", "--json").stdout)[0]["job"]
        self.client = self.cluster.popen("wait", str(job))
        self.waits_for = job

    # -- the stage

    def mount(self, path):
        self.mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=32M", "none", path],
            capture_output=True).returncode == 0
        return self.mounted

    def start_cluster(self):
        state = self.folder / "state"
        if "disk_full" in self.names:
            state.mkdir()
            if not self.mount(state):
                self.names = ["coordinator_killed"]
        self.lane = str(self.free_port())
        self.cluster = conftest.Cluster(
            self.folder, self.link.near if self.link else "127.0.0.1",
            options=["--lane-port", self.lane])
        self.sink = (state / "ports").read_text().split("sink_port=")[
            1].split()[0]

    def new_worker(self, name, root, port):
        far = self.cluster.endpoint.rsplit(":", 1)[1]
        there, here, wrap = "127.0.0.2", "127.0.0.3", ()
        if self.link:
            there = here = self.link.near
            if name == "web1":
                here, wrap = self.link.far, self.link.inside
        self.cluster.transport = self.transport[name]
        reached = self.cluster.reached(here, port)
        return self.cluster.start(name, [
            conftest.program("logtally-worker"), "--coordinator",
            f"tcp://{there}:{far}", "--keys",
            self.cluster.keys / "issued" / name, "--name", name, "--root",
            root, *reached, "-j", "1"], wrap, self.worker_env(name))

    def worker_env(self, name):
        for how in ("short", "eio"):
            if name == "web1" and f"reads_{how}" in self.names:
                shim = conftest.BUILD.resolve() / "tests" / "libbad_reads.so"
                assert shim.exists(), f"no {shim}"
                return {**os.environ, "LD_PRELOAD": str(shim),
                        "BAD_READS": how}
        return None

    def free_port(self):
        """Below those that the kernel gives to connections: one of them
        would take the port before its proxy listens."""
        while True:
            port = random.SystemRandom().randrange(12000, 32000)
            try:
                with socket.socket() as s, socket.socket() as t:
                    s.bind(("127.0.0.3", port))
                    t.bind(("127.0.0.1", port))
                    return port
            except OSError:
                continue

    def start(self):
        if faults.ON_LINKS.intersection(self.names):
            self.link = links.Link(self.seed)
        self.start_cluster()
        self.port, other = self.free_port(), self.free_port()
        if not self.link:
            self.start_proxies(other)
        for i, port in ((1, self.port), (2, other)):
            folder = self.folder / f"logs{i}"
            folder.mkdir()
            shutil.copy(self.data, folder / "access.log")
            conftest.run("keys", "new", self.cluster.keys, f"web{i}",
                         "--role", "worker", "--host", f"web{i}")
            worker = self.new_worker(f"web{i}", folder, port)
            worker.until("worker-registered")
            if i == 1:
                self.worker, self.log = worker, folder / "access.log"

    def start_proxies(self, other):
        control = self.cluster.endpoint.rsplit(":", 1)[1]
        self.proxies = {
            "control": proxy.Proxy([(("127.0.0.2", int(control)),
                                     ("127.0.0.1", int(control)))]),
            "sink": proxy.Proxy([(("127.0.0.2", int(self.sink)),
                                  ("127.0.0.1", int(self.sink)))]),
            "lane": proxy.Proxy([(("127.0.0.2", int(self.lane)),
                                  ("127.0.0.1", int(self.lane)))]),
            "intake": proxy.Proxy([(("127.0.0.1", p), ("127.0.0.3", p))
                                   for p in (self.port, other)])}

    def submit(self):
        self.waits_for = None
        self.client = self.cluster.popen(
            "submit", QUERY, "--shard-size", str(self.SHARD_BYTES), "-o", "json",
            "--allow-partial",
            *(f"web{i}:{self.folder}/logs{i}/access.log" for i in (1, 2)))
        conftest.wait_for("the job", lambda: json.loads(
            self.cluster.cli("jobs", "--json").stdout))

    def answer(self):
        """Exit code and JSON of what the client got in the end."""
        out, err = self.client.communicate(timeout=END_S)
        code = self.client.returncode
        if self.waits_for is not None:
            p = self.cluster.cli("result", self.waits_for, "-o", "json",
                                 "--allow-partial", ok=False)
            out, err, code = p.stdout, p.stderr, p.returncode
        try:
            return code, json.loads(out), err
        except ValueError:
            raise Wrong(f"exit {code}: {err.decode()[-300:]}")

    def check(self, want, spoiled):
        code, got, err = self.answer()
        missing = got["receipt"]["missing"]
        for sentence in missing:
            if not any(f"web1:{path}" in sentence for path in spoiled):
                raise Wrong(f"without a reason: {sentence}")
        if missing:
            if code != 3:
                raise Wrong(f"something is missing, but exit {code}")
        elif code != 0 or got["receipt"]["fingerprint"] != want:
            raise Wrong(f"exit {code}, {got['rows']}")

    def is_running(self):
        """Does the fault meet the job, or come too late?"""
        return self.client.poll() is None

    def play(self, want):
        spoiled = []
        self.submit()
        time.sleep(self.rng.uniform(0, 0.4))
        for name in self.names:
            self.in_time += self.is_running()
            path = faults.FAULTS[name](self)
            spoiled += [path] if path else []
        self.check(want, spoiled)

    def close(self):
        for p in self.proxies.values():
            p.close()
        if hasattr(self, "cluster"):
            self.cluster.close()
        if self.link:
            self.link.close()
        if self.mounted:
            subprocess.run(["umount", self.folder / "state"])
        left = subprocess.run(["pgrep", "-f", str(self.folder)],
                              capture_output=True, text=True).stdout.split()
        return left


def play(seed, only, data, want, web1=None):
    run = Run(seed, only, data, web1)
    why = None
    try:
        run.start()
    except OSError as error:  # another run took a port in the same moment
        run.close()
        shutil.rmtree(run.folder)
        if error.errno != errno.EADDRINUSE:
            raise
        return play(seed, only, data, want, web1)
    try:
        run.play(want)
    except Exception as error:  # whatever it is: the run went wrong
        why = f"{type(error).__name__}: {error}"
    left = run.close()
    if left and why is None:
        why = f"processes are left: {left}"
    if why is None:
        shutil.rmtree(run.folder)
    return run.names, run.in_time, why, run.folder, run.transport["web1"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=int, nargs="?", default=1)
    parser.add_argument("--small", action="store_true",
                        help="the set of the test suite")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(faults.FAULTS))
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--web1", choices=["dial", "push"])
    args = parser.parse_args()
    args.at_once = 2 if args.small else args.at_once
    times, wrong, met = collections.Counter(), collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "access.log"
        size = SMALL_BYTES if args.small else LOG_BYTES
        data.write_bytes(make_logs.make(1, 200_000) * (size // 200_000))
        copy = pathlib.Path(folder) / "copy.log"
        shutil.copy(data, copy)
        want = json.loads(conftest.run("run", QUERY, data, copy, "-o",
                                       "json").stdout)
        want = want["receipt"]["fingerprint"]
        with concurrent.futures.ProcessPoolExecutor(args.at_once) as pool:
            names = ([n for n in SMALL if n in faults.FAULTS] if args.small
                     else [args.only] * args.runs)
            runs = [pool.submit(play, seed, name, data, want, args.web1)
                    for seed, name in enumerate(names, args.seed)]
            for seed, done in enumerate(runs, args.seed):
                names, in_time, why, kept, transport = done.result()
                met += in_time
                times.update(names)
                if why:
                    wrong.update(names)
                    print(f"seed {seed} ({', '.join(names)}; web1 is of "
                          f"{transport}): {why}\n"
                          f"  its logs are in {kept}", flush=True)
    for name in sorted(faults.FAULTS):
        if times[name]:
            print(f"{name:32} {times[name]:5} times {wrong[name]:5} wrong")
    bad = sum(1 for r in runs if r.result()[2])
    print(f"{len(runs)} runs, {sum(times.values())} faults, {met} of them "
          f"while the job ran, {bad} wrong")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
