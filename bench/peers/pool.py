# SPDX-License-Identifier: Apache-2.0
"""Lines by status with multiprocessing.Pool(2).imap_unordered and Counter.

    pool.py ranges FILE   the workers read byte ranges of the file themselves
    pool.py lines FILE    the parent reads and hands lists of lines out
"""
import json
import sys
from collections import Counter
from itertools import islice
from multiprocessing import Pool

import count_status

LINES = 10_000


def batches(path):
    with open(path, "rb") as f:
        while batch := list(islice(f, LINES)):
            yield batch


def count_lines(lines):
    return Counter(line.split(b'"', 2)[2][1:4] for line in lines)


def main(kind, path):
    total = Counter()
    work, call = ((count_status.chunks(path), count_status.count_chunk)
                  if kind == "ranges" else (batches(path), count_lines))
    with Pool(2) as pool:
        for part in pool.imap_unordered(call, work):
            total.update(part)
    print(json.dumps({"rows": count_status.rows(total)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
