// SPDX-License-Identifier: Apache-2.0
// reading: the lines of a format that has names for its fields, read for one
// query: which names it wants, and what the header of a file says of them.
//
// Format and query are lent for its life. What a line's fields hold is lent
// until the next line. Not thread-safe.
#ifndef LOGTALLY_WORKER_FORMAT_READING_H
#define LOGTALLY_WORKER_FORMAT_READING_H

#include "worker/format/format.h"

typedef struct reading reading_t;

// NULL query: every built-in field.
reading_t *reading_new(const format_t *format, const query_t *query);
void reading_destroy(reading_t **self_p);

// Another file begins, or another range of one.
void reading_restart(reading_t *self);
// Whether this line, which begins at the offset, is none of the log's but says
// how others are to be read; that is kept. Not blank; one that is too
// long is empty.
bool reading_header(reading_t *self, span_t line, uint64_t offset);

// What a range that begins inside a file has to be told before.
typedef enum {
    READING_ALONE,  // nothing
    READING_FIRST,  // the first line that is not blank
    READING_LATEST, // the last line before it that begins with READING_MARK
} reading_need_t;
#define READING_MARK "#Fields:"
reading_need_t reading_needs(const reading_t *self);

#endif
