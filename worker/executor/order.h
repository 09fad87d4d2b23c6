// SPDX-License-Identifier: Apache-2.0
// order: what an executor is to count, as it travels beside TASK_SCAN. The
// descriptors of the packet belong to the ranges, in order.
#ifndef LOGTALLY_WORKER_EXECUTOR_ORDER_H
#define LOGTALLY_WORKER_EXECUTOR_ORDER_H

#include "common/base/limits.h"
#include "worker/source/file_id.h"

typedef struct order_range {
    uint32_t file;
    uint8_t compression;
    bool stream; // no file: id is not looked at
    bool guessed;
    file_id_t id;
    uint64_t begin;
    uint64_t end;
    const char *host;
    const char *path;
} order_range_t;

typedef struct order {
    uint64_t budget;
    const char *query;
    const char *format;
    bool validate;
    bool pack; // the partial, for a network
    size_t n_ranges;
    order_range_t ranges[LIMIT_SHARD_RANGES];
} order_t;

void order_encode(const order_t *self, buf_t *out);
// The texts are lent from `bytes`.
MUST_CHECK errcode_t order_decode(span_t bytes, order_t *out);

#endif
