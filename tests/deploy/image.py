# SPDX-License-Identifier: Apache-2.0
"""Builds deploy/container/Dockerfile with buildah on a Debian of debootstrap's,
since a test machine may have no registry, and counts in what comes of it.
Skipped where this machine cannot do it.

usage: image.py WORK_FOLDER
"""
import shutil
import subprocess
import sys
from pathlib import Path

from machine import Unfit, host_release, sh

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED = 77


def need_tools():
    for tool in ("buildah", "debootstrap"):
        if shutil.which(tool) is None:
            raise Unfit(f"{tool} is not installed")
    if sh("id", "-u").strip() != "0":
        raise Unfit("needs root")


class Images:
    """A store of its own, in the work folder."""

    def __init__(self, work):
        self.options = ["--root", work / "store", "--runroot", work / "run",
                        "--storage-driver", "vfs"]

    def __call__(self, *args, **kw):
        return sh("buildah", *self.options, *args, **kw)


def make_base(buildah, work):
    """What stands for debian:bookworm."""
    if buildah("images", "-q", "lt-base", ok=False).returncode == 0:
        return
    tree = work / "base"
    mirror = sh("apt-get", "indextargets", "--format", "$(SITE)").split()
    try:
        sh("debootstrap", "--variant=minbase", host_release(), tree,
           *mirror[:1])
        c = buildah("from", "scratch").strip()
        buildah("add", c, tree, "/")
        buildah("commit", "--rm", c, "lt-base")
    except AssertionError as e:
        raise Unfit(f"no base image can be made here: {e}") from e
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def build(buildah, work):
    context = work / "context"
    shutil.rmtree(context, ignore_errors=True)
    files = sh("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard")
    for name in files.splitlines():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, context / name)
    buildah("bud", "--isolation", "chroot", "--layers",
            "--build-arg", "BUILD=localhost/lt-base",
            "--build-arg", "BASE=localhost/lt-base",
            "-f", context / "deploy/container/Dockerfile", "-t", "logtally",
            context, timeout=1800)
    shutil.rmtree(context)


def try_it(buildah):
    c = buildah("from", "logtally").strip()
    try:
        def run(*command):
            return buildah("run", "--isolation", "chroot", "--volume",
                           f"{ROOT}/deploy/container/logs:/logs:ro", c, "--",
                           *command)
        assert run("id", "-u").strip() == "65532"
        out = run("logtally", "run", "count", "/logs/web3/access.log",
                  "--quiet", "-o", "tsv")
        assert out.split()[-1] == "120", out
        for daemon in ("coordinator", "worker"):
            assert "0.1" in run(f"logtally-{daemon}", "--version")
        p = buildah("run", "--isolation", "chroot", c, "--", "logtally",
                    "keys", "init", "/keys/of")
        assert "Made /keys/of" in p, p
    finally:
        buildah("rm", c)


def main():
    work = Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    buildah = Images(work)
    try:
        need_tools()
        make_base(buildah, work)
    except Unfit as e:
        print(f"skipped: {e}")
        return SKIPPED
    build(buildah, work)
    print("ok  the image is built")
    try_it(buildah)
    print("ok  it counts, as nobody, and has all programs")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.TimeoutExpired as e:
        sys.exit(f"too slow: {e}")
