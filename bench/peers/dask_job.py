# SPDX-License-Identifier: Apache-2.0
"""Lines by status on Dask distributed: two workers of one thread each.

    dask_job.py bag|ranges FILE...

`bag` is the way of Dask's manual (read_text, map, frequencies); `ranges` are
tasks that read byte ranges themselves, the faster way. Prints {"seconds": of
the job on a running cluster, "rows": [...]}.
"""
import json
import sys
import time
from collections import Counter
from pathlib import Path

import dask.bag
import dask.distributed

sys.path.insert(0, str(Path(__file__).resolve().parent))
import count_status  # noqa: E402


def status(line):
    return line.split('"', 2)[2][1:4]


def with_bag(_, files):
    lines = dask.bag.read_text(files, blocksize=count_status.CHUNK)
    return sorted(map(list, lines.map(status).frequencies().compute()))


def with_ranges(client, files):
    chunks = [c for f in files for c in count_status.chunks(f)]
    total = Counter()
    futures = client.map(count_status.count_chunk, chunks, pure=False)
    for _, part in dask.distributed.as_completed(futures, with_results=True):
        total.update(part)
    return count_status.rows(total)


def main(kind, *files):
    job = with_bag if kind == "bag" else with_ranges
    with dask.distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None,
            silence_logs=50) as cluster, \
            dask.distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        folder = str(Path(__file__).resolve().parent)
        client.run(lambda: sys.path.insert(0, folder))
        client.gather(client.map(len, ["warm", "up"]))
        began = time.monotonic()
        rows = job(client, list(files))
        seconds = time.monotonic() - began
    print(json.dumps({"seconds": seconds, "rows": rows}))


if __name__ == "__main__":
    main(*sys.argv[1:])
