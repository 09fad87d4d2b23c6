// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/memo.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ENTRIES 1024u // of 128 bytes: half of a second-level cache

struct memo {
    memo_entry_t entries[ENTRIES];
    bool used; // else they hold anything: a small shard needs none of them
};

memo_t *
memo_new(void)
{
    memo_t *self = xmalloc(sizeof *self);

    self->used = false;
    return self;
}

void
memo_destroy(memo_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void
memo_forget(memo_t *self)
{
    self->used = false;
}

memo_entry_t *
memo_at(memo_t *self, span_t raw)
{
    if (!self->used) {
        self->used = true;
        memset(self->entries, 0, sizeof self->entries);
    }
    return &self->entries[XXH3_64bits(raw.p, raw.len) % ENTRIES];
}

bool
memo_is(const memo_entry_t *entry, span_t raw)
{
    return entry->len_1 == raw.len + 1 &&
           memcmp(entry->raw, raw.p, raw.len) == 0;
}

void
memo_put(memo_entry_t *entry, span_t raw, uint32_t group, uint32_t bad)
{
    entry->len_1 = (uint32_t)raw.len + 1;
    entry->group = group;
    entry->bad = bad;
    memcpy(entry->raw, raw.p, raw.len);
}
