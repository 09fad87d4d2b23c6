// SPDX-License-Identifier: Apache-2.0
// Any bytes are refused, or are a result that is written the same again and
// prints in every kind. The fingerprint, which would stop nearly all of it, is
// left unchecked.
#include "common/result/memory.h"
#include "common/result/output.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
print_all(const result_t *r)
{
    static buf_t out; // a page is 100 KiB and more: it is kept

    buf_clear(&out);
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        output_result(
            r, &(output_options_t){(output_kind_t)kind, true, 40}, &out);
    }
    output_receipt(&r->receipt, &out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    result_t *r;
    buf_t again = {0};

    if (result_read((span_t){data, len}, &r) == ERR_OK) {
        result_encode(r, &again);
        assert(span_eq((span_t){data, len}, buf_span(&again)));
        print_all(r);
    }
    result_destroy(&r);
    buf_fini(&again);
    return 0;
}
