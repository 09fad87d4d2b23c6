# SPDX-License-Identifier: Apache-2.0
"""A worker that is killed in the middle of a job."""
import signal

import pytest
from lost import lose_at_random_moments


def kill(cluster, name, folder, finish):
    victim = cluster.workers[name]
    victim.popen.send_signal(signal.SIGKILL)
    finish()
    victim.popen.wait()
    victim.log.write_text("")
    cluster.worker(name, folder, "-j", "1", new_key=False)


# What becomes of its shards is the same for both transports; how it is noticed
# is not.
@pytest.mark.parametrize("cluster, rounds", [("push", 20), ("dial", 2)],
                         indirect=["cluster"])
def test_worker_killed_at_a_random_moment(shared, rounds):
    lose_at_random_moments(shared, rounds, kill)
