# SPDX-License-Identifier: Apache-2.0
"""Planted bugs: each patch of this folder breaks one rule. Each is applied to
a copy of the tree, built, and must be caught by the simulator or a unit test.

    mutants.py SOURCE WORK [NAME...]
    mutants.py SOURCE --check

WORK is a folder of its own that may stay for the next run. Ends with 1 when a
planted bug was not caught, or a patch does not apply or build any more; with
--check only whether they apply is looked at, which takes no time, so that
whoever moves a line that a patch breaks hears of it at once."""
import pathlib
import subprocess
import sys
import time

SEEDS = "4000"
STALE = "the patch does not apply any more"
TESTS = "unit.(coordinator|worker)"  # where the patches are
WITHOUT = "_io$|cli|sandbox|executor"  # these need no process or socket


def run(*argv, **kw):
    return subprocess.run([*map(str, argv)], capture_output=True, text=True,
                          errors="replace", **kw)


def copy(source, tree):
    """The tree as it stands, without losing what was built of it before. What
    differs gets a new time: it was built from a bug when that run was killed."""
    tree.mkdir(parents=True, exist_ok=True)
    files = run("git", "-C", source, "ls-files", "-co",
                "--exclude-standard").stdout
    p = subprocess.run(["rsync", "-rlp", "--checksum", "--delete",
                        "--exclude=/build", "--files-from=-", f"{source}/",
                        f"{tree}/"], input=files, text=True)
    return p.returncode == 0


def build(tree, target):
    p = run("cmake", "--build", tree / "build", "--target", target)
    return p.returncode == 0, p.stdout[-2000:]


def seen_by_simulator(tree, patience):
    """What it says of a bug, or None. One that hangs it is seen as well."""
    try:
        sim = run(tree / "build" / "tests" / "sim", SEEDS, timeout=patience)
    except subprocess.TimeoutExpired:
        return "simulator: no end"
    if sim.returncode == 0:
        return None
    lines = [x for x in sim.stdout.splitlines() if "seed" in x]
    return "simulator: " + (lines[0] if lines else "it died")


def seen_by_tests(tree, patience):
    test = run("ctest", "--test-dir", tree / "build", "-R", TESTS, "-E",
               WITHOUT, "-j2", "--stop-on-failure", "--timeout",
               str(int(patience)))
    failed = [x for x in test.stdout.splitlines() if "***" in x]
    return failed[0].split()[3].strip(".") if failed else None


# What is quicker to build and to run is asked first.
LOOKS = [("sim", seen_by_simulator), ("pure_tests", seen_by_tests)]


def caught_by(tree, patience):
    """(does it build, who caught it or None or why it does not build)"""
    for target, look in LOOKS:
        good, why = build(tree, target)
        if not good:
            return False, "it does not build: " + why
        who = look(tree, patience)
        if who is not None:
            return True, who
    return True, None


def apply(patch, tree, *options):
    """No fuzz: a patch must not break another place that looks alike."""
    return run("patch", "-p1", "-s", "--fuzz=0", "--no-backup-if-mismatch",
               *options, "-i", patch, cwd=tree).returncode == 0


def check(source, patches):
    stale = [p.stem for p in patches if not apply(p, source, "--dry-run")]
    for name in stale:
        print(f"{name:36} {STALE}")
    print(f"{len(patches) - len(stale)} of {len(patches)} apply")
    sys.exit(1 if stale or not patches else 0)


def try_patch(patch, tree, patience):
    if not apply(patch, tree, "--dry-run") or not apply(patch, tree):
        return False, STALE
    try:
        good, who = caught_by(tree, patience)
        return good and who is not None, who or "NOT CAUGHT"
    finally:
        apply(patch, tree, "-R")


def main():
    source, work = map(pathlib.Path, sys.argv[1:3])
    tree = (work / "tree").resolve()
    here = pathlib.Path(__file__).resolve().parent
    patches = [p for p in sorted(here.glob("*.patch"))
               if not sys.argv[3:] or p.stem in sys.argv[3:]]
    if sys.argv[2] == "--check":
        check(source, patches)
    if len(patches) < max(1, len(sys.argv[3:])):
        sys.exit("no such planted bug")
    if not copy(source, tree):
        sys.exit("cannot copy the tree (rsync)")
    # Optimised as a release is, but for link-time optimisation, which would
    # take longer than all the rest.
    run("cmake", "-S", tree, "-B", tree / "build", "-G", "Ninja",
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo", check=True)
    good, why = build(tree, "sim")
    began = time.monotonic()
    if good:
        good, why = caught_by(tree, 3600)
    if not good or why is not None:
        sys.exit(f"the tree without a planted bug is not green: {why}")
    # As long as all of it takes without a bug, however busy the machine is.
    patience = max(60, 3 * (time.monotonic() - began))
    missed = 0
    for patch in patches:
        caught, how = try_patch(patch, tree, patience)
        missed += not caught
        print(f"{patch.stem:36} {how[:100]}", flush=True)
    print(f"{len(patches) - missed} of {len(patches)} caught")
    sys.exit(1 if missed else 0)


main()
