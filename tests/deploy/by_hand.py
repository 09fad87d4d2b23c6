# SPDX-License-Identifier: Apache-2.0
"""The first cluster of docs/operations.md, typed as it stands there on four
small Debians that have an sshd and a folder of packages: a coordinator, three
workers, one job, in less than LIMIT. Skipped where this machine cannot do it.

usage: by_hand.py FOLDER_OF_DEBS WORK_FOLDER
"""
import shutil
import sys
import time

from fleet import LINES, LOG, run, said
from written import as_written

HOSTS = {"c0": "10.77.0.1", "web1": "10.77.0.2", "web2": "10.77.0.3",
         "web3": "10.77.0.4"}
WORKERS = [n for n in HOSTS if n != "c0"]
HERE = {"COORDINATOR": "c0"}
FOLDER = "/srv/packages"
QUERY = "count, sum(bytes) by status"
LIMIT = 300  # seconds


def give(fleet, folder):
    """What a reader has: names, ssh to the hosts, the packages."""
    names = "".join(f"{a} {n}\n" for n, a in HOSTS.items())
    for m in fleet.machines.values():
        (m.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{names}")
        assert not list(m.root.glob("usr/lib/*/libzmq*")), "not a clean host"
    root = fleet.first.root
    shutil.copytree(folder, root / FOLDER[1:])
    shutil.copy(fleet.key, root / "root/.ssh/id_ed25519")
    known = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
    (root / "root/.ssh/known_hosts").write_text(
        f"{','.join(WORKERS)} {known}")


def typed(m):
    """Its blocks one after the other; the rows of the last one."""
    began = time.monotonic()
    for name, instead in (("coordinator", {}), ("enrol", HERE),
                          ("client", HERE)):
        told = as_written(m, name, FOLDER, instead)
        said(f"{time.monotonic() - began:5.1f} s: {name}")
    seen = [line.split()[0] for line in told.splitlines()
            if " up " in line and " full" in line]
    assert seen == WORKERS, told
    rows = as_written(m, "job", FOLDER, {}, stderr=None)
    took = time.monotonic() - began
    said(f"{took:5.1f} s: job")
    return rows, took


def compare(fleet, rows):
    """With one machine that has all the logs."""
    m = fleet.first
    logs = m.root / "srv/logs"
    for name in WORKERS:
        (logs / name).mkdir(parents=True)
        shutil.copy(fleet.machines[name].root / LOG[1:], logs / name)
    alone = m.run("sh", "-c", f"logtally run '{QUERY}' /srv/logs/*/* --quiet")
    assert rows == alone, f"{rows}\n{alone}"
    counts = [int(line.split("\t")[1]) for line in rows.splitlines()[1:]]
    assert sum(counts) == len(WORKERS) * LINES, rows


def look(fleet):
    for name, m in fleet.machines.items():
        parts = ["coordinator", "client"] if m is fleet.first else ["worker"]
        out = m.run("logtally", "doctor", ok=False).stdout
        assert out.splitlines() == [f"{p}: nothing is wrong" for p in parts], \
            f"{name}: {out}"


def journey(fleet, folder):
    give(fleet, folder)
    rows, took = typed(fleet.first)
    print(rows, end="", flush=True)
    compare(fleet, rows)
    said("the rows are those of `logtally run` over the same logs")
    look(fleet)
    said("doctor finds nothing wrong, on any of them")
    assert took < LIMIT, f"{took:.0f} s, which is {LIMIT} or more"
    said(f"{took:.0f} s from the first command to the rows (at most {LIMIT})")


if __name__ == "__main__":
    sys.exit(run(HOSTS, journey))
