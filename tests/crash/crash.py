# SPDX-License-Identifier: Apache-2.0
"""Kills the coordinator at each call that changes a file, in the middle of a
small job, and starts it again: the answer must be that of one machine, and no
shard that the journal had may be lost.

    crash.py [--every N] [--how before|after|half] [--at-once N]

Wants LOGTALLY_BUILD; CRASH_SHIM is the shim (crash_at.c)."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "cluster"), str(HERE.parent / "oracle")]
import conftest  # noqa: E402
import make_logs  # noqa: E402

QUERY = "count, sum(bytes) by status"
SHIM = os.environ.get("CRASH_SHIM")
CRASHED = 99


class Stage:
    """A cluster whose coordinator can be told where to die."""

    def __init__(self, data):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crash-"))
        self.cluster = conftest.Cluster(self.folder)
        self.port = self.cluster.endpoint.rsplit(":", 1)[1]
        logs = self.folder / "logs"
        logs.mkdir()
        self.log = logs / "access.log"
        shutil.copy(data, self.log)
        self.end_coordinator()
        # The worker dials until the coordinator is back.
        self.cluster.worker_later("web1", logs)

    def end_coordinator(self):
        self.cluster.coordinator.popen.terminate()
        return self.cluster.coordinator.popen.wait(20)

    def start_coordinator(self, **env):
        self.cluster.coordinator = self.cluster.start("coordinator2", [
            conftest.program("logtally-coordinator"), "--keys",
            self.cluster.keys, "--state", self.cluster.state, "--listen",
            "127.0.0.1", "--control-port", self.port, "--sink-port", "0"],
            env={**os.environ, **env})

    def submit(self):
        return self.cluster.popen("submit", QUERY, "--shard-size", "16KiB",
                                  "-o", "json", f"web1:{self.log}")

    def close(self):
        self.cluster.close()
        shutil.rmtree(self.folder)


def play(data, n, how, want):
    """None when all is well, else what is not; and whether it crashed."""
    stage = Stage(data)
    try:
        stage.start_coordinator(LD_PRELOAD=SHIM, CRASH_AT=str(n),
                                CRASH_HOW=how)
        client = stage.submit()
        first = stage.cluster.coordinator.popen
        conftest.wait_for("an end", lambda: first.poll() is not None or
                          client.poll() is not None, 40)
        if client.poll() is not None and first.poll() is None:
            first.terminate()  # it may still die of what it does at its end
            first.wait(20)
        crashed = first.poll() == CRASHED
        if not crashed and first.poll() != 0:
            return f"the coordinator ended with {first.poll()}", False
        stage.start_coordinator()
        stage.cluster.coordinator.until("coordinator-ready")
        out, err = client.communicate(timeout=60)
        if client.returncode == 5:  # it died before anybody could connect
            client = stage.submit()
            out, err = client.communicate(timeout=60)
        if client.returncode != 0:
            return f"exit {client.returncode}: {err.decode()[-200:]}", crashed
        if json.loads(out)["receipt"]["fingerprint"] != want:
            return "another answer", crashed
        log = stage.cluster.coordinator.log.read_text()
        if "journal-damaged" in log or "damaged=0" not in log + "damaged=0":
            return "the journal was damaged", crashed
        return None, crashed
    except Exception as error:  # whatever it is: this point is not well
        return f"{type(error).__name__}: {error}", True
    finally:
        stage.close()


def count_calls(data):
    """How many calls an undisturbed life of the coordinator makes."""
    stage = Stage(data)
    path = stage.folder / "calls"
    stage.start_coordinator(LD_PRELOAD=SHIM, CRASH_COUNT=str(path))
    client = stage.submit()
    client.communicate(timeout=60)
    stage.end_coordinator()
    calls = int(path.read_text())
    stage.close()
    return calls


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--how", action="append",
                        choices=["before", "after", "half"])
    parser.add_argument("--at-once", type=int, default=2)
    args = parser.parse_args()
    bad = crashes = 0
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "access.log"
        data.write_bytes(make_logs.make(1, 100_000))
        want = json.loads(conftest.run("run", QUERY, data, "-o", "json")
                          .stdout)["receipt"]["fingerprint"]
        calls = count_calls(data)
        points = [(n, how) for how in args.how or ["before", "after", "half"]
                  for n in range(1, calls + 1, args.every)]
        with concurrent.futures.ProcessPoolExecutor(args.at_once) as pool:
            runs = [pool.submit(play, data, n, how, want)
                    for n, how in points]
            for (n, how), run in zip(points, runs):
                why, crashed = run.result()
                crashes += crashed
                if why:
                    bad += 1
                    print(f"call {n}, {how}: {why}", flush=True)
    print(f"{calls} calls in a life, {len(points)} points tried, {crashes} "
          f"crashes, {bad} wrong")
    sys.exit(1 if bad or crashes < len(points) * 0.8 else 0)


if __name__ == "__main__":
    main()
