# SPDX-License-Identifier: Apache-2.0
"""What one of eight workers costs a job of a minute: killed and started again,
or ten times slower than the others.

    LOGTALLY_BUILD=build/release python3 bench/slow_worker.py [COPIES]

Each worker stands for a host: it has a fifth of a processor (a cgroup), and
all can read the logs. COPIES of a made log of 1 GB are counted by a query that
is slow on purpose. Needs root, and 10 GB of disk and of memory.
"""
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
import conftest  # noqa: E402
from contenders import made  # noqa: E402
from measure import BUILD, say  # noqa: E402

WORKERS = 8
PERIOD_US = 100_000
SHARE = 0.2   # of a processor
CGROUPS = Path("/sys/fs/cgroup/cpu")
QUERY = (r"""count by extract(ua, "([A-Z][a-z]+/[0-9.]+)[^/]*$"), """
         r"""extract(url, "([a-z]+)-[0-9]+$") | head 10""")


class Host:
    """A worker with its share of the processors."""

    def __init__(self, cluster, number, root):
        self.cluster, self.name, self.root = cluster, f"web{number}", root
        self.group = CGROUPS / f"logtally-{self.name}"
        self.group.mkdir(exist_ok=True)
        (self.group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        self.share(SHARE)
        self.process = self.start(True)

    def share(self, part):
        (self.group / "cpu.cfs_quota_us").write_text(
            str(int(part * PERIOD_US)))

    def start(self, new_key):
        enter = f'echo $$ > {self.group}/cgroup.procs && exec "$@"'
        p = self.cluster.worker_later(
            self.name, self.root, "-j", "1", new_key=new_key,
            wrap=["sh", "-c", enter, "sh"])
        p.until("worker-registered")
        return p

    def restart(self):
        self.process.popen.send_signal(signal.SIGKILL)
        self.process.popen.wait()
        self.process = self.start(False)

    def close(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self.group.rmdir()
                return
            except OSError:  # its last process is on the way out
                time.sleep(0.05)


def seconds(cluster, logs):
    began = time.monotonic()
    doc = cluster.submit(QUERY, f"shared:{logs}/*.log", "-f", "combined",
                         timeout=600)
    assert doc["receipt"]["complete"]
    return time.monotonic() - began, doc["rows"], doc["receipt"]


def disturbed(cluster, logs, hosts, want, usual):
    """(killed and started again, ten times slower)"""
    timer = threading.Timer(usual / 3, hosts[3].restart)
    timer.start()
    killed, rows, receipt = seconds(cluster, logs)
    timer.join()
    assert rows == want and receipt["retried"] > 0
    hosts[3].share(SHARE / 10)
    slow, rows, _ = seconds(cluster, logs)
    hosts[3].share(SHARE)
    assert rows == want
    return killed, slow


def main():
    copies = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if not (CGROUPS / "cpu.cfs_quota_us").exists() and not CGROUPS.is_dir():
        sys.exit("no cgroups for processors here (version 1, as root)")
    log = ROOT / "build" / "bench" / "combined-1000.log"
    if not log.exists():
        log.parent.mkdir(parents=True, exist_ok=True)
        made(log, [BUILD / "bench" / "loggen", "combined", 1, 1000])
    hosts = []
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        logs.mkdir()
        for n in range(copies):
            shutil.copy(log, logs / f"{n}.log")
        cluster = conftest.Cluster(folder)
        try:
            hosts = [Host(cluster, n, logs) for n in range(WORKERS)]
            say("undisturbed")
            usual, want, receipt = seconds(cluster, logs)
            print(f"undisturbed {usual:.1f} s, {receipt['shards']} shards")
            killed, slow = disturbed(cluster, logs, hosts, want, usual)
            again, _, _ = seconds(cluster, logs)
            print(f"once more {again:.1f} s")
            usual = (usual + again) / 2
            print(f"one killed and started again {killed:.1f} s, "
                  f"{killed / usual - 1:+.1%}")
            print(f"one ten times slower {slow:.1f} s, {slow / usual - 1:+.1%}")
        finally:
            cluster.close()
            for host in hosts:
                host.close()


if __name__ == "__main__":
    main()
