# SPDX-License-Identifier: Apache-2.0
"""-o html: a page that is whole without its script, and lets nothing in."""
import base64
import hashlib
import json
from html.parser import HTMLParser

import make_logs
from conftest import Cluster, run

QUERIES = ["count, sum(bytes)", "count by time:1h, status:100",
           "top 20 path", "count by ua, ip", "hist(bytes, 1KB)",
           "count by hour(time), weekday(time)", "path = \"/none\" | top ip"]
VOID = {"meta", "br"}
KNOWN = {"html", "head", "meta", "title", "style", "body", "a", "header",
         "div", "h1", "h2", "h3", "p", "strong", "dl", "dt", "dd", "nav",
         "ul", "li", "main", "section", "code", "table", "thead", "tbody",
         "tr", "th", "td", "script"}


class Page(HTMLParser):
    """Every tag, the tables of the results, and what stands in scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.tables = [], [], []
        self.parts = {"style": [], "script": [], "data": []}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        tag = self.open[-1] if self.open else ""
        if tag in ("td", "th"):
            self.tables[-1][-1][-1] += data
        elif tag in ("style", "script"):
            typed = self.tags[-1][1].get("type")
            self.parts["data" if typed else tag].append(data)


def page_of(*args):
    return Page(run(*args, "-o", "html").stdout.decode("utf-8"))


def policy(page):
    for tag, attrs in page.tags:
        if attrs.get("http-equiv") == "Content-Security-Policy":
            return dict(p.strip().split(" ", 1)
                        for p in attrs["content"].split(";"))
    raise AssertionError("no policy")


def hashed(parts):
    return {"'sha256-" + base64.b64encode(hashlib.sha256(
        p.encode()).digest()).decode() + "'" for p in parts}


def check_harmless(page):
    rules = policy(page)
    assert rules["default-src"] == "'none'"
    assert set(rules["script-src"].split()) == hashed(page.parts["script"])
    assert set(rules["style-src"].split()) == hashed(page.parts["style"])
    for tag, attrs in page.tags:
        assert tag in KNOWN, tag
        for name, value in attrs.items():
            assert not name.startswith("on") and name not in ("src", "style")
            assert name != "href" or value.startswith("#")


def same(cell, text):
    """A cell of the JSON beside one of the page."""
    if cell is None:
        return text == "-"
    if isinstance(cell, dict):
        return "\\x" in text
    if isinstance(cell, str):
        return text == cell or "\\x" in text
    return text.replace(",", "") == str(cell)


def test_a_page_has_what_the_json_has(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(5, 4000))
    ltq = tmp_path / "all.ltq"
    ltq.write_text("".join(f"q{i}: {q}\n" for i, q in enumerate(QUERIES)))
    args = ["run", "-q", ltq, log, "-f", "combined"]
    page = page_of(*args)
    doc = json.loads(run(*args, "-o", "json").stdout)
    check_harmless(page)
    shapes = json.loads("".join(page.parts["data"]))
    assert [s["shape"] for s in shapes] == [
        "figures", "time", "bars", "bars", "steps", "heat", "bars"]
    for result, table, shape in zip(doc["results"], page.tables, shapes):
        assert shape["columns"] == result["columns"]
        assert table[0] == [c["name"] for c in result["columns"]]
        assert len(table) == len(result["rows"]) + 1
        for row, texts in zip(result["rows"], table[1:]):
            assert all(map(same, row, texts)), (row, texts)
    receipt = dict(page.tables[len(QUERIES)])
    for what in ("lines", "accepted"):
        assert receipt[what].replace(",", "") == str(doc["receipt"][what])
    assert receipt["rejected"].replace(",", "") == \
        str(doc["receipt"]["rejected"]["total"])


def test_a_page_of_one_query(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(make_logs.make(6, 300))
    page = page_of("run", "ua contains \"</script>\" | top ua", log)
    check_harmless(page)
    assert len(page.tables) == 2


def test_a_clusters_result_is_the_same_page(tmp_path):
    root = tmp_path / "logs"
    root.mkdir()
    (root / "a.log").write_bytes(make_logs.make(7, 500))
    (tmp_path / "cluster").mkdir()
    c = Cluster(tmp_path / "cluster")
    try:
        c.worker("web1", root)
        c.cli("submit", "top ua", f"web1:{root}/*", "-o", "html")
        there = Page(c.cli("result", "1", "-o", "html").stdout.decode())
        here = page_of("run", "top ua", root / "a.log")
        check_harmless(there)
        assert there.tables[0] == here.tables[0]
        assert there.parts == here.parts
    finally:
        c.close()
