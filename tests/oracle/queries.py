# SPDX-License-Identifier: Apache-2.0
"""Fixed queries over the whole scope, and random ones from a seed."""
import random

FIXED = [
    "count",
    "count by status",
    "top ip",
    "404 | top 20 path, referer",
    "count by time:5m, status/100",
    "sum(bytes), avg(bytes), min(bytes), max(bytes) by method",
    "sum(bytes) by ip:/24",
    'ua contains "bot" or not path = "/" | top 30 ua',
    "count, count if(5xx) as err by method | let rate = err/count"
    " | sort -rate",
    "5xx | top 10 path by method, time:1h",
    r'path ~ "\.php$" or status in 300..399 | count by user, proto',
    'bottom 5 user by status:100 as class',
    'ip in 2001:db8::/32 or ip in 10.0.0.0/8 | count by ip:/16',
    "count as n by url | where n > 1 | sort -n, url | head 7",
    "count by user, time:1d | head 2 per time:1d",
    'time >= "2023-11-01" and time < "2023-11-15T12:00" | count by time:1d',
    "bytes > 1KB | let kb = bytes / 1000 | sum(kb), max(kb) as top_kb"
    " by status",
    "min(time), max(time) by ip",
    'line contains "\\xff" | count by ua, referer',
    'count by ext(path), segment(url, 1), lower(method), hour(time):6'
    ' | let x = if(hour(time):6 > 6, lower(method), "early")'
    ' | where len(x) > 2 | sort -x, -count | head 3 per x, ext(path)',
    'let bot = extract(lower(ua), "([a-z]{0,9}bot)[^a-z]")'
    ' | where not bot = "x" | count, sum(if(5xx, bytes, 0B)) as lost,'
    ' max(len(line)) by urlhost(referer), bot, weekday(time) as day'
    ' | let late = if(day in 6..7, 1, 0.5) | sort -late, lost | head 9',
    'ext(path) = "php" or segment(path, 2) = "b"'
    ' | bottom 4 if(404, url, path) by if(user = "alice", "a", ident) as who',
    "last(ua), hist(time, 6h) by time:1d",
    "count by time:1h, status, time:1d",
]
# Over fields that are not built in: see named.py.
NAMED = [
    "count by level",
    "top 20 n, level",
    "count, sum(n), avg(n), min(n), max(n) by level | sort -sum(n), level",
    "count by status, dur",
    "count by url, path, query",
    "count by time:1h, hour(time), ip",
    "n > 1 | count by n:10, len(level)",
    'level = "info" or n = 1000 or level = "1" | count by n',
    'level in ("info", "warn", "é") and not n in (1, 2.5) | count by `n`',
    "n in 1..1000 | let m = -n * 2 + 1 | where m < 0 | count by m, level",
    'count by if(n > 1, level, "small"), if(level = "1", n, 0) as x',
    "count by a.b, `a.b.b`, `a.1.0`, `user-agent`, `x-own`, `a \"q\"`",
    "count by `status`, status | sort `status` | head 9",
    "count(n), count if(n = 1) by lower(level)",
    "count by `time`, `date`, hour(`time`)",
    "5xx or 404 | count by level",
    'line contains "é" | count by level',
    "top 3 level by n:100 | where count > 1",
]
FILTERS = ["5xx", "404", "status != 200", 'user = "alice"', "bytes < 1000",
           'path startswith "/a"', 'ua !~ "o+"', "status in (200, 404, 500)",
           'referer = ""', "not bytes > 5", 'url endswith "1"', '"bot"',
           "ip = 192.0.2.7", "bytes % 7 = 3", "bytes * 2 >= 1KiB",
           'ext(path) = "php"', "len(ua) > 20", 'lower(ua) contains "bot"',
           "hour(time) in 6..18", "weekday(time) in (1, 7)",
           'if(5xx, path, url) startswith "/a"', 'segment(path, 1) != "a"',
           'extract(url, "([0-9]+)") ~ "^1"', 'urlhost(referer) endswith "m"']
KEYS = ["status", "method", "path", "user", "ip", "time:1h", "time:1d",
        "ip:/8", "ip:/48", "status:100", "bytes:100", "ua", "referer",
        "query", "proto", "ident", "bytes / 7", "ext(path)", "len(path)",
        "segment(path, 1)", "segment(url, 2)", "urlhost(referer)",
        "lower(ua)", "hour(time)", "hour(time):4", "weekday(time)",
        'extract(ua, "([A-Za-z]+)/")', 'if(5xx, "bad", method)',
        "if(len(path) > 3, bytes, 0):100", "len(line):50"]
TEXTS = {"method", "path", "user", "ip", "ua", "referer", "query", "proto",
         "ident", "ip:/8", "ip:/48", "ext(path)", "segment(path, 1)",
         "segment(url, 2)", "urlhost(referer)", "lower(ua)",
         'extract(ua, "([A-Za-z]+)/")', 'if(5xx, "bad", method)'}
AGGS = ["count", "count(bytes)", "sum(bytes)", "avg(bytes)", "min(bytes)",
        "max(status)", "count if(5xx)", "sum(bytes) if(status = 200)",
        "avg(status)", "max(time)", "sum(len(path))", "max(hour(time))",
        "sum(if(5xx, bytes, 0B))", "count(ext(path))", "distinct(ip)",
        "distinct(path) if(200)", "distinct(bytes)", "distinct~(ua)",
        "p50(bytes)", "p90(bytes / 7)", "p999(len(ua)) if(4xx)",
        "quantile(bytes, 0.25)", "quantile(0 - bytes, 0.75)", "first(path)",
        "last(ua)", "first(bytes) if(5xx)", "last(time)",
        "hist(bytes, 100)", "hist(len(path), 3) if(200)", "hist(time, 6h)"]
NO_NUMBERS = {"max(time)", "first(path)", "last(ua)", "last(time)"}
BEFORE = ["let h = lower(urlhost(referer)) | where not h = \"x\" | ",
          "where len(url) > 2 | let n = bytes / len(url) | where n > 1 | ",
          "let odd = if(status % 2 = 1, 1, 2) | where odd = 1 | "]


def random_filter(rng):
    parts = rng.sample(FILTERS, rng.randint(1, 3))
    text = parts[0]
    for part in parts[1:]:
        text += rng.choice([" and ", " or "]) + part
    return text


def after(rng, keys, aggs):
    """Stages behind the aggregate, over columns k0.. and a0.."""
    numbers = [f"a{i}" for i, a in enumerate(aggs) if a not in NO_NUMBERS]
    texts = [f"k{i}" for i, k in enumerate(keys) if k in TEXTS]
    columns = [f"k{i}" for i in range(len(keys))]
    columns += [f"a{i}" for i in range(len(aggs))]
    out = ""
    for n in range(rng.randint(0, 4)):
        lets = [f"{a} * 2 - 1" for a in numbers]
        lets += [f"if({a} > 5, {a}, 0.5)" for a in numbers]
        lets += [f"len({k}) + 1" for k in texts]
        wheres = [f"not {k} startswith \"/\"" for k in texts]
        wheres += [f"len(lower({k})) < 9 or {k} = \"x\"" for k in texts]
        wheres += [f"{a} > 1" for a in numbers]
        kind = rng.choice(["let", "where", "sort", "head"])
        if kind == "let" and lets:
            out += f" | let l{n} = {rng.choice(lets)}"
            columns.append(f"l{n}")
            numbers.append(f"l{n}")
        elif kind == "where" and wheres:
            out += f" | where {rng.choice(wheres)}"
        elif kind == "sort":
            some = rng.sample(columns, rng.randint(1, min(3, len(columns))))
            out += " | sort " + ", ".join(rng.choice(["", "-"]) + c
                                          for c in some)
        elif kind == "head":
            out += f" | head {rng.randint(1, 5)} per {rng.choice(columns)}"
    return out


def some_aggs(rng):
    """Three at most, one hist among them at most."""
    aggs = rng.sample(AGGS, rng.randint(1, 3))
    hists = [a for a in aggs if a.startswith("hist")]
    return [a for a in aggs if a not in hists[1:]]


def generate(seed, n):
    rng = random.Random(seed)
    for _ in range(n):
        text = random_filter(rng) + " | " if rng.random() < 0.6 else ""
        text += rng.choice(BEFORE) if rng.random() < 0.2 else ""
        keys = rng.sample(KEYS, rng.randint(0, 3))
        by = " by " + ", ".join(keys) if keys else ""
        if rng.random() < 0.4:
            aggs = some_aggs(rng)
            text += ", ".join(f"{a} as a{i}" for i, a in enumerate(aggs))
            text += " by " if keys else ""
            text += ", ".join(f"{k} as k{i}" for i, k in enumerate(keys))
            yield text + after(rng, keys, aggs)
            continue
        if rng.random() < 0.3:
            things = [k for k in rng.sample(KEYS, 2) if k not in keys]
            text += (rng.choice(["top", "bottom"]) + f" {rng.randint(1, 9)} "
                     + ", ".join(things or ["url"]) + by)
        else:
            text += ", ".join(some_aggs(rng)) + by
        if rng.random() < 0.3:
            text += f" | head {rng.randint(1, 20)}"
        yield text
