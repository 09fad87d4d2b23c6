#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""formats/*.format to C: compile.py FOLDER OUTPUT. README.md has the language.

The patterns stay texts; the program compiles them as it does those that are
given with -f.
"""

import json
import pathlib
import re
import sys

TIMES = {"clf": "TIME_CLF", "clf_local": "TIME_CLF_LOCAL", "iso": "TIME_ISO",
         "epoch": "TIME_EPOCH", "epoch_us": "TIME_EPOCH_US",
         "slashed": "TIME_SLASHED",
         "named": "TIME_NAMED"}
UNITS = {"s": "DUR_S", "ms": "DUR_MS", "us": "DUR_US", "ns": "DUR_NS"}
KEYS = ("about", "pattern", "reader", "needs", "field", "time", "unit",
        "within", "before", "auto")
READERS = {"json": "READ_JSON", "logfmt": "READ_LOGFMT", "csv": "READ_CSV",
           "tsv": "READ_TSV", "w3c": "READ_W3C", "cri": "READ_CRI",
           "docker": "READ_DOCKER"}


def fail(path, number, what):
    sys.exit(f"{path}:{number}: {what}")


def read_format(path):
    out = {"name": path.stem, "about": "", "patterns": [], "time": ["clf"],
           "unit": "s", "within": [], "before": [], "auto": "yes",
           "reader": "", "needs": "", "fields": [],
           "samples": []}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith(("> ", "< ")):
            out["samples"].append((line[0] == ">", line[2:], []))
            continue
        field = re.fullmatch(r"  (\w+): (.*)", line)
        if field and out["samples"]:
            out["samples"][-1][2].append((field[1], field[2]))
            continue
        key = re.fullmatch(r"(\w+): (.*)", line)
        if not key or key[1] not in KEYS or out["samples"]:
            fail(path, number, "neither a key, nor a sample, nor its field")
        if key[1] == "pattern":
            out["patterns"].append(key[2])
        elif key[1] == "field":
            out["fields"].append(key[2])
        elif key[1] in ("time", "within", "before"):
            out[key[1]] = key[2].split()
        else:
            out[key[1]] = key[2]
    if not out["about"] or not (
            out["reader"] in READERS or 1 <= len(out["patterns"]) <= 6):
        fail(path, 1, "'about', 'reader', or 1 to 6 of 'pattern' are missing")
    return out


def quoted(text):
    """A C string, whatever is in it."""
    return '"' + "".join(
        chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}"
        for b in unescaped(text)) + '"'


def unescaped(text):
    r"""\xHH stands for a byte; other backslashes for themselves."""
    raw = text.encode("utf-8")
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), raw)


def identifier(name):
    return re.sub(r"\W", "_", name).upper()


def wider(formats, name, key):
    """All that a format lies within, through others too."""
    found = set()
    todo = list(formats[name][key])
    while todo:
        other = todo.pop()
        if other not in formats:
            sys.exit(f"{name}: no format is named {other}")
        if other not in found:
            found.add(other)
            todo += formats[other]["within"]
    return sorted(found)


def bits(names):
    return " | ".join(
        f"(uint64_t)1 << FORMAT_{identifier(n)}" for n in names) or "0"


def data_of(formats, f):
    patterns = ",\n            ".join(
        [quoted(p) for p in f["patterns"]] + ["NULL"])
    fields = ",\n            ".join(
        [quoted(p) for p in f["fields"]] + ["NULL"])
    times = " | ".join(TIMES[t] for t in f["time"])
    return (f"    [FORMAT_{identifier(f['name'])}] = {{\n"
            f"        .about = {quoted(f['about'])},\n"
            f"        .patterns = {{\n            {patterns}}},\n"
            f"        .reads = {READERS.get(f['reader'], 'READ_PATTERN')},\n"
            f"        .needs = {quoted(f['needs'])},\n"
            f"        .fields = {{\n            {fields}}},\n"
            f"        .within = {bits(wider(formats, f['name'], 'within'))},\n"
            f"        .before = {bits(wider(formats, f['name'], 'before'))},\n"
            f"        .times = {times},\n"
            f"        .unit = {UNITS[f['unit']]},\n"
            f"        .named_only = {json.dumps(f['auto'] == 'no')},\n"
            "    },\n")


def samples_of(f):
    for accepted, line, fields in f["samples"]:
        values = "".join(
            f"{{{quoted(n)}, {quoted(v)}}}, " for n, v in fields)
        yield (f"    {{{quoted(f['name'])}, {json.dumps(accepted)},\n"
               f"        {{(const uint8_t *){quoted(line)}, "
               f"{len(unescaped(line))}}},\n"
               f"        {{{values}{{0}}}}}},\n")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    folder, output = map(pathlib.Path, sys.argv[1:])
    all_of = [read_format(p) for p in sorted(folder.glob("*.format"))]
    formats = {f["name"]: f for f in all_of}
    write(output / "common/tally/format_list.h",
          "#define FORMAT_LIST(X) \\\n" + "".join(
              f"    X({identifier(f['name'])}, {quoted(f['name'])}) \\\n"
              for f in all_of) + "\n")
    write(output / "worker/format/format_datas.h",
          "static const format_data_t datas[FORMAT_COUNT] = {\n" +
          "".join(data_of(formats, f) for f in all_of) + "};\n")
    write(output / "tests/format_samples.h",
          "static const sample_line_t sample_lines[] = {\n" +
          "".join(s for f in all_of for s in samples_of(f)) + "};\n")


main()
