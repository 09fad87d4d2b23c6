// SPDX-License-Identifier: Apache-2.0
#include "common/tally/kept.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 32u

typedef struct kept {
    uint32_t len;
    uint32_t room;
    uint8_t bytes[]; // an encoded cell
} kept_t;

static kept_t *
kept_of(const uint64_t *self)
{
    return (void *)(uintptr_t)self[0];
}

static dec_t
when_of(const uint64_t *self)
{
    return (dec_t)((u128_t)self[2] << 64 | self[1]);
}

static cell_t
decode(span_t bytes)
{
    rd_t r = rd_init(bytes);
    cell_t cell = {0};

    errcode_t rc = cell_decode(&r, &cell);
    assert(rc == ERR_OK); // our own, or checked
    return cell;
}

// A time stamp that rises with every line brings a new value each time: room
// is doubled, so that few of them ask for memory.
static errcode_t
store(uint64_t *self, span_t bytes, dec_t when, budget_t *budget)
{
    kept_t *kept = kept_of(self);
    size_t room = kept != NULL ? kept->room : 0;

    if (bytes.len > LIMIT_KEY) {
        return ERR_TOO_LARGE;
    }
    if (kept == NULL || bytes.len > room) {
        size_t more = room > 0 ? room * 2 : ROOM_MIN;
        more = bytes.len > more ? bytes.len : more;
        if (!budget_take(
                budget, more - room + (kept == NULL ? sizeof *kept : 0))) {
            return ERR_TOO_LARGE;
        }
        kept = xrealloc(kept, sizeof *kept + more);
        kept->room = (uint32_t)more;
    }
    memcpy(kept->bytes, bytes.p, bytes.len);
    kept->len = (uint32_t)bytes.len;
    self[0] = (uintptr_t)kept;
    self[1] = (uint64_t)(u128_t)when;
    self[2] = (uint64_t)((u128_t)when >> 64);
    return ERR_OK;
}

static bool
is_better(
    agg_func_t func, const uint64_t *self, const cell_t *value, dec_t when)
{
    cell_t held;
    dec_t before;

    if (self[0] == 0) {
        return true;
    }
    before = when_of(self);
    if (when != before) {
        return func == AGG_FIRST ? when < before : when > before;
    }
    held = kept_value(self);
    int c = cell_cmp(value, &held);
    return func == AGG_FIRST ? c < 0 : c > 0;
}

errcode_t
kept_add(agg_func_t func, uint64_t *self, const cell_t *value, dec_t when,
    budget_t *budget)
{
    buf_t bytes = {0};
    errcode_t rc = ERR_OK;

    if (is_better(func, self, value, when)) {
        cell_encode(value, &bytes);
        rc = store(self, buf_span(&bytes), when, budget);
        buf_fini(&bytes);
    }
    return rc;
}

cell_t
kept_value(const uint64_t *self)
{
    const kept_t *kept = kept_of(self);

    return kept != NULL ? decode((span_t){kept->bytes, kept->len})
                        : (cell_t){.kind = CELL_MISSING};
}

void
kept_encode(const uint64_t *self, buf_t *out)
{
    const kept_t *kept = kept_of(self);

    buf_put_u8(out, kept != NULL);
    if (kept != NULL) {
        buf_put_zigzag(out, when_of(self));
        buf_put_block(out, (span_t){kept->bytes, kept->len});
    }
}

static errcode_t
get(rd_t *r, bool *any, dec_t *when, span_t *bytes)
{
    uint8_t flag = 0;
    errcode_t rc = rd_u8(r, &flag);

    *any = flag == 1;
    if (rc != ERR_OK || flag == 0) {
        return rc;
    }
    rc = flag == 1 ? rd_zigzag(r, when) : ERR_MALFORMED;
    return rc != ERR_OK ? rc : rd_block(r, LIMIT_KEY, bytes);
}

errcode_t
kept_check(rd_t *r)
{
    bool any;
    dec_t when;
    span_t bytes;
    cell_t cell;
    errcode_t rc = get(r, &any, &when, &bytes);

    if (rc != ERR_OK || !any) {
        return rc;
    }
    rd_t value = rd_init(bytes);
    rc = cell_decode(&value, &cell);
    rc = rc != ERR_OK ? rc : rd_end(&value);
    return rc == ERR_OK && cell.kind == CELL_MISSING ? ERR_MALFORMED : rc;
}

errcode_t
kept_merge(agg_func_t func, uint64_t *self, rd_t *r, budget_t *budget)
{
    bool any;
    dec_t when;
    span_t bytes;
    errcode_t rc = get(r, &any, &when, &bytes);

    if (rc != ERR_OK || !any) {
        return rc;
    }
    cell_t value = decode(bytes);
    return is_better(func, self, &value, when)
               ? store(self, bytes, when, budget)
               : ERR_OK;
}

void
kept_fini(uint64_t *self)
{
    free(kept_of(self));
    self[0] = 0;
}
