// SPDX-License-Identifier: Apache-2.0
#include "common/result/memory.h"

#include "common/base/xalloc.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_FIRST (16u << 10)
#define BLOCK_MAX   (1u << 20)

struct result_memory {
    uint8_t **blocks;
    size_t n;
    size_t cap;
    size_t left;  // in the last block
    size_t block; // the next one's bytes, BLOCK_MAX at most
    uint8_t *at;
};

result_memory_t *
result_memory_new(void)
{
    result_memory_t *self = xcalloc(1, sizeof *self);

    self->block = BLOCK_FIRST;
    return self;
}

void
result_memory_destroy(result_memory_t **self_p)
{
    result_memory_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n; i++) {
        free(self->blocks[i]);
    }
    free(self->blocks);
    free(self);
    *self_p = NULL;
}

span_t
result_keep(result_memory_t *self, span_t text)
{
    if (text.len == 0) {
        return (span_t){(const uint8_t *)"", 0};
    }
    if (text.len > self->left) {
        // Most results are small.
        size_t block = self->block < BLOCK_MAX ? self->block : BLOCK_MAX;
        size_t size = text.len > block / 4 ? text.len : block;
        self->blocks =
            xgrow(self->blocks, &self->cap, self->n + 1, sizeof *self->blocks);
        self->at = self->blocks[self->n++] = xmalloc(size);
        self->left = size;
        self->block = block * 2;
    }
    span_t kept = {self->at, text.len};
    memcpy(self->at, text.p, text.len);
    self->at += text.len;
    self->left -= text.len;
    return kept;
}

bool
cell_fits(const cell_t *cell, type_t type)
{
    return cell->kind == CELL_MISSING ||
           (cell->kind == CELL_NUMBER) == type_is_number(type);
}

void
result_fingerprint(const result_t *self, uint8_t out[32])
{
    crypto_generichash_state state;
    buf_t buf = {0};

    crypto_generichash_init(&state, NULL, 0, 32);
    buf_put_block(&buf, span_str(self->query));
    for (size_t i = 0; i < self->n_rows * self->n_columns; i++) {
        cell_encode(&self->cells[i], &buf);
        if (buf.len > 65536) {
            crypto_generichash_update(&state, buf.p, buf.len);
            buf_clear(&buf);
        }
    }
    crypto_generichash_update(&state, buf.p, buf.len);
    crypto_generichash_final(&state, out, 32);
    buf_fini(&buf);
}

void
result_fingerprint_all(const result_t *self, uint8_t out[32])
{
    crypto_generichash_state state;

    if (self->next == NULL) {
        memcpy(out, self->receipt.fingerprint, 32);
        return;
    }
    crypto_generichash_init(&state, NULL, 0, 32);
    for (; self != NULL; self = self->next) {
        crypto_generichash_update(&state, self->receipt.fingerprint, 32);
    }
    crypto_generichash_final(&state, out, 32);
}
