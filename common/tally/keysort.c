// SPDX-License-Identifier: Apache-2.0
// Keys of log lines share long beginnings and lie far apart in memory, so a
// comparison of two is a miss and a walk over what they share. Here the bytes
// that all keys of a range share are passed over once, the next eight bytes of
// each become a word beside its pointer, and the words are sorted: by radix
// when they are many, leaving out bytes that do not differ. A run of equal
// words is a smaller range of keys that share eight bytes more.
#include "common/tally/keysort.h"

#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WORD       8u
#define FEW        12u   // sorted by insertion
#define MANY       192u  // sorted by radix
#define LEVELS_MAX 1000u // of recursion; keys made to go deeper are for qsort
#define AHEAD      8u    // items

static int
cmp_tails(const kept_key_t *a, const kept_key_t *b, size_t depth)
{
    size_t shorter = a->len < b->len ? a->len : b->len;
    int c = memcmp(a->bytes + depth, b->bytes + depth, shorter - depth);

    return c != 0 ? c : a->len < b->len ? -1 : a->len > b->len;
}

static int
cmp_items(const void *a, const void *b)
{
    return cmp_tails(
        ((const sort_item_t *)a)->key, ((const sort_item_t *)b)->key, 0);
}

static void
sort_few(sort_item_t *items, size_t n, size_t depth)
{
    for (size_t i = 1; i < n; i++) {
        sort_item_t item = items[i];
        size_t k = i;
        for (; k > 0 && cmp_tails(item.key, items[k - 1].key, depth) < 0; k--) {
            items[k] = items[k - 1];
        }
        items[k] = item;
    }
}

// Keys lie anywhere: each would be waited for.
static void
fetch_ahead(const sort_item_t *items, size_t n, size_t i, size_t depth)
{
    if (i + AHEAD < n) {
        __builtin_prefetch(items[i + AHEAD].key->bytes + depth);
    }
}

// How many bytes all keys share, `depth` of which are known.
static size_t
shared_by_all(const sort_item_t *items, size_t n, size_t depth)
{
    const kept_key_t *first = items[0].key;
    size_t shared = first->len;

    for (size_t i = 1; i < n && shared > depth; i++) {
        const kept_key_t *key = items[i].key;
        size_t k = depth;
        fetch_ahead(items, n, i, depth);
        while (k < shared && k < key->len && key->bytes[k] == first->bytes[k]) {
            k++;
        }
        shared = k;
    }
    return shared;
}

// Big-endian, zeros behind the key's end.
static uint64_t
word_at(const kept_key_t *key, size_t depth)
{
    size_t left = key->len - depth;
    uint64_t word = 0;

    memcpy(&word, key->bytes + depth, left < WORD ? left : WORD);
    return be64toh(word);
}

static void
load_words(sort_item_t *items, size_t n, size_t depth)
{
    for (size_t i = 0; i < n; i++) {
        fetch_ahead(items, n, i, depth);
        items[i].word = word_at(items[i].key, depth);
    }
}

// Quicksort in three parts; the middle one is equal words.
static void
quick_words(sort_item_t *items, size_t n)
{
    while (n > 1) {
        uint64_t a = items[0].word, b = items[n / 2].word;
        uint64_t c = items[n - 1].word;
        uint64_t pivot = a < b ? (b < c      ? b
                                     : a < c ? c
                                             : a)
                               : (a < c      ? a
                                     : b < c ? c
                                             : b);
        size_t less = 0, at = 0, more = n;
        while (at < more) {
            sort_item_t item = items[at];
            if (item.word < pivot) {
                items[at++] = items[less];
                items[less++] = item;
            } else if (item.word > pivot) {
                items[at] = items[--more];
                items[more] = item;
            } else {
                at++;
            }
        }
        quick_words(items, less);
        items += more;
        n -= more;
    }
}

// One pass by the byte at `shift`, of which `count` says how often each is.
// False when it is the same in all.
static bool
radix_pass(const sort_item_t *from, sort_item_t *to, size_t n, unsigned shift,
    const uint32_t count[256])
{
    size_t place[256];
    size_t sum = 0;

    if (count[from[0].word >> shift & 0xff] == n) {
        return false;
    }
    for (size_t b = 0; b < 256; b++) {
        place[b] = sum;
        sum += count[b];
    }
    for (size_t i = 0; i < n; i++) {
        to[place[from[i].word >> shift & 0xff]++] = from[i];
    }
    return true;
}

static void
radix_words(sort_item_t *items, sort_item_t *room, size_t n)
{
    sort_item_t *from = items, *to = room;
    uint32_t counts[WORD][256] = {0};

    for (size_t i = 0; i < n; i++) {
        for (unsigned b = 0; b < WORD; b++) {
            counts[b][items[i].word >> 8 * b & 0xff]++;
        }
    }
    for (unsigned b = 0; b < WORD; b++) {
        if (radix_pass(from, to, n, 8 * b, counts[b])) {
            sort_item_t *aside = from;
            from = to;
            to = aside;
        }
    }
    if (from != items) {
        memcpy(items, from, n * sizeof *items);
    }
}

static void
by_length(sort_item_t *items, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        sort_item_t item = items[i];
        size_t k = i;
        for (; k > 0 && item.key->len < items[k - 1].key->len; k--) {
            items[k] = items[k - 1];
        }
        items[k] = item;
    }
}

// The keys that end inside their equal words, at most nine, come first, by
// length. Returns how many.
static size_t
ended_first(sort_item_t *items, size_t n, size_t depth)
{
    size_t ended = 0;

    for (size_t i = 0; i < n; i++) {
        if (items[i].key->len <= depth) {
            sort_item_t item = items[i];
            items[i] = items[ended];
            items[ended++] = item;
        }
    }
    by_length(items, ended);
    return ended;
}

static void
sort_range(sort_item_t *items, sort_item_t *room, size_t n, size_t depth,
    unsigned level)
{
    if (n < FEW) {
        sort_few(items, n, depth);
        return;
    }
    if (level == LEVELS_MAX) {
        qsort(items, n, sizeof *items, cmp_items);
        return;
    }
    depth = shared_by_all(items, n, depth);
    load_words(items, n, depth);
    if (n < MANY) {
        quick_words(items, n);
    } else {
        radix_words(items, room, n);
    }
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && items[end].word == items[i].word;) {
            end++;
        }
        if (end - i > 1) {
            i += ended_first(items + i, end - i, depth + WORD);
            sort_range(items + i, room, end - i, depth + WORD, level + 1);
        }
    }
}

void
keysort(sort_item_t *items, sort_item_t *room, size_t n)
{
    sort_range(items, room, n, 0, 0);
}
