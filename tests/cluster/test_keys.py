# SPDX-License-Identifier: Apache-2.0
"""Keys of a running cluster: who is let in, and when that changes."""
import os
import signal
import subprocess

import pytest
from conftest import Cluster, program, run, wait_for


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    c = Cluster(tmp_path_factory.mktemp("keys"))
    yield c
    c.close()


def new_client(cluster, name, role="client"):
    run("keys", "new", cluster.keys, name, "--role", role)
    return cluster.keys / "issued" / name


def start_alone(keys, state):
    return subprocess.run(
        [program("logtally-coordinator"), "--keys", keys, "--state", state,
         "--listen", "127.0.0.1", "--control-port", "0", "--sink-port", "0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=10)


@pytest.mark.parametrize("how", ["empty", "missing"])
def test_without_an_allowlist_it_does_not_start(tmp_path, how):
    run("keys", "init", tmp_path / "keys")
    (tmp_path / "keys" / "allowed" / "admin").unlink()
    if how == "missing":
        (tmp_path / "keys" / "allowed").rmdir()
    p = start_alone(tmp_path / "keys", tmp_path / "state")
    assert p.returncode == 2 and b"allowed" in p.stdout


def test_reload_tells_what_came_of_it(cluster):
    before = cluster.cli("keys", "reload").stdout
    assert b"as before" in before or b"has changed" in before
    new_client(cluster, "bob")
    wait_for("both keys in force", lambda: b"2 keys" in cluster.cli(
        "keys", "reload").stdout)
    broken = cluster.keys / "allowed" / "broken"
    broken.write_text("nonsense\n")
    os.chmod(broken, 0o644)
    p = cluster.cli("keys", "reload", ok=False)
    assert p.returncode == 1 and b"keeps its old list of 2 keys" in p.stderr
    assert b"broken" in p.stderr
    cluster.coordinator.until("error allowlist-kept")
    assert cluster.cli("jobs").returncode == 0
    broken.unlink()
    assert b"2 keys" in cluster.cli("keys", "reload").stdout


def test_reload_is_for_admins(cluster):
    keys = new_client(cluster, "carol")
    p = cluster.cli("keys", "reload", "--keys", keys, ok=False)
    assert p.returncode == 1 and b"has not the role" in p.stderr
    assert cluster.cli("jobs", "--keys", keys).returncode == 0


def test_a_hangup_signal_reloads(cluster):
    """A list that inotify does not tell of: the folder was replaced whole."""
    allowed = cluster.keys / "allowed"
    copy = cluster.keys / "copy"
    copy.mkdir(mode=0o700)
    for f in allowed.iterdir():
        (copy / f.name).write_bytes(f.read_bytes())
        os.chmod(copy / f.name, 0o644)
    run("keys", "init", cluster.folder / "other")
    text = (cluster.folder / "other" / "allowed" / "admin").read_text()
    (copy / "dave").write_text(text.replace('"admin"', '"dave"', 1))
    os.chmod(copy / "dave", 0o644)
    changes = cluster.coordinator.log.read_text().count("keys-changed")
    allowed.rename(cluster.keys / "was")
    copy.rename(allowed)
    cluster.coordinator.popen.send_signal(signal.SIGHUP)
    wait_for("the new list", lambda: cluster.coordinator.log.read_text().count(
        "keys-changed") > changes, 2)


def test_of_two_workers_of_a_name_the_newer_stays(cluster, tmp_path):
    """Both logs say so, and the older one does not come back."""
    (tmp_path / "a").mkdir()
    first = cluster.worker("twin", tmp_path / "a")
    second = cluster.start("twin2", [
        program("logtally-worker"), "--coordinator", cluster.endpoint,
        "--keys", cluster.keys / "issued" / "twin", "--name", "twin",
        "--root", tmp_path / "a", "--listen", "127.0.0.1",
        "--intake-port", "0"])
    second.until("worker-registered")
    cluster.coordinator.until("another one registered with its name")
    first.until("another worker registered")
    assert second.popen.poll() is None


def test_an_expired_key_is_cut_off(cluster):
    keys = new_client(cluster, "erin")
    assert cluster.cli("jobs", "--keys", keys).returncode == 0
    path = cluster.keys / "allowed" / "erin"
    text = path.read_text()
    aside = cluster.keys / "allowed" / ".erin"
    aside.write_text(text.replace('name = "erin"\n', 'name = "erin"\n'
                                  '    expires = "2001-01-01"\n'))
    os.chmod(aside, 0o644)
    aside.rename(path)
    cluster.coordinator.until("key-revoked name=erin")
    p = cluster.cli("jobs", "--keys", keys, ok=False)
    assert p.returncode == 5
    assert b"expired" in run("keys", "list", cluster.keys).stdout


def test_the_audit_file_says_who_did_what(cluster, tmp_path):
    log = tmp_path / "a" / "x.log"
    log.parent.mkdir()
    log.write_text('1.2.3.4 - - [01/Jan/2026:00:00:00 +0000] '
                   '"GET / HTTP/1.1" 200 1\n')
    cluster.worker("audited", log.parent)
    cluster.submit("count by status", f"audited:{log}")
    keys = new_client(cluster, "frank")
    wait_for("frank", lambda: cluster.cli(
        "jobs", "--keys", keys, ok=False).returncode == 0)
    cluster.cli("cancel", "1", "--keys", keys, ok=False)
    cluster.cli("keys", "reload", "--keys", keys, ok=False)
    run("keys", "revoke", cluster.keys, "frank")
    path = cluster.state / "audit.log"
    for words in ('submit key="admin"', 'query="count by status"',
                  'cancel key="frank" from="127.0.0.1" outcome="refused"', 'key-revoked key="frank"',
                  'reload-keys key="frank" from="127.0.0.1" '
                  'outcome="refused"'):
        wait_for(words, lambda: words in path.read_text())
    cluster.cli("jobs", "--keys", keys, ok=False)
    wait_for("the count of refusals",
             lambda: 'keys-refused unknown="' in path.read_text())
    said = run("audit", "verify", path).stdout
    assert b"unbroken" in said
    copy = tmp_path / "copy"
    copy.write_text(path.read_text().replace('key="frank"', 'key="admin"', 1))
    p = run("audit", "verify", copy, ok=False)
    assert p.returncode == 1 and b"does not follow" in p.stderr
