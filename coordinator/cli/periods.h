// SPDX-License-Identifier: Apache-2.0
// periods: the two that `report --compare` compares, equally long: the one of
// --since and --until, and one that begins elsewhere.
#ifndef LOGTALLY_COORDINATOR_CLI_PERIODS_H
#define LOGTALLY_COORDINATOR_CLI_PERIODS_H

#include "coordinator/cli/range.h"

typedef struct periods {
    dec_t since, until; // since <= time < until
    dec_t before;       // where the other begins
} periods_t;

// The options as written; since and until may be NULL. `now` is where the first
// ends when --until is left out. EXIT_DONE, or EXIT_USAGE after the mistake was
// printed: no --since, nothing between the two, or periods that overlap.
MUST_CHECK int periods_parse(const char *since, const char *until,
    const char *compare, int64_t now, periods_t *out);
// Filters for the lines of the first, and of the other.
void periods_filter(const periods_t *self, buf_t *out);
void periods_filter_before(const periods_t *self, buf_t *out);
// A sentence for the receipt.
void periods_note(const periods_t *self, buf_t *out);

#endif
