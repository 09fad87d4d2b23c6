// SPDX-License-Identifier: Apache-2.0
// Whatever bytes partial_check accepts, partial_add merges; twice the same
// bytes are the double of all counts.
#include "common/tally/partial.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

// What holds together does so packed, too.
static void
check_packed(span_t bytes, const query_t *query)
{
    buf_t packed = {0};
    totals_t totals = {0};

    partial_pack(bytes, &packed);
    if (partial_check(buf_span(&packed), 10, query, NULL, &totals) != ERR_OK) {
        abort();
    }
    totals_fini(&totals);
    buf_fini(&packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static query_t *query;
    query_error_t error;
    totals_t totals = {0};
    span_t bytes = {data, len};

    if (query == NULL &&
        query_parse("count, sum(bytes), avg(bytes), min(time), "
                    "distinct(ip), distinct~(ip), "
                    "p50(bytes), first(url), last(bytes) "
                    "by path, status",
            &query, &error) != ERR_OK) {
        abort();
    }
    if (partial_check(bytes, 10, query, NULL, &totals) == ERR_OK) {
        tallies_t *tallies = tallies_new(query, 1 << 24, NULL);
        assert(totals_add_up(&totals));
        errcode_t rc = partial_add(bytes, tallies);
        assert(rc == ERR_OK || rc == ERR_TOO_LARGE);
        check_packed(bytes, query);
        tallies_destroy(&tallies);
    }
    totals_fini(&totals);
    return 0;
}
