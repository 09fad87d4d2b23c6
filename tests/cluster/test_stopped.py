# SPDX-License-Identifier: Apache-2.0
"""A worker that stands still in the middle of a job, and goes on."""
import signal

import pytest
from lost import lose_at_random_moments, wait_state


def stop(cluster, name, folder, finish):
    wait_state(cluster, name, "lost")
    cluster.workers[name].popen.send_signal(signal.SIGCONT)
    finish()


# Each round costs four seconds, in which nothing is computed.
@pytest.mark.parametrize("cluster, rounds", [("push", 8), ("dial", 2)],
                         indirect=["cluster"])
def test_worker_stopped_at_a_random_moment(shared, rounds):
    lose_at_random_moments(shared, rounds, stop)
