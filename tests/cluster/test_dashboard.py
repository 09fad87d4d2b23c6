# SPDX-License-Identifier: Apache-2.0
"""The dashboard over HTTP: what it serves, to whom, and that nobody who asks
holds anything up. tests/browser has what a person sees of it."""
import concurrent.futures
import http.client
import json
import pathlib
import re
import socket
import time

import make_logs
import pytest
from conftest import Cluster, run, wait_for
from test_metrics import TOKEN, start

HOSTILE = '"></script><script>alert(1)</script>\u202e'


def port_of(process):
    process.until("dashboard-ready")
    return int(re.search(rb"dashboard-ready port=(\d+)",
                         process.log.read_bytes()).group(1))


def ask(port, path="/", method="GET", body=None, **headers):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    c.request(method, path, body=body, headers=headers)
    answer = c.getresponse()
    got = answer.status, answer.read(), dict(answer.getheaders())
    c.close()
    return got


def data(port, path):
    status, body, _ = ask(port, path)
    assert status == 200, body
    return json.loads(body)


class Stream:
    """Server-sent events: each as (name, data)."""

    def __init__(self, port, path, **headers):
        self.c = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.c.request("GET", path, headers=headers)
        self.answer = self.c.getresponse()
        self.status = self.answer.status

    def events(self):
        name, lines = None, []
        for line in iter(self.answer.readline, b""):
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                lines.append(line[6:])
            elif line == "" and name:
                yield name, json.loads("\n".join(lines))
                name, lines = None, []

    def close(self):
        self.answer.close()
        self.c.close()


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    (folder / "logs").mkdir()
    log = folder / "logs" / "access.log"
    log.write_bytes(make_logs.make(1, 100_000))
    (folder / "logs" / "bad.json").write_text("".join(
        json.dumps({"path": f"{HOSTILE}{i}", "status": 200}) + "\n"
        for i in range(20)))
    c = Cluster(folder, options=["--dashboard", "127.0.0.1:0"])
    c.worker("web1", log.parent, "-j", "1")
    yield c, log, port_of(c.coordinator)
    c.close()


def test_pages_and_their_headers(setting):
    _, _, port = setting
    for path in ("/", "/jobs/1", "/login", "/base.js", "/charts.js"):
        status, body, headers = ask(port, path)
        assert status == 200 and len(body) > 500, path
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Cache-Control"] == "no-cache"
        again = ask(port, path, If_None_Match=headers["ETag"])
        assert again[0] == 304 and again[1] == b""
    for path in ("/data/overview", "/nothing"):
        assert ask(port, path)[2]["Cache-Control"] == "no-store"


def test_what_a_page_weighs(setting):
    _, _, port = setting
    html = ask(port, "/")[1].decode()
    parts = re.findall(r'(?:src|href)="(/[a-z.]+)"', html)
    assert len(parts) > 5
    weight = sum(len(ask(port, p, Accept_Encoding="gzip")[1])
                 for p in ["/", *parts])
    assert weight < 300_000
    assert sum(len(ask(port, p)[1]) for p in ["/", *parts]) < 300_000


def test_methods_other_than_get_are_refused(setting):
    _, _, port = setting
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for path in ("/", "/data/overview", "/session", "/base.js"):
            status, _, headers = ask(port, path, method, body=b"x")
            assert status in (405, 501), (method, path)
            assert "Access-Control-Allow-Methods" not in headers
    for path in ("/", "/data/overview", "/stream/overview"):
        status, body, _ = ask(port, path, "HEAD")
        assert status == 200 and body == b""


@pytest.mark.parametrize("host,status", [
    ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1:7780", 200),
    ("[::1]:7780", 200), ("evil.example", 421), ("localhost.evil.example", 421),
    ("127.0.0.1.evil.example", 421), ("evil.example:80@localhost", 421),
    ("localhost:x", 421), ("", 421), ("[::1", 421)])
def test_host_must_be_ours(setting, host, status):
    assert ask(setting[2], "/data/overview", Host=host)[0] == status


def test_requests_of_other_sites_are_refused(setting):
    _, _, port = setting
    for site in ("cross-site", "same-site"):
        assert ask(port, "/data/overview", Sec_Fetch_Site=site,
                   Sec_Fetch_Mode="no-cors")[0] == 403
        assert ask(port, "/", Sec_Fetch_Site=site,
                   Sec_Fetch_Mode="navigate")[0] == 200
    assert ask(port, "/data/overview", Sec_Fetch_Site="same-origin",
               Sec_Fetch_Mode="cors")[0] == 200


@pytest.mark.parametrize("path", [
    "/../state/epoch", "/%2e%2e/state", "/jobs/", "/jobs/0", "/jobs/01",
    "/jobs/-1", "/jobs/1x", "/jobs/1/", "/jobs/99999999999999999999",
    "/data/jobs/99999999999999999999", "/data/", "/metrics",
    "/jobs/1/report/x", "//", "/" + "a" * 4000])
def test_there_is_nothing_else(setting, path):
    assert ask(setting[2], path)[0] == 404


def test_a_job_from_its_start_to_its_report(setting):
    cluster, log, port = setting
    receipt = cluster.submit("count by path", f"web1:{log}")["receipt"]
    seen = data(port, "/data/overview")
    job = seen["jobs"][-1]
    assert job["state"] == "done" and job["query"] == "count by path"
    assert job["bytes"] == job["bytes_done"] == log.stat().st_size
    assert seen["workers"][0]["name"] == "web1"
    assert seen["workers_up"] == 1
    events = [e["event"] for e in seen["events"]]
    assert "worker-up" in events and events[-1] == "job-ended"
    one = data(port, f"/data/jobs/{job['job']}")
    assert one["over"] and one["state"] == "done"
    status, page, headers = ask(port, f"/jobs/{job['job']}/report")
    assert status == 200 and receipt["fingerprint"].encode() in page
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    kept = cluster.cli("result", job["job"], "-o", "html").stdout
    assert page.split() == kept.split()
    stream = Stream(port, f"/stream/jobs/{job['job']}")
    events = stream.events()
    assert next(events)[0] == "job"
    name, rows = next(events)
    assert name == "rows"
    assert rows["receipt"]["fingerprint"] == receipt["fingerprint"]
    assert len(rows["results"][0]["rows"]) == rows["results"][0]["all"]
    stream.close()


def test_the_overview_goes_on_by_what_changes(setting):
    cluster, log, port = setting
    stream = Stream(port, "/stream/overview")
    events = stream.events()
    name, first = next(events)
    assert name == "overview" and first["all"]
    before = {j["job"] for j in first["jobs"]}
    cluster.submit("count", f"web1:{log}")
    ended = None
    for _ in range(20):
        _, more = next(events)
        assert not more["all"]
        new = [j for j in more["jobs"] if j["job"] not in before]
        ended = ended or next((j for j in new if j["state"] == "done"), None)
        if ended:
            break
    assert ended
    _, quiet = next(events)
    _, quiet = next(events)
    assert quiet["jobs"] == [] and quiet["events"] == []
    stream.close()


def test_hostile_texts_stay_in_their_strings(setting):
    cluster, log, port = setting
    bad = log.parent / "bad.json"
    cluster.submit(f"path = '{HOSTILE.replace(chr(0x202e), '')}' | count",
                   f"web1:{bad}", "-f", "json")
    cluster.submit("count by path", f"web1:{bad}", "-f", "json")
    _, body, headers = ask(port, "/data/overview")
    assert headers["Content-Type"] == "application/json"
    assert "\u202e" not in body.decode()
    jobs = json.loads(body)["jobs"]
    assert any("<script>" in j["query"] for j in jobs)
    stream = Stream(port, f"/stream/jobs/{jobs[-1]['job']}")
    rows = dict(zip(("job", "rows"), stream.events()))["rows"][1]
    stream.close()
    texts = [r[0] for r in rows["results"][0]["rows"]]
    assert len(texts) == 20 and all("<script>" in t for t in texts)
    assert not any("\u202e" in t for t in texts)
    page = ask(port, f"/jobs/{jobs[-1]['job']}/report")[1]
    assert b"<script>alert" not in page


def test_200_connections_and_slow_readers_hold_up_nobody(setting):
    cluster, log, port = setting
    hanging = []
    for i in range(200):
        try:
            s = socket.create_connection(("127.0.0.1", port), timeout=5)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b"GET /stream/overview HTTP/1.1\r\nHost: localhost\r\n"
                      + (b"\r\n" if i % 2 else b"X: "))
            hanging.append(s)
        except OSError:  # there are as many as it takes
            pass
    begin = time.monotonic()
    assert cluster.submit("count", f"web1:{log}")["receipt"]["complete"]
    assert time.monotonic() - begin < 10
    text = cluster.cli("workers", "--json").stdout
    assert json.loads(text)[0]["state"] == "up"
    for s in hanging:
        s.close()
    assert not cluster.coordinator.said("worker-lost")

    def answers():
        try:
            return ask(port, "/data/overview")[0] == 200
        except OSError:
            return False
    wait_for("an answer", answers)


def opened(port, n):
    """The statuses of n streams that are open together."""
    streams = []
    try:
        for _ in range(n):
            streams.append(Stream(port, "/stream/overview"))
        return [s.status for s in streams]
    finally:
        for s in streams:
            s.close()


def test_many_streams_are_told_to_come_again(setting):
    """Never more than 24, and 24 again and again: the server notices that one
    is gone when it next writes to it, and then its place is free."""
    _, _, port = setting

    def all_places():
        got = opened(port, 30)
        assert set(got) <= {200, 503} and got.count(200) <= 24
        return got.count(200) == 24
    for _ in range(3):
        wait_for("all places to be free", all_places)


def test_many_ask_at_once(tmp_path):
    c = Cluster(tmp_path, options=["--dashboard", "127.0.0.1:0"])
    try:
        port = port_of(c.coordinator)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            got = list(pool.map(lambda _: ask(port, "/data/overview")[0],
                                range(100)))
        assert set(got) == {200}
    finally:
        c.close()


def test_token_and_metrics_at_one_address(tmp_path):
    for name, text in (("token", TOKEN), ("scrape", TOKEN[::-1])):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    address = f"127.0.0.1:{socket_port()}"
    c = Cluster(tmp_path, options=[
        "--dashboard", address, "--dashboard-token", tmp_path / "token",
        "--dashboard-host", "logs.example, other.example",
        "--metrics", address, "--metrics-token", tmp_path / "scrape"])
    try:
        port = port_of(c.coordinator)
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert ask(port, "/")[0] == 302
        assert ask(port, "/")[2]["Location"] == "/login"
        assert ask(port, "/login")[0] == 200
        for path in ("/data/overview", "/stream/overview", "/session"):
            assert ask(port, path)[0] == 401
            for wrong in (f"Bearer {TOKEN}x", "Bearer ", TOKEN,
                          f"Bearer {TOKEN[::-1]}"):
                assert ask(port, path, Authorization=wrong)[0] == 401
        status, _, headers = ask(port, "/session", **bearer)
        cookie = headers["Set-Cookie"]
        assert status == 204 and TOKEN not in cookie
        for word in ("__Host-", "Secure", "HttpOnly", "SameSite=Strict"):
            assert word in cookie
        cookie = cookie.split(";")[0]
        assert ask(port, "/data/overview", Cookie=cookie)[0] == 200
        assert ask(port, "/data/overview", Cookie=f"a=b; {cookie}; c=d")[0] == 200
        assert ask(port, "/data/overview", Cookie=cookie[:-1])[0] == 401
        assert ask(port, "/data/overview", Cookie=cookie[:-1] + "x")[0] == 401
        stream = Stream(port, "/stream/overview", Cookie=cookie)
        assert next(stream.events())[1]["all"]
        stream.close()
        for host, want in (("Other.example:443", 200), ("logs.example", 200),
                           ("logs.example.evil", 421), ("logs", 421)):
            assert ask(port, "/data/overview", Host=host, **bearer)[0] == want
        assert ask(port, "/metrics")[0] == 401
        assert ask(port, "/metrics", **bearer)[0] == 401
        status, text, _ = ask(port, "/metrics",
                              Authorization=f"Bearer {TOKEN[::-1]}")
        assert status == 200 and b"logtally_workers" in text
    finally:
        c.close()
    assert TOKEN not in c.coordinator.log.read_text()


def socket_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.mark.parametrize("options,says", [
    (["--dashboard", "0.0.0.0:0"], b"a dashboard-token has to be named"),
    (["--dashboard", "localhost:1"], b"expected a numeric address"),
    (["--dashboard", "0.0.0.0:0", "--dashboard-token", "/nowhere"],
     b"/nowhere")])
def test_settings_that_are_not_safe(tmp_path, options, says):
    run("keys", "init", tmp_path / "keys")
    p = start(tmp_path, *options)
    assert p.returncode == 2 and says in p.stderr
