// SPDX-License-Identifier: Apache-2.0
// Layout of a run:
//
//   n varint | n times: the key (rising.h) | one state per aggregate
//
// Both ways are loops over millions of groups. Encoding and adding have a
// batch of groups under way at once (see tally.c); decoding has a short way
// for what nearly every group is: numbers of one byte, keys of text, a count.
#include "common/tally/groups.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/tally/rising.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES (64u << 10) // of keys; a batch with more is added early

static void
put_group(const tally_t *tally, span_t previous, const tally_entry_t *entry,
    buf_t *out)
{
    const query_t *query = tally_query(tally);
    const agg_state_t *state = entry->states;

    rising_put(previous, entry->key, out);
    for (size_t a = 0; a < query->n_aggs; a++) {
        agg_func_t func = query->aggs[a].func;
        if (agg_is_wide(func)) {
            tally_encode(tally, entry->states, a, out);
        } else {
            agg_encode(func, state, out);
        }
        state += agg_words(func);
    }
}

errcode_t
groups_encode(const tally_t *tally, const uint32_t *numbers, size_t n,
    size_t limit, buf_t *out)
{
    tally_entry_t entries[TALLY_BATCH];
    span_t previous = {0};

    buf_put_varint(out, n);
    for (size_t i = 0; i < n; i += TALLY_BATCH) {
        size_t batch = n - i < TALLY_BATCH ? n - i : TALLY_BATCH;
        tally_entries(tally, numbers + i, batch, entries);
        for (size_t k = 0; k < batch; k++) {
            put_group(tally, previous, &entries[k], out);
            previous = entries[k].key;
            if (out->len > limit) {
                return ERR_TOO_LARGE;
            }
        }
    }
    return ERR_OK;
}

static inline errcode_t
check_cell(rd_t *r)
{
    cell_t cell;

    if (rd_left(r) > 1 && r->p[0] == CELL_TAG_TEXT && r->p[1] < 0x80 &&
        rd_left(r) - 2 >= r->p[1]) {
        r->p += 2 + r->p[1];
        return ERR_OK;
    }
    return cell_decode(r, &cell);
}

// One cell per key column and nothing else.
static errcode_t
check_key(span_t key, const query_t *query)
{
    rd_t r = rd_init(key);
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < query->n_keys; i++) {
        rc = check_cell(&r);
    }
    return rc != ERR_OK ? rc : rd_end(&r);
}

errcode_t
groups_check(
    span_t bytes, const query_t *query, unsigned part, unsigned n_parts)
{
    rd_t r = rd_init(bytes);
    buf_t key = {0};
    uint64_t n;
    errcode_t rc = rd_varint(&r, &n);

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        span_t rest;
        size_t shared;
        rc = rising_get(&r, buf_span(&key), i == 0, &shared, &rest);
        if (rc == ERR_OK) {
            key.len = shared;
            buf_put_span(&key, rest);
            rc = check_key(buf_span(&key), query);
        }
        if (rc == ERR_OK && n_parts > 1 &&
            tally_part(buf_span(&key), n_parts) != part) {
            rc = ERR_MALFORMED;
        }
        for (size_t a = 0; rc == ERR_OK && a < query->n_aggs; a++) {
            rc = agg_check(query->aggs[a].func, &r);
        }
    }
    buf_fini(&key);
    return rc != ERR_OK ? rc : rd_end(&r);
}

// Groups that were decoded and are to be added.
typedef struct batch {
    tally_t *const *tallies;
    unsigned n_tallies;
    const query_t *query;
    size_t n_words; // of the states of one group
    span_t keys[TALLY_BATCH];
    size_t n;
    agg_state_t *states; // n_words each
    buf_t bytes;         // of the keys
    span_t last;         // key, in bytes
} batch_t;

static const agg_state_t *
merge_states(const query_t *query, agg_state_t *to, const agg_state_t *from)
{
    for (size_t a = 0; a < query->n_aggs; a++) {
        size_t words = agg_words(query->aggs[a].func);
        agg_merge(query->aggs[a].func, to, from);
        to += words;
        from += words;
    }
    return from;
}

// To one table.
static errcode_t
add_together(const batch_t *b)
{
    uint32_t groups[TALLY_BATCH];
    const agg_state_t *from = b->states;
    tally_t *tally = b->tallies[0];
    errcode_t rc = tally_groups_find(tally, b->keys, b->n, groups);

    for (size_t i = 0; rc == ERR_OK && i < b->n; i++) {
        from = merge_states(b->query, tally_states(tally, groups[i]), from);
    }
    return rc;
}

// Each to its own table; only small partials come this way.
static errcode_t
add_singly(const batch_t *b)
{
    const agg_state_t *from = b->states;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; rc == ERR_OK && i < b->n; i++) {
        agg_state_t *to;
        unsigned part = tally_part(b->keys[i], b->n_tallies);
        rc = tally_group(b->tallies[part], b->keys[i], &to);
        if (rc == ERR_OK) {
            from = merge_states(b->query, to, from);
        }
    }
    return rc;
}

static errcode_t
add_batch(batch_t *b)
{
    errcode_t rc = b->n_tallies == 1 ? add_together(b) : add_singly(b);

    b->n = 0;
    return rc;
}

// Room for a key of `len` bytes behind the last one, which what comes next
// may share bytes with.
static errcode_t
make_room(batch_t *b, size_t len)
{
    errcode_t rc = add_batch(b);

    memmove(b->bytes.p, b->last.p, b->last.len);
    b->bytes.len = b->last.len;
    buf_reserve(&b->bytes, len > BATCH_BYTES ? len : BATCH_BYTES);
    b->last.p = b->bytes.p;
    return rc;
}

static errcode_t
push_key(batch_t *b, size_t shared, span_t rest)
{
    size_t len = shared + rest.len;
    errcode_t rc = ERR_OK;

    if (b->n == TALLY_BATCH || len > b->bytes.cap - b->bytes.len) {
        rc = make_room(b, len);
    }
    uint8_t *p = b->bytes.p + b->bytes.len;
    memcpy(p, b->last.p, shared);
    memcpy(p + shared, rest.p, rest.len);
    b->bytes.len += len;
    b->last = (span_t){p, len};
    b->keys[b->n] = b->last;
    return rc;
}

static errcode_t
get_group(rd_t *r, batch_t *b, bool first)
{
    span_t rest;
    size_t shared;
    errcode_t rc = rising_get(r, b->last, first, &shared, &rest);

    rc = rc != ERR_OK ? rc : push_key(b, shared, rest);
    agg_state_t *state = b->states + b->n * b->n_words;
    for (size_t a = 0; rc == ERR_OK && a < b->query->n_aggs; a++) {
        agg_func_t func = b->query->aggs[a].func;
        rc = func == AGG_COUNT ? rd_varint(r, state)
                               : agg_decode(func, r, state);
        state += agg_words(b->query->aggs[a].func);
    }
    b->n++;
    return rc;
}

// States that are not words alone are merged as they are read.
static errcode_t
add_wide(rd_t *r, uint64_t n, tally_t *const *tallies, unsigned n_tallies)
{
    size_t n_aggs = tally_query(tallies[0])->n_aggs;
    buf_t key = {0};
    errcode_t rc = ERR_OK;

    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        span_t rest;
        size_t shared = 0;
        agg_state_t *states;
        rc = rising_get(r, buf_span(&key), i == 0, &shared, &rest);
        if (rc != ERR_OK) {
            break;
        }
        key.len = shared;
        buf_put_span(&key, rest);
        tally_t *to = tallies[tally_part(buf_span(&key), n_tallies)];
        rc = tally_group(to, buf_span(&key), &states);
        for (size_t a = 0; rc == ERR_OK && a < n_aggs; a++) {
            rc = tally_merge(to, states, a, r);
        }
    }
    buf_fini(&key);
    return rc;
}

errcode_t
groups_add(span_t bytes, tally_t *const *tallies, unsigned n_tallies)
{
    batch_t b = {.tallies = tallies,
        .n_tallies = n_tallies,
        .query = tally_query(tallies[0])};
    rd_t r = rd_init(bytes);
    uint64_t n = 0;
    errcode_t rc = rd_varint(&r, &n);

    if (rc != ERR_OK || tally_is_wide(b.query)) {
        return rc != ERR_OK ? rc : add_wide(&r, n, tallies, n_tallies);
    }
    for (size_t a = 0; a < b.query->n_aggs; a++) {
        b.n_words += agg_words(b.query->aggs[a].func);
    }
    b.states = xcalloc(TALLY_BATCH * b.n_words + 1, sizeof *b.states);
    b.last.p = buf_reserve(&b.bytes, BATCH_BYTES);
    if (n_tallies == 1 && n <= bytes.len) { // all of n differ
        tally_expect(tallies[0], (size_t)n);
    }
    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = get_group(&r, &b, i == 0);
    }
    rc = rc != ERR_OK ? rc : add_batch(&b);
    free(b.states);
    buf_fini(&b.bytes);
    return rc;
}
