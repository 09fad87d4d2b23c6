# SPDX-License-Identifier: Apache-2.0
"""Formats of formats/*.format as regexes, from the page alone
(formats/README.md): a reader of patterns that shares nothing with the C one.
"""

import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "formats"
FIELD = re.compile(r"\$(\?|\*|\$|\w+|\{(\w+)(?::([^}]*)|\|(.)\|(\w+))?\})")
KINDS = ("word", "padded", "list", "until", "text", "quoted", "tail")


def read(name):
    """Patterns and sample lines of a format."""
    patterns, lines = [], []
    text = (FOLDER / f"{name}.format").read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("pattern: "):
            patterns.append(line[len("pattern: "):])
        elif line.startswith(("> ", "< ")):
            raw = line[2:].encode("utf-8")
            lines.append(re.sub(rb"\\x([0-9a-f]{2})",
                                lambda m: bytes([int(m[1], 16)]), raw))
    return patterns, lines


def names():
    """The formats that are patterns; others have readers of their own."""
    return sorted(p.stem for p in FOLDER.glob("*.format")
                  if "\npattern: " in p.read_text("utf-8"))


def group(name, inside):
    return f"(?P<{name}>{inside})" if name in ("ip", "status") else inside


def implied(before, behind):
    """The kind of a field that stands between these two texts."""
    if before.endswith('"') and behind.startswith('"'):
        return "quoted"
    if before.endswith("[") and behind.startswith("]"):
        return "text"
    return "word"


def piece(name, kind, cut, second, behind):
    """A field, where `behind` follows it in the pattern."""
    other = f"[^{re.escape(behind[:1] or ' ')}]"
    if cut:
        left = group(name, f"{other}+")
        right = f"(?:(?!{re.escape(cut)}){other})+"
        return left + re.escape(cut) + group(second, right)
    if kind == "list":
        return group(name, "(?>[^ ]+(?:(?:(?<=,) | : )[^ ]*)*)")
    if kind not in KINDS and kind.endswith("*"):
        return group(name, like(kind[:-1], other) + f"{other}*")
    if kind not in KINDS:
        return group(name, like(kind))
    return {
        "word": group(name, f"{other}+"),
        "padded": " *" + group(name, f"(?! ){other}+"),
        "until": group(name, f"(?:(?!{re.escape(behind)}).)+"),
        "text": group(name, f"{other}*"),
        "quoted": group(name, r'(?:[^"\\]|\\.)*'),
        "tail": group(name, ".*"),
    }[kind]


def like(kind, other="."):
    return "".join(other if c.isalnum() else re.escape(c) for c in kind)


def compile_pattern(pattern):
    out, at, before, closing = "", 0, "", ""
    found = list(FIELD.finditer(pattern))
    for i, m in enumerate(found):
        text = pattern[at:m.start()]
        out += re.escape(text)
        at = m.end()
        if m[1] == "?":
            out += r"(?:\Z|"
            closing += ")"
            continue
        if m[1] == "*":
            out += r"(?: .*)?"
            continue
        end = found[i + 1].start() if i + 1 < len(found) else len(pattern)
        behind = pattern[at:end]
        if not behind and i + 1 < len(found) and found[i + 1][1] == "?":
            end = found[i + 2].start()
            behind = pattern[found[i + 1].end():end]
        before = text
        kind = m[3] or implied(before, behind)
        out += piece(m[2] or m[1], kind, m[4], m[5], behind)
    out += re.escape(pattern[at:]) + r"\Z" + closing
    return re.compile(out.encode("utf-8"), re.DOTALL)


def read_line(patterns, line):
    """(ip, status) as logged, None for what is missing; None: rejected."""
    for pattern in patterns:
        m = pattern.match(line)
        if m:
            have = m.groupdict()
            return tuple(None if have.get(n) in (None, b"-") else have[n]
                         for n in ("ip", "status"))
    return None
