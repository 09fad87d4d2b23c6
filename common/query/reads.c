// SPDX-License-Identifier: Apache-2.0
// What an expression or a filter reads of a line.
#include "common/query/query.h"

uint32_t
expr_reads(const expr_t *e)
{
    uint32_t fields = 0;

    if (e == NULL) {
        return 0;
    }
    for (size_t i = 0; i < e->n_args; i++) {
        fields |= expr_reads(e->args[i]);
    }
    fields |= filter_reads(e->filter);
    return fields | (e->kind == EXPR_FIELD ? 1u << e->field : 0);
}

uint32_t
filter_reads(const filter_t *f)
{
    if (f == NULL) {
        return 0;
    }
    uint32_t fields = expr_reads(f->a) | expr_reads(f->b);
    for (size_t i = 0; i < f->n_subs; i++) {
        fields |= filter_reads(f->subs[i]);
    }
    return fields | (f->kind == FILTER_LINE_HAS ? 1u << FIELD_LINE : 0);
}
