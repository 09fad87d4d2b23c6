// SPDX-License-Identifier: Apache-2.0
#include "worker/format/lanes.h"

#include "worker/format/lanes_kinds.h"

#include <string.h>

// Each structural byte gets a bit, which it alone has in both of its halves.
static bool
put_structural(const shape_t *shape, lanes_t *out)
{
    unsigned n = 0;

    for (unsigned c = 0; c < 256; c++) {
        if (shape->structural[c] == 0) {
            continue;
        }
        if (n == 8 || c >= 128) { // a shuffle takes no byte with a high bit
            return false;
        }
        out->low[c % 16] |= (uint8_t)(1u << n);
        out->high[c / 16] |= (uint8_t)(1u << n);
        n++;
    }
    return true;
}

// Into the lane of its token, or to the others. A lane has one byte that is
// not structural.
static void
put_check(lanes_t *self, const shape_check_t *c)
{
    const shape_bytes_t *b = &c->bytes;
    uint32_t i = c->token;
    bool content = b->content != 0;

    if (c->delta + b->len + content > 4 || (content && self->content[i] != 0)) {
        self->others[self->n_others++] = *c;
        return;
    }
    self->want[i] |= (uint32_t)b->want << 8 * c->delta;
    self->mask[i] |= (uint32_t)b->mask << 8 * c->delta;
    if (content) {
        self->shift[i] = 8 * (c->delta + b->len);
        self->content[i] = b->content;
    }
}

bool
lanes_make(const shape_t *shape, lanes_t *out)
{
    memset(out, 0, sizeof *out);
    if (!put_structural(shape, out)) {
        return false;
    }
    for (size_t i = 1; i <= shape->n_tokens; i++) {
        shape_check_t c = {shape->at_token[i], (uint32_t)i, 0};
        put_check(out, &c);
    }
    for (size_t i = 0; i < shape->n_checks; i++) {
        put_check(out, &shape->checks[i]);
    }
    out->want[shape->n_tokens + 1] = '\n';
    out->mask[shape->n_tokens + 1] = 0xff;
    out->n = (uint32_t)shape->n_tokens + 1;
    return true;
}

#if defined(__x86_64__)
const lanes_kind_t *
lanes_kind_at(size_t i)
{
    if (i == 0) {
        return __builtin_cpu_supports("avx512bw") ? &lanes_avx512 : NULL;
    }
    return i == 1 && __builtin_cpu_supports("avx2") ? &lanes_avx2 : NULL;
}
#else
const lanes_kind_t *
lanes_kind_at(size_t i)
{
    (void)i;
    return NULL;
}
#endif

const lanes_kind_t *
lanes_kind(void)
{
    const lanes_kind_t *kind = NULL;

    for (size_t i = 0; kind == NULL && i < LANES_KINDS; i++) {
        kind = lanes_kind_at(i);
    }
    return kind;
}
