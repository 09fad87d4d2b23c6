# SPDX-License-Identifier: Apache-2.0
"""The seeds of a fuzzer: netstrings in one file, unpacked into a folder for
libFuzzer; or the smallest of what it found, packed.

usage: seeds.py unpack FILE FOLDER
       seeds.py pack FOLDER FILE [BYTES]"""
import hashlib
import sys
from pathlib import Path


def inputs(packed):
    at = 0
    while at < len(packed):
        colon = packed.index(b":", at)
        end = colon + 1 + int(packed[at:colon])
        if packed[end:end + 1] != b",":
            sys.exit("not netstrings")
        yield packed[colon + 1:end]
        at = end + 1


def unpack(file, folder):
    for one in inputs(Path(file).read_bytes()):
        (Path(folder) / hashlib.sha1(one).hexdigest()).write_bytes(one)


def pack(folder, file, most="8192"):
    """As many as fit, evenly over all sizes: small ones are many and alike."""
    found = sorted((p.read_bytes() for p in Path(folder).iterdir()),
                   key=lambda one: (len(one), one))
    step = 1
    while sum(len(one) for one in found[::step]) > int(most):
        step += 1
    Path(file).write_bytes(b"".join(
        b"%d:%s," % (len(one), one) for one in found[::step]))


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("pack", "unpack"):
        sys.exit(__doc__)
    {"pack": pack, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])
