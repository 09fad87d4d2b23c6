// SPDX-License-Identifier: Apache-2.0
#include "coordinator/audit.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    audit_chain_t chain = {0};
    size_t good;
    errcode_t rc = audit_take_all(&chain, (span_t){data, size}, &good);

    assert(good <= size && (rc != ERR_OK || good == size));
    return 0;
}
