// SPDX-License-Identifier: Apache-2.0
#include "common/base/xalloc.h"
#include "common/query/parse.h"

#include <stdlib.h>
#include <string.h>

struct query_memory {
    void **blocks;
    size_t n;
    size_t cap;
};

query_memory_t *
query_memory_new(void)
{
    return xcalloc(1, sizeof(query_memory_t));
}

void
query_memory_destroy(query_memory_t **self_p)
{
    query_memory_t *self = *self_p;

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

void *
query_alloc(query_memory_t *self, size_t n, size_t len)
{
    self->blocks =
        xgrow(self->blocks, &self->cap, self->n + 1, sizeof *self->blocks);
    return self->blocks[self->n++] = xcalloc(n == 0 ? 1 : n, len);
}

span_t
query_keep(query_memory_t *self, span_t s)
{
    uint8_t *p = query_alloc(self, s.len + 1, 1);

    if (s.len > 0) {
        memcpy(p, s.p, s.len);
    }
    return (span_t){p, s.len};
}

void
query_destroy(query_t **self_p)
{
    if (*self_p == NULL) {
        return;
    }
    query_memory_t *mem = (*self_p)->memory; // the query lies in it too
    query_memory_destroy(&mem);
    *self_p = NULL;
}
