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
]
FILTERS = ["5xx", "404", "status != 200", 'user = "alice"', "bytes < 1000",
           'path startswith "/a"', 'ua !~ "o+"', "status in (200, 404, 500)",
           'referer = ""', "not bytes > 5", 'url endswith "1"', '"bot"',
           "ip = 192.0.2.7", "bytes % 7 = 3", "bytes * 2 >= 1KiB"]
KEYS = ["status", "method", "path", "user", "ip", "time:1h", "time:1d",
        "ip:/8", "ip:/48", "status:100", "bytes:100", "ua", "referer",
        "query", "proto", "ident", "bytes / 7"]
AGGS = ["count", "count(bytes)", "sum(bytes)", "avg(bytes)", "min(bytes)",
        "max(status)", "count if(5xx)", "sum(bytes) if(status = 200)",
        "avg(status)", "max(time)"]


def random_filter(rng):
    parts = rng.sample(FILTERS, rng.randint(1, 3))
    text = parts[0]
    for part in parts[1:]:
        text += rng.choice([" and ", " or "]) + part
    return text


def generate(seed, n):
    rng = random.Random(seed)
    for _ in range(n):
        text = random_filter(rng) + " | " if rng.random() < 0.6 else ""
        keys = rng.sample(KEYS, rng.randint(0, 3))
        by = " by " + ", ".join(keys) if keys else ""
        if rng.random() < 0.3:
            things = [k for k in rng.sample(KEYS, 2) if k not in keys]
            text += (rng.choice(["top", "bottom"]) + f" {rng.randint(1, 9)} "
                     + ", ".join(things or ["url"]) + by)
        else:
            text += ", ".join(rng.sample(AGGS, rng.randint(1, 3))) + by
        if rng.random() < 0.3:
            text += f" | head {rng.randint(1, 20)}"
        yield text
