# SPDX-License-Identifier: Apache-2.0
"""Lines of formats with names of their own to fields, and made logs of them,
from docs/query-language.md alone. Own names are kept as ("own", NAME).

    python3 named.py SEED BYTES json|logfmt|csv|tsv|w3c > FILE
"""
import json
import random
import re
import sys
from fractions import Fraction

NANO = 10**9
FIELDS = ("ip", "user", "request", "method", "url", "path", "query", "proto",
          "status", "bytes", "referer", "ua", "vhost", "port", "dur")
TIMES = {"json": ("time", "ts", "timestamp", "@timestamp"),
         "logfmt": ("time", "ts", "timestamp", "t")}
HEADER_NAMES = {"c-ip": "ip", "cs-uri-stem": "path", "sc-status": "status",
                "cs(User-Agent)": "ua", "time-taken": "dur",
                "sc-bytes": "bytes", "cs-method": "method"}
NUMBER = re.compile(rb"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
RAW = 0xf0000  # where bytes from 0x80 on are kept while Python reads JSON


def number(text):
    """A text as a number of nine decimals, or None."""
    m = NUMBER.fullmatch(text)
    if not m:
        return None
    exponent = int(m[4] or 0)
    digits = int(m[2] + (m[3] or b""))
    if digits == 0 or exponent < -200000:
        return 0
    if exponent > 200000:
        return None
    value = Fraction(digits) * Fraction(10) ** (exponent - len(m[3] or b""))
    n = round(value * NANO)
    return None if n >= 1 << 127 else -n if m[1] else n


def plain(text):
    """What Python made of a JSON string, as bytes."""
    out = b""
    for c in text:
        code = ord(c)
        if RAW <= code < RAW + 256:
            out += bytes([code - RAW])
        else:
            out += (b"\xef\xbf\xbd" if 0xd800 <= code < 0xe000
                    else c.encode())
    return out


class Raw(bytes):
    """A number as it was logged."""


class Members(list):
    """An object: its members as pairs."""


def refuse(text):
    raise ValueError(text)


def flatten(value, prefix, out):
    """All names of what is in it, in their order."""
    if isinstance(value, Members):
        items = [(plain(k), v) for k, v in value]
    else:
        items = [(str(i).encode(), v) for i, v in enumerate(value)]
    for key, v in items:
        name = prefix + key
        if isinstance(v, list):
            out[name] = None
            flatten(v, name + b".", out)
        elif isinstance(v, bool):
            out[name] = b"true" if v else b"false"
        elif v is None or isinstance(v, Raw):
            out[name] = v
        else:
            out[name] = plain(v)


def match_json(line):
    text = "".join(chr(b) if b < 0x80 else chr(RAW + b) for b in line)
    try:
        value = json.loads(text, parse_constant=refuse,
                           parse_int=lambda t: Raw(t.encode()),
                           parse_float=lambda t: Raw(t.encode()),
                           object_pairs_hook=Members)
    except ValueError:
        return None
    if not isinstance(value, Members):
        return None
    out = {}
    flatten(value, b"", out)
    return out


def unescape(text):
    def one(m):
        if m[1]:
            return plain(json.loads(b'"' + m[1] + b'"'))
        return {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r",
                b"t": b"\t"}.get(m[2], m[2])
    return re.sub(rb"((?:\\u[0-9a-fA-F]{4})+)|\\(.)", one, text, flags=re.S)


WORD = re.compile(rb'([^\x00-\x20="]+)(?:(=)(?:"((?:[^"\\]|\\.)*)"'
                  rb'|([^\x00-\x20"]*)))?(?=[\x00-\x20]|\Z)', re.S)


def match_logfmt(line):
    out, at = {}, 0
    while True:
        while at < len(line) and line[at] <= 0x20:
            at += 1
        if at == len(line):
            return out or None
        m = WORD.match(line, at)
        if not m or (not out and not m[2]):
            return None
        out[m[1]] = (b"true" if not m[2] else m[4] if m[3] is None
                     else unescape(m[3]))
        at = m.end()


def cells(line, separator, quotes):
    """A row's cells, None for an empty one; None: it is none."""
    if not quotes:
        return [c or None for c in line.split(separator)]
    cell = re.compile(b'"((?:[^"]|"")*)"|([^"' + separator + b"][^"
                      + separator + b"]*)?", re.S)
    out, at = [], 0
    while True:
        m = cell.match(line, at)
        out.append(m[1].replace(b'""', b'"') if m[1] is not None else m[2])
        at = m.end()
        if at == len(line):
            return out
        if line[at:at + 1] != separator:
            return None
        at += 1


class Table:
    """What the header says, kept while a file is read."""

    def __init__(self, fmt):
        self.fmt, self.names = fmt, None

    def separator(self, line):
        if self.fmt == "csv":
            return b","
        return b"\t" if self.fmt == "tsv" or b"\t" in line else b" "

    def header(self, line):
        if self.fmt == "w3c":
            if line.startswith(b"#Fields:"):
                self.names = re.split(rb"[ \t]+", line[8:].strip(b" \t"))
                if self.names == [b""]:
                    self.names = None
            return line.startswith(b"#")
        if self.names is None:
            self.names = [c or b"" for c in cells(
                line, self.separator(line), self.fmt == "csv")]
            return True
        return False

    def match(self, line):
        row = cells(line, self.separator(line), self.fmt != "tsv")
        if self.names is None or row is None or len(row) != len(self.names):
            return None
        return dict(zip(self.names, row))


def epoch_or_iso(text, parse_clf):
    m = re.fullmatch(rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,9})?"
                     rb"(Z|[+-]\d\d:\d\d)?", text)
    if m:
        from datetime import datetime, timezone
        try:
            d = datetime.fromisoformat(
                f"{m[1].decode()}T{m[2].decode()}" +
                ("+00:00" if m[4] in (None, b"Z") else m[4].decode()))
        except ValueError:
            return None
        d -= datetime(1970, 1, 1, tzinfo=timezone.utc)
        part = int((m[3] or b".0")[1:].ljust(9, b"0"))
        return (d.days * 86400 + d.seconds) * NANO + part
    if re.match(rb"..?/", text):
        return parse_clf(text)
    n = number(text)
    return n if n is not None and n >= 0 else None


def built_in(fmt, values):
    """The built-in fields as they were logged."""
    if fmt in TIMES:
        out = {f: values.get(f.encode()) for f in FIELDS}
        out["time"] = next((values[n.encode()] for n in TIMES[fmt]
                            if values.get(n.encode()) is not None), None)
    else:
        out = {HEADER_NAMES.get(n.decode("latin-1"), n.decode("latin-1")): v
               for n, v in values.items()}
        out = {n: v for n, v in out.items() if n in FIELDS or n == "time"}
        if fmt == "w3c":
            both = values.get(b"date"), values.get(b"time")
            out["time"] = (b" ".join(both) if None not in both
                           and b"-" not in both else None)
    return {n: v for n, v in out.items() if v is not None}


def made(rng, values):
    """Many values: texts, numbers, odd ones."""
    return rng.choice(values)


TEXTS = ["info", "info", "warn", "error", "", "-", "a b", "x\"y", "back\\slash",
         "é", "😀", "line\nbreak", "tab\there", "1", "1.50", "1e2", "0010",
         "true", "null", "a,b", "a=b"]
ODD_JSON = ["{}", "[]", "1", "not json", '{"a":1', '{"a":01}', '{"a":NaN}',
            '{"a":"\t"}', '{"level":"\\u0069nfo"}', '{"level":"\\ud83d"}',
            '{"level":"\\ud83d\\ude00x"}', '{"a.b":"dotted"}', '{"a":{"b":1},'
            '"a.b":2}', '{"a":[1,[2,{"c":3}]]}', '{"level":1,"level":"info"}',
            ' { "level" : "warn" } ', '{"level":"a"}}', '{"level":"a",}',
            '{"n":-0}', '{"n":1E+2}', '{"n":123456789012345678901234567890}',
            '{"n":0.12345678949999}', '{"n":1e400}', '{"level":"\\x"}',
            '{"time":1699999999.5}', '{"time":"2023-11-14T22:00:00.25+01:00"}']
ODD_LOGFMT = ["level", "level=info debug", '=x', 'a="b', 'a="b"c', 'a=b"c',
              'level="\\u00e9\\n\\q" n=2', "level=", "n=1 n=2", "  level=warn  ",
              "a.b=dotted level=x", "level=a=b", "\t", "a=1\tlevel=tab"]


def value_json(rng):
    kind = rng.randrange(8)
    if kind < 4:
        return rng.choice(TEXTS)
    if kind < 6:
        return rng.choice([0, 1, 2.5, -3, 1000, 1e-7, 12345678901])
    return rng.choice([True, False, None, {"b": 1}, [1, "x"], {}])


def line_json(rng):
    if rng.random() < 0.2:
        return rng.choice(ODD_JSON).encode()
    record = {"time": f"2023-11-14T{rng.randrange(24):02d}:00:00Z",
              "level": value_json(rng), "n": value_json(rng),
              "a": {"b": value_json(rng)}, "status": rng.choice(
                  [200, 404, "500", "x", 20.5, None]),
              "url": rng.choice(["/", "/a?b=1", "/é", ""]),
              "dur": rng.choice([0.25, "0.5", -1, "fast", 1e-3])}
    for name in rng.sample(sorted(record), rng.randrange(4)):
        del record[name]
    text = json.dumps(record, ensure_ascii=rng.random() < 0.5)
    out = text.encode()
    return out.replace(b'"info"', b'"in\xfffo"') if rng.random() < .1 else out


def word(rng, name):
    text = str(rng.choice(TEXTS + [1, 2.5, "-3", "1e-7"]))
    if re.fullmatch(r'[^\x00-\x20"]*', text) and rng.random() < 0.7:
        return f"{name}={text}"
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}="{text}"'


def line_logfmt(rng):
    if rng.random() < 0.2:
        return rng.choice(ODD_LOGFMT).encode()
    names = ["level", "n", "a.b", "status", "url", "dur", "user-agent"]
    return " ".join(word(rng, n) for n in rng.sample(names, 5)).encode()


def cell(rng, fmt):
    text = str(rng.choice(TEXTS + [200, 404, 2.5, "-3"])).replace("\n", " ")
    if fmt == "tsv":
        return text.replace("\t", " ")
    if '"' in text or "," in text or "\t" in text or rng.random() < 0.2:
        return '"' + text.replace('"', '""') + '"'
    return text


def line_csv(rng, fmt):
    row = [cell(rng, fmt) for _ in range(6)]
    if rng.random() < 0.1:
        row = row[:rng.randrange(6)] + row[:rng.randrange(3)]
    if fmt == "csv" and rng.random() < 0.05:
        row[0:1] = ['"open']
    return ("," if fmt == "csv" else "\t").join(row).encode()


W3C = [b"#Fields: date time c-ip cs-uri-stem sc-status x-own time-taken",
       b"#Fields: sc-status x-own\tc-ip", b"#Date: 2023-11-14", b"#",
       b"#Fields: time sc-status level n"]


def line_w3c(rng):
    if rng.random() < 0.08:
        return rng.choice(W3C)
    row = [f"2023-11-{rng.randrange(10, 32)}", f"{rng.randrange(26):02d}:00:00",
           rng.choice(["192.0.2.1", "-", "::1"]),
           rng.choice(["/", '"/a ""b"""', "/x"]),
           rng.choice(["200", "404", "x", "-"]),
           rng.choice(["one", '"t w o"', "-", "3", "4.5"]),
           rng.choice(["0.5", "1", "-", "x"])]
    n = rng.choice([7, 7, 7, 3, 4, 2])
    return (" " if rng.random() < 0.9 else "\t").join(row[-n:]).encode()


def make(seed, size, fmt):
    rng = random.Random(seed)
    lines = {"json": line_json, "logfmt": line_logfmt, "w3c": line_w3c,
             "csv": lambda r: line_csv(r, "csv"),
             "tsv": lambda r: line_csv(r, "tsv")}
    heads = {"csv": b'\nlevel,"a ""q""",status,n,url,level\n',
             "tsv": b'level\ta "q"\tstatus\tn\turl\tlevel\n',
             "w3c": b"#Version: 1.0\n" + W3C[0] + b"\n"}
    out = bytearray(heads.get(fmt, b""))
    while len(out) < size:
        out += lines[fmt](rng) + rng.choice([b"\n"] * 9 + [b"\r\n", b"\n\n"])
    return bytes(out + lines[fmt](rng))


if __name__ == "__main__":
    sys.stdout.buffer.write(make(int(sys.argv[1]), int(sys.argv[2]),
                                 sys.argv[3]))
