// SPDX-License-Identifier: Apache-2.0
// members: where a member of gzip seems to begin. It ends where inflating it
// ends, so that nothing short of that says for certain; these are guesses, made
// of the bytes of a header. Reads only the descriptor it is given.
//
// In deflated bytes one that is none comes by chance, once in 400 GB or so.
// Else somebody put it there: what is packed without being deflated may hold
// another archive, or a trap.
#ifndef LOGTALLY_WORKER_SOURCE_MEMBERS_H
#define LOGTALLY_WORKER_SOURCE_MEMBERS_H

#include "common/base/bytes.h"

#define MEMBERS_MOST 256u // guesses
#define MEMBERS_MORE 8u   // times `bytes` are read where there are members

// Appends guesses as frames_find does cuts, over the file as evenly as it has
// them; none where it found none. Reads `bytes` of the file at most (but for
// the header at the end of a window), and where it found one in these,
// MEMBERS_MORE times as many for the others.
void members_guess(int fd, uint64_t size, uint64_t bytes, buf_t *out);

// Whether a member may begin there, as far as its header and the first bits
// behind it say; all of the header has to be there.
bool members_begin(span_t bytes);

#endif
