// SPDX-License-Identifier: Apache-2.0
// Any bytes as a key file: refused with a reason, or printed and read back
// as the same identity.
#include "certs/keytext.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    keytext_t out;
    keytext_t back;
    buf_t why = {0};
    buf_t text = {0};

    if (keytext_parse((span_t){data, size}, &out, &why) != ERR_OK) {
        assert(why.len > 0);
    } else {
        if (out.is_sealed) {
            keytext_print_sealed(&text, &out.identity, &out.lock);
        } else {
            keytext_print(
                &text, &out.identity, out.has_secret ? out.secret : NULL);
        }
        assert(!out.is_sealed || keylock_cost_is_valid(&out.lock.cost));
        errcode_t rc = keytext_parse(buf_span(&text), &back, &why);
        assert(rc == ERR_OK);
        assert(memcmp(&out, &back, sizeof out) == 0);
    }
    buf_fini(&text);
    buf_fini(&why);
    return 0;
}
