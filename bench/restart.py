# SPDX-License-Identifier: Apache-2.0
"""How soon a coordinator that was killed is at work again, when its journal
has many committed shards.

    LOGTALLY_BUILD=build/release python3 bench/restart.py [SHARDS]

The job is as in dispatch.py: a file of short lines, cut at every one. When
SHARDS of them are committed (100,000) the coordinator is killed, and started
again at once; the workers stay. Seconds from its start.
"""
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
import conftest  # noqa: E402
from dispatch import LINE  # noqa: E402
from measure import say  # noqa: E402

WORKERS = 2


def job(cluster):
    """Of the only job, or None: nobody answers."""
    try:
        p = cluster.cli("jobs", "--json", ok=False, timeout=10)
    except subprocess.TimeoutExpired:
        return None
    jobs = json.loads(p.stdout) if p.returncode == 0 else []
    return jobs[0] if jobs else None


def done(cluster):
    return (job(cluster) or {}).get("shards_done", 0)


def main():
    shards = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    lines = shards + shards // 2
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs" / "access.log"
        log.parent.mkdir()
        log.write_text(LINE * lines)
        c = conftest.Cluster(folder)
        try:
            for i in range(WORKERS):
                c.worker(f"web{i}", log.parent, "-j", "1")
            submitted = c.popen("submit", "count", f"shared:{log}", "-f",
                                "combined", "--shard-size", str(len(LINE)),
                                "-o", "tsv")
            conftest.wait_for(f"{shards} shards", lambda: done(c) >= shards,
                              120)
            c.coordinator.popen.send_signal(signal.SIGKILL)
            c.coordinator.popen.wait()
            began = time.monotonic()
            conftest.restart(c)
            ready = time.monotonic() - began
            text = c.coordinator.log.read_text()
            restored = int(re.search(r"journal-restored .*commits=(\d+)",
                                     text).group(1))
            conftest.wait_for("a shard more", lambda: done(c) > restored)
            went_on = time.monotonic() - began
            out, err = submitted.communicate(timeout=120)
            assert submitted.returncode == 0, err
            assert out.split()[-1] == str(lines).encode(), out
            say(f"{restored} commits restored; ready after {ready:.2f} s, "
                f"another shard was committed by {went_on:.2f} s; "
                f"the count is exact")
        finally:
            c.close()


if __name__ == "__main__":
    main()
