#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What every page carries, to C: embed.py FOLDER CHARTS OUTPUT. CHARTS is the
script of the chart library, or empty. Each part comes with the hash by which a
page's policy allows it, and nothing else."""

import base64
import hashlib
import pathlib
import sys

LINE = 2000  # compilers need not take longer strings in one piece


def quoted(data):
    for i in range(0, len(data), LINE):
        yield '    "' + "".join(
            chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}"
            for b in data[i:i + LINE]) + '"\n'


def part(name, path):
    data = path.read_bytes() if path else b""
    text = data.decode("utf-8").lower()
    for end in ("</script", "</style", "<!--"):
        if end in text:
            sys.exit(f"{path}: {end} would end or hide it in a page")
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return (f"static const char {name}[] =\n" +
            ("".join(quoted(data)) or '    ""\n').rstrip() + ";\n"
            f'#define {name.upper()}_HASH "\'sha256-{digest}\'"\n')


def main():
    folder, charts, output = sys.argv[1:]
    folder, output = pathlib.Path(folder), pathlib.Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(
        part("page_css", folder / "page.css") +
        part("page_js", folder / "page.js") +
        part("charts_js", pathlib.Path(charts) if charts else None))


main()
