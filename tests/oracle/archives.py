# SPDX-License-Identifier: Apache-2.0
"""Archives that can be cut into ranges, as the programs that write them do."""
import os
import random
import struct
import subprocess
import tempfile
import zlib


def pieces(data, n, seed=1):
    """n pieces of any length, some of them empty."""
    rng = random.Random(seed)
    ends = sorted(rng.randrange(len(data) + 1) for _ in range(n - 1))
    if n > 4:
        ends[1] = ends[0]
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)])]


def frames(data, n, seed=1):
    """`zstd` of each piece: every one says its size."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for i, piece in enumerate(pieces(data, n, seed)):
            names.append(os.path.join(folder, f"{i:04}"))
            with open(names[-1], "wb") as f:
                f.write(piece)
        subprocess.run(["zstd", "-q", "--rm", *names], check=True)
        out = []
        for name in names:
            with open(name + ".zst", "rb") as f:
                out.append(f.read())
        return out


def zstd(data, n, seed=1):
    return b"".join(frames(data, n, seed))


def piped(data, n, seed=1):
    """As `log | zstd >> archive`: no frame says its size."""
    return b"".join(
        subprocess.run(["zstd", "-qc"], input=piece, check=True,
                       capture_output=True).stdout
        for piece in pieces(data, n, seed))


def pzstd_like(data, n, seed=1):
    """A skippable frame with the length of each, as pzstd has it."""
    return b"".join(struct.pack("<III", 0x184D2A50, 4, len(frame)) + frame
                    for frame in frames(data, n, seed))


def seekable(data, n, seed=1):
    """With a seek table behind, in a skippable frame (zstd's contrib)."""
    parts = pieces(data, n, seed)
    packed = frames(data, n, seed)
    table = b"".join(struct.pack("<II", len(frame), len(text))
                     for frame, text in zip(packed, parts))
    table += struct.pack("<IBI", len(packed), 0, 0x8F92EAB1)
    return b"".join(packed) + struct.pack("<II", 0x184D2A5E, len(table)) + table


def block(text):
    """A member of BGZF."""
    pack = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = pack.compress(text) + pack.flush()
    return (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" +
            struct.pack("<H", 18 + len(body) + 8 - 1) + body +
            struct.pack("<II", zlib.crc32(text), len(text)))


def bgzf(data, n, seed=1):
    """As bgzip: an empty member is last. A piece has as many as it needs."""
    return b"".join(block(piece[at:at + 0xFF00])
                    for piece in pieces(data, n, seed)
                    for at in range(0, max(len(piece), 1), 0xFF00)) + block(b"")


def member(text, level=6):
    """One of gzip, that does not say how long it is."""
    pack = zlib.compressobj(level, zlib.DEFLATED, 31)
    return pack.compress(text) + pack.flush()


def members(data, n, seed=1):
    """As `log | gzip >> archive`."""
    return b"".join(member(piece) for piece in pieces(data, n, seed))


# A line with what looks like the beginning of a member. Packed at level 0 it
# is in the archive as it is.
FALSE = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\x03 no member begins here\n"


KINDS = {"zstd.zst": zstd, "piped.zst": piped, "pzstd.zst": pzstd_like,
         "seekable.zst": seekable, "bgzf.gz": bgzf,
         "members.gz": members}
