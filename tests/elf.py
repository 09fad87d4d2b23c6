# SPDX-License-Identifier: Apache-2.0
"""Reads the built programs: are they hardened, and can they start others?

usage: elf.py BUILD_FOLDER release|other

A program must be position independent, bind all at start, have read-only
relocations and no executable stack; nothing of ours may call what hands a
string to a shell or loads code. A release build must show the marks of the
stack protector, of FORTIFY and, on x86-64, of CET as well.
"""
import pathlib
import platform
import re
import subprocess
import sys

PROGRAMS = ["logtally", "logtally-coordinator", "logtally-worker",
            "logtally-executor"]
BANNED = {"system", "popen", "dlopen", "dlmopen", "execlp", "execvp",
          "execvpe", "posix_spawnp", "wordexp", "gets", "tmpnam", "mktemp"}
# Linked into one program at least; the checked forms of these functions.
CHECKED = re.compile(r"__(\w+)_chk$")


def out(*command):
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout


def undefined(path, *options):
    names = out("nm", "-u", *options, str(path))
    return {line.split()[-1].split("@")[0] for line in names.splitlines()
            if line.strip().startswith(("U ", "w "))}


def faults_of_program(path, release):
    head = out("readelf", "-hW", str(path))
    segments = out("readelf", "-lW", str(path))
    dynamic = out("readelf", "-dW", str(path))
    if not re.search(r"Type:\s+DYN", head):
        yield "is not position independent"
    if "GNU_RELRO" not in segments:
        yield "has no read-only relocations"
    if not re.search(r"BIND_NOW|FLAGS_1.*NOW", dynamic):
        yield "binds lazily"
    stack = re.search(r"GNU_STACK.*", segments)
    if stack is None or re.search(r"RWE", stack.group()):
        yield "has an executable stack"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "looks for libraries in a folder of its own"
    if release:
        symbols = undefined(path, "-D")
        if "__stack_chk_fail" not in symbols:
            yield "has no stack protector"
        if not any(CHECKED.search(s) for s in symbols - {"__stack_chk_fail"}):
            yield "has nothing checked by FORTIFY"
        for name in sorted(symbols & BANNED):
            yield f"calls {name}"


def faults_of_library(path, release):
    for name in sorted(undefined(path) & BANNED):
        yield f"calls {name}"
    if release and platform.machine() == "x86_64":
        notes = out("readelf", "-nW", str(path))
        objects = notes.count("File: ")
        marked = len(re.findall(r"IBT, SHSTK", notes))
        if marked < objects:
            yield f"{objects - marked} objects without the marks of CET"


def main():
    build = pathlib.Path(sys.argv[1])
    release = sys.argv[2] == "release"
    bad = 0
    programs = [build / name for name in PROGRAMS if (build / name).exists()]
    libraries = sorted(build.glob("liblt_*.a"))
    assert programs and libraries, f"nothing was built in {build}"
    for paths, look in ((programs, faults_of_program),
                        (libraries, faults_of_library)):
        for path in paths:
            for fault in look(path, release):
                print(f"{path.name}: {fault}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
