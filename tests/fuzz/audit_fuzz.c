// SPDX-License-Identifier: Apache-2.0
// Any bytes as an audit file. And lines that were written by us, of any texts:
// they are taken, until one bit of them is another.
#include "coordinator/audit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Are all of them in order?
static bool
is_whole(span_t bytes)
{
    audit_chain_t chain = {0};
    size_t good;
    errcode_t rc = audit_take_all(&chain, bytes, &good);

    assert(good <= bytes.len && (rc != ERR_OK || good == bytes.len));
    return rc == ERR_OK;
}

// A line for each text up to a zero byte.
static void
put_lines(span_t texts, buf_t *out)
{
    audit_chain_t chain = {0};

    while (texts.len > 0) {
        char *text = strndup((const char *)texts.p, texts.len);
        size_t used = strlen(text) + 1;
        audit_put(&chain, 1700000000 + (int64_t)chain.n, "job-submitted",
            (const audit_pair_t[]){
                {"who", text}, {"query", text}, {NULL, NULL}},
            out);
        free(text);
        used = used < texts.len ? used : texts.len;
        texts = (span_t){texts.p + used, texts.len - used};
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rd_t r = rd_init((span_t){data, size});
    buf_t lines = {0};
    uint16_t at;
    uint8_t bit;

    (void)is_whole((span_t){data, size});
    if (rd_u16(&r, &at) != ERR_OK || rd_u8(&r, &bit) != ERR_OK ||
        rd_left(&r) == 0) {
        return 0;
    }
    put_lines((span_t){r.p, rd_left(&r)}, &lines);
    assert(is_whole(buf_span(&lines)));
    lines.p[at % lines.len] ^= (uint8_t)(1u << bit % 8);
    assert(!is_whole(buf_span(&lines)));
    buf_fini(&lines);
    return 0;
}
