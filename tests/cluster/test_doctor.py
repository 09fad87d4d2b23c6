# SPDX-License-Identifier: Apache-2.0
"""Each fault is made with real files and processes; `logtally doctor` finds
it, and where its cure is a command that can be tried here, the command mends
it."""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import BUILD, Cluster, free_port, program, run, wait_for

# As a root that obeys the modes of files.
MODES = ["setpriv", "--inh-caps=-all",
         "--bounding-set=-dac_override,-dac_read_search"]
SHIM = BUILD / "tests" / "libclock_shift.so"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def doctor(*args, env=None, wrap=()):
    p = subprocess.run([*wrap, program("logtally"), "doctor",
                        *map(str, args), "-o", "json"], env=env,
                       capture_output=True, timeout=60)
    assert p.returncode in (0, 1), p.stderr.decode()
    found = json.loads(p.stdout)
    assert bool(found["findings"]) == (p.returncode == 1)
    for f in found["findings"]:
        assert f["text"] and f["cure"], f
    # A build for tests has weak sandboxes, everywhere.
    return [f for f in found["findings"]
            if not (f["id"] == "sandbox-weak" and "sanitizers" in f["text"])]


def ids(findings):
    return [f["id"] for f in findings]


def the(findings, id_, *texts):
    """The one finding; there is no other."""
    assert ids(findings) == [id_], findings
    for text in texts:
        assert text in findings[0]["text"], findings
    return findings[0]


def carry_out(finding):
    assert finding["command"] and not finding["where"], finding
    subprocess.run(["sh", "-c", finding["cure"]], check=True, timeout=30,
                   env={**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"},
                   stdout=subprocess.DEVNULL)


class Place:
    """A cluster, and a configuration file for each of its machines."""

    def __init__(self, folder):
        self.folder = folder
        self.cluster = Cluster(folder)
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.keys = self.cluster.keys
        self.port = int(self.cluster.endpoint.rsplit(":")[-1])
        ports = (self.cluster.state / "ports").read_text()
        self.sink = int(ports.split("sink_port=")[1])
        self.conf = folder / "coordinator.conf"
        self.conf.write_text(
            f"keys = {self.keys}\nstate = {self.cluster.state}\n"
            f"listen = 127.0.0.1\ncontrol-port = {self.port}\n"
            f"sink-port = {self.sink}\n")

    def worker_conf(self, name="web1", keys=None, **more):
        values = {"coordinator": self.cluster.endpoint,
                  "keys": keys or self.keys / "issued" / name,
                  "root": self.logs, "listen": "127.0.0.1",
                  "intake-port": 0, "executors": 1, **more}
        path = self.folder / f"{name}.conf"
        path.write_text("".join(f"{k} = {v}\n" for k, v in values.items()))
        return path

    def key(self, name):
        run("keys", "new", self.keys, name, "--role", "worker")
        return self.keys / "issued" / name

    def up(self, name, *extra, **kw):
        return self.cluster.worker(name, self.logs, "-j", "1", *extra, **kw)

    def client(self, **kw):
        return doctor("client", env=self.cluster.env(), **kw)

    def of(self, name, **kw):
        """What the client's doctor says of one worker."""
        return [f for f in self.client(**kw) if f" {name} " in f["text"]]

    def coordinator(self, **kw):
        return doctor("coordinator", "--settings", self.conf, **kw)

    def worker(self, conf, **kw):
        return doctor("worker", "--settings", conf, **kw)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Shared: a test leaves it as it was, but for workers of its own name."""
    p = Place(tmp_path_factory.mktemp("place"))
    p.up("web1")
    yield p
    p.cluster.close()


@pytest.fixture
def own(tmp_path):
    """Of a test that does something to its coordinator."""
    p = Place(tmp_path)
    yield p
    p.cluster.close()


def test_all_is_well(place):
    assert place.client() == []
    assert place.worker(place.worker_conf()) == []
    assert place.coordinator() == []
    lines = place.cluster.cli("doctor", "client", ok=False).stdout.decode()
    assert [x for x in lines.splitlines() if "sanitizers" not in x] in (
        ["client: nothing is wrong"], [])


# ---- keys

@pytest.mark.parametrize("what, mode", [
    ("self_secret", 0o644), (".", 0o777), ("coordinator", 0o666)])
def test_keys_that_others_could_take_or_change(place, what, mode):
    conf = place.worker_conf()
    path = place.keys / "issued" / "web1" / what
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        f = the(place.worker(conf), "key-unsafe", str(path.resolve()))
        carry_out(f)
        assert place.worker(conf) == []
    finally:
        path.chmod(before)


def test_allowed_keys_that_others_may_write(place):
    allowed = place.keys / "allowed"
    before = allowed.stat().st_mode
    allowed.chmod(0o777)
    try:
        carry_out(the(place.coordinator(), "key-unsafe", str(allowed)))
        assert place.coordinator() == []
    finally:
        allowed.chmod(before)


def copy(place, tmp_path, name="web1"):
    folder = tmp_path / "copy"
    shutil.copytree(place.keys / "issued" / name, folder)
    folder.chmod(0o700)
    return folder


def test_a_key_that_is_not_there_or_broken(place, tmp_path):
    folder = copy(place, tmp_path)
    conf = place.worker_conf(keys=folder)
    secret = folder / "self_secret"
    text = secret.read_text()
    secret.unlink()
    f = the(place.worker(conf), "key-missing", str(secret))
    assert "keys/issued" in f["cure"]
    secret.write_text("no key\n")
    secret.chmod(0o600)
    the(place.worker(conf), "key-broken", str(secret))
    secret.write_text(text)
    assert place.worker(conf) == []


def test_another_coordinators_key_is_pinned(place, tmp_path):
    folder = copy(place, tmp_path)
    run("keys", "init", tmp_path / "other")
    shutil.copy(tmp_path / "other" / "coordinator", folder / "coordinator")
    conf = place.worker_conf(keys=folder)
    f = the(place.worker(conf), "coordinator-other-key",
            place.cluster.endpoint)
    assert "keys/issued/web1" in f["cure"]
    shutil.copy(place.keys / "issued" / "web1" / "coordinator", folder)
    assert place.worker(conf) == []


def test_a_key_under_a_passphrase_is_unsealed_once(place, tmp_path):
    words = tmp_path / "words"
    words.write_text("correct horse battery\n")
    words.chmod(0o600)
    run("keys", "new", place.keys, "anna", "--role", "client",
        "--passphrase-file", words)
    r, w = os.pipe()
    os.write(w, words.read_bytes())
    os.close(w)
    p = run("doctor", "client", "--coordinator", place.cluster.endpoint,
            "--keys", place.keys / "issued" / "anna", "--passphrase-file",
            f"/dev/fd/{r}", pass_fds=[r], ok=False)
    os.close(r)
    assert b"key" not in p.stdout, p.stdout


def test_a_key_of_another_folder_is_refused(place, tmp_path):
    run("keys", "init", tmp_path / "other")
    run("keys", "new", tmp_path / "other", "web1", "--role", "worker")
    folder = tmp_path / "other" / "issued" / "web1"
    shutil.copy(place.keys / "coordinator", folder / "coordinator")
    f = the(place.worker(place.worker_conf(keys=folder)), "key-refused",
            "web1", "fingerprint")
    assert f["where"] and f["cure"].startswith("logtally keys list ")


def test_a_revoked_key(place):
    place.key("web-revoked")
    run("keys", "revoke", place.keys, "web-revoked")
    the(place.worker(place.worker_conf("web-revoked")), "key-refused",
        "web-revoked", "revoked")


def test_an_expired_key(place):
    folder = place.key("web-old")
    files = [place.keys / "allowed" / "web-old", folder / "self"]
    for path in files:
        path.write_text(path.read_text().replace(
            "    role = ", '    expires = "2020-01-31"\n    role = '))
    found = place.worker(place.worker_conf("web-old"))
    assert ids(found) == ["key-expired", "key-refused"], found
    f = next(f for f in place.coordinator() if f["id"] == "key-expired")
    assert "web-old ended at 2020-01-31" in f["text"] or "2020" in f["text"]
    carry_out(f)  # a new key that may speak for the same host
    assert (place.keys / "issued" / "web-old-new" / "self").exists()
    for name in ("web-old", "web-old-new"):
        run("keys", "revoke", place.keys, name)
    assert place.coordinator() == []


# ---- the way to the coordinator

def test_a_coordinator_that_does_not_run(own):
    own.cluster.coordinator.stop()
    the(own.client(), "coordinator-unreachable", own.cluster.endpoint)
    f = the(own.coordinator(), "coordinator-down", str(own.cluster.state))
    assert f["cure"] == f"logtally-coordinator --config {own.conf}"
    argv = f["cure"].split()
    own.cluster.start("again", [program(argv[0]), *argv[1:]]).until(
        "coordinator-ready")
    the(own.client(), "no-workers")
    assert ids(own.coordinator()) == ["no-workers"]


class Foreigner:
    """Another program at a port: `answer` is what it does with a dial."""

    def __init__(self, port, answer):
        self.socket = socket.create_server(("127.0.0.1", port))
        self.held = []
        self.answer = answer
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while True:
                self.answer(self, self.socket.accept()[0])
        except OSError:
            pass

    def hang_up(self, s):
        s.close()

    def keep(self, s):
        self.held.append(s)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for s in self.held:
            s.close()


@pytest.mark.parametrize("answer", [Foreigner.hang_up, Foreigner.keep],
                         ids=lambda f: f.__name__)
def test_another_program_at_the_port(own, answer):
    own.cluster.coordinator.stop()
    other = Foreigner(own.port, answer)
    try:
        f = the(own.client(), "coordinator-not-it", own.cluster.endpoint)
        assert "ss -ltnp" in f["cure"]
        found = own.coordinator()
        assert sorted(ids(found)) == ["coordinator-down", "port-taken"], found
        f = next(f for f in found if f["id"] == "port-taken")
        assert f["cure"] == f"ss -ltnp 'sport = :{own.port}'"
    finally:
        other.close()
    assert ids(own.coordinator()) == ["coordinator-down"]


def test_an_address_that_is_none(place):
    f = the(place.worker(place.worker_conf(coordinator="http://x/y")),
            "address-wrong", "http://x/y")
    assert "tcp://HOST:PORT" in f["text"] + f["cure"]


class Relay:
    """To the control port by another address, where no sink is."""

    def __init__(self, address, to):
        self.socket = socket.create_server((address, 0))
        self.endpoint = "tcp://%s:%u" % self.socket.getsockname()
        self.to = to
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while True:
                a = self.socket.accept()[0]
                b = socket.create_connection(self.to)
                for x, y in ((a, b), (b, a)):
                    threading.Thread(target=self.pump, args=(x, y),
                                     daemon=True).start()
        except OSError:
            pass

    def pump(self, a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def test_a_sink_that_cannot_be_reached(place):
    relay = Relay("127.0.0.2", ("127.0.0.1", place.port))
    try:
        f = the(place.worker(place.worker_conf(coordinator=relay.endpoint)),
                "sink-unreachable", f"tcp://127.0.0.2:{place.sink}")
        assert f["where"] == "the coordinator's machine"
    finally:
        relay.close()


def test_an_intake_that_the_coordinator_cannot_reach(place):
    w = place.up("web-far", "--advertise", "127.0.0.9")
    try:
        f = wait_for("the dial to be given up", lambda: [
            f for f in place.of("web-far") if f["id"] == "intake-unreachable"])
        f = the(f, "intake-unreachable", "tcp://127.0.0.9:")
        assert (f["where"], "advertise" in f["cure"]) == ("web-far", True)
        the(place.worker(place.worker_conf("web-far")), "intake-unreachable")
        the([f for f in place.coordinator() if " web-far " in f["text"]],
            "intake-unreachable")
    finally:
        w.stop()
    w = place.up("web-far", new_key=False)
    wait_for("the intake", lambda: place.of("web-far") == [])
    w.stop()


def test_a_worker_that_cannot_dial_for_its_shards(place):
    place.key("web-dials")
    relay = Relay("127.0.0.2", ("127.0.0.1", place.port))
    conf = place.worker_conf("web-dials", coordinator=relay.endpoint,
                             transport="dial")
    w = place.cluster.start("web-dials", [program("logtally-worker"),
                                          "--config", conf])
    try:
        f = the(wait_for("the dial to be given up",
                         lambda: place.of("web-dials")), "lane-not-dialled")
        assert "lane-port" in f["cure"]
    finally:
        w.stop()
        relay.close()
    conf = place.worker_conf("web-dials", transport="dial")
    w = place.cluster.start("web-dials", [program("logtally-worker"),
                                          "--config", conf])
    wait_for("the lane", lambda: place.worker(conf) == [])
    w.stop()
    run("keys", "revoke", place.keys, "web-dials")


# ---- a worker's host

def test_a_root_that_is_not_there(place):
    conf = place.worker_conf(root=place.folder / "more logs" / "x")
    conf.write_text(conf.read_text().replace("more logs", "more"))
    carry_out(the(place.worker(conf), "root-missing",
                  str(place.folder / "more")))
    assert place.worker(conf) == []


@needs_root
def test_a_root_that_the_worker_may_not_read(place, tmp_path):
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o000)
    run("keys", "new", place.keys, "web-shut", "--role", "worker")
    w = place.cluster.worker("web-shut", shut, "-j", "1", wrap=MODES,
                             new_key=False)
    conf = place.worker_conf("web-shut", root=shut)
    f = the(wait_for("its word", lambda: place.of("web-shut")),
            "roots-unreadable", str(shut), "Permission denied")
    assert "setfacl" in f["cure"] and f["where"] == "web-shut"
    found = place.worker(conf, wrap=MODES)
    assert ids(found) == ["root-unreadable", "roots-unreadable"], found
    shut.chmod(0o755)  # what setfacl does for a group
    wait_for("all to be well", lambda: place.of("web-shut") == [])
    w.stop()


def test_few_open_files(place):
    w = place.up("web-few", wrap=["prlimit", "--nofile=200:200"])
    f = the(place.of("web-few"), "open-files-low", "200")
    assert "LimitNOFILE" in f["cure"]
    w.stop()
    w = place.up("web-few", new_key=False)
    wait_for("all to be well", lambda: place.of("web-few") == [])
    w.stop()


def test_a_weak_sandbox(place):
    """Of the build that is tested: with sanitizers it is weak, and doctor
    says so of this host's own executors and of a worker far away."""
    p = subprocess.run([program("logtally"), "doctor", "client", "-o", "json"],
                       env=place.cluster.env(), capture_output=True)
    found = [f for f in json.loads(p.stdout)["findings"]
             if f["id"] == "sandbox-weak"]
    level = json.loads(place.cluster.cli("workers", "--json").stdout)
    level = next(w["sandbox"] for w in level if w["name"] == "web1")
    assert (level == "full") == (found == [])
    for f in found:
        assert level in f["text"]
        assert f["cure"] == "logtally-worker --sandbox-selftest"


def clock(seconds):
    return {"LD_PRELOAD": str(SHIM), "CLOCK_SHIFT": str(seconds),
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}


def test_clocks_that_are_off(place):
    w = place.up("web-late", env={**os.environ, **clock(-3600)})
    f = the(wait_for("a heartbeat", lambda: place.of("web-late")),
            "clock-differs", "h", "behind the coordinator's")
    assert (f["where"], f["cure"]) == ("web-late", "timedatectl set-ntp true")
    w.stop()
    found = doctor("client", env={**place.cluster.env(), **clock(600)})
    f = next(f for f in found if "this machine" in f["text"])
    assert f["id"] == "clock-differs" and "ahead of" in f["text"]


@pytest.mark.parametrize("worker", ["next-protocol-worker",
                                    "next-partial-worker"])
def test_a_worker_of_another_version(place, worker):
    name = worker.split("-")[1]
    run("keys", "new", place.keys, name, "--role", "worker")
    w = place.cluster.start(name, [
        program(worker), "--config", place.worker_conf(name)])
    w.until("worker-refused")
    the(place.of(name), "version-differs", "version")
    f = the(place.worker(place.worker_conf(name)), "version-differs")
    assert f["cure"] == "install the same release on both"
    w.stop()
    run("keys", "revoke", place.keys, name)


def test_a_name_that_the_key_may_not_speak_for(place):
    place.key("web-name")
    conf = place.worker_conf("web-name")
    conf.write_text(conf.read_text() + "name = db7\n")
    w = place.cluster.start("web-name", [program("logtally-worker"),
                                         "--config", conf])
    w.until("worker-refused")
    found = place.worker(conf)
    assert ids(found) == ["name-not-allowed", "worker-refused"], found
    assert found[0]["cure"].endswith("--role worker --host db7")
    the(place.of("web-name"), "worker-refused", "db7")
    w.stop()
    run("keys", "revoke", place.keys, "web-name")


def test_a_worker_that_does_not_run(place):
    place.key("web-off")
    conf = place.worker_conf("web-off")
    f = the(place.worker(conf), "worker-not-registered", "web-off")
    assert f["cure"] == f"logtally-worker --config {conf}"
    f = next(f for f in place.coordinator() if "web-off" in f["text"])
    assert f["id"] == "worker-never-seen"
    w = place.cluster.start("web-off", [program("logtally-worker"),
                                        "--config", conf])
    w.until("worker-registered")
    assert place.worker(conf) == []
    w.popen.send_signal(signal.SIGKILL)
    w.popen.wait()
    f = the(wait_for("its loss", lambda: place.of("web-off")), "worker-lost")
    assert (f["where"], f["cure"]) == (
        "web-off", "systemctl start logtally-worker")
    # Its port has another owner meanwhile.
    port = free_port()
    other = Foreigner(port, Foreigner.keep)
    conf = place.worker_conf("web-off", **{"intake-port": port})
    assert "port-taken" in ids(place.worker(conf))
    other.close()
    run("keys", "revoke", place.keys, "web-off")
    wait_for("the revocation", lambda: place.of("web-off") == [])


@pytest.mark.parametrize("who", ["worker", "coordinator"])
def test_a_setting_that_is_unknown_or_missing(place, tmp_path, who):
    conf = tmp_path / "x.conf"
    good = (place.worker_conf() if who == "worker" else place.conf).read_text()
    conf.write_text(good + "colour = red\n")
    look = place.worker if who == "worker" else (
        lambda c: doctor("coordinator", "--settings", c))
    n = len(good.splitlines()) + 1
    f = the(look(conf), "config-wrong", f"{conf}:{n}:", "colour")
    assert "--help" in f["cure"]
    conf.write_text(good.replace("keys = ", "# "))
    the(look(conf), "setting-missing", "--keys")
    conf.unlink()
    the(look(conf), "config-missing", str(conf))


def test_a_client_without_settings(tmp_path):
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    the(doctor("client", env=env), "setting-missing", "coordinator")
    (tmp_path / ".config/logtally").mkdir(parents=True)
    conf = tmp_path / ".config/logtally/client.conf"
    conf.write_text("coordinatr = x\n")
    the(doctor("client", env=env), "config-wrong", f"{conf}:1:")
    the(doctor(env=env), "config-wrong")  # found without being named
    conf.unlink()
    p = subprocess.run([program("logtally"), "doctor"], env=env,
                       capture_output=True, text=True)
    if not Path("/etc/logtally").exists():
        assert p.returncode == 2 and "nothing is set up here" in p.stderr


# ---- the coordinator's machine

def test_nobody_is_allowed_or_a_key_is_broken(own):
    own.cluster.coordinator.stop()
    allowed = own.keys / "allowed"
    admin = allowed / "admin"
    text = admin.read_text()
    admin.write_text("no key\n")
    found = own.coordinator()
    assert ids(found) == ["allowlist-broken", "coordinator-down"], found
    assert str(admin) in found[0]["text"]
    admin.unlink()
    found = own.coordinator()
    assert ids(found) == ["allowlist-empty", "coordinator-down"], found
    carry_out(found[0])
    assert ids(own.coordinator()) == ["coordinator-down"]
    admin.write_text(text)


def test_a_state_folder_with_a_number_that_is_none(own):
    own.cluster.coordinator.stop()
    (own.cluster.state / "epoch").write_text("soon\n")
    found = own.coordinator()
    assert ids(found) == ["state-broken", "coordinator-down"], found
    carry_out(found[0])
    assert ids(own.coordinator()) == ["coordinator-down"]
    p = own.cluster.start("again", [program("logtally-coordinator"),
                                    "--config", own.conf])
    p.until("coordinator-ready")


@needs_root
def test_a_state_folder_that_cannot_be_written(own):
    own.cluster.coordinator.stop()
    own.cluster.state.chmod(0o500)
    found = own.coordinator(wrap=MODES)
    assert ids(found) == ["state-unwritable", "coordinator-down"], found
    carry_out(found[0])
    assert ids(own.coordinator(wrap=MODES)) == ["coordinator-down"]
    shutil.rmtree(own.cluster.state)
    found = own.coordinator()
    assert ids(found) == ["state-missing", "coordinator-down"], found
    carry_out(found[0])
    assert ids(own.coordinator()) == ["coordinator-down"]


@needs_root
def test_a_full_disk(own):
    if subprocess.run(["unshare", "--mount", "true"]).returncode != 0:
        pytest.skip("no mount namespace of our own")
    full = ["unshare", "--mount", "sh", "-c",
            f"mount -t tmpfs -o size=64k tmpfs {own.cluster.state} && "
            f"{{ cat /dev/zero >{own.cluster.state}/x 2>&-; true; }} && "
            'exec "$@"', "sh"]
    own.cluster.coordinator.stop()
    found = own.coordinator(wrap=full)
    assert ids(found) == ["state-full", "coordinator-down"], found
    assert "make room" in found[0]["cure"]


def test_a_coordinator_with_few_open_files(tmp_path):
    c = Cluster(tmp_path, wrap=["prlimit", "--nofile=150:150"])
    try:
        found = doctor("client", env=c.env())
        assert ids(found) == ["open-files-low", "no-workers"], found
        assert "the coordinator may open 150" in found[0]["text"]
    finally:
        c.close()


@pytest.mark.parametrize("args", [
    ["kitchen"], ["worker", "coordinator"], ["-o", "xml", "client"],
    ["--settings", "x"], ["client", "--settings", "x"]])
def test_usage(args):
    p = run("doctor", *args, ok=False)
    assert p.returncode == 2 and p.stderr
