# SPDX-License-Identifier: Apache-2.0
"""What the dashboard costs the coordinator: 200 workers, 50 jobs that run, and
more and more who look; and whether heartbeats wait for it.

    LOGTALLY_BUILD=build/release python3 bench/dashboard.py [WORKERS] [JOBS]

The workers are real ones with real sockets. Their executors are stopped, so
that each holds a shard of every job and says so in every heartbeat, and nothing
but the coordinator works. `page` is an overview as a browser has it open, which
is told what has changed; `poll` asks for all of it each second, which is what
the pages would be told if every row changed.
"""
import http.client
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
import conftest  # noqa: E402
from measure import children, say  # noqa: E402

SECONDS = 5  # an executor that gets nowhere is ended after a minute
LINE = ('192.0.2.7 - - [14/Nov/2023:22:00:00 +0000] "GET / HTTP/1.1" 200 5 '
        '"-" "ua"\n')


def cpu_s(pid):
    """Of the process, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Looker:
    """Reads the overview until it is told to stop."""

    def __init__(self, port, poll):
        self.port, self.poll = port, poll
        self.ended, self.bytes, self.messages = False, 0, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def ask(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        c.request("GET", path)
        return c, c.getresponse()

    def run(self):
        while self.poll and not self.ended:
            c, answer = self.ask("/data/overview")
            self.bytes += len(answer.read())
            self.messages += 1
            c.close()
            time.sleep(1)
        if not self.poll:
            c, answer = self.ask("/stream/overview")
            while not self.ended:
                line = answer.readline()
                self.bytes += len(line)
                self.messages += line.startswith(b"event:")
            c.close()


def heard_ms(cluster):
    """The longest silence of a worker, as the coordinator sees it."""
    told = json.loads(cluster.cli("workers", "--json").stdout)
    return max(w["last_heard_ms"] for w in told if w["state"] == "up")


def measure(cluster, port, pages, polls):
    """(share of a core, longest silences in ms, bytes a second and page)"""
    lookers = [Looker(port, i >= pages) for i in range(pages + polls)]
    time.sleep(2)
    pid, seen = cluster.coordinator.popen.pid, []
    read = sum(x.bytes for x in lookers)
    began, used = time.monotonic(), cpu_s(pid)
    while time.monotonic() - began < SECONDS:
        time.sleep(1)
        seen.append(heard_ms(cluster))
    took = time.monotonic() - began
    share = (cpu_s(pid) - used) / took
    read = (sum(x.bytes for x in lookers) - read) / took
    for x in lookers:
        x.ended = True
    for x in lookers:
        x.thread.join(10)
    return share, seen, read / max(1, len(lookers))


def start(cluster, logs, n):
    conftest.run("keys", "new", cluster.keys, "fleet", "--role", "worker",
                 "--host", "web*")
    for i in range(n):
        key = cluster.keys / "issued" / "fleet"
        cluster.workers[i] = cluster.start(f"web{i}", [
            conftest.program("logtally-worker"), "--coordinator",
            cluster.endpoint, "--keys", key, "--name", f"web{i}", "--root",
            logs, "--listen", "127.0.0.1", "--intake-port", "0", "-j", "1",
            "--allow-weak-sandbox"])
    for w in cluster.workers.values():
        w.until("worker-registered", 120)


def main():
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs" / "access.log"
        log.parent.mkdir()
        log.write_text(LINE)
        c = conftest.Cluster(folder, options=["--dashboard", "127.0.0.1:0"])
        try:
            start(c, log.parent, workers)
            executors = [e for w in c.workers.values()
                         for e in children(w.popen.pid)]
            for pid in executors:
                os.kill(pid, signal.SIGSTOP)
            port = int(re.search(rb"dashboard-ready port=(\d+)",
                                 c.coordinator.log.read_bytes()).group(1))
            for _ in range(jobs):
                c.cli("submit", "count by path", f"web*:{log}", "--detach")
            conftest.wait_for("every shard is held", lambda: sum(
                w["held"] for w in json.loads(
                    c.cli("workers", "--json").stdout)) == workers * jobs)
            say(f"{workers} workers, {jobs} jobs that run, "
                f"{workers * jobs} shards held")
            for pages, polls in (
                    (0, 0), (1, 0), (10, 0), (0, 0), (10, 1)):
                share, seen, read = measure(c, port, pages, polls)
                say(f"{pages:3} pages, {polls} poll: {share * 100:.1f} % of a "
                    f"core, a worker heard at most {max(seen)} ms ago "
                    f"(median of the longest {sorted(seen)[len(seen) // 2]}), "
                    f"{read / 1000:.0f} KB/s each")
            say("workers lost: "
                f"{c.coordinator.log.read_text().count('worker-lost')}")
        finally:
            for w in c.workers.values():
                for pid in children(w.popen.pid):
                    os.kill(pid, signal.SIGCONT)
            c.close()


main()
