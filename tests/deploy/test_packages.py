# SPDX-License-Identifier: Apache-2.0
"""The packages of this build: what is in them, and lintian. Whether they
install, count, upgrade and go again is told by `./dev package-test`."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("LOGTALLY_BUILD", ROOT / "build" / "release"))
NAMES = ["logtally", "logtally-coordinator", "logtally-worker"]


def out(*args, **kw):
    p = subprocess.run([str(a) for a in args], capture_output=True, text=True,
                       timeout=100, **kw)
    assert p.returncode == 0, p.stdout + p.stderr
    return p.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    for tool in ("dpkg-shlibdeps", "dpkg-deb", "file", "cpack"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path_factory.mktemp("packages")
    out("cpack", "-B", folder, cwd=BUILD)
    return folder


def deb(packages, name):
    return next(packages.glob(f"{name}_*.deb"))


def test_nothing_is_in_two_packages_and_all_is_there(packages):
    seen = {}
    for name in NAMES:
        for line in out("dpkg-deb", "-c", deb(packages, name)).splitlines():
            mode, owner, _, _, _, path = line.split()[:6]
            assert owner == "root/root"
            assert mode[5] == "-" and mode[8] == "-", line  # others write
            if mode[0] != "d":
                assert path not in seen, path
                seen[path] = name
    for path, name in (
            ("usr/bin/logtally", "logtally"),
            ("usr/libexec/logtally/logtally-executor", "logtally"),
            ("etc/logtally/client.conf", "logtally"),
            ("usr/bin/logtally-coordinator", "logtally-coordinator"),
            ("etc/logtally/coordinator.conf", "logtally-coordinator"),
            ("usr/lib/systemd/system/logtally-coordinator.service",
             "logtally-coordinator"),
            ("usr/bin/logtally-worker", "logtally-worker"),
            ("usr/lib/sysusers.d/logtally-worker.conf", "logtally-worker"),
            ("usr/lib/tmpfiles.d/logtally-worker.conf", "logtally-worker")):
        assert seen.get(f"./{path}") == name, path


@pytest.mark.parametrize("name", NAMES)
def test_control_files_hold_together(name, packages, tmp_path):
    out("dpkg-deb", "-e", deb(packages, name), tmp_path)
    control = (tmp_path / "control").read_text()
    assert "libc6" in control
    if name != "logtally":
        version = re.search(r"^Version: (.*)$", control, re.M).group(1)
        assert f"logtally (= {version})" in control
        for script in ("postinst", "prerm", "postrm"):
            assert (tmp_path / script).stat().st_mode & 0o777 == 0o755
            out("sh", "-n", tmp_path / script)
    out("dpkg-deb", "-x", deb(packages, name), tmp_path / "files")
    etc = {f"/{p.relative_to(tmp_path / 'files')}"
           for p in (tmp_path / "files/etc").rglob("*") if p.is_file()}
    assert set((tmp_path / "conffiles").read_text().split()) == etc


def test_lintian_finds_no_error(packages):
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    # A sanitizer build has marks of its own; they are not what is packed.
    p = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error", "-L", ">=warning",
         *(str(deb(packages, n)) for n in NAMES)],
        capture_output=True, text=True, timeout=100)
    print(p.stdout)
    assert p.returncode == 0, p.stdout + p.stderr


def test_tarball_counts_where_it_is_unpacked(packages, tmp_path):
    tarball = next(packages.glob("*.tar.gz"))
    out("tar", "-xzf", tarball, "-C", tmp_path)
    top = next(tmp_path.iterdir())
    log = tmp_path / "access.log"
    log.write_text('1.2.3.4 - - [02/Jan/2026:03:04:05 +0000] '
                   '"GET / HTTP/1.1" 200 5 "-" "-"\n' * 3)
    rows = out(top / "bin/logtally", "run", "count", log, "--quiet", "-o",
               "tsv")
    assert rows.split()[-1] == "3"
