# SPDX-License-Identifier: Apache-2.0
"""The middle of an upgrade: a worker of the next version, and a coordinator of
this one."""
import json
import re

import pytest
from conftest import program, run, wait_for

LINE = (b'192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] "GET / HTTP/1.1" 200 5 '
        b'"-" "ua"\n')


def start(cluster, name, worker, root):
    run("keys", "new", cluster.keys, name, "--role", "worker", "--host", name)
    return cluster.start(name, [
        program(worker), "--coordinator", cluster.endpoint, "--keys",
        cluster.keys / "issued" / name, "--name", name, "--root", root,
        "--listen", "127.0.0.1", "--intake-port", "0"])


def states(cluster):
    return {w["name"]: w["state"] for w in json.loads(
        cluster.cli("workers", "--json").stdout)}


@pytest.mark.parametrize("worker, what", [
    ("next-protocol-worker", "version (\\d+) of the protocol and .*"
     "version (\\d+)"),
    ("next-partial-worker", "version (\\d+) of partials and .*"
     "version (\\d+)")])
def test_another_version_is_refused_with_both_named(cluster, tmp_path, worker,
                                                    what):
    (tmp_path / "access.log").write_bytes(LINE * 3)
    cluster.worker("old", tmp_path)
    new = start(cluster, "new", worker, tmp_path)
    new.until("worker-refused")
    cluster.coordinator.until("version-refused")
    for said_by, event in ((new, "worker-refused"),
                           (cluster.coordinator, "version-refused")):
        line = next(x for x in said_by.log.read_text().splitlines()
                    if event in x)
        ours, theirs = re.search(what, line).groups()
        assert int(theirs) == int(ours) + 1
        assert "install the same release on both" in line
    assert states(cluster) == {"old": "up", "new": "refused"}
    assert cluster.submit("count", f"*:{tmp_path}/access.log")["rows"] == [[3]]
    new.stop()  # the release of the coordinator goes on in its place
    cluster.worker("new", tmp_path, new_key=False)
    wait_for("the worker", lambda: states(cluster) == {
        "old": "up", "new": "up"})
