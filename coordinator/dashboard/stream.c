// SPDX-License-Identifier: Apache-2.0
#include "coordinator/dashboard/stream.h"

#include "common/result/output.h"

#include <string.h>

#define ROWS_MOST 1000u

void
stream_put(const char *event, span_t data, buf_t *out)
{
    buf_printf(out, "event: %s\n", event);
    for (const uint8_t *at = data.p, *end = data.p + data.len; at < end;) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *to = lf != NULL ? lf : end;
        buf_put_str(out, "data: ");
        buf_put(out, at, (size_t)(to - at));
        buf_put_u8(out, '\n');
        at = to + 1;
    }
    buf_put_u8(out, '\n');
}

void
stream_put_quiet(buf_t *out)
{
    buf_put_str(out, ":\n\n");
}

void
stream_rows(span_t encoded, buf_t *out)
{
    result_t *result = NULL;

    if (encoded.len == 0 || result_decode(encoded, &result) != ERR_OK) {
        buf_put_str(out, "{\"text\":\"the rows cannot be read\"}");
        return;
    }
    output_rows(result, ROWS_MOST, out);
    result_destroy(&result);
}
