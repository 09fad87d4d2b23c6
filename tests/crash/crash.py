# SPDX-License-Identifier: Apache-2.0
"""The coordinator dies at each of its calls that change a file, one by one.

    crash.py [--how HOW] [--from N] [--step N] [--at-once N]

HOW is one of: before the call, after it, half of the bytes of a write; and
again-before, again-after, again-half: a first coordinator died in the middle
of the job, the second, which restores it, dies at its n-th call.

One point: a coordinator that is to die at its n-th such call (crash_at.c),
one worker, a small job that a client submits and waits for. When it has died
it is started again at the same place and lives. In the end:

- the client ends well, with the rows of `logtally run`;
- there is one job, and the coordinator knows its result, also after one more
  start;
- no shard that was committed is lent again: the commits that came back from
  the journal and those made after it are the shards of the job;
- the journal is sound, nothing was set aside, no process is left.

n goes from 1 until a coordinator lives to its proper end, which is walked as
well. Wants LOGTALLY_BUILD, the folder of the programs."""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cluster"), str(HERE.parent / "oracle")]
import own_net  # noqa: E402
own_net.enter()
import conftest  # noqa: E402
import make_logs  # noqa: E402

QUERY = "count, sum(bytes) by status, method"
SHARDS, SHARD_KIB = 6, 64
DIED = 99
END_S = 60
HOWS = ["before", "after", "half", "again-before", "again-after", "again-half"]
MIDDLE = 80  # a call by which some shards are committed, and not all
SHIM = conftest.BUILD.resolve() / "tests" / "libcrash_at.so"


class Wrong(Exception):
    pass


def until(what, condition, seconds=END_S):
    try:
        return conftest.wait_for(what, condition, seconds)
    except AssertionError as error:
        raise Wrong(str(error)) from None


def group_lives(pid):
    """Is anything left of what this process started? Given a moment."""
    try:
        for _ in range(100):
            os.killpg(pid, 0)
            time.sleep(0.02)
    except ProcessLookupError:
        return False
    return True


class Point:
    """One coordinator that dies at n, and what must come out all the same."""

    def __init__(self, n, how, base):
        self.n, self.how, self.base = n, how, base
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crash-"))
        self.state, self.keys = self.folder / "state", base / "keys"
        self.names = self.folder / "calls"
        self.port, self.sink = conftest.free_ports(2)
        # What the coordinators still die of, one after the other.
        self.dooms = [(n, how.removeprefix("again-"))]
        if how.startswith("again-"):
            self.dooms.insert(0, (MIDDLE, "after"))
        self.processes, self.starts, self.doomed = [], 0, False
        self.env = {**os.environ, "LOGTALLY_COORDINATOR":
                    f"tcp://127.0.0.1:{self.port}", "LOGTALLY_KEYS":
                    str(self.keys / "issued" / "admin")}

    def start(self, name, argv, env=None):
        log = open(self.folder / f"{name}.log", "ab")
        p = subprocess.Popen([str(x) for x in argv], env=env or self.env,
                             stdin=subprocess.DEVNULL, stderr=log,
                             stdout=open(self.folder / f"{name}.out", "ab"),
                             start_new_session=True)
        log.close()
        self.processes.append(p)
        return p

    def start_coordinator(self, env=None):
        self.starts += 1
        self.coordinator = self.start(f"coordinator{self.starts}", [
            conftest.program("logtally-coordinator"), "--keys", self.keys,
            "--state", self.state, "--listen", "127.0.0.1", "--control-port",
            self.port, "--sink-port", self.sink], env)

    def start_next(self):
        """One that is to die, while there are such; then one that lives."""
        self.doomed = bool(self.dooms)
        if not self.doomed:
            return self.start_coordinator()
        n, how = self.dooms.pop(0)
        self.names.unlink(missing_ok=True)
        return self.start_coordinator({
            **self.env, "LD_PRELOAD": str(SHIM), "CRASH_AT": str(n),
            "CRASH_HOW": how, "CRASH_NAMES": str(self.names),
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def call(self):
        """The call it died at, as `name file`."""
        if not self.names.exists():
            return "?"
        for line in self.names.read_text().splitlines():
            n, name, path = line.split(" ", 2)
            if int(n) == self.n:
                return f"{name} {path.rsplit('/', 1)[-1]}"
        return "?"

    def watch(self):
        """A coordinator that died at its point is started again."""
        code = self.coordinator.poll()
        if code is None:
            return
        if code != DIED or not self.doomed:
            raise Wrong(f"a coordinator ended with {code}: " +
                        self.log(f"coordinator{self.starts}")[-300:])
        self.start_next()

    def ready(self):
        self.watch()
        return "coordinator-ready" in self.log(f"coordinator{self.starts}")

    def ended(self, p):
        self.watch()
        return p.poll() is not None

    def submit(self):
        self.start("worker", [
            conftest.program("logtally-worker"), "--coordinator",
            self.env["LOGTALLY_COORDINATOR"], "--keys",
            self.keys / "issued" / "web1", "--name", "web1", "--root",
            self.base, "--listen", "127.0.0.1", "--intake-port", "0", "-j",
            "1"])
        until("the worker", lambda: self.watch() or
              "worker-registered" in self.log("worker"))
        client = self.start("client", [
            conftest.program("logtally"), "submit", QUERY, "--shard-size",
            f"{SHARD_KIB}KiB", "-o", "json",
            f"web1:{self.base}/access.log"])
        until("the client", lambda: self.ended(client))
        if client.returncode != 0:
            raise Wrong(f"the client ended with {client.returncode}: " +
                        self.log("client")[-300:])
        return (self.folder / "client.out").read_text()

    def cli(self, *args):
        p = subprocess.run([conftest.program("logtally"), *args],
                           env=self.env, capture_output=True, text=True,
                           timeout=END_S)
        return p

    def asks(self, *args):
        """What the CLI prints; asked again when the coordinator died of it."""
        until("a coordinator", self.ready)
        p = self.cli(*args)
        if p.returncode != 0 and self.coordinator.poll() is not None:
            until("a coordinator", self.ready)
            p = self.cli(*args)
        if p.returncode != 0:
            raise Wrong(f"{args}: exit {p.returncode}: {p.stderr[-300:]}")
        return json.loads(p.stdout)

    def check_rows(self, want, got, where):
        for key in ("rows", "columns"):
            if got.get(key) != want.get(key):
                raise Wrong(f"{where}: other {key}: {got.get(key)}")
        if got["receipt"]["fingerprint"] != want["receipt"]["fingerprint"]:
            raise Wrong(f"{where}: another fingerprint")
        if got["receipt"]["missing"]:
            raise Wrong(f"{where}: missing: {got['receipt']['missing']}")

    def check_job(self, want, where):
        jobs = self.asks("jobs", "--json")
        if len(jobs) != 1 or jobs[0]["shards_done"] != SHARDS:
            raise Wrong(f"{where}: jobs: {jobs}")
        self.check_rows(want, self.asks("result", str(jobs[0]["job"]), "-o",
                                        "json"), where)

    def check_journal(self):
        path = self.state / "journal.db"
        if path.with_suffix(".db.damaged").exists():
            raise Wrong("the journal was set aside")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            for (line,) in db.execute("PRAGMA integrity_check"):
                if line != "ok":
                    raise Wrong(f"the journal: {line}")
        left = [p.name for p in self.state.iterdir()
                if "tmp" in p.name or p.name == "ports"]
        if left:
            raise Wrong(f"left in the state folder: {left}")

    def numbers(self, i, event):
        """What coordinator i said at an event: commits=3 and the like."""
        found = re.search(rf" {event} (.*)", self.log(f"coordinator{i}"))
        pairs = re.findall(r"(\w+)=(\d+)", found.group(1)) if found else []
        return {k: int(v) for k, v in pairs}

    def check_commits(self):
        """What came back from the journal is not lent again. One that saw
        the job end lent, or took over, just the shards that were left; and
        what one got back, the next gets as well."""
        most, over = 0, False
        for i in range(1, self.starts + 1):
            back = self.numbers(i, "journal-restored")
            did = self.numbers(i, "coordinator-ends")
            if back.get("damaged", 0) > 0 or back.get("commits", 0) > SHARDS:
                raise Wrong(f"coordinator {i} found {back}")
            # It may have died between the end's entry and saying it.
            over = over or back.get("ended", 0) > 0
            if back.get("commits", 0) < most and not over:
                raise Wrong(f"{most} commits came back, then only {back}")
            most = max(most, back.get("commits", 0))
            over = over or "job-ended" in self.log(f"coordinator{i}")
            if not did:
                continue  # it died, and said no numbers
            ended = "job-ended" in self.log(f"coordinator{i}")
            want = SHARDS - back.get("commits", 0) if ended else 0
            lent = did["leases"] + did["adopted"]
            if lent != want or did["commits"] != want:
                raise Wrong(f"coordinator {i}: {back}, then {did}: not "
                            f"{want} leases and commits")

    def stop(self):
        """True: the last that was to die had lived to its end."""
        until("a coordinator", self.ready)
        self.coordinator.send_signal(signal.SIGTERM)
        code = self.coordinator.wait(END_S)
        if code != (DIED if self.doomed and code != 0 else 0):
            raise Wrong(f"SIGTERM: the coordinator ended with {code}")
        if self.dooms:
            raise Wrong(f"the job ended before call {MIDDLE}")
        return code == 0 and self.doomed

    def play(self, want):
        self.start_next()
        until("a coordinator", self.ready)
        got = json.loads(self.submit())
        self.check_rows(want, got, "client")
        self.check_job(want, "after the job")
        lived = self.stop()
        self.doomed = False
        self.start_coordinator()
        until("a coordinator", self.ready)
        self.check_job(want, "after one more start")
        self.coordinator.send_signal(signal.SIGTERM)
        if self.coordinator.wait(END_S) != 0:
            raise Wrong("the last coordinator did not end well")
        self.check_commits()
        self.check_journal()
        return lived

    def close(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.terminate()
        for p in self.processes:
            try:
                p.wait(15)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        left = [p.args for p in self.processes if group_lives(p.pid)]
        if left:
            raise Wrong(f"processes are left of: {left}")


def play(n, how, base, want):
    """Of one point: did it live, the call it died at, what is wrong."""
    point = Point(n, how, base)
    lived, why = False, None
    for step in (lambda: point.play(want), point.close):
        try:
            lived = step() or lived
        except Exception as error:  # whatever it is: the point went wrong
            why = why or f"{type(error).__name__}: {error}"
    call = "-" if lived else point.call()
    if why is None:
        shutil.rmtree(point.folder)
    else:
        why = f"{why}\n  its logs are in {point.folder}"
    return lived, call, why


def walk(how, args, base, want, pool):
    """All points of one kind; at-once of them beside each other."""
    n, lived, points = args.first, False, []
    while not lived:
        some = range(n, n + args.at_once * args.step, args.step)
        done = [pool.submit(play, i, how, base, want) for i in some]
        for i, future in zip(some, done):
            ok, call, why = future.result()
            lived = lived or ok
            if not ok or why:
                points.append((call, why))
            if why:
                print(f"{how} {i} ({call}): {why}", flush=True)
        n = some[-1] + args.step
    return points


def stage(base):
    """Keys and a log for all points, and the right answer."""
    conftest.run("keys", "init", base / "keys")
    conftest.run("keys", "new", base / "keys", "web1", "--role", "worker",
                 "--host", "web1")
    log = make_logs.make(1, SHARDS * SHARD_KIB * 1024 - 2048)
    (base / "access.log").write_bytes(log)
    return json.loads(conftest.run("run", QUERY, base / "access.log", "-o",
                                   "json").stdout)


def show(how, points):
    calls = collections.Counter(call for call, _ in points)
    wrong = collections.Counter(call for call, why in points if why)
    for call, n in sorted(calls.items()):
        print(f"{how:12} {call:30} {n:5} points {wrong[call]:4} wrong")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--how", choices=HOWS)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8,
                        help="most of a point is waiting for a worker")
    args = parser.parse_args()
    began, every = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="crash-") as folder, \
            concurrent.futures.ThreadPoolExecutor(args.at_once) as pool:
        base = pathlib.Path(folder)
        want = stage(base)
        for how in [args.how] if args.how else HOWS:
            points = walk(how, args, base, want, pool)
            show(how, points)
            every += points
    bad = sum(1 for _, why in every if why)
    print(f"{len(every)} crash points, {bad} wrong, "
          f"{time.monotonic() - began:.0f} s")
    sys.exit(1 if bad or not every else 0)


if __name__ == "__main__":
    main()
