# SPDX-License-Identifier: Apache-2.0
"""This program and its peers, in one go, on the same file in the page cache.

    LOGTALLY_BUILD=build/release python3 bench/compare.py [--megabytes 1000]
        [--slice 100] [--runs 5] [--into bench/results]

The contenders run in turn (A B C A B C ...), after one round that is not
timed, in which each answer is compared with the one of `logtally run`. Slow
peers read the slice, a smaller file of the same kind; throughput is compared
then. A ratio is the median of the ratios of the rounds.
"""
import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import format_logs
from contenders import LOGTALLY, QUESTIONS, SHAPES, all_of_ours, all_peers, ours, \
    on_shapes, prepare, prepare_formats, versions
from measure import BUILD, ROOT, in_turn, machine, output_of, peaks, run, say
from report import text_of

sys.path.insert(0, str(ROOT / "tests" / "cluster"))
import conftest  # noqa: E402

SMALL = ('192.0.2.7 - - [14/Nov/2023:22:00:00 +0000] "GET / HTTP/1.1" 200 5 '
         '"-" "ua"\n')


def check(commands, references):
    """The round before the timed ones: warms the cache, compares answers."""
    for c in commands:
        if c.absent:
            continue
        try:
            _, output = run(c)
        except (RuntimeError, OSError, ValueError) as e:
            c.absent = f"failed: {e}"
            continue
        if c.parse and c.parse(output) != references[c.same_as]:
            c.absent = "its answer differs"


def referred(files):
    """What is to be answered, from one executor of ours."""
    out = {}
    for question, data in [*((q, "log") for q in QUESTIONS),
                           ("status", "slice"),
                           *((q, shape) for q in ("status", "url")
                             for shape in SHAPES)]:
        c = ours("reference", question, data, 1, [files[data]])
        out[c.same_as] = c.parse(run(c)[1])
    out["status of gz"] = out["status of zst"] = out["status of log"]
    return out


def key_bytes(log):
    lines = output_of(LOGTALLY, "run", "--quiet", "-o", "tsv", "--no-header",
                      "count by url", log).splitlines()
    return sum(len(x.rsplit("\t", 1)[0]) for x in lines), len(lines)


def memory(files):
    out = {}
    for question in ("status", "url"):
        for data in ("slice", "log"):
            most = peaks([LOGTALLY, "run", "--quiet", "-j", 2,
                          QUESTIONS[question], files[data]])
            out[f"{question} {data}"] = {
                ("executor" if "exec" in name else "logtally"): kib
                for name, kib in most.items()}
    out["key_bytes"], out["keys"] = key_bytes(files["log"])
    return out


def small_file(folder, runs=50):
    log = Path(folder) / "small.log"
    log.write_text(SMALL * (1024 // len(SMALL)))
    took = []
    for _ in range(runs):
        began = time.monotonic()
        conftest.run("run", "--quiet", "count", log)
        took.append(time.monotonic() - began)
    return statistics.median(took)


def micro():
    """The figures of bench/micro, or {} where it is not built."""
    program = BUILD / "bench" / "micro"
    if not program.exists():
        return {}
    return {row["stage"]: row for row in
            map(json.loads, output_of(program, "--json").splitlines())}


def flood(t):
    program = BUILD / "bench" / "flood"
    value = float(output_of(program)) if program.exists() else None
    t.add("1 M keys of one hash, time against random ones", 2, value,
          "absent: bench/flood is not built" if value is None
          else f"{value:.2f} x", True)


class Table:
    """The rows that the program is held to: what, asked, reached, met."""

    def __init__(self, commands):
        self.by_name = {c.name: c for c in commands}
        self.size = {}
        self.rows = []

    def ratio(self, what, ours_name, peer_name, asked, most=False):
        a, b = self.by_name[ours_name], self.by_name[peer_name]
        if a.absent or b.absent:
            self.add(what, asked, None, "absent", most)
            return
        # Throughput, so that a peer may read the smaller file.
        scale = self.size[a.data] / self.size[b.data]
        each = [y / x * scale for x, y in zip(a.seconds, b.seconds)]
        value = statistics.median(1 / r if most else r for r in each)
        self.add(what, asked, value, f"{value:.2f} x", most)

    def add(self, what, asked, value, reached, most=False, unit=" x"):
        met = value is not None and (value <= asked if most
                                     else value >= asked)
        self.rows.append({
            "work": what, "asked": f"{'at most' if most else 'at least'} "
            f"{asked:g}{unit}", "reached": reached,
            "met": None if value is None else met})


def speed_rows(t):
    status1, status2 = (f"logtally -j {n}: count by status" for n in (1, 2))
    t.ratio("count by status, -j 2, against DuckDB, 2 threads", status2,
            "DuckDB, 2 threads: count by status", 6)
    t.ratio("count by status, -j 1, against wc -l", status1, "wc -l", 0.4)
    t.ratio("top 10 url, -j 2, against DuckDB, 2 threads",
            "logtally -j 2: top 10 url", "DuckDB, 2 threads: top 10 url", 3)
    t.ratio("5xx | top 10 path by time:1h, -j 2, against DuckDB, 2 threads",
            "logtally -j 2: 5xx by hour",
            f"DuckDB, 2 threads: {QUESTIONS['errors']}", 4)
    t.ratio("'\"needle\" | count', -j 1, against rg -c",
            "logtally -j 1: needle", "rg -c needle", 0.5)
    for peer, asked in (("mawk", 8), ("Python Pool(2), byte ranges", 15),
                        ("Python Pool(2), lists of lines", 15),
                        ("GoAccess", 200), ("GoAccess, one panel", 200)):
        t.ratio(f"count by status, -j 1, against {peer}", status1, peer,
                asked)
    t.ratio("gzip file, -j 1, against igzip -dc", "logtally -j 1: gzip",
            "igzip -dc", 0.6)
    t.ratio("zstd file, -j 1, against zstd -dc", "logtally -j 1: zstd",
            "zstd -dc", 0.6)
    submit = "logtally submit, 3 workers of 1: count by status"
    t.ratio("three workers of one executor, time against run -j 2", submit,
            "logtally -j 2: three files", 1.15, most=True)
    for peer in ("byte ranges", "bag"):
        t.ratio(f"the same cluster job on Dask, 2 workers, {peer}", submit,
                f"Dask, 2 workers, {peer}", 20)


def other_rows(t, mem, merge, small, size):
    if merge:
        value = merge["pairs_per_second"] / 1e6
        t.add("merge of partials, 1 M keys each, M pairs/s and core", 10,
              value, f"{value:.1f} M", unit=" M")
    else:
        t.add("merge of partials, 1 M keys each, M pairs/s and core", 10,
              None, "absent: bench/micro is not built", unit=" M")
    for data in ("slice", "log"):
        mib = mem[f"status {data}"].get("executor", 0) / 1024
        t.add(f"memory per executor, count by status, {size[data]} MB", 32,
              mib, f"{mib:.1f} MiB", True, " MiB")
    limit = mem["key_bytes"] * 3 / 2**20 + 64
    for who in ("executor", "logtally"):
        mib = mem["url log"].get(who, 0) / 1024
        t.add(f"memory, top 10 url, {who}, {mem['keys']:,} keys of "
              f"{mem['key_bytes'] / 1e6:.1f} MB", round(limit, 1), mib,
              f"{mib:.1f} MiB", True, " MiB")
    t.add("logtally run on a 1 KB file", 15, small * 1000,
          f"{small * 1000:.1f} ms", True, " ms")


def cluster_of(folder, files):
    c = conftest.Cluster(folder)
    for n, path in enumerate(files["hosts"], 1):
        c.worker(f"web{n}", path.parent, "-j", "1")
    return c


def measured(args, files, formats, folder):
    cluster = cluster_of(folder, files)
    try:
        env = {k: v for k, v in cluster.env().items()
               if k.startswith("LOGTALLY_")}
        commands = [*all_of_ours(files, env), *all_peers(files),
                    *on_shapes(files)]
        of_formats = format_logs.commands(formats)
        say("answers")
        check(commands, referred(files))
        check(of_formats, {})
        in_turn([*commands, *of_formats], args.runs, say)
    finally:
        cluster.close()
    say("memory, small file, stages")
    t = Table(commands)
    t.size = {k: files[k].stat().st_size for k in ("log", "slice", *SHAPES)}
    t.size |= {k: path.stat().st_size for k, path in formats.items()}
    t.size |= {"gz": t.size["log"], "zst": t.size["log"]}
    mem, stages = memory(files), micro()
    speed_rows(t)
    format_logs.rows(t, of_formats)
    flood(t)
    other_rows(t, mem, stages.get("merge"), small_file(folder),
               {"log": args.megabytes, "slice": args.slice})
    return {
        "machine": machine(), "versions": versions(), "runs": args.runs,
        "bytes": {k: files[k].stat().st_size
                  for k in ("log", "slice", "gz", "zst") if files[k].exists()},
        "commands": [{"name": c.name, "data": c.data, "seconds": c.seconds,
                      "log_bytes": t.size[c.data], "absent": c.absent,
                      "argv": c.argv if c.shell else
                      " ".join(map(str, c.argv))}
                     for c in [*commands, *of_formats]],
        "memory_kib": mem, "rows": t.rows, "micro": stages}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--megabytes", type=int, default=1000)
    p.add_argument("--slice", type=int, default=100)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--into", type=Path, default=ROOT / "bench" / "results")
    args = p.parse_args()
    say("files")
    files = prepare(ROOT / "build" / "bench", args.megabytes, args.slice)
    formats = prepare_formats(ROOT / "build" / "bench", args.megabytes // 3)
    with tempfile.TemporaryDirectory() as folder:
        result = measured(args, files, formats, folder)
    text = text_of(result).replace(f"{ROOT}/", "")
    print(text, end="")
    args.into.mkdir(parents=True, exist_ok=True)
    stem = args.into / f"compare-{result['machine']['date']}"
    stem.with_suffix(".txt").write_text(text)
    stem.with_suffix(".json").write_text(
        json.dumps(result, indent=1).replace(f"{ROOT}/", "") + "\n")


if __name__ == "__main__":
    main()
