// SPDX-License-Identifier: Apache-2.0
// frames: where an archive can be cut, which is where a frame of zstd begins,
// or a member of BGZF (gzip whose members say how long they are; of others see
// members.h). Reads only the descriptor it is given, and of that only headers:
// nothing is unpacked.
//
// What it says is not to be believed for that: whoever reads up to a cut finds
// out whether a member ends there (source_cut).
#ifndef LOGTALLY_WORKER_SOURCE_FRAMES_H
#define LOGTALLY_WORKER_SOURCE_FRAMES_H

#include "worker/source/source.h"

// Appends the cuts as varints, each the distance from the one before (the
// first: from 0); frames_cuts of them at most, evenly over the file. None
// where the file is of one piece, of another kind, or cannot be followed from
// header to header to its very end: then it can only be read as a whole.
// LIMIT_CUTS_BYTES at most.
void frames_find(int fd, source_kind_t kind, uint64_t size, buf_t *out);

// For a file of that size: 32, one more for each MiB, LIMIT_CUTS at most.
size_t frames_cuts(uint64_t size);

#endif
