# SPDX-License-Identifier: Apache-2.0
"""A worker of three is lost at a random moment of a job, which ends with the
rows of one that nothing happened to. Round after round."""
import json
import os
import random
import signal
import time

from conftest import rows_and_print, wait_for, workers_of


def held_for_good(cluster, name):
    """Does the stopped worker hold shards? What it sent before may still
    arrive, so it must be so twice."""
    for _ in range(2):
        if workers_of(cluster)[name]["held"] == 0:
            return False
        time.sleep(0.2)
    return True


def wait_state(cluster, name, state):
    wait_for(f"{name} to be {state}", lambda:
             workers_of(cluster).get(name, {}).get("state") == state)


def lose_at_random_moments(shared, rounds, end):
    """`end` brings the stopped worker to its end, or not, and back. Rounds:
    LOGTALLY_CHAOS names others; more, where none had work in its hands."""
    cluster, folder = shared
    rounds = int(os.environ.get("LOGTALLY_CHAOS", rounds))
    job = ["count by path, status", f"shared:{folder}/*.log", "--shard-size",
           "400KB"]
    began = time.monotonic()
    want = rows_and_print(cluster.submit(*job))
    usual = time.monotonic() - began
    rng = random.Random(11)
    held = []
    while len(held) < rounds or not any(held) and len(held) < 20:
        name = f"web{rng.randrange(3)}"
        running = cluster.popen("submit", *job, "-o", "json")
        time.sleep(rng.random() * usual)  # the random moment itself
        cluster.workers[name].popen.send_signal(signal.SIGSTOP)
        held.append(held_for_good(cluster, name))

        def finish():
            out, err = running.communicate(timeout=120)
            assert running.returncode == 0, err.decode(errors="replace")
            doc = json.loads(out)
            assert rows_and_print(doc) == want
            if held[-1]:
                assert doc["receipt"]["retried"] > 0

        end(cluster, name, folder, finish)
        wait_state(cluster, name, "up")
    assert any(held)
    print(f"{len(held)} equal answers, {sum(held)} with work held")
