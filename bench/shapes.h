// SPDX-License-Identifier: Apache-2.0
// shapes: the kinds of made logs that the measurements read. A shape is a
// pure function of (seed, megabytes, day): integers only, no libm, so that the
// same call gives the same bytes on every machine.
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SHAPE_LINE_MAX = 24 * 1024 };

typedef struct shape shape_t;

// NULL when there is no shape of that name.
const shape_t *shape_find(const char *name);

// One line of help per shape.
void shape_list(FILE *to);

// Writes whole lines, at most megabytes * 1,000,000 bytes. 0, or -1 when
// `to` does not take them.
int shape_write(const shape_t *shape, uint64_t seed, uint64_t megabytes,
    unsigned day, FILE *to);

#endif
