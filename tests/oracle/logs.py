# SPDX-License-Identifier: Apache-2.0
"""Log lines to fields, written from docs/query-language.md alone."""
import gzip
import re
from datetime import datetime, timedelta, timezone

import named

NANO = 10**9
LINE_MAX = 1 << 20
QUOTED = rb'"((?:[^"\\]|\\.)*+)"'
HEAD = (rb"([^ ]++) ([^ ]++) (?>(.*?) \[)([^\]]*+)\] " + QUOTED +
        rb" ([^ ]++) ([^ ]++)")
TAIL = rb"(?: " + QUOTED + rb" " + QUOTED + rb"(?: (.*))?)?"
COMMON = re.compile(HEAD, re.S)
COMBINED = re.compile(HEAD + TAIL, re.S)
NAMES = ("ip", "ident", "user", "time", "request", "status", "bytes",
         "referer", "ua")
# Narrower formats first: a tie goes to the first.
FORMATS = ("vhost_common", "vhost_combined", "common", "combined")
NAMED = ("json", "logfmt", "csv", "tsv", "w3c")
MONTHS = {m: i + 1 for i, m in enumerate(
    b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
TIME = re.compile(rb"(\d\d)/([A-Z][a-z][a-z])/(\d{4}):(\d\d):(\d\d):(\d\d) "
                  rb"([+-])(\d\d)(\d\d)")
INTEGER = re.compile(rb"-?[0-9]{1,18}")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse_time(text):
    m = TIME.fullmatch(text)
    if not m or m[2] not in MONTHS:
        return None
    oh, om = int(m[8]), int(m[9])
    if oh > 23 or om > 59:
        return None
    try:
        local = datetime(int(m[3]), MONTHS[m[2]], int(m[1]), int(m[4]),
                         int(m[5]), int(m[6]), tzinfo=timezone.utc)
    except ValueError:
        return None
    d = local - EPOCH
    shift = oh * 3600 + om * 60
    seconds = d.days * 86400 + d.seconds
    return (seconds - (shift if m[7] == b"+" else -shift)) * NANO


def parse_integer(text):
    return int(text) * NANO if INTEGER.fullmatch(text) else None


def match(fmt, line):
    """The fields of a line as bytes, or None when it is rejected."""
    fields = {}
    if fmt.startswith("vhost_"):
        first, sp, line = line.partition(b" ")
        vhost, colon, port = first.rpartition(b":")
        if not sp or not colon or not vhost or not port:
            return None
        fields = {"vhost": vhost, "port": port}
    m = (COMMON if fmt.endswith("common") else COMBINED).fullmatch(line)
    if not m:
        return None
    fields.update((k, v) for k, v in zip(NAMES, m.groups()) if v is not None)
    return fields


def complete(fields):
    """Adds the derived fields; drops what was logged as '-'."""
    request = fields.get("request", b"-")
    if request.count(b" ") >= 2:
        method, rest = request.split(b" ", 1)
        url, proto = rest.rsplit(b" ", 1)
        fields.update(method=method, url=url, proto=proto)
        path, mark, query = url.partition(b"?")
        if url != b"-":
            fields["path"] = path
            if mark:
                fields["query"] = query
    out = {k: v for k, v in fields.items() if v != b"-"}
    for name in ("status", "bytes", "port"):
        if name in out:
            out[name] = parse_integer(out[name])
    if "time" in out:
        out["time"] = parse_time(out["time"])
    return out


def complete_named(fmt, values):
    """The same of a line that names its fields, and those under their own
    names."""
    fields = named.built_in(fmt, values)
    time = fields.pop("time", b"-")
    url = fields.get("url")
    out = {}
    if url is not None and url != b"-":
        path, mark, query = url.partition(b"?")
        out = {"path": path, **({"query": query} if mark else {})}
    out |= complete(fields)
    if time != b"-":
        out["time"] = named.epoch_or_iso(time, parse_time)
    if "dur" in out:
        dur = named.number(out["dur"])
        out["dur"] = dur if dur is not None and dur >= 0 else None
    out |= {("own", n): v for n, v in values.items() if v != b"-"}
    return out


def matcher(fmt):
    """(header or None, match) of a format."""
    if fmt in ("csv", "tsv", "w3c"):
        table = named.Table(fmt)
        return table.header, table.match
    return None, {"json": named.match_json,
                  "logfmt": named.match_logfmt}.get(
                      fmt, lambda line: match(fmt, line))


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def lines_of(data):
    """(line without its ending, ...), a last one without an ending too."""
    for piece in re.finditer(rb"[^\n]*\n|[^\n]+", data):
        line = piece[0]
        if line.endswith(b"\n"):
            line = line[:-1]
            if line.endswith(b"\r"):
                line = line[:-1]
        yield line


def detect(data):
    seen = []
    for line in lines_of(data):
        if line:
            seen.append(line)
            if len(seen) == 100:
                break
    fits = {f: sum(match(f, x) is not None for x in seen) for f in FORMATS}
    best = max(fits.values())
    return next(f for f in FORMATS if fits[f] == best) if best else None


def records(path, fmt="auto", host=None):
    """(records, counts) of a file; counts has lines, accepted, ..."""
    data = read(path)
    if fmt == "auto":
        fmt = detect(data)
    out, counts = [], {"lines": 0, "accepted": 0, "rejected": 0, "blank": 0}
    header, matches = matcher(fmt)
    for line in lines_of(data):
        counts["lines"] += 1
        if not line or (header and header(line)):
            counts["blank"] += 1
            continue
        fields = matches(line) if len(line) <= LINE_MAX and fmt else None
        if fields is None:
            counts["rejected"] += 1
            continue
        counts["accepted"] += 1
        record = (complete_named(fmt, fields) if fmt in NAMED
                  else complete(fields))
        record["line"] = line
        record["file"] = str(path).encode()
        if host:
            record["host"] = host.encode()
        out.append(record)
    return out, counts
