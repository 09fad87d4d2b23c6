# SPDX-License-Identifier: Apache-2.0
"""`logtally report` with its page, beside the slowest of its queries asked
alone and beside GoAccess writing its page of the same file.

    LOGTALLY_BUILD=build/release python3 bench/site_report.py [MEGABYTES]

Ours run in turn, five times, and the medians count. GoAccess runs once: it
takes minutes."""
import statistics
import sys
import tempfile
from pathlib import Path

from contenders import made
from measure import BUILD, Command, in_turn, machine, output_of, run, say

LOGTALLY = BUILD / "logtally"
RUNS = 5


def queries():
    for line in output_of(LOGTALLY, "report", "--print").splitlines():
        name, _, query = line.partition(": ")
        if query:
            yield name, query


def goaccess(log, page):
    c = Command("GoAccess", ["goaccess", log, "--log-format=COMBINED", "-o",
                             page, "--no-progress"], "log")
    say("GoAccess, once")
    return run(c)[0]


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        log = Path(folder) / "access.log"
        made(log, [BUILD / "bench" / "loggen", "combined", 1, megabytes])
        same = ["-f", "combined", "-j", "2", "--quiet"]
        report = Command("report", [LOGTALLY, "report", "-o", "html", *same,
                                    log], "log")
        alone = [Command(name, [LOGTALLY, "run", query, "-o", "json", *same,
                                log], "log") for name, query in queries()]
        in_turn([report, *alone], RUNS, say)
        slowest = max(alone, key=Command.median)
        theirs = goaccess(log, Path(folder) / "page.html")
    m = machine()
    print(f"{m['date']}, {m['cpu']}, {m['processors']} processors, commit "
          f"{m['commit']}, load {m['load']}, {megabytes} MB")
    for c in [report, *sorted(alone, key=Command.median, reverse=True)]:
        print(f"{c.name:16} {c.median():7.3f} s")
    print(f"{'GoAccess':16} {theirs:7.3f} s")
    ratios = [a / b for a, b in zip(report.seconds, slowest.seconds)]
    print(f"report / {slowest.name}: {statistics.median(ratios):.2f} "
          "(at most 3)")
    print(f"GoAccess / report: {theirs / report.median():.1f} (at least 50)")


if __name__ == "__main__":
    main()
