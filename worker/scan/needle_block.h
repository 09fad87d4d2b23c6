// SPDX-License-Identifier: Apache-2.0
// The search of needle.h, written once. The file that includes it has
// included one of worker/format/block_*.h and defined NEEDLE_NAME and
// NEEDLE_TARGET. Where two bytes of the needle stand at their distance, the
// rest is compared. Hostile lines can make that slow, not wrong: at worst
// each place is compared.
#include <string.h>

// Places that are left at the end, fewer than 64.
static const uint8_t *
find_in_rest(const needle_t *self, const uint8_t *p, const uint8_t *end,
    uint64_t *newlines)
{
    const uint8_t *hit = NULL;

    for (const uint8_t *at = p;
         hit == NULL && (size_t)(end - at) >= self->text.len; at++) {
        hit = memcmp(at, self->text.p, self->text.len) == 0 ? at : NULL;
    }
    for (end = hit != NULL ? hit : end; p < end; p++) {
        *newlines += *p == '\n';
    }
    return hit;
}

static inline NEEDLE_TARGET uint64_t
places(const needle_t *self, const uint8_t *p)
{
    block_t first = block_load(p + self->a), second = block_load(p + self->b);

    return block_is(&first, self->text.p[self->a]) &
           block_is(&second, self->text.p[self->b]);
}

static inline NEEDLE_TARGET uint64_t
count(uint64_t ones)
{
    return (uint64_t)__builtin_popcountll(ones);
}

NEEDLE_TARGET const uint8_t *
NEEDLE_NAME(const needle_t *self, const uint8_t *p, const uint8_t *end,
    uint64_t *newlines)
{
    uint64_t n = 0;

    // A block of beginnings and their ends must lie inside.
    for (; (size_t)(end - p) >= 64 + self->text.len - 1; p += 64) {
        block_t block = block_load(p);
        uint64_t lines = block_is(&block, '\n');
        for (uint64_t m = places(self, p); m != 0; m &= m - 1) {
            const uint8_t *at = p + __builtin_ctzll(m);
            if (memcmp(at, self->text.p, self->text.len) == 0) {
                *newlines = n + count(lines & ((m & -m) - 1));
                return at;
            }
        }
        n += count(lines);
    }
    *newlines = n;
    return find_in_rest(self, p, end, newlines);
}
