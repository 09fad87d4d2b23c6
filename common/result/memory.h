// SPDX-License-Identifier: Apache-2.0
// memory: what a result's texts live in, and its fingerprint. Nothing outside
// common/result includes this.
#ifndef LOGTALLY_COMMON_RESULT_MEMORY_H
#define LOGTALLY_COMMON_RESULT_MEMORY_H

#include "common/base/bytes.h"
#include "common/result/result.h"

typedef struct result_memory result_memory_t;

result_memory_t *result_memory_new(void);
void result_memory_destroy(result_memory_t **self_p);
span_t result_keep(result_memory_t *self, span_t text); // a copy

// Over the canonical query and the cells, row by row.
void result_fingerprint(const result_t *self, uint8_t out[32]);

#endif
