// SPDX-License-Identifier: Apache-2.0
// Items of a text lie inside it, and lines only rise.
#include "common/base/zpl.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    zpl_t zpl;
    unsigned line = 0;

    zpl_init(&zpl, (span_t){data, len});
    while (zpl_next(&zpl) == ERR_OK) {
        assert(zpl.line > line);
        assert(zpl.name.len > 0 && zpl.name.p >= data &&
               zpl.name.p + zpl.name.len <= data + len);
        line = zpl.line;
    }
    return 0;
}
