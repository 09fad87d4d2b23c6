// SPDX-License-Identifier: Apache-2.0
#include "common/query/parse.h"

#include <string.h>

static bool
parse_column(parser_t *p, size_t *out)
{
    const tok_t *t = peek(p);

    if (match_column(p, out)) {
        return true;
    }
    if (t->kind == TOK_NAME) {
        return unknown_name(p, t);
    }
    return fail_tok(p, t,
        t->kind == TOK_END ? "expected a column" : "expected a column, not");
}

static bool
sort_column(parser_t *p, sort_key_t *k)
{
    size_t start = p->at, column = 0;

    k->descending = take_if(p, "-");
    if (k->descending && !match_column(p, &column)) {
        p->at = start; // a column may itself begin with '-'
        k->descending = !match_column(p, &column);
        p->at = k->descending ? start + 1 : p->at;
        k->column = column;
        return !k->descending || parse_column(p, &k->column);
    }
    k->column = column;
    return k->descending || parse_column(p, &k->column);
}

static bool
parse_sort(parser_t *p)
{
    stage_t *s = stage_new(p, STAGE_SORT);

    if (s == NULL) {
        return false;
    }
    s->sort = query_alloc(p->mem, LIMIT_QUERY_COLUMNS, sizeof *s->sort);
    buf_put_str(&p->tail, " | sort ");
    do {
        if (s->n_sort >= LIMIT_QUERY_COLUMNS) {
            return fail_tok(p, peek(p), "too many columns at");
        }
        sort_key_t *k = &s->sort[s->n_sort];
        if (!sort_column(p, k)) {
            return false;
        }
        buf_printf(&p->tail, "%s%s%s", s->n_sort++ == 0 ? "" : ", ",
            k->descending ? "-" : "", p->q->columns[k->column].name);
    } while (take_if(p, ","));
    return true;
}

static bool
parse_head(parser_t *p)
{
    stage_t *s = stage_new(p, STAGE_HEAD);

    if (s == NULL || !parse_count_of(p, &s->head)) {
        return false;
    }
    buf_printf(&p->tail, " | head %llu", (unsigned long long)s->head);
    if (!take_if(p, "per")) {
        return true;
    }
    s->per = query_alloc(p->mem, LIMIT_QUERY_COLUMNS, sizeof *s->per);
    do {
        if (s->n_per >= LIMIT_QUERY_COLUMNS) {
            return fail_tok(p, peek(p), "too many columns at");
        }
        size_t *c = &s->per[s->n_per];
        if (!parse_column(p, c)) {
            return false;
        }
        buf_printf(&p->tail, "%s%s", s->n_per++ == 0 ? " per " : ", ",
            p->q->columns[*c].name);
    } while (take_if(p, ","));
    return true;
}

static bool
parse_where(parser_t *p)
{
    filter_t *f = parse_filter(p);

    if (f == NULL) {
        return false;
    }
    if (!p->after) {
        p->q->filter = filter_both(p, p->q->filter, f);
        return true;
    }
    stage_t *s = stage_new(p, STAGE_WHERE);
    if (s == NULL) {
        return false;
    }
    s->filter = f;
    buf_put_str(&p->tail, " | where ");
    canon_filter(p->q, f, &p->tail);
    return true;
}

static bool
let_before(parser_t *p, const tok_t *t, const char *name, expr_t *e)
{
    field_t field;

    if (field_find(t->text, &field)) {
        return fail_tok(p, t, "there is a field called");
    }
    if (own_name_is(p->q, t->text)) { // the canonical text moves lets forward
        return fail_tok(p, t, "this query has a field called");
    }
    for (size_t i = 0; i < p->n_lets; i++) {
        if (span_is(p->lets[i].name, name)) {
            return fail_tok(p, t, "a 'let' before this one is called");
        }
    }
    p->lets[p->n_lets++] = (let_t){span_str(name), e};
    return true;
}

static bool
parse_let(parser_t *p)
{
    size_t begin = p->at;
    const tok_t *t = peek(p);
    char *name;
    expr_t *e;

    if (!parse_new_name(p, &name) || !expect(p, "=") ||
        (e = parse_expr(p)) == NULL) {
        return false;
    }
    if (!p->after) {
        return let_before(p, t, name, e);
    }
    stage_t *s = stage_new(p, STAGE_LET);
    if (s == NULL) {
        return false;
    }
    s->expr = e;
    buf_printf(&p->tail, " | let %s = ", name);
    canon_expr(p->q, e, &p->tail);
    return add_column(p, name, e->type, begin, begin + 1, NULL);
}

bool
starts_aggs(parser_t *p)
{
    const tok_t *t = peek(p);

    return t->kind == TOK_NAME && agg_find(t->text) != NULL;
}

static bool
parse_stage(parser_t *p)
{
    const tok_t *t = peek(p);

    if (++p->stages_seen > LIMIT_QUERY_STAGES) {
        return fail_tok(p, t, "too many stages at");
    }
    if (take_if(p, "where")) {
        return parse_where(p);
    }
    if (take_if(p, "let")) {
        return parse_let(p);
    }
    if (tok_is(t, "top") || tok_is(t, "bottom")) {
        return parse_agg_stage(p);
    }
    if (tok_is(t, "sort") || tok_is(t, "head")) {
        if (!p->after) {
            return fail_tok(p, t, "an aggregate must stand before");
        }
        p->at++;
        return tok_is(t, "sort") ? parse_sort(p) : parse_head(p);
    }
    return starts_aggs(p) ? parse_agg_stage(p) : unknown_agg(p, t);
}

static uint32_t
query_reads(const query_t *q)
{
    uint32_t fields = filter_reads(q->filter);

    for (size_t i = 0; i < q->n_keys; i++) {
        fields |= expr_reads(q->keys[i].expr);
    }
    for (size_t i = 0; i < q->n_aggs; i++) {
        const query_agg_t *a = &q->aggs[i];
        bool timed = a->func == AGG_FIRST || a->func == AGG_LAST;
        fields |= expr_reads(a->arg) | filter_reads(a->filter) |
                  (timed ? 1u << FIELD_TIME : 0);
    }
    return fields;
}

// Lets come first, so that the whole filter may use them.
static void
put_lets(const parser_t *p, buf_t *out)
{
    for (size_t i = 0; i < p->n_lets; i++) {
        buf_printf(out, "let %s = ", (const char *)p->lets[i].name.p);
        canon_expr(p->q, p->lets[i].expr, out);
        buf_put_str(out, " | ");
    }
}

// Equal conditions are looked at once for all aggregates that have them.
static void
number_conditions(query_t *q)
{
    buf_t texts = {0};
    size_t ends[LIMIT_QUERY_COLUMNS + 1] = {0};

    for (size_t i = 0; i < q->n_aggs; i++) {
        size_t k = 0, begin = ends[i];
        if (q->aggs[i].filter != NULL) {
            canon_filter(q, q->aggs[i].filter, &texts);
        }
        size_t len = texts.len - begin;
        while (k < i && (ends[k + 1] - ends[k] != len ||
                            (len > 0 && memcmp(texts.p + ends[k],
                                            texts.p + begin, len) != 0))) {
            k++;
        }
        q->aggs[i].condition = k;
        ends[i + 1] = texts.len;
    }
    buf_fini(&texts);
}

static bool
finish(parser_t *p)
{
    query_t *q = p->q;
    buf_t text = {0};

    if (!p->after) { // a filter alone counts
        q->aggs = query_alloc(p->mem, 1, sizeof *q->aggs);
        q->n_aggs = 1;
        buf_put_str(&p->agg_text, "count");
        if (!add_column(p, "count", TYPE_INTEGER, 0, 1, NULL)) {
            return false;
        }
        set_order(p);
    }
    put_lets(p, &text);
    if (q->filter != NULL) {
        buf_put_str(&text, p->n_lets > 0 ? "where " : "");
        canon_filter(q, q->filter, &text);
        buf_put_str(&text, " | ");
    }
    buf_put_span(&text, buf_span(&p->agg_text));
    buf_put_span(&text, buf_span(&p->tail));
    lower_hist(p);
    q->fields = query_reads(q);
    number_conditions(q);
    bool fits = text.len <= LIMIT_QUERY_TEXT;
    q->canonical = keep_buf(p, &text);
    return fits || fail_at(p, 0, strlen(p->text), "the query is too long");
}

static bool
starts_stage(const tok_t *t)
{
    static const char *const words[] = {
        "where", "let", "top", "bottom", "sort", "head"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (tok_is(t, words[i])) {
            return true;
        }
    }
    return false;
}

bool
parse_query(parser_t *p)
{
    const tok_t *t = peek(p);
    bool stage = starts_stage(t) || starts_aggs(p);

    if (t->kind == TOK_END) {
        return fail_at(p, 0, 0, "the query is empty");
    }
    if (!stage && (p->q->filter = parse_filter(p)) == NULL) {
        return false;
    }
    if (stage && !parse_stage(p)) {
        return false;
    }
    while (take_if(p, "|")) {
        if (!parse_stage(p)) {
            return false;
        }
    }
    if (peek(p)->kind != TOK_END) {
        return fail_tok(p, peek(p), "expected '|' or the end before");
    }
    return finish(p);
}
