# SPDX-License-Identifier: Apache-2.0
"""Runs fuzzers, one for each processor at a time, and counts executions.

usage: run.py BUILD HOME SECONDS|--runs N [TARGET..]

BUILD/tests/NAME_fuzz runs on the corpus HOME/corpus/NAME_fuzz, to which the
seeds are added; HOME/executions keeps how many there were. A finding is
HOME/NAME_fuzz-*, and the others run on."""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import seeds

HERE = Path(__file__).parent

# What is freed is kept from use for 8 MiB, many times what an input takes; the
# usual 256 MiB leave every cache. Two callers of an allocation are kept: a
# finding is played again with all of them.
ASAN = ":".join(["quarantine_size_mb=8", "malloc_context_size=2",
                 "clear_shadow_mmap_threshold=67108864",
                 "allocator_release_to_os_interval_ms=-1"])

# Bytes of the longest input, where that is not 4096: of many lines, rows or
# steps that are alike, a few tell as much as many, and take less time.
LONGEST = {"audit": 256, "format": 256, "matcher": 256, "output": 256,
           "query": 256, "scan": 256, "top": 256}


def command(build, home, bound, name):
    return [build / "tests" / f"{name}_fuzz", bound, "-print_final_stats=1",
            f"-max_len={LONGEST.get(name, 4096)}",
            f"-dict={HERE / 'words.dict'}",
            f"-artifact_prefix={home}/{name}_fuzz-",
            home / "corpus" / f"{name}_fuzz"]


def executions(log):
    found = re.findall(r"^stat::number_of_executed_units: *(\d+)",
                       log.read_text(errors="replace"), re.M)
    return int(found[0]) if found else 0


def in_all(file, name):
    lines = file.read_text().split("\n") if file.exists() else []
    return sum(int(line.split()[1]) for line in lines
               if line.split()[:1] == [name])


def run(build, home, bound, name):
    """Whether nothing was found."""
    corpus = home / "corpus" / f"{name}_fuzz"
    log, kept = home / f"{name}_fuzz.log", home / "executions"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds.unpack(HERE / "seeds" / name, corpus)
    with log.open("w") as out:
        good = subprocess.run(command(build, home, bound, name), stdout=out,
                              stderr=out, env={**os.environ,
                                               "ASAN_OPTIONS": ASAN})
    n = executions(log)
    with kept.open("a") as out:
        out.write(f"{name} {n}\n")
    print(f"{name}: {n} executions, {in_all(kept, name)} in all", flush=True)
    if good.returncode != 0:
        print("\n".join(log.read_text(errors="replace").split("\n")[-40:]))
        print(f"{name} found something; its input is {home}/{name}_fuzz-*",
              flush=True)
    return good.returncode == 0


def main(argv):
    if len(argv) < 3 or (argv[2] == "--runs" and len(argv) < 4):
        sys.exit(__doc__)
    build, home, rest = Path(argv[0]), Path(argv[1]), argv[3:]
    bound = f"-max_total_time={argv[2]}"
    if argv[2] == "--runs":
        bound, rest = f"-runs={argv[3]}", argv[4:]
    names = [name.removesuffix("_fuzz") for name in rest] or sorted(
        p.name.removesuffix("_fuzz") for p in build.glob("tests/*_fuzz"))
    unknown = [n for n in names if not (build / f"tests/{n}_fuzz").exists()]
    if unknown:
        sys.exit(f"no such fuzzer: {', '.join(unknown)}")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        good = list(pool.map(lambda name: run(build, home, bound, name), names))
    sys.exit(0 if all(good) else 1)


main(sys.argv[1:])
