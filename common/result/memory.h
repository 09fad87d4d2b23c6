// SPDX-License-Identifier: Apache-2.0
// memory: what a result's texts live in, its fingerprint, what its cells may
// be. Nothing outside common/result includes this.
#ifndef LOGTALLY_COMMON_RESULT_MEMORY_H
#define LOGTALLY_COMMON_RESULT_MEMORY_H

#include "common/base/limits.h"
#include "common/result/result.h"

// Bounds of a receipt beside those of limits.h; made and read within them.
#define SENTENCE_MAX (LIMIT_PATH + LIMIT_TEXT)
#define SAMPLES_MAX  (LIMIT_SAMPLES * LIMIT_SAMPLE_FILES)

typedef struct result_memory result_memory_t;

result_memory_t *result_memory_new(void);
void result_memory_destroy(result_memory_t **self_p);
span_t result_keep(result_memory_t *self, span_t text); // a copy

// Whether a column of that type may hold the cell: missing, or its kind.
bool cell_fits(const cell_t *cell, type_t type);
// Over the canonical query and the cells, row by row.
void result_fingerprint(const result_t *self, uint8_t out[32]);
// Of a chain: its own where it is one result, else of those of all.
void result_fingerprint_all(const result_t *self, uint8_t out[32]);
// result_decode but for the fingerprint, which would keep a fuzzer out.
MUST_CHECK errcode_t result_read(span_t bytes, result_t **out);

#endif
