// SPDX-License-Identifier: Apache-2.0
// Any text behind --since: what is read lies in the years of the language,
// and narrows a query.
#include "common/query/time_text.h"
#include "common/query/when.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const dec_t now = DEC_INT(1700000000);
    static query_t *q;
    query_error_t error;
    query_t *narrowed;
    buf_t text = {0};
    when_t when;

    if (q == NULL) {
        errcode_t rc = query_parse("404 | count", &q, &error);
        assert(rc == ERR_OK);
    }
    if (when_parse((span_t){data, len}, now, 9 * 3600, &when)) {
        dec_t back;
        time_print(when.time, &text);
        assert(time_parse(buf_span(&text), &back) && back == when.time);
        buf_clear(&text);
        when_narrow(q, &when.time, &now, &text);
        buf_put_u8(&text, 0);
        errcode_t rc = query_parse((char *)text.p, &narrowed, &error);
        assert(rc == ERR_OK);
        query_destroy(&narrowed);
    }
    buf_fini(&text);
    return 0;
}
