// SPDX-License-Identifier: Apache-2.0
// shorts: values of at most eight bytes, as they stand in the log, to what
// was found for them: a group, or whether a filter passes. Direct-mapped, as
// memo; one comparison of a word instead of parsing.
#ifndef LOGTALLY_WORKER_SCAN_SHORTS_H
#define LOGTALLY_WORKER_SCAN_SHORTS_H

#include "common/base/bytes.h"

#define SHORTS_LEN     8u
#define SHORTS_ENTRIES 2048u

typedef struct short_entry {
    uint64_t bytes;
    uint32_t len_1; // length + 1; 0: empty
    uint32_t bad;   // values that did not fit their type
    uint32_t found;
} short_entry_t;

typedef struct shorts {
    short_entry_t entries[SHORTS_ENTRIES];
} shorts_t;

// The text's bytes in a word. Eight bytes are read, whatever its length.
static inline uint64_t
shorts_word(span_t text)
{
    uint64_t word;

    __builtin_memcpy(&word, text.p, sizeof word);
    unsigned unused = 8u * (unsigned)(SHORTS_LEN - text.len);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return unused < 64 ? word << unused : 0;
#else
    return unused < 64 ? word >> unused : 0;
#endif
}

// Where the text is (*known), or would be; NULL for one that is too long.
static inline short_entry_t *
shorts_find(shorts_t *self, span_t text, bool *known)
{
    if (text.len > SHORTS_LEN) {
        *known = false;
        return NULL;
    }
    uint64_t word = shorts_word(text);
    short_entry_t *entry = &self->entries[word * 0x9e3779b97f4a7c15u >> 53];
    *known = entry->bytes == word && entry->len_1 == text.len + 1;
    return entry;
}

static inline void
shorts_put(short_entry_t *entry, span_t text, uint32_t found, uint32_t bad)
{
    *entry =
        (short_entry_t){shorts_word(text), (uint32_t)text.len + 1, bad, found};
}

#endif
