# SPDX-License-Identifier: Apache-2.0
"""Runs commands in turn, times them, and says on what machine."""
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("LOGTALLY_BUILD", ROOT / "build" / "release"))


@dataclass
class Command:
    """One contender. `parse` turns its output into the answer, a list of
    rows; None: there is nothing to compare. A command whose output is JSON
    with "seconds" has timed itself."""
    name: str
    argv: list
    data: str                # which file, a key of the prepared files
    parse: Optional[Callable] = None
    same_as: str = ""        # the reference its answer must equal
    self_timed: bool = False
    env: dict = field(default_factory=dict)
    shell: bool = False
    seconds: list = field(default_factory=list)
    absent: str = ""

    def median(self):
        return statistics.median(self.seconds)


def reason(text):
    """The line of a program's complaint that says most, short."""
    lines = [x.strip() for x in text.splitlines() if x.strip()]
    for word in ("missing:", "error"):
        for line in lines:
            if word in line.lower():
                return line.replace(f"{ROOT}/", "")[:160]
    return lines[-1][:160] if lines else "it said nothing"


def run(command):
    """(seconds, output)."""
    argv = ["sh", "-c", command.argv] if command.shell else command.argv
    began = time.monotonic()
    p = subprocess.run(list(map(str, argv)), stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                       env={**os.environ, "LC_ALL": "C", **command.env})
    took = time.monotonic() - began
    if p.returncode != 0:
        raise RuntimeError(f"{command.name}: exit code {p.returncode}: "
                           + reason(p.stderr.decode(errors="replace")))
    return (json.loads(p.stdout)["seconds"] if command.self_timed else took,
            p.stdout)


def in_turn(commands, runs, say=lambda text: None):
    """A B C A B C: what disturbs the machine then disturbs all of them."""
    for n in range(runs):
        say(f"round {n + 1} of {runs}")
        for c in commands:
            if not c.absent:
                c.seconds.append(run(c)[0])


def children(pid):
    """All descendants of a process."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            for child in text.split():
                found += [int(child), *children(int(child))]
    except OSError:
        pass
    return found


def peak_kib(pid):
    """(name, VmHWM), or None once it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
        values = dict(line.split(":\t", 1) for line in text.splitlines()
                      if ":\t" in line)
        return values["Name"], int(values["VmHWM"].split()[0])
    except (OSError, KeyError):
        return None


def peaks(argv):
    """Peak resident KiB of every process that argv starts, by name; the
    kernel's own high-water mark, read every millisecond while they live."""
    p = subprocess.Popen(list(map(str, argv)), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    seen = {}
    while p.poll() is None:
        for pid in (p.pid, *children(p.pid)):
            if entry := peak_kib(pid):
                seen[pid] = max(entry, seen.get(pid, entry),
                                key=lambda e: e[1])
        time.sleep(0.001)
    if p.returncode != 0:
        raise RuntimeError(f"{argv}: exit code {p.returncode}")
    most = {}
    for name, kib in seen.values():
        most[name] = max(kib, most.get(name, 0))
    return most


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def output_of(*argv):
    p = subprocess.run(list(map(str, argv)), stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    return p.stdout.decode(errors="replace").strip()


def machine():
    # The mark of a commit says what was measured; outside of git there is none.
    p = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    memory = open("/proc/meminfo").readline().split()[1]
    return {"date": str(datetime.date.today()), "cpu": cpu(),
            "processors": os.cpu_count(), "memory_mib": int(memory) // 1024,
            "kernel": platform.release(),
            # Over the last 15 minutes; above 1 or so, others were busy too.
            "load": round(os.getloadavg()[2], 2),
            "commit": p.stdout.decode().strip() or "unknown"}


def say(text):
    print(text, file=sys.stderr, flush=True)
