// SPDX-License-Identifier: Apache-2.0
// Items of bytes that anybody may have sent.
#include "common/tally/items_inside.h"

#include "common/base/limits.h"
#include "common/tally/registers.h"
#include "common/tally/rising.h"
#include "common/tally/sketch.h"

errcode_t
items_get_registers(rd_t *r, int last, registers_t *out)
{
    errcode_t rc = rd_u8(r, &out->block);

    rc = rc != ERR_OK ? rc : rd_u64(r, &out->seen);
    if (rc == ERR_OK && (out->block <= last || out->seen == 0)) {
        rc = ERR_MALFORMED;
    }
    size_t n = rc == ERR_OK ? (size_t)__builtin_popcountll(out->seen) : 0;
    rc = rc != ERR_OK ? rc : rd_bytes(r, n, &out->ranks);
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        if (out->ranks.p[i] == 0 || out->ranks.p[i] >= REGISTERS_RANKS) {
            rc = ERR_MALFORMED;
        }
    }
    return rc;
}

static errcode_t
check_registers(rd_t *r, uint64_t n)
{
    registers_t registers = {0};
    errcode_t rc = n <= REGISTERS_BLOCKS ? ERR_OK : ERR_MALFORMED;

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = items_get_registers(r, i > 0 ? registers.block : -1, &registers);
    }
    return rc;
}

errcode_t
items_get_counted(rd_t *r, int *bucket, uint64_t *n)
{
    i128_t wide;
    errcode_t rc = rd_zigzag(r, &wide);

    rc = rc != ERR_OK ? rc : rd_varint(r, n);
    if (rc != ERR_OK) {
        return rc;
    }
    if (wide <= -SKETCH_BUCKETS || wide >= SKETCH_BUCKETS ||
        !sketch_has((int64_t)wide) || *n == 0) {
        return ERR_MALFORMED;
    }
    *bucket = (int)wide;
    return ERR_OK;
}

static errcode_t
check_buckets(rd_t *r, uint64_t n)
{
    int last = -SKETCH_BUCKETS;
    errcode_t rc = ERR_OK;

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        int bucket = 0;
        uint64_t counted;
        rc = items_get_counted(r, &bucket, &counted);
        if (rc == ERR_OK && bucket <= last) {
            rc = ERR_MALFORMED;
        }
        last = bucket;
    }
    return rc;
}

// One cell, which is not missing, and fits behind a group.
static errcode_t
check_value(span_t value)
{
    rd_t r = rd_init(value);
    cell_t cell;
    errcode_t rc = cell_decode(&r, &cell);

    rc = rc != ERR_OK ? rc : rd_end(&r);
    if (rc == ERR_OK && value.len > LIMIT_KEY - ITEMS_GROUP_LEN) {
        rc = ERR_MALFORMED;
    }
    return rc == ERR_OK && cell.kind == CELL_MISSING ? ERR_MALFORMED : rc;
}

static errcode_t
check_values(rd_t *r, uint64_t n)
{
    buf_t value = {0};
    errcode_t rc = ERR_OK;

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        span_t rest;
        size_t shared = 0;
        rc = rising_get(r, buf_span(&value), i == 0, &shared, &rest);
        if (rc == ERR_OK) {
            value.len = shared;
            buf_put_span(&value, rest);
            rc = check_value(buf_span(&value));
        }
    }
    buf_fini(&value);
    return rc;
}

errcode_t
items_check(agg_func_t func, rd_t *r)
{
    uint64_t n = 0;
    errcode_t rc = rd_varint(r, &n);

    if (rc != ERR_OK) {
        return rc;
    }
    return func == AGG_DISTINCT         ? check_values(r, n)
           : func == AGG_DISTINCT_ABOUT ? check_registers(r, n)
                                        : check_buckets(r, n);
}
