# SPDX-License-Identifier: Apache-2.0
"""Lines by status, of bytes that hold whole combined lines."""
import os
from collections import Counter

CHUNK = 16 << 20


def count(data):
    return Counter(line.split(b'"', 2)[2][1:4] for line in data.splitlines())


def chunks(path):
    """(path, begin, end) of whole lines, about CHUNK each."""
    size, begin = os.path.getsize(path), 0
    with open(path, "rb") as f:
        while begin < size:
            f.seek(min(begin + CHUNK, size))
            f.readline()
            end = f.tell()
            yield path, begin, end
            begin = end


def count_chunk(chunk):
    path, begin, end = chunk
    with open(path, "rb") as f:
        f.seek(begin)
        return count(f.read(end - begin))


def rows(counter):
    return [[k.decode(), n] for k, n in counter.items()]
