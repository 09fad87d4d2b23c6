# SPDX-License-Identifier: Apache-2.0
"""Generated queries over generated logs: the program against the oracle.

    LOGTALLY_BUILD=build/release python3 compare.py QUERIES [SEED]

A new log and a new seed every 100 queries; a difference is printed with its
seed, and the exit code is 1. Every fifth query reads the log from an archive of
many frames, of each kind in turn, cut at each of them."""
import os
import subprocess
import sys
import tempfile

import archives
import make_logs
import oracle
import queries

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get(
    "LOGTALLY_BUILD", os.path.join(ROOT, "build", "release")), "logtally")


def difference(query, path, shard, text):
    """What is not as the oracle, which reads `text`, has it, or None."""
    p = subprocess.run([PROGRAM, "run", query, path, "-f", "combined",
                        "-o", "json", "-j", "2", "--shard-size", shard],
                       capture_output=True)
    if p.returncode != 0:
        return p.stderr.decode(errors="replace")
    names, rows = oracle.run(query, [text], "combined")
    got_names, got_rows, _ = oracle.parse_printed(p.stdout)
    if got_names != names:
        return f"columns {got_names}, not {names}"
    for n, (got, want) in enumerate(zip(got_rows, rows)):
        if got != want:
            return f"row {n} is {got}, not {want}"
    if len(got_rows) != len(rows):
        return f"{len(got_rows)} rows, not {len(rows)}"
    return None


def campaign(n, seed, path):
    """The number of differences."""
    wrong = 0
    while n > 0:
        print(f"seed {seed}", flush=True)
        text = make_logs.make(seed, 1000)
        with open(path, "wb") as f:
            f.write(text)
        packed = []
        for kind, make in archives.KINDS.items():
            packed.append(f"{path}.{kind}")
            with open(packed[-1], "wb") as f:
                f.write(make(text, 2 + seed % 20, seed))
        for i, query in enumerate(queries.generate(seed, min(n, 100))):
            what = difference(query, path, "20000" if i % 10 else "500", path)
            if i % 5 == 0:
                archive = packed[i // 5 % len(packed)]
                what = what or difference(query, archive, "1", path)
            if what:
                print(f"seed {seed}: {query}\n  {what}")
                wrong += 1
        n -= 100
        seed += 1
    return wrong


def main():
    n = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        wrong = campaign(n, seed, os.path.join(folder, "log"))
    print(f"{n} queries, {wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
