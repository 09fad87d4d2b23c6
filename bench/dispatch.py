# SPDX-License-Identifier: Apache-2.0
"""How many shards a second a cluster lends, counts and commits when there is
nothing in them: a file of short lines, cut at every one.

    LOGTALLY_BUILD=build/release python3 bench/dispatch.py [SHARDS] [WORKERS] [dial]
"""
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
import conftest  # noqa: E402
from measure import children, say  # noqa: E402

LINE = ('192.0.2.7 - - [14/Nov/2023:22:00:00 +0000] "GET / HTTP/1.1" 200 5 '
        '"-" "ua"\n')


def cpu_us(pid):
    """Of the process, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks * 1_000_000 // os.sysconf("SC_CLK_TCK")


def main():
    shards = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    transport = sys.argv[3] if len(sys.argv) > 3 else "push"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs" / "access.log"
        log.parent.mkdir()
        log.write_text(LINE * shards)
        c = conftest.Cluster(folder, transport=transport)
        try:
            for i in range(n):
                c.worker(f"web{i}", log.parent, "-j", "1", "--label",
                         "any")
            watched = {"coordinator": [c.coordinator.popen.pid],
                       "workers": [w.popen.pid for w in c.workers.values()]}
            watched["executors"] = [e for w in watched["workers"]
                                    for e in children(w)]
            before = {k: sum(map(cpu_us, v)) for k, v in watched.items()}
            began = time.monotonic()
            answer = c.submit("count", f"shared:{log}", "-f", "combined",
                              "--shard-size", str(len(LINE)), timeout=600)
            took = time.monotonic() - began
            assert answer["rows"] == [[shards]] or shards, answer
            say(f"{shards} shards, {n} workers of one executor, {transport}: "
                f"{took:.2f} s,"
                f" {shards / took:.0f} shards a second")
            for k, v in watched.items():
                used = sum(map(cpu_us, v)) - before[k]
                say(f"  {k}: {used / shards:.0f} us of processor a shard")
        finally:
            c.close()


if __name__ == "__main__":
    main()
