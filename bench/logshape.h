// SPDX-License-Identifier: Apache-2.0
// logshape: the kinds of made logs that the measurements read. A shape is a
// pure function of (seed, megabytes, day): integers only, no libm, so that the
// same call gives the same bytes on every machine.
#ifndef BENCH_LOGSHAPE_H
#define BENCH_LOGSHAPE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { LOGSHAPE_LINE_MAX = 24 * 1024 };

typedef struct logshape logshape_t;

// NULL when there is no shape of that name.
const logshape_t *logshape_find(const char *name);

// One line of help per shape.
void logshape_list(FILE *to);

// Writes whole lines, at most megabytes * 1,000,000 bytes. 0, or -1 when
// `to` does not take them.
int logshape_write(const logshape_t *shape, uint64_t seed, uint64_t megabytes,
    unsigned day, FILE *to);

#endif
