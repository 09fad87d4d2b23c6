// SPDX-License-Identifier: Apache-2.0
// matcher: the lines of a block to batches, the usual ones by the shape of
// their format, a few instructions a token.
#ifndef LOGTALLY_WORKER_SCAN_MATCHER_H
#define LOGTALLY_WORKER_SCAN_MATCHER_H

#include "worker/format/lanes.h"
#include "worker/format/shape.h"
#include "worker/scan/batch.h"
#include "worker/scan/text_block.h"

typedef struct matcher matcher_t;

// fields: bit per field_t that is read, as in query_t. NULL when the format
// has no shape.
matcher_t *matcher_new(const format_t *format, uint32_t fields);
void matcher_destroy(matcher_t **self_p);
// Others than the processor's best; for tests. lanes: or NULL.
void matcher_use(
    matcher_t *self, tokens_find_t *find, const lanes_kind_t *lanes);

// Lent until the last batch; SHAPE_PAD more bytes are readable behind it. At
// most 1 GiB.
void matcher_begin(matcher_t *self, const text_block_t *block);
// The next lines; false: there were none left, and all bytes are there.
bool matcher_next(matcher_t *self, batch_t *out);

#endif
