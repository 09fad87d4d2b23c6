# SPDX-License-Identifier: Apache-2.0
"""/metrics of coordinator and worker: the format, the numbers, who may ask."""
import http.client
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import make_logs
import pytest
from conftest import Cluster, program, run, wait_for

TOKEN = "0123456789abcdef0123"


def port_of(process):
    process.until("metrics-ready")
    return int(re.search(rb"metrics-ready port=(\d+)",
                         process.log.read_bytes()).group(1))


def ask(port, path="/metrics", method="GET", timeout=10, **headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    c.request(method, path, headers=headers)
    answer = c.getresponse()
    return answer.status, answer.read().decode(), dict(answer.getheaders())


def values(text):
    """name{labels} -> number; every line is one, or tells of a family."""
    found, families = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.add(line.split()[2])
        elif not line.startswith("# HELP "):
            name, number = re.fullmatch(
                r'([a-z_]+(?:\{[a-z]+="(?:[^"\\]|\\.)*"\})?) (\d+)',
                line).groups()
            assert name.split("{")[0] in families and name not in found
            found[name] = int(number)
    return found


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("metrics")
    (folder / "logs").mkdir()
    log = folder / "logs" / "access.log"
    log.write_bytes(make_logs.make(1, 100_000) + b"nonsense\n")
    c = Cluster(folder, options=["--metrics", "127.0.0.1:0"])
    c.worker("web1", log.parent, "-j", "1", "--metrics", "127.0.0.1:0")
    run("keys", "new", c.keys, "ends", "--role", "client", "--expires",
        "2099-12-31T00:00:00Z")
    yield c, log
    c.close()


def test_two_keys_of_a_name_are_two_series(setting):
    """While it is rotated: one name twice would be no metrics at all."""
    c, _ = setting
    run("keys", "new", c.keys, "twice", "--role", "client")
    run("keys", "rotate", c.keys, "twice", "--expires", "2099-12-31")
    name = 'logtally_key_expires_timestamp_seconds{key="twice'
    wait_for("both ends", lambda: len(
        [x for x in values(ask(port_of(c.coordinator))[1])
         if x.startswith(name)]) == 2)


def test_the_numbers_are_those_of_the_receipt(setting):
    cluster, log = setting
    receipt = cluster.submit("count", f"web1:{log}", "--shard-size",
                             "20000")["receipt"]
    port = port_of(cluster.coordinator)
    got = wait_for("the metrics of the job", lambda: (
        lambda v: v if v["logtally_jobs_ended_total"] == 1 else None)(
            values(ask(port)[1])))
    assert got["logtally_lines_total"] == receipt["lines"]
    assert got["logtally_lines_rejected_total"] \
        == receipt["rejected"]["total"] > 0
    assert got["logtally_read_bytes_total"] == log.stat().st_size
    assert got["logtally_shards_committed_total"] == receipt["shards"]
    assert got['logtally_workers{state="up"}'] == 1
    assert got['logtally_worker_up{worker="web1"}'] == 1
    assert got["logtally_journal_stuck"] == 0
    wait_for("the key", lambda: values(ask(port)[1]).get(
        'logtally_key_expires_timestamp_seconds{key="ends"}') == 4102358400)
    worker = port_of(cluster.workers["web1"])
    own = wait_for("the worker's metrics", lambda: (
        lambda v: v if v["logtally_worker_shards_counted_total"]
        == receipt["shards"] else None)(values(ask(worker)[1])))
    assert own['logtally_worker_link_up{link="control"}'] == 1
    assert own["logtally_worker_executors"] == 1


def test_promtool_finds_nothing(setting):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    cluster, _ = setting
    for process in (cluster.coordinator, cluster.workers["web1"]):
        p = subprocess.run(["promtool", "check", "metrics"],
                           input=ask(port_of(process))[1].encode(),
                           capture_output=True)
        assert (p.returncode, p.stdout + p.stderr) == (0, b"")


def test_there_is_nothing_else(setting):
    cluster, _ = setting
    port = port_of(cluster.coordinator)
    assert ask(port, "/")[0] == 404
    assert ask(port, "/metrics/../state")[0] == 404
    assert ask(port, method="POST")[0] == 405
    status, text, headers = ask(port, method="HEAD")
    assert status == 200 and text == ""
    assert headers["X-Content-Type-Options"] == "nosniff"


def answers(port):
    """Those that hung may count until their time is up, though they are gone."""
    try:
        return ask(port, timeout=2)[0] == 200
    except OSError:
        return False


def test_whoever_hangs_on_holds_up_nobody(setting):
    cluster, log = setting
    port = port_of(cluster.coordinator)
    hanging = []
    for _ in range(64):
        s = socket.create_connection(("127.0.0.1", port), timeout=10)
        try:
            s.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 1000)
        except OSError:  # there are as many as it takes
            pass
        hanging.append(s)
    assert cluster.submit("count", f"web1:{log}")["receipt"]["complete"]
    for s in hanging:
        s.close()
    wait_for("an answer", lambda: answers(port))


def start(folder, *options):
    return subprocess.run([
        program("logtally-coordinator"), "--keys", folder / "keys", "--state",
        folder / "state", "--control-port", "0", "--sink-port", "0",
        *map(str, options)], capture_output=True, timeout=20)


def test_who_asks_from_afar_needs_the_token(tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    c = Cluster(tmp_path, options=["--metrics", "0.0.0.0:0",
                                   "--metrics-token", token])
    try:
        port = port_of(c.coordinator)
        for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"},
                      {"Authorization": "Bearer "}, {"Authorization": TOKEN},
                      {"Authorization": f"Basic {TOKEN}"}):
            status, text, _ = ask(port, **wrong)
            assert status == 401 and "logtally" not in text
        assert ask(port, Authorization=f"Bearer {TOKEN}")[0] == 200
    finally:
        c.close()


@pytest.mark.parametrize("options,says", [
    (["--metrics", "0.0.0.0:0"], b"a metrics-token has to be named"),
    (["--metrics", "[::]:0"], b"a metrics-token has to be named"),
    (["--metrics", "localhost:1"], b"expected a numeric address"),
    (["--metrics", "127.0.0.1"], b"expected a numeric address"),
    (["--metrics", "127.0.0.1:99999"], b"expected a numeric address"),
    (["--metrics", "0.0.0.0:0", "--metrics-token", "/nowhere"], b"/nowhere"),
    (["--metrics", "0.0.0.0:0", "--metrics-token", "short"],
     b"16 to 256 characters"),
    (["--metrics", "0.0.0.0:0", "--metrics-token", "open"],
     b"others may read it")])
def test_settings_that_are_not_safe(tmp_path, options, says):
    run("keys", "init", tmp_path / "keys")
    for name, text, mode in (("short", "x", 0o600), ("open", TOKEN, 0o644)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    options = [tmp_path / x if x in ("short", "open") else x for x in options]
    p = start(tmp_path, *options)
    assert p.returncode == 2 and says in p.stderr


DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


def test_alerts_and_dashboard_ask_for_what_there_is(setting):
    cluster, _ = setting
    told = "".join(ask(port_of(p))[1] for p in
                   (cluster.coordinator, cluster.workers["web1"]))
    families = set(re.findall(r"^# TYPE (\S+)", told, re.M))
    alerts = (DEPLOY / "alerts.yml").read_text()
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    asked = " ".join(re.findall(r"expr: (.*)", alerts) + [
        t["expr"] for p in panels for t in p["targets"]])
    names = set(re.findall(r"logtally_[a-z_]+", asked))
    assert len(names) > 12 and names <= families
    if shutil.which("promtool") is not None:
        assert subprocess.run(["promtool", "check", "rules",
                               DEPLOY / "alerts.yml"]).returncode == 0
