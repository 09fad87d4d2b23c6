# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in a run, one function each: fault(run). A function that
may cost a file returns its path: the answer is then either whole, or names
just that file."""
import os
import random
import shutil
import signal
import subprocess
import time

import conftest
import own_net
import proxy

FAULTS = {}
ON_PROXIES, ON_LINKS = set(), set()  # runs have the ones or the other


def fault(f):
    FAULTS[f.__name__] = f
    return f


def go_together(a, b):
    return not (a in ON_PROXIES and b in ON_LINKS or
                a in ON_LINKS and b in ON_PROXIES)


def executors(worker):
    out = subprocess.run(["pgrep", "-P", str(worker.popen.pid)],
                         capture_output=True, text=True).stdout
    return [int(x) for x in out.split()]


# ---- processes

@fault
def worker_killed(run):
    run.end_worker(signal.SIGKILL)
    time.sleep(run.rng.uniform(0, 5))
    run.start_worker()


@fault
def worker_killed_and_back_at_once(run):
    run.end_worker(signal.SIGKILL)
    run.start_worker()


@fault
def worker_drained(run):
    run.end_worker(signal.SIGTERM)
    run.start_worker()


@fault
def worker_stopped(run):
    run.stop(run.worker.popen.pid, run.rng.choice([0.5, 4, 7]))


# Partials that cover shards of others to the byte, offers, heartbeats and
# rubbish, by who has a worker's key; see rogue/rogue.c.
@fault
def rogue_worker(run):
    key = f"evil{run.rng.randrange(1 << 30)}"
    log = run.folder / f"{key}.log"
    log.write_bytes(run.data.read_bytes().replace(b'" 200 ', b'" 418 '))
    conftest.run("keys", "new", run.cluster.keys, key, "--role", "worker")
    p = subprocess.Popen([
        conftest.program("tests/rogue"), run.cluster.endpoint,
        run.cluster.keys / "issued" / key, log, run.QUERY,
        str(run.SHARD_BYTES), "web1", "web2"], stdout=subprocess.DEVNULL)
    time.sleep(run.rng.uniform(0.5, 3))
    p.kill()
    p.wait()


@fault
def executor_killed(run):
    for pid in executors(run.worker)[:1]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@fault
def executor_killed_again_and_again(run):
    """What three executors in a row died of is given up."""
    until = time.monotonic() + 2
    while time.monotonic() < until and run.is_running():
        executor_killed(run)
        time.sleep(0.02)
    return run.log


@fault
def executor_stopped(run):
    for pid in executors(run.worker)[:1]:
        run.stop(pid, 3)


@fault
def executor_out_of_memory(run):
    for pid in executors(run.worker)[:1]:
        subprocess.run(["prlimit", f"--pid={pid}", "--as=1000000"],
                       capture_output=True)


@fault
def coordinator_killed(run):
    run.restart_coordinator(signal.SIGKILL, run.rng.uniform(0, 4))


@fault
def coordinator_ended(run):
    run.restart_coordinator(signal.SIGTERM, 0)


@fault
def coordinator_stopped(run):
    run.stop(run.cluster.coordinator.popen.pid, run.rng.choice([0.5, 4, 7]))


@fault
def both_killed(run):
    run.end_worker(signal.SIGKILL)
    run.restart_coordinator(signal.SIGKILL, 0.5)
    run.start_worker()


@fault
def client_killed(run):
    """Another waits for its job."""
    run.client.kill()
    run.client.communicate()
    run.wait_again()


# ---- connections

def misbehave(name, link, mode):
    def f(run):
        p = run.proxies[link]
        if mode == "reset":
            for _ in range(3):
                p.reset()
                time.sleep(0.1)
            return
        p.mode = mode
        # A lane that stands so still is dialled again after eight seconds,
        # as where an address translation forgot it.
        time.sleep(0.2 if mode == proxy.CORRUPT else run.rng.choice(
            [0.5, 2, 6, 11] if link == "lane" else [0.5, 2, 6]))
        p.mode = proxy.PASS
        if mode == proxy.DROP:
            p.reset()  # bytes are missing: nothing after them makes sense
    f.__name__ = name
    fault(f)
    ON_PROXIES.add(name)


for link in ("control", "sink", "intake", "lane"):
    for mode in (proxy.FREEZE, proxy.FREEZE_TO, proxy.FREEZE_FROM,
                 proxy.DELAY, proxy.DROP, proxy.CORRUPT, "reset"):
        misbehave(f"{link}_{mode}", link, mode)


@fault
def all_links_frozen(run):
    for p in run.proxies.values():
        p.mode = proxy.FREEZE
    time.sleep(run.rng.choice([1, 5, 9]))
    for p in run.proxies.values():
        p.mode = proxy.PASS


ON_PROXIES.add("all_links_frozen")


def cut(name, how):
    def f(run):
        run.link.cut(how)
        time.sleep(run.rng.choice([0.5, 2, 6]))
        run.link.mend(how)
    f.__name__ = name
    fault(f)
    ON_LINKS.add(name)


if own_net.is_entered():
    cut("wire_cut", "both")
    cut("wire_cut_to_worker", "to")
    cut("wire_cut_from_worker", "from")


# ---- files

@fault
def file_truncated(run):
    if not run.log.exists():  # another fault was faster
        return run.log
    os.truncate(run.log, run.log.stat().st_size // 2)
    return run.log


@fault
def file_replaced(run):
    if not run.log.exists():  # another fault was faster
        return run.log
    other = run.log.with_suffix(".new")
    shutil.copy(run.log, other)
    with open(other, "r+b") as f:
        f.write(b"x")
    os.rename(other, run.log)
    return run.log


@fault
def file_deleted(run):
    if not run.log.exists():  # another fault was faster
        return run.log
    run.log.unlink()
    return run.log


@fault
def file_rotated_by_copytruncate(run):
    if not run.log.exists():  # another fault was faster
        return run.log
    shutil.copy(run.log, run.log.with_suffix(".1"))
    os.truncate(run.log, 0)
    with open(run.log, "ab") as f:
        f.write(b"a new line\n")
    return run.log


@fault
def file_appended(run):
    with open(run.log, "ab") as f:
        f.write(b"a new line\n" * random.randrange(1, 1000))


# ---- what a disk does; the first two hold from the start, see worker_env

@fault
def reads_short(run):
    pass


@fault
def reads_eio(run):
    return run.log


@fault
def disk_full(run):
    """The state folder is a small file system of its own; see Run."""
    filler = run.cluster.state / "filler"
    fd = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(fd, b"x" * 4096) == 4096:
            pass
    except OSError:
        pass
    os.close(fd)
    time.sleep(run.rng.choice([0.5, 3]))
    filler.unlink()
