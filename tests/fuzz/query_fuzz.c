// SPDX-License-Identifier: Apache-2.0
// Any text is refused with a place in it, or its canonical text parses to
// itself.
#include "common/query/queries.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

// Names that are not built in may only make more texts a query.
static void
check_free(const char *text, const query_t *strict)
{
    query_error_t error;
    query_t *q, *again;

    if (query_parse_free(text, &q, &error) == ERR_OK) {
        errcode_t rc = query_parse_free(q->canonical, &again, &error);
        assert(rc != ERR_OK || strcmp(again->canonical, q->canonical) == 0);
        assert(strict == NULL || strcmp(strict->canonical, q->canonical) == 0);
        query_destroy(&again);
    } else {
        assert(strict == NULL);
    }
    query_destroy(&q);
}

// The canonical text of several queries is the same queries.
static void
check_queries(const char *text)
{
    query_error_t error;
    queries_t *q, *again;

    if (queries_parse(text, &q, &error) == ERR_OK) {
        errcode_t rc = queries_parse(q->canonical, &again, &error);
        assert(rc != ERR_OK || (again->n == q->n && strcmp(again->canonical,
                                                        q->canonical) == 0));
        queries_destroy(&again);
    }
    queries_destroy(&q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = strndup((const char *)data, len);
    query_error_t error;
    query_t *q, *again;
    buf_t out = {0};

    if (query_parse(text, &q, &error) == ERR_OK) {
        errcode_t rc = query_parse(q->canonical, &again, &error);
        // A canonical text may need one level of nesting more than its query.
        assert(rc != ERR_OK || strcmp(again->canonical, q->canonical) == 0);
        query_destroy(&again);
        query_explain(q, &out);
    } else {
        query_error_print(&error, text, &out);
    }
    check_free(text, q);
    check_queries(text);
    query_destroy(&q);
    buf_fini(&out);
    free(text);
    return 0;
}
