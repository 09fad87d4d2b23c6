# SPDX-License-Identifier: Apache-2.0
"""The query language, written from docs/query-language.md alone.

Values: None (missing), bytes (text, ip), int (numbers and times, in units
of 1e-9). Expressions and filters become closures over a record."""
import ipaddress
import re
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import named

NANO = 10**9
SIZES = {"B": 1, "KB": 10**3, "kB": 10**3, "MB": 10**6, "GB": 10**9,
         "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
         "TiB": 2**40}
TIMES = {"ns": Fraction(1, 10**9), "us": Fraction(1, 10**6),
         "ms": Fraction(1, 1000), "s": 1, "m": 60, "h": 3600, "d": 86400}
TYPES = {"status": "integer", "bytes": "size", "port": "integer",
         "time": "time", "dur": "duration", "ip": "ip"}
ALIASES = {"$remote_addr": "ip", "c-ip": "ip", "sc-status": "status",
           "$status": "status", "$request": "request"}
TOKEN = re.compile(r"""\s*(?:
    (?P<str>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<ip6>(?<![\w:])[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:/\d+)?)
  | (?P<ip4>\d+\.\d+\.\d+\.\d+(?:/\d+)?)
  | (?P<cls>[1-5]xx\b)
  | (?P<num>\d+(?:\.\d+)?)(?P<unit>[A-Za-z]+)?
  | (?P<own>`[^`]*`)
  | (?P<word>\$?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*(?:-(?:ip|status|uri|stem)\b)*)
  | (?P<op>\.\.|!=|!~|<=|>=|[=<>~|,():/*+%-])
)""", re.X | re.S)
COMPARE = ("=", "!=", "<", "<=", ">", ">=", "~", "!~", "contains",
           "startswith", "endswith")
QUANTILES = {"p50": 500, "p90": 900, "p95": 950, "p99": 990, "p999": 999}
AGGS = ("count", "sum", "avg", "min", "max", "distinct", "quantile", "hist",
        "first", "last") + tuple(QUANTILES)
FUNCS = ("lower", "len", "ext", "segment", "urlhost", "extract", "hour",
         "weekday", "if")
FIELDS = ("host", "file", "line", "ident", "time") + named.FIELDS
STAGES = AGGS + ("where", "let", "top", "bottom", "sort", "head")


class QueryError(Exception):
    pass


def half_even(q):
    return round(q)  # Fraction: half to even


def unescape(token):
    table = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\", '"': b'"',
             "'": b"'"}

    def one(m):
        if m[1] is not None:
            return bytes([int(m[1], 16)])
        return table[m[2].decode()]
    return re.sub(rb"\\(?:x([0-9a-fA-F]{2})|([nrt\\\"']))", one,
                  token[1:-1].encode())


def quote(text):
    """A backslash stays as it is where it begins no escape."""
    def one(m):
        return "\\n" if m[0] == "\n" else "\\" + m[0]
    return '"' + re.sub(r"""\\(?![!#-&(-\[\]-moqsu-wyz{-~])|["\n]""", one,
                        text.decode("utf-8", "surrogateescape")) + '"'


def iso_time(text):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)"
                     r"(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?", text.decode())
    if not m:
        raise QueryError("not a time")
    t = m[2] or "00:00"
    t += ":00" if len(t) == 5 else ""
    zone = "+00:00" if m[4] in (None, "Z") else m[4]
    d = datetime.fromisoformat(f"{m[1]}T{t}{zone}") - datetime(
        1970, 1, 1, tzinfo=timezone.utc)
    part = int((m[3] or ".0")[1:].ljust(9, "0"))
    return (d // timedelta(seconds=1)) * NANO + part


def number_text(n):
    sign, n = ("-", -n) if n < 0 else ("", n)
    whole, part = divmod(n, NANO)
    tail = f".{part:09d}".rstrip("0") if part else ""
    return f"{sign}{whole}{tail}"


def unit_text(value, kind):
    if value == 0:
        return "0s" if kind == "duration" else "0B"
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)) \
        if kind == "duration" else \
        (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 1000),
         ("B", 1))
    if kind == "duration" and value % NANO:
        units = (("ms", Fraction(1, 1000)), ("us", Fraction(1, 10**6)),
                 ("ns", Fraction(1, 10**9)))
    for name, size in units:
        if value % (size * NANO) == 0:
            return f"{int(value // (size * NANO))}{name}"
    return number_text(value)


class Expr:
    def __init__(self, text, kind, fn, literal=None, prec=9):
        self.text, self.kind, self.fn = text, kind, fn
        self.literal, self.prec = literal, prec
        self.own = False


def own_field(shown, name):
    e = Expr(shown, "string", lambda r: r.get(("own", name.encode())))
    e.own = True
    return e


def read_as(e, kind):
    """A field of the format's own, as a number or a time is wanted."""
    if not e.own or kind in ("string", "ip"):
        return e

    def read(r):
        v = e.fn(r)
        if v is None:
            return None
        if kind != "time":
            return named.number(v)
        try:
            return iso_time(v)
        except (QueryError, ValueError):
            return None
    return Expr(e.text, "time" if kind == "time" else "decimal", read)


class Parser:
    def __init__(self, text):
        self.toks, pos = [], 0
        text = text.strip()
        while pos < len(text):
            m = TOKEN.match(text, pos)
            if not m:
                raise QueryError(text[pos:])
            kind = m.lastgroup if m.lastgroup != "unit" else "num"
            self.toks.append((kind, m[kind], m["unit"]))
            pos = m.end()
        self.i = 0
        self.names = {}       # let before the aggregate
        self.columns = None   # name -> (index, kind) after it

    def peek(self, k=0):
        j = self.i + k
        return self.toks[j] if j < len(self.toks) else ("end", "", None)

    def take(self, *values):
        if self.peek()[0] in ("op", "word") and self.peek()[1] in values:
            self.i += 1
            return self.toks[self.i - 1][1]
        return None

    def need(self, value):
        if not self.take(value):
            raise QueryError(f"expected {value}, got {self.peek()}")

    # expressions
    def expr(self, level=1):
        if level == 3:
            return self.primary()
        left = self.expr(level + 1)
        ops = ("+", "-") if level == 1 else ("*", "/", "%")
        while (op := self.take(*ops)):
            left = binary(op, left, self.expr(level + 1), level)
        return left

    def primary(self):
        kind, text, unit = self.peek()
        if self.take("("):
            e = self.expr()
            self.need(")")
            return e
        if self.take("-"):
            e = read_as(self.primary(), "decimal")
            return Expr("-" + e.text, e.kind,
                        lambda r: None if e.fn(r) is None else -e.fn(r))
        self.i += 1
        if kind == "num":
            return self.number(text, unit)
        if kind == "str":
            v = unescape(text)
            return Expr(quote(v), "string", lambda r: v, literal=v)
        if kind in ("ip4", "ip6"):
            v = text.encode()
            return Expr(text, "string", lambda r: v, literal=v)
        if kind == "own":
            if self.columns is not None:
                self.i -= 1
                name = self.column_name()
                index, kind = self.columns[name]
                return Expr(name, kind, lambda r: r[index])
            return own_field(text, text[1:-1])
        if kind == "word":
            return self.name(text)
        raise QueryError(f"expression expected at {text!r}")

    def number(self, text, unit):
        v = Fraction(text)
        kind = "decimal" if "." in text else "integer"
        if unit in SIZES:
            v, kind = v * SIZES[unit], "size"
        elif unit in TIMES:
            v, kind = v * TIMES[unit], "duration"
        elif unit:
            raise QueryError(f"unit {unit}")
        n = half_even(v * NANO)
        shown = unit_text(n, kind) if unit else number_text(n)
        return Expr(shown, kind, lambda r: n, literal=n)

    def call(self, name):
        """A function; the parenthesis comes next."""
        self.need("(")
        cond = None
        if name == "if":
            cond = self.filter()
            self.need(",")
        args = self.many(self.expr)
        self.need(")")
        texts = ([cond[0]] if cond else []) + [a.text for a in args]
        shown = f"{name}({', '.join(texts)})"
        if cond:
            args = [read_as(args[0], args[1].kind),
                    read_as(args[1], args[0].kind)]
            return Expr(shown, both(args[0].kind, args[1].kind),
                        lambda r: args[0 if cond[1](r) else 1].fn(r))
        kind, fn = function(name, [a.literal for a in args[1:]])
        if name in ("hour", "weekday"):
            args[0] = read_as(args[0], "time")

        def run(r):
            v = args[0].fn(r)
            return None if v is None else fn(v)
        return Expr(shown, kind, run)

    def calls(self):
        return self.peek()[1] in FUNCS and self.peek(1)[1] == "("

    def name(self, text):
        self.i -= 1
        if self.calls():
            saved = self.i
            if self.columns is not None:
                try:
                    name = self.column_name()
                except QueryError:
                    name = None
                if name in self.columns:
                    index, kind = self.columns[name]
                    return Expr(name, kind, lambda r: r[index])
            self.i = saved + 1
            return self.call(text)
        self.i += 1
        if self.columns is not None:
            self.i -= 1
            name = self.column_name()
            if name not in self.columns:
                raise QueryError(f"no column {name}")
            index, kind = self.columns[name]
            return Expr(name, kind, lambda r: r[index])
        if text in self.names:
            e = self.names[text]
            out = Expr(text, e.kind, e.fn)
            out.own = e.own
            return out
        field = ALIASES.get(text, text)
        if field not in FIELDS:
            return own_field(field, field)
        return Expr(field, TYPES.get(field, "string"),
                    lambda r: r.get(field))

    def column_name(self):
        """A column as its canonical text: a name, key:bucket or agg."""
        kind, text, _ = self.peek()
        if kind == "word" and self.peek(1)[1] == "(" and text in AGGS:
            saved, self.columns = self.columns, None
            agg = self.agg()
            self.columns = saved
            return agg[0]
        if self.calls():
            saved, self.columns = self.columns, None
            try:
                return self.bucket(self.primary())[0]
            finally:
                self.columns = saved
        self.i += 1
        if self.take(":"):
            cols, self.columns = self.columns, None
            self.i -= 2
            key = self.key()
            self.columns = cols
            return key[0]
        return ALIASES.get(text, text) if text not in self.columns else text

    # filters: closures to True/False, with their text
    def filter(self):
        out = self.conj()
        while self.take("or"):
            a, b = out, self.conj()
            out = (f"{a[0]} or {b[0]}",
                   lambda r, a=a[1], b=b[1]: a(r) or b(r), "or")
        return out

    def conj(self):
        out = self.term()
        while True:
            kind, text, _ = self.peek()
            if kind == "end" or text in ("|", ")", "or", ",") and \
                    kind in ("op", "word"):
                return out
            self.take("and")
            a, b = out, self.term()
            ta = f"({a[0]})" if a[2] == "or" else a[0]
            tb = f"({b[0]})" if b[2] == "or" else b[0]
            out = (f"{ta} and {tb}",
                   lambda r, a=a[1], b=b[1]: a(r) and b(r), "and")

    def term(self):
        if self.take("not"):
            t = self.term()
            shown = f"({t[0]})" if t[2] in ("and", "or") else t[0]
            return f"not {shown}", (lambda r: not t[1](r)), "not"
        kind, text, _ = self.peek()
        if kind == "cls":
            self.i += 1
            lo = int(text[0]) * 100 * NANO
            return text, (lambda r: r.get("status") is not None and
                          lo <= r["status"] < lo + 100 * NANO), "one"
        if text == "(" and kind == "op":
            saved = self.i
            try:
                return self.comparison()
            except QueryError:
                self.i = saved
            self.need("(")
            f = self.filter()
            self.need(")")
            return f
        return self.comparison()

    def comparison(self):
        kind, text, unit = self.peek()
        left = self.expr()
        if self.take("in"):
            return self.member(left)
        op = self.take(*COMPARE)
        if not op:
            if left.literal is not None and kind == "str":
                v = left.literal
                return left.text, (lambda r: v in r["line"]), "one"
            if left.literal is not None and kind == "num":
                return (f"status = {left.text}",
                        lambda r: r.get("status") == left.literal, "one")
            raise QueryError(f"operator expected at {self.peek()}")
        right = self.expr()
        if op in COMPARE[:6]:
            left, right = (read_as(left, right.kind),
                           read_as(right, left.kind))
        left, right = fit_time(left, right), fit_time(right, left)
        fn = compare(op, left, right)
        return f"{left.text} {op} {right.text}", fn, "one"

    def member(self, left):
        kind, text, _ = self.peek()
        if kind in ("ip4", "ip6") and "/" in text:
            self.i += 1
            net = ipaddress.ip_network(text, strict=False)
            return (f"{left.text} in {text}",
                    lambda r: in_net(left.fn(r), net), "one")
        if self.take("("):
            vals = [fit_time(self.primary(), left)]
            while self.take(","):
                vals.append(fit_time(self.primary(), left))
            self.need(")")
            left = read_as(left, vals[0].kind)
            have = {v.literal for v in vals}
            return (f"{left.text} in ({', '.join(v.text for v in vals)})",
                    lambda r: left.fn(r) in have, "one")
        lo = self.primary()
        self.need("..")
        hi = self.primary()
        left = read_as(left, lo.kind)
        return (f"{left.text} in {lo.text}..{hi.text}",
                lambda r: left.fn(r) is not None and
                lo.literal <= left.fn(r) <= hi.literal, "one")

    # aggregates and keys
    def agg(self):
        """name, kind, function, argument, condition, what else it needs"""
        func = self.peek()[1]
        if func not in AGGS:
            raise QueryError(f"aggregate expected at {func}")
        self.i += 1
        if func == "distinct" and self.take("~"):
            func = "distinct~"
        arg = cond = more = None
        text = func
        if self.take("("):
            arg = self.expr()
            if func in ("sum", "avg", "min", "max", "quantile", "hist",
                        *QUANTILES):
                arg = read_as(arg, "decimal")
            text, func, more = self.agg_more(func, arg)
            self.need(")")
        if self.take("if"):
            self.need("(")
            cond = self.filter()
            self.need(")")
            text += f" if({cond[0]})"
        kind = arg.kind if arg else "integer"
        if func in ("count", "distinct", "distinct~", "hist"):
            kind = "integer"
        if func in ("avg", "quantile") and kind != "duration":
            kind = "decimal"
        name = self.toks_as() or text
        return name, kind, func, arg and arg.fn, cond and cond[1], more

    def agg_more(self, func, arg):
        """Canonical text, function and what a second argument says."""
        if func in QUANTILES:
            return (f"{func}({arg.text})", "quantile",
                    (QUANTILES[func] * NANO // 1000, whole(arg)))
        if func == "quantile":
            self.need(",")
            q = self.primary()
            for name, n in QUANTILES.items():
                if q.literal == n * NANO // 1000:
                    return (f"{name}({arg.text})", func,
                            (q.literal, whole(arg)))
            return (f"{func}({arg.text}, {q.text})", func,
                    (q.literal, whole(arg)))
        if func == "hist":
            self.need(",")
            step = self.primary()
            return (f"{func}({arg.text}, {step.text})", func,
                    (step.literal, bucket_kind(arg.kind, step.literal)))
        return f"{func}({arg.text})", func, None

    def toks_as(self):
        if self.take("as"):
            self.i += 1
            return self.toks[self.i - 1][1]
        return None

    def key(self):
        text, kind, fn, timed = self.bucket(self.expr())
        return self.toks_as() or text, kind, fn, timed

    def bucket(self, e):
        text, kind, fn, bucket = e.text, e.kind, e.fn, False
        if self.take(":"):
            bucket = True
            if self.take("/"):
                bits = int(self.peek()[1])
                self.i += 1
                text += f":/{bits}"
                kind, fn = "string", lambda r: ip_bucket(e.fn(r), bits)
            else:
                n = self.primary()
                step = n.literal
                e = read_as(e, "decimal")
                kind = e.kind
                text += f":{n.text}"
                fn = (lambda r: None if e.fn(r) is None
                      else e.fn(r) // step * step)
        return text, kind, fn, bucket and e.kind == "time"

    def many(self, one):
        out = [one()]
        while self.take(","):
            out.append(one())
        return out


def whole(arg):
    """Whether its values are integers, as the page has it for quantiles."""
    return arg.kind == "integer" or arg.text == "bytes"


def bucket_kind(kind, step):
    return "decimal" if kind == "integer" and step % NANO else kind


def both(a, b):
    """The kind of what `if` yields."""
    if a == b:
        return a
    texts = ("string", "ip")
    if a in texts or b in texts:
        return "string"
    return "decimal"


def ext(path):
    name = path.split(b"?")[0].split(b"/")[-1]
    dot = name.rfind(b".")
    return (name[dot + 1:] or None) if dot > 0 else None


def segment(path, n):
    pieces = path.split(b"?")[0].removeprefix(b"/").split(b"/")
    return (pieces[n - 1] or None) if n <= len(pieces) else None


def urlhost(url):
    m = re.match(rb"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)", url)
    host = m[1].split(b"@")[-1] if m else b""
    if host.startswith(b"["):
        host = host[1:].split(b"]")[0] if b"]" in host else b""
    else:
        host = host.split(b":")[0]
    return host.lower() or None


def day_and_hour(t):
    d = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
        seconds=t // NANO)
    return d.isoweekday(), d.hour


def function(name, more):
    """(kind, what it does with a value that is there)."""
    if name == "extract":
        rx = re.compile(more[0])

        def extract(v):
            m = rx.search(v)
            return m and m[1]
        return "string", extract
    return {"lower": ("string", bytes.lower),
            "len": ("integer", lambda v: len(v) * NANO),
            "ext": ("string", ext),
            "segment": ("string", lambda v: segment(v, more[0] // NANO)),
            "urlhost": ("string", urlhost),
            "hour": ("integer", lambda v: day_and_hour(v)[1] * NANO),
            "weekday": ("integer", lambda v: day_and_hour(v)[0] * NANO),
            }[name]


def fit_time(e, other):
    if other.kind == "time" and e.kind == "string" and e.literal is not None:
        v = iso_time(e.literal)
        return Expr(e.text, "time", lambda r: v, literal=v)
    return e


def in_net(value, net):
    try:
        return ipaddress.ip_address(value.decode()) in net
    except (ValueError, AttributeError):
        return False


def ip_bucket(value, bits):
    try:
        a = ipaddress.ip_address(value.decode())
    except (ValueError, AttributeError):
        return None
    if "%" in str(a):
        return None
    n = min(bits, a.max_prefixlen)
    net = ipaddress.ip_network((a, n), strict=False)
    import socket
    shown = socket.inet_ntop(
        socket.AF_INET if a.version == 4 else socket.AF_INET6,
        net.network_address.packed)
    return f"{shown}/{n}".encode()


def compare(op, left, right):
    if op in ("~", "!~"):
        rx = re.compile(right.literal)

        def regex(r):
            v = left.fn(r)
            return v is not None and (rx.search(v) is not None) == (op == "~")
        return regex
    tests = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b,
             "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
             ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
             "contains": lambda a, b: b in a,
             "startswith": lambda a, b: a.startswith(b),
             "endswith": lambda a, b: a.endswith(b)}
    test = tests[op]

    def run(r):
        a, b = left.fn(r), right.fn(r)
        return a is not None and b is not None and test(a, b)
    return run


def result_kind(op, a, b):
    if a == "time" and b == "time":
        return "duration"
    if "time" in (a, b):
        return "time"
    if op in ("+", "-", "%"):
        return a if a == b else "decimal"
    return "integer" if op == "*" and a == b == "integer" else "decimal"


def binary(op, left, right, prec):
    kinds = left.kind, right.kind
    left, right = (read_as(e, "time" if op == "-" and other == "time"
                           else "decimal")
                   for e, other in ((left, kinds[1]), (right, kinds[0])))

    def run(r):
        a, b = left.fn(r), right.fn(r)
        if a is None or b is None:
            return None
        if op == "+":
            return a + b
        if op == "-":
            return a - b
        if op == "*":
            return half_even(Fraction(a * b, NANO))
        if b == 0:
            return None
        if op == "/":
            return half_even(Fraction(a * NANO, b))
        return (abs(a) % abs(b)) * (1 if a >= 0 else -1)
    lt = f"({left.text})" if left.prec < prec else left.text
    rt = f"({right.text})" if right.prec <= prec else right.text
    return Expr(f"{lt} {op} {rt}", result_kind(op, left.kind, right.kind),
                run, prec=prec)
