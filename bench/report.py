# SPDX-License-Identifier: Apache-2.0
"""What compare.py measured, for people.

    report.py RESULT.json DOCUMENT.md

puts the table of the result between the marks `<!-- figures -->` and
`<!-- end of figures -->` of a document.
"""
import json
import statistics
import sys
from pathlib import Path

MARKS = "<!-- figures -->\n", "<!-- end of figures -->"


def stage_text(row):
    unit = "pair" if "pairs_per_second" in row else "byte"
    rate = row[f"{unit}s_per_second"]
    each = row[f"instructions_per_{unit}"]
    return (f"{row['stage']:<22}" + (f"{rate / 1e6:8.2f} M pairs/s" if
                                     unit == "pair" else
                                     f"{rate / 1e9:8.2f} GB/s     ")
            + (f"{each:9.2f} instructions a {unit}" if each else
               "   instructions: not counted on this machine"))


def text_of(result):
    m = result["machine"]
    out = [f"{k} {v}" for k, v in m.items()]
    out += [f"version of {k}: {v}" for k, v in result["versions"].items()]
    out += ["", f"file: combined, seed 1, {result['bytes']['log']:,} bytes; "
            f"slice: {result['bytes']['slice']:,} bytes; "
            f"{result['runs']} runs in turn", "",
            f"{'command':<50}{'median s':>10}{'least':>9}{'most':>9}"
            f"{'GB/s':>8}  reads"]
    for c in result["commands"]:
        if c["absent"]:
            out.append(f"{c['name']:<50}absent: {c['absent']}")
            continue
        s = c["seconds"]
        middle = statistics.median(s)
        out.append(f"{c['name']:<50}{middle:>10.3f}{min(s):>9.3f}"
                   f"{max(s):>9.3f}{c['log_bytes'] / middle / 1e9:>8.3f}"
                   f"  {c['data']}")
    out += ["", "GB/s is of plain log, also for archives. Answers were equal "
            "to ours for all that count;", "wc, igzip -dc and zstd -dc "
            "only read. DuckDB and Dask report the time of the question",
            "alone, all others that of the whole process.", "",
            f"{'work':<78}{'asked':<20}{'reached':<14}met"]
    for r in result["rows"]:
        met = {None: "-", True: "yes", False: "no"}[r["met"]]
        out.append(f"{r['work']:<78}{r['asked']:<20}{r['reached']:<14}{met}")
    out += ["", "stages, one core, processor time (bench/micro)",
            *map(stage_text, result["micro"].values())]
    return "\n".join(out) + "\n"


def markdown_of(result):
    m = result["machine"]
    out = [f"Measured {m['date']} on {m['cpu']}, {m['processors']} "
           f"processors, Linux {m['kernel']}, at commit {m['commit']}; "
           f"{result['bytes']['log'] / 1e9:.2g} GB, {result['runs']} runs "
           "in turn.", "", "| work | asked | reached |", "|---|---|---|"]
    for r in result["rows"]:
        note = {None: "", True: "", False: " (not met)"}[r["met"]]
        work = r["work"].replace("|", "\\|")
        out.append(f"| {work} | {r['asked']} | {r['reached']}{note} |")
    out += ["", "| command | median seconds | GB/s of plain log |",
            "|---|---|---|"]
    for c in result["commands"]:
        name = c["name"].replace("|", "\\|")
        if c["absent"]:
            out.append(f"| {name} | {c['absent'].replace('|', ' ')} | |")
            continue
        middle = statistics.median(c["seconds"])
        out.append(f"| {name} | {middle:.3f} | "
                   f"{c['log_bytes'] / middle / 1e9:.2f} |")
    out += ["", "```", *map(stage_text, result["micro"].values()), "```"]
    return "\n".join(out) + "\n"


def main(result, document):
    path = Path(document)
    text = path.read_text()
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    path.write_text(before + MARKS[0]
                    + markdown_of(json.loads(Path(result).read_text()))
                    + MARKS[1] + after)


if __name__ == "__main__":
    main(*sys.argv[1:])
