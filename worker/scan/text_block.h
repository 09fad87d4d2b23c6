// SPDX-License-Identifier: Apache-2.0
// text_block: whole lines, one behind the other, the last one with its
// newline. Of a mapped file some may still be there: bytes [late, late_end)
// of the text are not in their place, and who looks at them first copies them,
// from `from` (the first of them) on. The last newline is in its place.
//
// What is mapped may be written to by others meanwhile: it is read once, into
// its place, and looked at there.
#ifndef LOGTALLY_WORKER_SCAN_TEXT_BLOCK_H
#define LOGTALLY_WORKER_SCAN_TEXT_BLOCK_H

#include <stddef.h>
#include <stdint.h>

typedef struct text_block {
    uint8_t *p;
    size_t len;
    const uint8_t *from;
    size_t from_len; // bytes that are mapped from there on
    size_t late;
    size_t late_end; // all are there: late
} text_block_t;

#endif
