# SPDX-License-Identifier: Apache-2.0
"""The units and samples of deploy/, held against systemd and the programs;
what is not installed here is skipped, with the reason."""
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "cluster"))
from conftest import BUILD, Cluster, program, run, wait_for  # noqa: E402

DEPLOY = ROOT / "deploy"
DAEMONS = ["coordinator", "worker"]
WORST = 1.0


def analyze(verb, *args):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    p = subprocess.run(["systemd-analyze", verb, *map(str, args)],
                       capture_output=True, text=True, timeout=60)
    if "Unknown" in p.stderr or "unrecognized option" in p.stderr:
        pytest.skip(f"systemd-analyze is too old: {p.stderr.strip()}")
    return p


def unit_here(name, folder):
    """The unit, with the programs of this build."""
    text = (DEPLOY / "systemd" / f"logtally-{name}.service").read_text()
    path = folder / f"logtally-{name}.service"
    path.write_text(text.replace("/usr/bin/logtally", f"{BUILD}/logtally"))
    return path


@pytest.mark.parametrize("name", DAEMONS)
def test_unit_gives_away_next_to_nothing(name, tmp_path):
    p = analyze("security", "--offline=true", "--no-pager",
                unit_here(name, tmp_path))
    level = re.search(r"exposure level for \S+: ([0-9.]+)", p.stdout)
    assert level, p.stdout + p.stderr
    print(level.group())
    assert float(level.group(1)) <= WORST, p.stdout


@pytest.mark.parametrize("name", DAEMONS)
def test_unit_says_nothing_that_systemd_does_not_know(name, tmp_path):
    p = analyze("verify", "--man=no", unit_here(name, tmp_path))
    assert (p.returncode, p.stdout + p.stderr) == (0, "")


@pytest.mark.parametrize("name", DAEMONS)
def test_unit_runs_nothing_but_its_daemon(name):
    """Its root has no other folder with programs, such as /bin."""
    text = (DEPLOY / "systemd" / f"logtally-{name}.service").read_text()
    runs = re.findall(r"^Exec(?:Start|Stop|Reload)\w*=(\S+)", text, re.M)
    assert runs == [f"/usr/bin/logtally-{name}"]


# ---- samples

def settings(text):
    """name -> values, of lines `name = value`."""
    found = {}
    for name, value in re.findall(r"^([a-z-]+) = (.*)$", text, re.M):
        found.setdefault(name, []).append(value)
    return found


def uncommented(text):
    return re.sub(r"^# ([a-z-]+ = )", r"\1", text, flags=re.M)


def printed(name, *args):
    p = subprocess.run([program(f"logtally-{name}"), "--print-config", *args],
                       capture_output=True, text=True, timeout=30)
    assert p.returncode == 0, p.stderr
    return settings(p.stdout)


def options(name):
    """Those that may be in a file: of --help, without those that end it."""
    text = subprocess.run([program(f"logtally-{name}"), "--help"],
                          capture_output=True, text=True, timeout=30).stdout
    return set(re.findall(r"^ .*--([a-z-]+)", text, re.M)) - {
        "config", "check-config", "print-config", "sandbox-selftest",
        "version", "help"}


@pytest.mark.parametrize("name", DAEMONS)
def test_sample_has_every_setting_and_its_default(name, tmp_path):
    sample = DEPLOY / "etc" / f"{name}.conf"
    everything = tmp_path / "everything.conf"
    everything.write_text(uncommented(sample.read_text()))
    (tmp_path / "empty.conf").touch()
    defaults = printed(name, "--config", str(tmp_path / "empty.conf"))
    shown = settings(everything.read_text())
    assert set(shown) == options(name)
    assert {n: shown[n] for n in defaults} == defaults
    # Each line, and the file as it stands, means what it says.
    assert printed(name, "--config", str(everything)) == shown
    as_it_stands = printed(name, "--config", str(sample))
    assert as_it_stands == {**defaults, **settings(sample.read_text())}


def test_samples_pass_the_check_once_keys_are_there(tmp_path):
    keys = tmp_path / "keys"
    run("keys", "init", keys)
    run("keys", "new", keys, "web1", "--role", "worker")
    for name, folder, more in (
            ("coordinator", keys, []),
            ("worker", keys / "issued" / "web1",
             ["--coordinator", "tcp://127.0.0.1:7700"])):
        p = subprocess.run(
            [program(f"logtally-{name}"), "--config",
             str(DEPLOY / "etc" / f"{name}.conf"), "--keys", str(folder),
             "--check-config", *more],
            capture_output=True, text=True, timeout=30)
        assert (p.returncode, p.stdout, p.stderr) == (0, "", "")
        # Without keys it is said what is missing.
        p = subprocess.run(
            [program(f"logtally-{name}"), "--config",
             str(DEPLOY / "etc" / f"{name}.conf"), "--keys",
             str(tmp_path / "none"), "--check-config", *more],
            capture_output=True, text=True, timeout=30)
        assert p.returncode == 2
        assert str(tmp_path / "none") in p.stderr


def test_client_sample_is_read(tmp_path):
    folder = tmp_path / "logtally"
    folder.mkdir()
    sample = (DEPLOY / "etc" / "client.conf").read_text()
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("LOGTALLY_")}
    env["XDG_CONFIG_HOME"] = str(tmp_path)

    def workers(text):
        (folder / "client.conf").write_text(text)
        return run("workers", ok=False, env=env).stderr.decode()

    assert "which coordinator?" in workers(sample)
    assert "/etc/logtally/client-keys" in workers(uncommented(sample))
    assert "client.conf:" in workers(sample + "\nkey = /x\n")


# ---- the service manager is told

class Manager:
    """A socket that stands for it, and the environment of a unit."""

    def __init__(self, folder, watchdog_ms):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.socket.setblocking(False)
        self.env = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"),
                    "WATCHDOG_USEC": str(watchdog_ms * 1000)}
        self.lines = []

    def heard(self):
        while True:
            try:
                self.lines += self.socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.lines

    def until(self, what, n=1):
        wait_for(f"{n} times {what} in {self.lines}",
                 lambda: sum(what in x for x in self.heard()) >= n)


def test_daemons_tell_how_it_goes(tmp_path):
    coordinator, worker = tmp_path / "c", tmp_path / "w"
    coordinator.mkdir()
    worker.mkdir()
    c_manager, w_manager = Manager(coordinator, 300), Manager(worker, 300)
    cluster = Cluster.__new__(Cluster)
    try:
        os.environ.update({k: c_manager.env[k] for k in
                           ("NOTIFY_SOCKET", "WATCHDOG_USEC")})
        cluster.__init__(tmp_path)
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    try:
        c_manager.until("READY=1")
        c_manager.until("WATCHDOG=1", 3)
        c_manager.until("STATUS=0 workers, 0 jobs under way")
        p = cluster.worker("web1", tmp_path, wrap=[
            "env", *(f"{k}={w_manager.env[k]}" for k in
                     ("NOTIFY_SOCKET", "WATCHDOG_USEC"))])
        w_manager.until("READY=1")
        w_manager.until("WATCHDOG=1", 3)
        w_manager.until("STATUS=registered, 0 of ")
        c_manager.until("STATUS=1 worker, 0 jobs under way")
        for daemon, manager in ((p, w_manager),
                                (cluster.coordinator, c_manager)):
            daemon.stop()
            manager.until("STOPPING=1")
            assert daemon.popen.returncode == 0
    finally:
        cluster.close()
