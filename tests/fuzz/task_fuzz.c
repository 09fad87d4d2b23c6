// SPDX-License-Identifier: Apache-2.0
// What an executor reports and what it is ordered.
#include "worker/executor/order.h"
#include "worker/executor/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static order_t order;
    task_report_t report;

    if (task_report_decode((span_t){data, len}, &report) != ERR_OK &&
        order_decode((span_t){data, len}, &order) == ERR_OK &&
        order.n_ranges > LIMIT_SHARD_RANGES) {
        __builtin_trap();
    }
    return 0;
}
