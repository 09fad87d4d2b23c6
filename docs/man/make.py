# SPDX-License-Identifier: Apache-2.0
"""Writes what the manual pages take from elsewhere, so that nothing is said
twice: options and commands from --help, the language from
docs/query-language.md, formats from formats/*.format.

    make.py BUILD [--check]

A page has the lines

    .\\" from: logtally run --help
    .\\" end

and what stands between them is written anew. --check changes nothing and
fails where something would change. `--help options` leaves out all but those.
"""
import re
import subprocess
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MARK = re.compile(r'(\.\\" from: (.*)\n)(?:.*\n)*?(\.\\" end\n)')
CODE_WIDTH = 71  # behind the indentation
OPTION = re.compile(r"  (?:(-\w), |    )(--[\w-]+)(?: (\S+))?(?:  +(\S.*))?$")


def plain(text):
    """As it stands: a minus is a minus, and no line is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("~", "\\(ti").replace(
        "^", "\\(ha")
    return "".join(x if x < "\x7f" else f"\\[u{ord(x):04X}]" for x in text)


def line(text):
    return ("\\&" if text.startswith((".", "\\(aq")) else "") + text


def typed(text):
    """Options are not hyphenated."""
    return re.sub(r"(?<![\w-])(?=\\-\\-[a-z])", r"\\%", text)


def words(text):
    """Prose; what stands in backquotes is bold."""
    parts = re.split(r"(``? ?.*? ?``?)", text) if "`" in text else [text]
    out = []
    for part in parts:
        code = re.fullmatch(r"(``?) ?(.*?) ?\1", part)
        if code and code[2]:
            out.append(f"\\fB{typed(plain(code[2]))}\\fR")
        else:
            part = re.sub(r"\*\*(.*?)\*\*", "\x01\\1\x02", part)
            part = re.sub(r"(?<!\w)\*(\w[\w ]*)\*", "\x03\\1\x02", part)
            part = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", part)
            # A hyphen is one, but what begins an option is typed as it stands.
            part = re.sub(r"(?<![\w-])--?[a-z][a-z-]*",
                          lambda m: m[0].replace("-", "\x04"), part)
            out.append(plain(part).replace("\\-", "-").replace(
                "\x01", "\\fB").replace("\x02", "\\fR").replace(
                    "\x03", "\\fI"))
            out[-1] = typed(out[-1].replace("\x04", "\\-"))
    return line("".join(out))


def sentences(text):
    """One to a line, as groff wants them for its spaces."""
    return [words(x) for x in re.split(r"(?<=[a-z`)][.:;]) (?=[A-Z`])", text)]


# ---- from --help

def help_of(build, command):
    program, *rest = command.split()
    p = subprocess.run([build / program, *rest], capture_output=True,
                       text=True, check=True)
    return p.stdout


def blocks(text):
    return [b.splitlines() for b in re.split(r"\n\n+", text.strip("\n"))]


def options(lines):
    """[(short, long, argument, what)]"""
    out = []
    for x in lines:
        m = OPTION.match(x)
        if m:
            out.append([m[1], m[2], m[3], m[4] or ""])
        elif out and x.startswith(" " * 8):
            out[-1][3] = f"{out[-1][3]} {x.strip()}".strip()
        else:
            return None
    return out


def option_lines(rows):
    out = []
    for short, long, argument, what in rows:
        names = [f"\\fB{plain(n)}\\fR" for n in (short, long) if n]
        arg = f" \\fI{plain(argument)}\\fR" if argument else ""
        out += [".TP", ", ".join(names) + arg, words(what)]
    return out


def usage_lines(lines):
    """As it stands, bold where it is typed."""
    return [".nf", *(line(plain(re.sub("^(usage: |       )", "", x)))
                     for x in lines), ".fi"]


def block_lines(block):
    rows = options(block)
    if block[0].startswith("usage: "):
        return usage_lines(block)
    if rows:
        return option_lines(rows)
    if all(x.startswith("  ") for x in block):
        return [".PP", ".nf", ".RS 2",
                *(line(plain(x[2:].rstrip())) for x in block), ".RE", ".fi"]
    return [".PP", *sentences(" ".join(x.strip() for x in block))]


def from_help(build, command):
    all_of_it = blocks(help_of(build, command.removesuffix(" options")))
    out = []
    for block in all_of_it:
        if options(block) or not command.endswith(" options"):
            out += block_lines(block)
    return out


# ---- from Markdown

def folded(text):
    """A line of grammar for a terminal of 80 columns: what is said about it
    below it, and the rest below what it is a part of."""
    if len(text) <= CODE_WIDTH:
        return [text]
    m = re.match(r"(.*[=|].*\S) {3,}(\S.*)$", text)
    if m:
        return [*folded(m[1]), *textwrap.wrap(
            f"({m[2]})", CODE_WIDTH, initial_indent=" " * 14,
            subsequent_indent=" " * 15)]
    part = re.search(r"= |-> +|\| ", text) or re.search(r"(?=\S)", text)
    return textwrap.wrap(text, CODE_WIDTH, break_on_hyphens=False,
                         break_long_words=False, replace_whitespace=False,
                         subsequent_indent=" " * (part.end() + 2))


def list_item(text):
    return [".IP \\(bu 2", *sentences(text)]


def table(rows):
    """What is in the first column, with the others below it."""
    out = []
    for first, *others in rows[2:]:
        out += [".TP", words(first), *sentences("; ".join(others))]
    return out


def markdown(text):
    out, prose, rows = [], [], []

    def flush():
        out.extend(table(rows))
        rows.clear()
        if prose:
            joined = " ".join(prose)
            out.extend(list_item(joined[2:]) if joined.startswith("- ")
                       else [".PP", *sentences(joined)])
            prose.clear()

    code = False
    for x in text.splitlines():
        indented = x.startswith("    ") and not prose
        if code and not indented and x:
            out.extend([".RE", ".fi"])
            code = False
        if x.startswith("# "):
            continue
        if x.startswith("## "):
            flush()
            out.append(f".SH {plain(x[3:]).upper()}")
        elif indented:
            if not code:
                flush()
                out.extend([".PP", ".nf", ".RS 2"])
                code = True
            out.extend(line(plain(y)) for y in folded(x[4:]))
        elif not x.strip():
            flush()
        elif x.startswith("|"):
            rows.append([c.strip() for c in x.strip("|").split("|")])
        else:
            if x.startswith("- "):
                flush()
            prose.append(x.strip())
    flush()
    if code:
        out.extend([".RE", ".fi"])
    return out


def section(path, title):
    """What stands below one heading of a Markdown file, or all of it."""
    text = (ROOT / path).read_text()
    if not title:
        return markdown(text)
    m = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text,
                  re.M | re.S)
    return markdown(m[1])


def paragraphs(path, titles):
    """Paragraphs that begin with **TITLE.**, and the lists behind them."""
    text = (ROOT / path).read_text()
    out = []
    for title in titles:
        m = re.search(rf"^\*\*{re.escape(title)}\*\*.*?(?=^\*\*|^## |\Z)",
                      text, re.M | re.S)
        out += markdown(m[0])
    return out


# ---- from formats/

def formats():
    out = []
    for path in sorted((ROOT / "formats").glob("*.format")):
        text = path.read_text()
        about = re.search(r"^about: (.*)$", text, re.M)[1]
        alone = re.search(r"^auto: no$", text, re.M)
        out += [".TP", f"\\fB{plain(path.stem)}\\fR",
                words(about + ("; has to be named" if alone else ""))]
    return out


def made(build, what):
    if "--help" in what:
        return from_help(build, what)
    if what == "formats":
        return formats()
    path, _, rest = what.partition(" ")
    if rest.startswith("**"):
        return paragraphs(path, re.findall(r"\*\*(.*?)\*\*", rest))
    return section(path, rest)


def page(build, text):
    return MARK.sub(lambda m: m[1] + "".join(
        f"{x}\n" for x in made(build, m[2])) + m[3], text)


def main():
    build, check = Path(sys.argv[1]).resolve(), "--check" in sys.argv
    stale = []
    for path in sorted(HERE.glob("*.[1-8]")):
        text = path.read_text()
        new = page(build, text)
        if new != text:
            stale.append(path.name)
            if not check:
                path.write_text(new)
    for name in stale:
        print(f"{name}: {'is stale; docs/man/make.py BUILD writes it' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
