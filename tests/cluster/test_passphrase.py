# SPDX-License-Identifier: Apache-2.0
"""Client keys under a passphrase: asked for on a terminal, or read from a
file or descriptor."""
import os
import pty
import shutil
import signal
import subprocess
import termios
import time

import pytest
from conftest import Cluster, program, run, wait_for

SECRET = b"correct horse battery"


class Terminal:
    """A command with a terminal of its own; what it shows is `screen`."""

    def __init__(self, args, env):
        leader, follower = pty.openpty()
        self.fd, self.screen = leader, b""
        os.set_blocking(leader, False)

        def take_terminal():
            os.setsid()
            os.close(os.open(os.ttyname(follower), os.O_RDWR))
        self.popen = subprocess.Popen(
            [program("logtally"), *map(str, args)], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=take_terminal)
        self.follower = follower  # kept: its settings outlive the command

    def until(self, text, times=1):
        def there():
            try:
                self.screen += os.read(self.fd, 4096)
            except BlockingIOError:
                pass
            return self.screen.count(text) >= times
        wait_for(f"{text} on the terminal", there)

    def quiet(self):
        return not termios.tcgetattr(self.follower)[3] & termios.ECHO

    def type(self, text):
        wait_for("echo to be off", self.quiet)
        os.write(self.fd, text)

    def end(self):
        out, err = self.popen.communicate(timeout=60)
        quiet = self.quiet()
        os.close(self.fd)
        os.close(self.follower)
        assert not quiet, "the terminal was left without echo"
        assert SECRET not in self.screen and SECRET not in out + err
        return self.popen.returncode, out, err


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One for all: what takes the time here is to try a passphrase."""
    c = Cluster(tmp_path_factory.mktemp("passphrase"))
    c.words = c.folder / "words"
    c.words.write_bytes(SECRET + b"\n")
    c.words.chmod(0o600)
    run("keys", "new", c.keys, "anna", "--role", "client",
        "--passphrase-file", c.words)
    yield c
    c.close()


@pytest.fixture
def anna(cluster, tmp_path):
    """A client whose key is sealed, in a copy of her own."""
    cluster.anna = tmp_path / "anna"
    shutil.copytree(cluster.keys / "issued" / "anna", cluster.anna)
    cluster.words.chmod(0o600)
    return cluster


def env_of(cluster):
    return cluster.env(LOGTALLY_KEYS=str(cluster.anna))


def test_a_new_key_is_sealed_by_what_is_typed(cluster):
    t = Terminal(["keys", "new", cluster.keys, "bob", "--role", "client",
                  "--passphrase"], cluster.env())
    t.until(b"New passphrase of bob: ")
    t.type(SECRET + b"\n")
    t.until(b"Once more")
    t.type(SECRET + b"\n")
    code, out, err = t.end()
    assert code == 0, err
    text = (cluster.keys / "issued/bob/self_secret").read_text()
    assert "secret-key" not in text and 'kdf = "argon2id13"' in text
    cluster.anna = cluster.keys / "issued" / "bob"
    t = Terminal(["workers"], env_of(cluster))
    t.until(b"Passphrase of ")
    t.type(b"something else\n")
    t.until(b"That is not it.")
    t.type(SECRET + b"\n")
    code, out, err = t.end()
    assert code == 0, err


def test_two_that_differ_make_no_key(cluster):
    t = Terminal(["keys", "new", cluster.keys, "carl", "--role", "client",
                  "--passphrase"], cluster.env())
    t.until(b"New passphrase")
    t.type(SECRET + b"\n")
    t.until(b"Once more")
    t.type(SECRET + b"!\n")
    code, _, err = t.end()
    assert code == 1 and b"differ" in err
    assert not (cluster.keys / "issued/carl").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_gives_up_has_his_terminal_back(anna, number):
    t = Terminal(["workers"], env_of(anna))
    t.until(b"Passphrase of ")
    wait_for("echo to be off", t.quiet)
    t.popen.send_signal(number)
    code, out, _ = t.end()
    assert code == -number and out == b""


def test_three_wrong_ones_are_the_end(anna):
    t = Terminal(["jobs"], env_of(anna))
    for n in range(3):  # PASSPHRASE_TRIES
        t.until(b"assphrase of ", n + 1)
        t.type(b"something else\n")
    code, _, err = t.end()
    assert code == 5 and b"that is not its passphrase" in err


def test_a_script_gives_a_file_or_a_descriptor(anna):
    def jobs(*args, **kw):
        return run("jobs", *args, env=env_of(anna), ok=False,
                   start_new_session=True, **kw)
    p = jobs()
    assert p.returncode == 5 and b"--passphrase-file FILE" in p.stderr
    run("jobs", env={**env_of(anna), "LOGTALLY_PASSPHRASE_FILE":
                     str(anna.words)})
    r, w = os.pipe()
    os.write(w, SECRET)
    os.close(w)
    assert jobs("--passphrase-file", f"/dev/fd/{r}",
                pass_fds=[r]).returncode == 0
    os.close(r)
    anna.words.chmod(0o640)
    p = jobs("--passphrase-file", anna.words)
    assert p.returncode == 5 and b"chmod 600" in p.stderr


def test_it_is_changed_and_removed_without_a_terminal(anna, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"quite another one\n")
    other.chmod(0o600)
    run("keys", "passphrase", anna.anna, "--passphrase-file", other,
        "--old-passphrase-file", anna.words)
    p = run("keys", "passphrase", anna.anna, "--remove",
            "--old-passphrase-file", anna.words, ok=False)
    assert p.returncode == 1 and b"not its passphrase" in p.stderr
    run("keys", "passphrase", anna.anna / "self_secret", "--remove",
        "--old-passphrase-file", other)
    run("jobs", env=env_of(anna))


@pytest.mark.parametrize("words,said", [
    (b"short\n", b"at least 8 bytes"), (b"\n", b"no passphrase came"),
    (b"x" * 1024 + b"\n", b""), (b"x" * 1025 + b"\n", b"at most 1024")])
def test_what_a_passphrase_may_be(cluster, tmp_path, words, said):
    key = tmp_path / "self_secret"
    shutil.copy(cluster.keys / "issued/admin/self_secret", key)
    file = tmp_path / "new"
    file.write_bytes(words)
    file.chmod(0o600)
    p = run("keys", "passphrase", key, "--passphrase-file", file, ok=False)
    assert p.returncode == (1 if said else 0) and said in p.stderr


def test_daemons_have_none_and_say_so(anna, tmp_path):
    p = run("keys", "new", anna.keys, "web1", "--role", "worker",
            "--passphrase-file", anna.words, ok=False)
    assert p.returncode == 2 and b"nobody can tell it" in p.stderr
    p = subprocess.run(
        [program("logtally-worker"), "--coordinator", anna.endpoint, "--keys",
         anna.anna, "--root", tmp_path], capture_output=True, timeout=20)
    assert p.returncode == 1
    assert b"logtally keys passphrase --remove" in p.stderr
    p = run("keys", "passphrase", anna.keys / "coordinator_secret",
            "--passphrase-file", anna.words, ok=False)
    assert p.returncode == 2 and b"key of a daemon" in p.stderr


def test_a_file_that_asks_for_a_terabyte_is_refused_at_once(anna):
    file = anna.anna / "self_secret"
    text = file.read_text()
    assert 'memory = "268435456"' in text
    file.write_text(text.replace('memory = "268435456"',
                                 f'memory = "{1 << 40}"'))
    began = time.monotonic()
    p = run("jobs", "--passphrase-file", anna.words, env=env_of(anna),
            ok=False)
    assert p.returncode == 5 and b"1024 MiB" in p.stderr
    assert time.monotonic() - began < 5
