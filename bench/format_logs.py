# SPDX-License-Identifier: Apache-2.0
"""The combined log as other formats would have written it, and what reading
them costs beside it."""
import re
import statistics

from measure import BUILD, Command

LOGTALLY = BUILD / "logtally"
COMBINED = re.compile(rb'(.*?) "((?:[^"\\]|\\.)*)" (\d+) (\S+) (".*)')
REGEX = (r're:^(?<ip>\S+) \S+ (?<user>.*?) \[(?<time>[^\]]+)\] '
         r'"(?<request>(?:[^"\\]|\\.)*)" (?<status>\d+) (?<bytes>\d+)')
NGINX = ('$remote_addr - $remote_user [$time_local] "$request" $status '
         '$body_bytes_sent "$http_referer" "$http_user_agent" '
         '"$http_x_forwarded_for" $request_time')
APACHE = (r'%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" '
          r'\"%{User-Agent}i\" %D')
# What -f says, and what stands before and behind a line of combined.
AROUND = {
    "vhost_combined": ("vhost_combined", b"www.example.com:443 ", b""),
    "combined+time": ("combined+time", b"", b" 0.123"),
    "k8s_ingress_nginx": (
        "k8s_ingress_nginx", b"",
        b" 512 0.012 [shop-web-80] [] 10.0.0.7:8080 1234 0.012 200 4f5c6d7e"),
    "traefik": ("traefik", b"", b' 17 "web@docker" "http://10.0.0.7:80" 12ms'),
    "an nginx log_format": (NGINX, b"", b' "-" 0.012'),
    "an Apache LogFormat": (APACHE, b"www.example.com:443 ", b" 12345"),
}
SAME = {"combined": "combined", "a regex": REGEX}  # of the log as it is
OWN = {"json": ("json", "count by status"),
       "json, a name of its own": ("json", "count by level")}


def common_line(line):
    m = COMBINED.fullmatch(line)
    return b'%s "%s" %s %s' % m.groups()[:4] if m else line


def write(path, log, change):
    part = path.with_suffix(".part")
    # In large pieces, as the made logs are written: the page cache keeps what
    # came in 8 KiB at a time in small ones, and reading it back is 20 % slower.
    with open(log, "rb") as source, open(part, "wb", 1 << 20) as to:
        for line in source:
            to.write(change(line[:-1]) + b"\n")
    part.rename(path)


def prepare(log, json_log, folder):
    """name -> file; those that a log of the same size was made into before
    are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: log for name in SAME} | {name: json_log for name in OWN}
    size = log.stat().st_size
    for n, (name, (_, before, behind)) in enumerate(AROUND.items()):
        files[name] = folder / f"around{n}-{size}.log"
        if not files[name].exists():
            write(files[name], log, lambda x: before + x + behind)
    files["common"] = folder / f"common-{size}.log"
    if not files["common"].exists():
        write(files["common"], log, common_line)
    return files


def commands(files):
    asked = {name: (f, "count by status") for name, f in SAME.items()}
    asked |= {name: (f, "count by status") for name, (f, *_) in AROUND.items()}
    asked |= OWN | {"common": ("common", "count by status")}
    return [Command(f"{name}: logtally -j 1: {query}",
                    [LOGTALLY, "run", "--quiet", "-o", "json", "-j", 1, "-f",
                     f, query, files[name]], name)
            for name, (f, query) in asked.items()]


def speed(command, size):
    return size / statistics.median(command.seconds) / 1e6


def rows(t, done):
    """Into the table of what is asked. A line of common is half as long, and
    has the same fields but two: lines a second are compared there."""
    by = {c.data: c for c in done}
    base = by["combined"]
    for name, c in by.items():
        if name in OWN:
            value = speed(c, t.size[name])
            t.add(f"{c.name.split(': ')[-1]}, -j 1, {name}, MB/s", 500, value,
                  f"{value:.0f} MB/s", unit=" MB/s")
        elif name == "a regex":
            value = speed(c, t.size[name])
            t.add("count by status, -j 1, a regex, MB/s", 100, value,
                  f"{value:.0f} MB/s", unit=" MB/s")
        elif c is not base:
            bytes_each = name != "common"
            scale = t.size[name] / t.size["combined"] if bytes_each else 1
            value = statistics.median(
                x / y for x, y in zip(base.seconds, c.seconds)) * scale
            unit = "bytes" if bytes_each else "lines"
            t.add(f"count by status, -j 1, {name} against combined, "
                  f"{unit} a second", 0.9, value, f"{value:.2f} x")
