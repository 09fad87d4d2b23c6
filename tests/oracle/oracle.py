# SPDX-License-Identifier: Apache-2.0
"""The oracle: what `logtally run -o json` must print as rows, worked out
slowly and plainly. It shares no code with the program.

    python3 oracle.py QUERY FILE...
"""
import base64
import bisect
import json
import re
import os
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import language as lang  # noqa: E402
import logs  # noqa: E402

NANO = 10**9


def order(value):
    """Ascending: missing first."""
    return (0,) if value is None else (1, value)


class Backward:
    def __init__(self, value):
        self.value = order(value)

    def __lt__(self, other):
        return other.value < self.value

    def __eq__(self, other):
        return other.value == self.value


def sketch_bounds():
    bounds = [1]
    while bounds[-1] <= 2**127:
        bounds.append(max(bounds[-1] + 1, bounds[-1] * 1009 // 991))
    return bounds


BOUNDS = sketch_bounds()


def in_bucket(value, whole):
    """What the page has stand for the bucket of a value."""
    if value == 0:
        return 0
    i = bisect.bisect_right(BOUNDS, abs(value)) - 1
    lo, hi = BOUNDS[i], BOUNDS[i + 1] - 1
    if whole:
        lo, hi = -(-lo // NANO) * NANO, hi // NANO * NANO
    middle = (lo + hi) // 2
    unit = 10 ** max(0, len(str(middle)) - 4)
    middle = lang.half_even(Fraction(middle, unit)) * unit
    return middle if value > 0 else -middle


def aggregate(agg, records):
    _, _, func, arg, cond, more = agg
    chosen = [r for r in records if cond is None or cond(r)]
    if arg is None or func == "hist":
        return len(chosen) * NANO
    if func in ("first", "last"):
        at = [(r.get("time"), arg(r)) for r in chosen]
        at = [(t, v) for t, v in at if t is not None and v is not None]
        return (min(at) if func == "first" else max(at))[1] if at else None
    values = [v for v in (arg(r) for r in chosen) if v is not None]
    if func in ("distinct", "distinct~"):
        return len(set(values)) * NANO
    if func == "quantile" and values:
        q, whole = more
        return in_bucket(sorted(values)[q * (len(values) - 1) // NANO], whole)
    if func == "count":
        return len(values) * NANO
    if func == "sum":
        return sum(values)
    if not values:
        return None
    if func == "avg":
        return lang.half_even(Fraction(sum(values), len(values)))
    return min(values) if func == "min" else max(values)


def count_stage(p, records):
    aggs = p.many(p.agg)
    keys = p.many(p.key) if p.take("by") else []
    for _, kind, func, arg, cond, more in [a for a in aggs if a[2] == "hist"]:
        step, kind = more
        keys.append(("bucket", kind, lambda r: (
            None if arg(r) is None else arg(r) // step * step),
            kind == "time"))
        records = [r for r in records if arg(r) is not None and
                   (cond is None or cond(r))]
    groups = defaultdict(list)
    for r in records:
        groups[tuple(k[2](r) for k in keys)].append(r)
    if not keys and not groups:
        groups[()] = []
    rows = [list(key) + [aggregate(a, rs) for a in aggs]
            for key, rs in groups.items()]
    times = [i for i, k in enumerate(keys) if k[3]]
    rows.sort(key=lambda row: (
        [order(row[i]) for i in times], Backward(row[len(keys)]),
        [order(v) for v in row[:len(keys)]]))
    return [(k[0], k[1]) for k in keys] + [(a[0], a[1]) for a in aggs], rows


def top_stage(p, records, descending):
    limit = 10
    if p.peek()[0] == "num":
        limit = int(p.peek()[1])
        p.i += 1
    things = p.many(p.key)
    keys = p.many(p.key) if p.take("by") else []
    counts = Counter(tuple(k[2](r) for k in keys + things) for r in records)
    rows = [list(key) + [n * NANO] for key, n in counts.items()]
    nk = len(keys)
    rows.sort(key=lambda row: (
        [order(v) for v in row[:nk]],
        Backward(row[-1]) if descending else order(row[-1]),
        [order(v) for v in row[nk:-1]]))
    cols = [(k[0], k[1]) for k in keys + things] + [("count", "integer")]
    return cols, head(rows, limit, range(nk))


def head(rows, limit, per):
    seen, out = Counter(), []
    for row in rows:
        key = tuple(row[i] for i in per)
        seen[key] += 1
        if seen[key] <= limit:
            out.append(row)
    return out


class Row(list):
    """A row that knows its place in the default order."""

    def __init__(self, cells, rank):
        super().__init__(cells)
        self.rank = rank


def sort_stage(p, rows):
    rows = sorted(rows, key=lambda row: row.rank)
    def one():
        down = p.take("-")
        return p.columns[p.column_name()][0], bool(down)
    for index, down in reversed(p.many(one)):
        rows = sorted(rows, key=lambda row: Backward(row[index]) if down
                      else order(row[index]))
    return rows


def after(p, cols, rows):
    rows = [Row(row, rank) for rank, row in enumerate(rows)]
    while p.take("|"):
        p.columns = {c[0]: (i, c[1]) for i, c in enumerate(cols)}
        word = p.peek()[1]
        p.i += 1
        if word == "where":
            keep = p.filter()[1]
            rows = [r for r in rows if keep(r)]
        elif word == "let":
            name = p.peek()[1]
            p.i += 1
            p.need("=")
            e = p.expr()
            rows = [Row(r + [e.fn(r)], r.rank) for r in rows]
            cols = cols + [(name, e.kind)]
        elif word == "sort":
            rows = sort_stage(p, rows)
        elif word == "head":
            limit = int(p.peek()[1])
            p.i += 1
            per = p.many(p.column_name) if p.take("per") else []
            rows = head(rows, limit, [p.columns[c][0] for c in per])
        else:
            raise lang.QueryError(f"stage {word}")
    if p.peek()[0] != "end":
        raise lang.QueryError(f"left over: {p.peek()}")
    return cols, rows


def evaluate(query, records):
    p = lang.Parser(query)
    if p.peek()[1] not in lang.STAGES:
        keep = p.filter()[1]
        records = [r for r in records if keep(r)]
        if p.peek()[0] != "end":
            p.need("|")
    while p.peek()[1] in ("where", "let"):
        if p.take("where"):
            keep = p.filter()[1]
            records = [r for r in records if keep(r)]
        else:
            p.i += 2
            name = p.peek(-1)[1]
            p.need("=")
            p.names[name] = p.expr()
        if p.peek()[0] != "end":
            p.need("|")
    if p.take("top"):
        cols, rows = top_stage(p, records, True)
    elif p.take("bottom"):
        cols, rows = top_stage(p, records, False)
    elif p.peek()[0] == "end":
        cols, rows = [("count", "integer")], [[len(records) * NANO]]
    else:
        cols, rows = count_stage(p, records)
    return after(p, cols, rows)


def time_text(value):
    seconds, part = divmod(value, NANO)
    d = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    tail = f".{part:09d}".rstrip("0") if part else ""
    return (f"{d.year:04d}-{d.month:02d}-{d.day:02d}T{d.hour:02d}:"
            f"{d.minute:02d}:{d.second:02d}{tail}Z")


class Number(str):
    """A number as its exact text."""


def shown(value, kind):
    if value is None:
        return None
    if kind == "time":
        return time_text(value)
    if isinstance(value, int):
        return Number(lang.number_text(value))
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def run(query, paths, fmt="auto", host=None):
    """(column names, rows): numbers as Number, the rest as JSON values."""
    records = []
    for path in paths:
        records += logs.records(path, fmt, host)[0]
    cols, rows = evaluate(query, records)
    return ([c[0] for c in cols],
            [[shown(v, c[1]) for v, c in zip(r, cols)] for r in rows])


# Characters that the language page has escaped in JSON, beside those that
# JSON itself escapes.
HARMFUL = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e"
                     "\u2060-\u206f\ufeff\ufff9-\ufffb"
                     "\U000e0000-\U000e007f]")


def print_cell(value):
    if isinstance(value, Number):
        return str(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return HARMFUL.sub(lambda m: json.dumps(m[0])[1:-1], text)


def print_rows(rows):
    """As `-o json` prints them: one row on a line."""
    lines = [",".join(map(print_cell, row)) for row in rows]
    body = "".join(("," if i else "") + f"\n[{line}]"
                   for i, line in enumerate(lines))
    return f'"rows":[{body}{chr(10) if rows else ""}]'.encode()


def parse_printed(text):
    """What the program printed, in the same form."""
    doc = json.loads(text, parse_float=Number, parse_int=Number)
    return [c["name"] for c in doc["columns"]], doc["rows"], doc


def main():
    names, rows = run(sys.argv[1], sys.argv[2:])
    print(json.dumps({"columns": names, "rows": rows}, ensure_ascii=False))


if __name__ == "__main__":
    main()
