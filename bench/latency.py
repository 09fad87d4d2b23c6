# SPDX-License-Identifier: Apache-2.0
"""Submit to answer of a 1 KB file on a warm cluster, and `logtally run`.

    LOGTALLY_BUILD=build/release python3 bench/latency.py [RUNS]
"""
import datetime
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "cluster"))
import conftest  # noqa: E402
from measure import cpu  # noqa: E402

LINE = ('192.0.2.7 - - [14/Nov/2023:22:00:00 +0000] "GET / HTTP/1.1" 200 5 '
        '"-" "ua"\n')


def measure(call, runs):
    call()
    took = []
    for _ in range(runs):
        began = time.monotonic()
        call()
        took.append((time.monotonic() - began) * 1000)
    took.sort()
    return (f"median {statistics.median(took):.1f} ms, "
            f"p95 {took[int(len(took) * 0.95) - 1]:.1f} ms, {runs} runs")


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    out = [f"date {datetime.date.today()}", f"cpu {cpu()}",
           f"kernel {platform.release()}", "version " + conftest.run(
               "--version").stdout.decode().strip()]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs" / "access.log"
        log.parent.mkdir()
        log.write_text(LINE * (1024 // len(LINE)))
        c = conftest.Cluster(folder)
        try:
            c.worker("web1", log.parent)
            out.append("submit " + measure(
                lambda: c.cli("submit", "count", f"web1:{log}"), runs))
        finally:
            c.close()
        out.append("run " + measure(
            lambda: conftest.run("run", "count", log), runs))
    text = "\n".join(out) + "\n"
    print(text, end="")
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / f"latency-{datetime.date.today()}.txt").write_text(text)


main()
