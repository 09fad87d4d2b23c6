# SPDX-License-Identifier: Apache-2.0
"""Who is measured, how each is asked, and how its answer is read."""
import json
import shutil
import subprocess
from pathlib import Path

import format_logs
from measure import BUILD, ROOT, Command, output_of

PEERS = ROOT / "bench" / "peers"
NODE = ROOT / "build" / "bench" / "node"
LOGTALLY = BUILD / "logtally"
PYTHON = "/usr/bin/python3"
QUESTIONS = {
    "status": "count by status",
    "url": "top 10 url",
    "errors": "5xx | top 10 path by time:1h",
    "needle": '"needle" | count',
}
SHAPES = ("few", "many", "long", "short")  # of loggen, beside combined
# GoAccess also fills ten panels nobody asked for; it is measured as it
# comes, and once more with all but the one for the status switched off.
PANELS = ("VISITORS REQUESTS REQUESTS_STATIC NOT_FOUND HOSTS OS BROWSERS "
          "VISIT_TIMES VIRTUAL_HOSTS REFERRERS REFERRING_SITES KEYPHRASES "
          "REMOTE_USER CACHE_STATUS GEO_LOCATION MIME_TYPE TLS_TYPE").split()


# Answers: rows of values, counts as numbers, in an order of their own.

def rows_sorted(rows):
    return sorted(([*map(str, row[:-1]), int(row[-1])] for row in rows))


def of_json_rows(output):
    return rows_sorted(json.loads(output)["rows"])


def of_key_count(output):
    """"200 5" a line, as awk prints it."""
    return rows_sorted(line.split() for line in output.decode().splitlines())


def of_number(output):
    return [[int(output.split()[0])]]


def of_miller(output):
    return rows_sorted([row["9"], row["count"]] for row in json.loads(output))


def of_goaccess(output):
    """{"status_codes": {"data": [{"items": [{"data": "200 - OK: ..."}]}]}}"""
    return rows_sorted(
        [item["data"].split(" ")[0], item["hits"]["count"]]
        for group in json.loads(output)["status_codes"]["data"]
        for item in group["items"])


def ours(name, question, data, jobs, files):
    return Command(name, [LOGTALLY, "run", "--quiet", "-o", "json", "-j", jobs,
                          QUESTIONS[question], *files], data, of_json_rows,
                   f"{question} of {data}")


def have(program):
    return shutil.which(program) is not None


def duckdb(question, data, path):
    c = Command(f"DuckDB, 2 threads: {QUESTIONS[question]}",
                ["node", PEERS / "duckdb.mjs", NODE, question, path], data,
                of_json_rows, f"{question} of {data}", self_timed=True)
    if not (NODE / "node_modules" / "@duckdb").is_dir() or not have("node"):
        c.absent = "not installed: npm package @duckdb/node-api"
    return c


def counting(name, argv, data, parse, program, **more):
    """A contender for `count by status`."""
    c = Command(name, argv, data, parse, f"status of {data}", **more)
    if not have(program):
        c.absent = f"not installed: {program}"
    return c


def has_module(name):
    return subprocess.run([PYTHON, "-c", f"import {name}"],
                          stderr=subprocess.DEVNULL).returncode == 0


AWK = "{ n[$9]++ } END { for (k in n) print k, n[k] }"


def limits(f):
    """Those that only read: what a machine can do at all."""
    out = [Command("wc -l", f"wc -l < {f['log']}", "log", shell=True)]
    for program, data in (("igzip", "gz"), ("zstd", "zst")):
        c = Command(f"{program} -dc", f"{program} -dc {f[data]} > /dev/null",
                    data, shell=True)
        if not have(program):
            c.absent = f"not installed: {program}"
        out.append(c)
    return out


def awks(f):
    out = [counting(n, [n, AWK, f["log"]], "log", of_key_count, n)
           for n in ("mawk", "gawk")]
    out.append(counting("zcat | mawk", f"zcat {f['gz']} | mawk '{AWK}'", "gz",
                        of_key_count, "mawk", shell=True))
    rg = Command("rg -c needle", ["rg", "-c", "needle", f["log"]], "log",
                 of_number, "needle of log")
    if not have("rg"):
        rg.absent = "not installed: ripgrep"
    return [*out, rg]


def goaccess(name, f, *extra):
    out = f["slice"].with_suffix(".goaccess.json")
    return counting(
        name, f"goaccess {f['slice']} --log-format=COMBINED --no-progress "
        f"{' '.join(extra)} -o {out} >&2 && cat {out}", "slice", of_goaccess,
        "goaccess", shell=True)


def slow_ones(f):
    return [
        counting("Miller", ["mlr", "--inidx", "--ifs", " ", "--ojson",
                            "count-distinct", "-f", "9", f["slice"]],
                 "slice", of_miller, "mlr"),
        goaccess("GoAccess", f),
        goaccess("GoAccess, one panel", f,
                 *(f"--ignore-panel={p}" for p in PANELS))]


def pythons(f):
    hosts = f["hosts"]
    out = [counting("Python Pool(2), byte ranges",
                    [PYTHON, PEERS / "pool.py", "ranges", f["log"]], "log",
                    of_json_rows, PYTHON),
           counting("Python Pool(2), lists of lines",
                    [PYTHON, PEERS / "pool.py", "lines", f["slice"]], "slice",
                    of_json_rows, PYTHON),
           counting("Dask, 2 workers, byte ranges",
                    [PYTHON, PEERS / "dask_job.py", "ranges", *hosts], "log",
                    of_json_rows, PYTHON, self_timed=True),
           counting("Dask, 2 workers, bag",
                    [PYTHON, PEERS / "dask_job.py", "bag", f["slice"]],
                    "slice", of_json_rows, PYTHON, self_timed=True)]
    if not has_module("distributed"):
        for c in out[2:]:
            c.absent = "not installed: python3-distributed"
    return out


def all_of_ours(f, endpoint_env):
    log = [f["log"]]
    submit = Command("logtally submit, 3 workers of 1: count by status",
                     [LOGTALLY, "submit", "--quiet", "-o", "json",
                      QUESTIONS["status"],
                      f"web*:{f['hosts'][0].parent.parent}/host*/*"], "log",
                     of_json_rows, "status of log", env=endpoint_env)
    return [
        ours("logtally -j 1: count by status", "status", "log", 1, log),
        ours("logtally -j 2: count by status", "status", "log", 2, log),
        ours("logtally -j 2: top 10 url", "url", "log", 2, log),
        ours("logtally -j 2: 5xx by hour", "errors", "log", 2, log),
        ours("logtally -j 1: needle", "needle", "log", 1, log),
        ours("logtally -j 1: gzip", "status", "gz", 1, [f["gz"]]),
        ours("logtally -j 1: zstd", "status", "zst", 1, [f["zst"]]),
        ours("logtally -j 2: three files", "status", "log", 2, f["hosts"]),
        submit]


def all_peers(f):
    return [*limits(f), *awks(f),
            *(duckdb(q, "log", f["log"]) for q in ("status", "url",
                                                   "errors")),
            *pythons(f), *slow_ones(f)]


def on_shapes(f):
    """Other logs than the combined one, of the size of the slice."""
    out = []
    for shape in SHAPES:
        out += [
            ours(f"{shape}: logtally -j 1: {QUESTIONS['status']}", "status",
                 shape, 1, [f[shape]]),
            ours(f"{shape}: logtally -j 1: {QUESTIONS['url']}", "url", shape,
                 1, [f[shape]]),
            Command(f"{shape}: wc -l", f"wc -l < {f[shape]}", shape,
                    shell=True),
            counting(f"{shape}: mawk", ["mawk", AWK, f[shape]], shape,
                     of_key_count, "mawk")]
    return out


def first_line(*argv):
    if not have(argv[0]):
        return "absent"
    return (output_of(*argv).splitlines() or ["?"])[0]


def debian(package):
    text = output_of("dpkg-query", "-W", "-f", "${Version}", package)
    return text if text and " " not in text else "absent"


def versions():
    node = json.loads((PEERS / "package.json").read_text())
    return {
        "logtally": first_line(LOGTALLY, "--version"),
        "wc": first_line("wc", "--version"),
        "ripgrep": first_line("rg", "--version"),
        "mawk": debian("mawk"), "gawk": debian("gawk"),
        "miller": debian("miller"), "goaccess": debian("goaccess"),
        "isal": debian("isal"), "zstd": debian("zstd"),
        "@duckdb/node-api": node["dependencies"]["@duckdb/node-api"]
        if (NODE / "node_modules").is_dir() else "absent",
        "node": first_line("node", "--version"),
        "python": first_line(PYTHON, "--version"),
        "python3-distributed": debian("python3-distributed")}


def prepare(folder: Path, megabytes, slice_megabytes):
    """The files, made once and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    f = {"log": folder / f"combined-{megabytes}.log",
         "slice": folder / f"combined-{slice_megabytes}.log"}
    f |= {s: folder / f"{s}-{slice_megabytes}.log" for s in SHAPES}
    for key, path in f.items():
        if not path.exists():
            made(path, [BUILD / "bench" / "loggen",
                        key if key in SHAPES else "combined", 1,
                        megabytes if key == "log" else slice_megabytes])
    f["gz"], f["zst"] = (f["log"].with_suffix(f".log.{e}")
                         for e in ("gz", "zst"))
    if not f["gz"].exists():
        made(f["gz"], ["gzip", "-c", f["log"]])
    if not f["zst"].exists() and have("zstd"):
        made(f["zst"], ["zstd", "-q", "-c", f["log"]])
    f["hosts"] = thirds(f["log"], folder / f"hosts-{megabytes}")
    return f


def prepare_formats(folder, megabytes):
    """As prepare, of the logs of other formats."""
    logs = [folder / f"{shape}-{megabytes}.log"
            for shape in ("combined", "json")]
    for path in logs:
        if not path.exists():
            made(path, [BUILD / "bench" / "loggen", path.name.split("-")[0],
                        1, megabytes])
    return format_logs.prepare(*logs, folder / "formats")


def made(path, argv):
    part = path.with_suffix(".part")
    with open(part, "wb") as out:
        subprocess.run(list(map(str, argv)), stdout=out, check=True)
    part.rename(path)


def thirds(log, folder):
    """The log as three hosts would have it."""
    out = [folder / f"host{n}" / "access.log" for n in (1, 2, 3)]
    if all(p.exists() for p in out):
        return out
    size = log.stat().st_size
    with open(log, "rb") as f:
        for n, path in enumerate(out):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as to:
                end = size * (n + 1) // 3
                while f.tell() < end:
                    to.write(f.read(min(1 << 24, end - f.tell())))
                to.write(f.readline() if n < 2 else b"")
    return out
