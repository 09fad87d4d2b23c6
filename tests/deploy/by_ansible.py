# SPDX-License-Identifier: Apache-2.0
"""deploy/ansible against three small Debians: from the packages to a job, and
a second run that changes nothing. Skipped where this machine cannot do it.

usage: by_ansible.py FOLDER_OF_DEBS WORK_FOLDER
"""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from fleet import LINES, LOG, run, said

ROLE = Path(__file__).resolve().parents[2] / "deploy" / "ansible"
HOSTS = {"c0.example": "10.77.0.1", "web1.example": "10.77.0.2",
         "db1.example": "10.77.0.3"}
ENDPOINT = f"tcp://{HOSTS['c0.example']}:7700"


def write_inventory(fleet, debs):
    line = "{0} ansible_host={1}".format
    text = "\n".join([
        "[logtally_coordinator]", line("c0.example", HOSTS["c0.example"]),
        "[logtally_workers]", *(line(*x) for x in HOSTS.items()),
        "[all:vars]", "ansible_user=root",
        "ansible_python_interpreter=/usr/bin/python3",
        f"ansible_ssh_private_key_file={fleet.key}",
        f"logtally_coordinator={ENDPOINT}",
        f"logtally_packages={debs}", ""])
    (fleet.work / "inventory.ini").write_text(text)


def play(work):
    """What came of each host: {"web1.example": {"ok": 9, ...}}"""
    p = subprocess.run(
        ["ansible-playbook", "-i", work / "inventory.ini", ROLE / "site.yml"],
        text=True, capture_output=True, timeout=900, env={
            **os.environ, "HOME": str(work), "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_PIPELINING": "True", "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(work / "tmp")})
    assert p.returncode == 0, p.stdout[-6000:] + p.stderr[-3000:]
    recap = p.stdout[p.stdout.index("PLAY RECAP"):]
    found = {}
    for name, rest in re.findall(r"^(\S+) +: (.*)$", recap, re.M):
        found[name] = {k: int(v) for k, v in
                       re.findall(r"(\w+)=(\d+)", rest)}
    assert set(found) == set(HOSTS), recap
    return found


def logtally(fleet, *args):
    return fleet.first.run("runuser", "-u", "logtally", "--", "logtally",
                           *args, "--coordinator", ENDPOINT,
                           "--keys", "/etc/logtally/keys/issued/admin")


def count(fleet):
    names = {n.split(".")[0] for n in HOSTS}
    up = {w["name"] for w in json.loads(logtally(fleet, "workers", "--json"))
          if w["state"] == "up" and w["sandbox"] == "full"}
    assert up == names, up
    out = logtally(fleet, "submit", "count", f"*:{LOG}", "--quiet", "-o",
                   "tsv")
    assert out.split()[-1] == str(len(HOSTS) * LINES), out
    said(f"a job counted {LINES} lines on each of {len(HOSTS)} hosts")


def look(fleet):
    out = logtally(fleet, "doctor", "client")
    assert out == "client: nothing is wrong\n", out
    # As root, where the daemon's user is another, and the unit has the keys.
    for name, m in fleet.machines.items():
        here = ["coordinator"] if name == "c0.example" else []
        out = m.run("logtally", "doctor", ok=False).stdout
        assert out.splitlines() == [f"{p}: nothing is wrong" for p in
                                    (*here, "worker")], out
    said("doctor finds nothing wrong, on any of them")


def journey(fleet, debs):
    write_inventory(fleet, debs)
    found = play(fleet.work)
    assert all(f["changed"] > 0 and f["failed"] == 0 for f in found.values())
    said("installed, keys made and copied, configured, started: "
         + ", ".join(f"{n} changed {f['changed']}" for n, f in found.items()))
    count(fleet)
    look(fleet)
    pids = [m.unit("worker", "MainPID") for m in fleet.machines.values()]
    found = play(fleet.work)
    assert all(f["changed"] == 0 and f["failed"] == 0
               for f in found.values()), found
    assert pids == [m.unit("worker", "MainPID")
                    for m in fleet.machines.values()]
    said("again: nothing changed, nothing was restarted")


if __name__ == "__main__":
    sys.exit(run(HOSTS, journey, ["ansible-playbook"],
                 ["python3", "python3-apt"]))
