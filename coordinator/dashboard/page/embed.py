#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The files of the dashboard, to C: embed.py FOLDER REPORT CHARTS OUTPUT.
Each comes as it is, packed by gzip (without a time, so that two builds are
equal), and with a tag made of its bytes. The style and script of the
folder REPORT and CHARTS are in every report already, so they come packed alone."""

import gzip
import hashlib
import pathlib
import sys

PARTS = ("overview.html", "job.html", "login.html", "base.css", "base.js",
         "tables.js", "overview.js", "job.js", "login.js", "favicon.svg")


def array(name, data):
    lines = (", ".join(map(str, data[i:i + 24]))
             for i in range(0, len(data), 24))
    return (f"static const unsigned char {name}[{len(data)}] = {{\n    " +
            ",\n    ".join(lines) + "};\n")


def part(name, data, plain):
    tag = hashlib.sha256(data).hexdigest()[:32]
    packed = gzip.compress(data, 9, mtime=0)
    return ((array(name, data) if plain else "") +
            array(f"{name}_gzip", packed) +
            f'static const char {name}_etag[] = "\\"{tag}\\"";\n')


def main():
    folder, report, charts, output = sys.argv[1:]
    report = pathlib.Path(report)
    output = pathlib.Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(
        part(p.replace(".", "_"), (pathlib.Path(folder) / p).read_bytes(), True)
        for p in PARTS)
    text += part("report_css", (report / "page.css").read_bytes(), False)
    text += part("report_js", (report / "page.js").read_bytes(), False)
    text += part("charts_js",
                 pathlib.Path(charts).read_bytes() if charts else b"", False)
    output.write_text(text)


main()
