# SPDX-License-Identifier: Apache-2.0
"""Made logs full of nasty lines, the same for the same seed.

    python3 make_logs.py SEED BYTES [combined|common|vhost_combined] > FILE
"""
import gzip
import random
import sys

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
IPS = [b"192.0.2.7", b"192.0.2.200", b"10.1.2.3", b"10.200.0.9",
       b"2001:db8::1", b"2001:db8:0:1::ffff", b"::1", b"::ffff:192.0.2.7",
       b"client.example", b"-", b"999.1.1.1", b"\xff\xfe", b"fe80::1"]
USERS = [b"-", b"-", b"alice", b"bob smith", b"a  b", b"x]y", b"\xc3\xa9ve",
         b"\xff"]
PATHS = [b"/", b"/index.html", b"/a.php", b"/img/x.png?w=1", b"/a?b?c",
         b"/s p a c e", b"/\xc3\xbc", b"/\xff\xfe", b'/q\\"uote', b"/b\\\\s",
         b"/nul\x00x", b"*", b"-", b"/long/" + b"x" * 60, b"/?"]
REQUESTS = [b"-", b"", b"GET", b"GET /", b"\\x16\\x03\\x01", b"\x16\x03\x01",
            b"  ", b" GET / HTTP/1.1", b"GET  / HTTP/1.1", b"\\\""]
UAS = [b"-", b"", b"Mozilla/5.0 (X11)", b"curl/7.88", b"bot/1.0 \xf0\x9f\x90",
       b"Googlebot", b"a \\\"quoted\\\" agent", b"end\\\\"]
REFERERS = [b"-", b"", b"https://example.org/", b"http://x/?q=%22", b"\xe2"]
NUMBERS = [b"-", b"0", b"1", b"17", b"512", b"1000", b"12345", b"-3", b"007",
           b"999999999999999999", b"1000000000000000000", b"1.5", b"abc",
           b"+1", b"-", b"4096"]
STATUSES = [b"200"] * 9 + [b"301", b"404", b"404", b"403", b"500", b"502",
                           b"503", b"-", b"abc", b"99", b"600", b"0200"]
BAD = [b"garbage", b" ", b"    ", b'"', b"[", b"\x00", b"\xff" * 9,
       b'1.2.3.4 - - [x] "GET / HTTP/1.1 200 1', b"a b c",
       b'1.2.3.4 - - [14/Nov/2023:22:00:00 +0000] "a" 200',
       b'1.2.3.4 - - [14/Nov/2023:22:00:00 +0000] "a"b" 200 1',
       b'1.2.3.4 - - [14/Nov/2023:22:00:00 +0000] "a" 200 1 "r"',
       b'1.2.3.4 - - [14/Nov/2023:22:00:00 +0000] "a" 200 1 "r" "u"x']
TIMES = [b"", b"-", b"31/Feb/2023:10:00:00 +0000", b"14/nov/2023:1:2:3 +0000",
         b"14/Nov/2023:24:00:00 +0000", b"14/Nov/2023:22:00:60 +0000",
         b"14/Nov/2023:22:00:00 +2400", b"29/Feb/2024:23:59:59 -2359",
         b"01/Jan/0001:00:00:00 +0000", b"31/Dec/1969:23:59:59 +0000"]


def time(rng):
    if rng.random() < 0.06:
        return rng.choice(TIMES)
    zone = rng.choice(["+0000", "+0000", "+0200", "-0730"])
    return (f"{rng.randint(1, 28):02d}/{rng.choice(MONTHS[9:11])}/2023:"
            f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:"
            f"{rng.randint(0, 59):02d} {zone}").encode()


def line(rng, fmt="combined"):
    if rng.random() < 0.06:
        return rng.choice(BAD)
    request = (rng.choice(REQUESTS) if rng.random() < 0.1 else
               rng.choice([b"GET", b"GET", b"POST", b"-"]) + b" " +
               rng.choice(PATHS) + b" HTTP/1." + rng.choice([b"0", b"1"]))
    out = b"%s %s %s [%s] \"%s\" %s %s" % (
        rng.choice(IPS), rng.choice([b"-", b"-", b"id"]), rng.choice(USERS),
        time(rng), request, rng.choice(STATUSES), rng.choice(NUMBERS))
    if fmt != "common" and rng.random() < 0.97:
        out += b' "%s" "%s"' % (rng.choice(REFERERS), rng.choice(UAS))
        if rng.random() < 0.1:
            out += rng.choice([b" ", b' "rest"', b" 0.123", b' x "'])
    if fmt.startswith("vhost"):
        out = rng.choice([b"a.example:80 ", b"b.example:443 ", b"[::1]:80 ",
                          b"c:x "]) + out
    return out


def ending(rng):
    return rng.choice([b"\n"] * 8 + [b"\r\n", b"\n\n", b"\n\r\n"])


def long_lines(rng):
    """1 MiB exactly (accepted), one more (rejected)."""
    head = line(rng) if False else (
        b'192.0.2.1 - - [14/Nov/2023:22:00:00 +0000] "GET /" 200 5 "-" "')
    for size in (1 << 20, (1 << 20) + 1):
        yield head + b"u" * (size - len(head) - 1) + b'"'


def make(seed, size, fmt="combined", over_long=False):
    rng = random.Random(seed)
    out = bytearray()
    while len(out) < size:
        out += line(rng, fmt) + ending(rng)
    if over_long:
        for text in long_lines(rng):
            out += text + b"\r\n"
    out += line(rng, fmt)  # no final newline
    return bytes(out)


def members(data, seed):
    """The same bytes as a gzip file of several members, cut anywhere."""
    rng = random.Random(seed)
    cuts = sorted(rng.randrange(len(data)) for _ in range(3))
    parts = zip([0] + cuts, cuts + [len(data)])
    return b"".join(gzip.compress(data[a:b], mtime=0) for a, b in parts)


if __name__ == "__main__":
    sys.stdout.buffer.write(make(int(sys.argv[1]), int(sys.argv[2]),
                                 *sys.argv[3:4]))
