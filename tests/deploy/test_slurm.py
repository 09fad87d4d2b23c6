# SPDX-License-Identifier: Apache-2.0
"""deploy/slurm/logtally.sbatch: with Slurm's own daemons where they are
installed (three nodes on this machine), and with a srun of this test."""
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / "deploy" / "slurm" / "logtally.sbatch"
sys.path.insert(0, str(HERE.parent / "cluster"))
from conftest import BUILD, Process, free_port, wait_for  # noqa: E402

LINES = 3000
# What a batch job finds, as far as the script uses it.
SRUN = """#!/bin/sh
shift # --kill-on-bad-exit
for n in 1 2 3; do
    SLURMD_NODENAME=n$n "$@" &
    pids="$pids $!"
done
trap 'kill $pids; wait' TERM
wait
"""

CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmdSpoolDir={folder}/spool-%n
StateSaveLocation={folder}/state
SlurmdParameters=config_overrides
{nodes}
PartitionName=all Nodes=n[1-3] Default=YES State=UP MaxTime=INFINITE
"""


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    for part in range(3):
        (folder / f"{part}.log").write_text("".join(
            f'10.0.0.{i % 9} - - [02/Jan/2026:03:04:05 +0000] "GET /{i} '
            f'HTTP/1.1" 200 {i} "-" "-"\n' for i in range(LINES)))
    return folder


def env(tmp_path, **more):
    shared = tmp_path / "shared"
    shared.mkdir(exist_ok=True)
    own = tmp_path / "own"
    own.mkdir(exist_ok=True)
    return {**os.environ, "LOGTALLY_BIN": str(BUILD), "TMPDIR": str(own),
            "LOGTALLY_SHARED": str(shared), **more}


def check_nothing_is_left(tmp_path):
    assert not list((tmp_path / "shared").iterdir())
    assert not list((tmp_path / "own").iterdir())
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue  # it ended
        assert not (b"logtally-" in line and bytes(tmp_path) in line), line


def test_with_a_srun_of_this_test(tmp_path, logs):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "srun").write_text(SRUN)
    (bin_ / "srun").chmod(0o755)
    p = subprocess.run(
        ["bash", str(SCRIPT), "count", f"{logs}/*.log", "-o", "tsv"],
        env=env(tmp_path, PATH=f"{bin_}:{os.environ['PATH']}",
                SLURM_JOB_NUM_NODES="3", SLURM_JOB_ID="7"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    assert p.returncode == 0, p.stderr
    assert p.stdout.split()[-1] == str(3 * LINES)
    check_nothing_is_left(tmp_path)


def test_a_query_that_is_none_fails_and_leaves_nothing(tmp_path, logs):
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "srun").write_text(SRUN)
    (bin_ / "srun").chmod(0o755)
    p = subprocess.run(
        ["bash", str(SCRIPT), "cuont", f"{logs}/*.log"],
        env=env(tmp_path, PATH=f"{bin_}:{os.environ['PATH']}"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100)
    assert p.returncode == 2, p.stderr
    check_nothing_is_left(tmp_path)


class Slurm:
    """One slurmctld and three slurmd."""

    def __init__(self, folder):
        for tool in ("slurmctld", "slurmd", "sbatch", "sinfo"):
            if shutil.which(tool) is None:
                pytest.skip(f"{tool} is not installed")
        if os.geteuid() != 0:
            pytest.skip("needs root to start Slurm's daemons")
        folder.mkdir()
        (folder / "state").mkdir()
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(
            f"NodeName=n{i} NodeHostname={host} NodeAddr=127.0.0.1 "
            f"Port={free_port()} CPUs=1 State=UNKNOWN" for i in (1, 2, 3))
        conf = folder / "slurm.conf"
        conf.write_text(CONF.format(host=host, ctld=free_port(),
                                    folder=folder, nodes=nodes))
        self.env = {"SLURM_CONF": str(conf)}
        self.processes = []
        self.folder = folder

    def start(self):
        e = {**os.environ, **self.env}
        for name, argv in (
                ("ctld", ["slurmctld", "-D", "-i"]),
                *((f"n{i}", ["slurmd", "-D", "-N", f"n{i}"])
                  for i in (1, 2, 3))):
            self.processes.append(Process(self.folder, name, argv, env=e))

    def idle(self):
        for p in self.processes:
            if p.popen.poll() is not None:
                pytest.skip("Slurm's daemons do not run here: " +
                            p.log.read_text(errors="replace")[-300:])
        out = subprocess.run(["sinfo", "-h", "-o", "%T %D"],
                             env={**os.environ, **self.env}, timeout=20,
                             capture_output=True, text=True).stdout
        return out.split() == ["idle", "3"]

    def stop(self):
        for p in reversed(self.processes):
            p.stop()


@pytest.fixture
def slurm(tmp_path):
    s = Slurm(tmp_path / "slurm")
    try:
        s.start()
        wait_for("three idle nodes", s.idle, 40)
        yield s
    finally:
        s.stop()


def test_with_slurm_itself(tmp_path, logs, slurm):
    out = tmp_path / "out"
    p = subprocess.run(
        ["sbatch", "--wait", "-N", "3", "-o", str(out), str(SCRIPT), "count",
         f"{logs}/*.log", "-o", "tsv"], env=env(tmp_path, **slurm.env),
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=100)
    text = out.read_text() if out.exists() else ""
    assert p.returncode == 0, p.stdout + p.stderr + text
    assert str(3 * LINES) in text.split(), text
    wait_for("an end of all nodes", slurm.idle, 40)
    check_nothing_is_left(tmp_path)
