# SPDX-License-Identifier: Apache-2.0
"""A network namespace of a test's own: no other program takes a port between
the end of a process and its restart, and the machine's interfaces are left
alone."""
import os
import subprocess
import sys

ENTERED = "LOGTALLY_OWN_NET"


def enter():
    """Goes on in a new namespace, once; or says why that is not possible."""
    if is_entered():
        return
    try:
        p = subprocess.run(["unshare", "--net", "ip", "link", "set", "lo",
                            "up"], capture_output=True, text=True)
        why = p.stderr.strip() if p.returncode else None
    except OSError as error:
        why = str(error)
    if why:
        print(f"no network namespace of our own: {why}", flush=True)
        return
    os.environ[ENTERED] = "1"
    os.execvp("unshare", ["unshare", "--net", "sh", "-c",
                          'ip link set lo up && exec "$@"', "sh",
                          sys.executable, *sys.argv])


def is_entered():
    return ENTERED in os.environ
