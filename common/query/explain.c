// SPDX-License-Identifier: Apache-2.0
#include "common/query/parse.h"

static void
explain_stage(const query_t *q, const stage_t *s, buf_t *out)
{
    size_t let = 0;

    if (s->kind == STAGE_WHERE) {
        buf_put_str(out, "  where ");
        canon_filter(q, s->filter, out);
    } else if (s->kind == STAGE_LET) {
        for (const stage_t *t = q->stages; t < s; t++) {
            let += t->kind == STAGE_LET;
        }
        buf_printf(
            out, "  let %s = ", q->columns[q->n_keys + q->n_aggs + let].name);
        canon_expr(q, s->expr, out);
    } else if (s->kind == STAGE_SORT) {
        for (size_t i = 0; i < s->n_sort; i++) {
            buf_printf(out, "%s%s%s", i == 0 ? "  sort " : ", ",
                s->sort[i].descending ? "-" : "",
                q->columns[s->sort[i].column].name);
        }
    } else {
        buf_printf(out, "  head %llu", (unsigned long long)s->head);
        for (size_t i = 0; i < s->n_per; i++) {
            buf_printf(out, "%s%s", i == 0 ? " per " : ", ",
                q->columns[s->per[i]].name);
        }
    }
    buf_put_u8(out, '\n');
}

static void
explain_literal(const query_t *q, buf_t *out)
{
    filter_t has = {.kind = FILTER_LINE_HAS, .text = query_literal(q)};

    if (has.text.p != NULL) {
        buf_put_str(out, "skipped: lines without ");
        canon_filter(q, &has, out);
        buf_put_u8(out, '\n');
    }
}

static void
explain_worker(const query_t *q, buf_t *out)
{
    buf_put_str(out, "on the workers:\n");
    if (q->filter != NULL) {
        buf_put_str(out, "  filter ");
        canon_filter(q, q->filter, out);
        buf_put_u8(out, '\n');
    }
    for (size_t i = 0; i < q->n_aggs; i++) {
        buf_put_str(out, i == 0 ? "  " : ", ");
        canon_agg(q, &q->aggs[i], out);
    }
    for (size_t i = 0; i < q->n_keys; i++) {
        buf_put_str(out, i == 0 ? " by " : ", ");
        canon_key(q, &q->keys[i], out);
    }
    buf_put_u8(out, '\n');
}

void
query_explain(const query_t *self, buf_t *out)
{
    const char *between = " ";

    buf_printf(out, "query: %s\nfields:", self->canonical);
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if (self->fields & (1u << f)) {
            buf_printf(out, "%s%s", between, field_infos[f].name);
            between = ", ";
        }
    }
    for (size_t i = 0; i < self->n_names; i++) {
        buf_printf(out, "%s`", between);
        buf_put_span(out, self->names[i]);
        buf_put_u8(out, '`');
        between = ", ";
    }
    buf_put_str(out, between[0] == ' ' ? " none\n" : "\n");
    explain_literal(self, out);
    explain_worker(self, out);
    buf_put_str(out, "on the merged table:\n");
    for (size_t i = 0; i < self->n_stages; i++) {
        explain_stage(self, &self->stages[i], out);
    }
    for (size_t i = 0; i < self->n_order; i++) {
        buf_printf(out, "%s%s%s", i == 0 ? "  order " : ", ",
            self->order[i].descending ? "-" : "",
            self->columns[self->order[i].column].name);
    }
    buf_put_u8(out, '\n');
}
