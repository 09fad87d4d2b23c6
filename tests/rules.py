# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, the SPDX line first, and a test for each limit.
Prints what is wrong."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
OURS = ("common", "coordinator", "worker", "certs", "tests", "bench")


def wrong(path, quote, name):
    top, parts = path.split("/")[0], name.split("/")
    if name in ("zmq.h", "czmq.h") and top not in ("tests", "bench"):
        if not (path.startswith("common/net/") or
                re.search(r"_io\.[ch]$", path)):
            return "only *_io and common/net may include it"
    if quote == "<" or parts[0] not in OURS:
        return None
    if top == "common" and parts[0] != "common":
        return "common includes nothing of ours outside common"
    if top == "worker" and parts[0] == "coordinator":
        return "worker never includes coordinator"
    if top == "coordinator" and parts[0] == "worker" and \
            not path.startswith("coordinator/cli/"):
        return "coordinator never includes worker"
    return None


# Tried by another row's test.
TRIED_BY = {"LIMIT_CURVE_OVERHEAD": "LIMIT_CONTROL"}  # to the byte


def untested_limits():
    """Each limit is tried at its value and one past it: CHECK_LIMIT."""
    names = re.findall(r"^#define (LIMIT_\w+)",
                       (ROOT / "common/base/limits.h").read_text(), re.M)
    tests = "".join(path.read_text() for path in
                    (ROOT / "tests" / "unit").rglob("*_test.c"))
    tried = set(re.findall(r"\bCHECK_LIMIT\(\s*(LIMIT_\w+),", tests))
    return [f"common/base/limits.h: {name}: no unit test tries it and one "
            "past: CHECK_LIMIT of tests/unit/cmocka_all.h" for name in names
            if TRIED_BY.get(name, name) not in tried]


def main():
    faults = untested_limits()
    files = subprocess.run(["git", "ls-files", "*.c", "*.h"], cwd=ROOT,
                           capture_output=True, text=True).stdout.split()
    for path in files or sys.exit("no sources found"):
        text = (ROOT / path).read_text(errors="replace")
        if "SPDX-License-Identifier" not in text.split("\n", 1)[0]:
            faults.append(f"{path}: no SPDX line first")
        for quote, name in INCLUDE.findall(text):
            why = wrong(path, quote, name)
            if why:
                faults.append(f"{path}: {name}: {why}")
    print("\n".join(faults))
    sys.exit(bool(faults))


main()
