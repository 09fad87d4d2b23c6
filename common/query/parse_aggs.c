// SPDX-License-Identifier: Apache-2.0
// Keys, aggregates and `top`: what makes the columns.
#include "common/query/parse.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

#define BUCKET_EXPECTED "expected a bucket such as 1h, 100 or /24, not"
#define BUCKET_NAME     "bucket"

// A key or aggregate that was read, before its column has its place.
typedef struct draft {
    size_t begin; // tokens, without `as NAME`
    size_t end;
    const char *canon;
    char *as;
    type_t type;
} draft_t;

typedef struct drafts {
    draft_t item[LIMIT_QUERY_COLUMNS];
    size_t n;
} drafts_t;

char *
keep_buf(parser_t *p, buf_t *b)
{
    char *s = (char *)(uintptr_t)query_keep(p->mem, buf_span(b)).p;

    buf_fini(b);
    return s;
}

bool
parse_new_name(parser_t *p, char **out)
{
    const tok_t *t = peek(p);

    if (t->kind != TOK_NAME) {
        return fail_tok(p, t,
            t->kind == TOK_END ? "expected a name" : "expected a name, not");
    }
    if (word_is_reserved(t->text)) {
        return fail_tok(p, t, "this word is reserved:");
    }
    if (t->text.len > LIMIT_NAME || t->text.p[0] == '$' ||
        memchr(t->text.p, '-', t->text.len) != NULL ||
        memchr(t->text.p, '(', t->text.len) != NULL) {
        return fail_tok(p, t, "this cannot be a name:");
    }
    p->at++;
    *out = (char *)(uintptr_t)query_keep(p->mem, t->text).p;
    return true;
}

static bool
parse_as(parser_t *p, draft_t *d)
{
    d->end = p->at;
    return !take_if(p, "as") || parse_new_name(p, &d->as);
}

static draft_t *
draft_new(parser_t *p, drafts_t *ds)
{
    if (ds->n >= LIMIT_QUERY_COLUMNS) {
        fail_tok(p, peek(p), "too many columns at");
        return NULL;
    }
    draft_t *d = &ds->item[ds->n++];
    *d = (draft_t){.begin = p->at};
    return d;
}

static bool
parse_net(parser_t *p, query_key_t *k)
{
    const tok_t *t = peek(p);
    bool fits = t->kind == TOK_NUMBER && t->type == TYPE_INTEGER &&
                t->number <= DEC_INT(128) && !type_is_number(k->expr->type);

    if (!fits) {
        return fail_tok(p, t,
            t->kind == TOK_NUMBER
                ? "this network bucket does not fit its key: /"
                : BUCKET_EXPECTED);
    }
    p->at++;
    k->bucket = BUCKET_NET;
    k->prefix = (uint8_t)(t->number / DEC_ONE);
    k->written = t->type;
    return true;
}

bool
parse_step(parser_t *p, query_key_t *k, const char *expected)
{
    const tok_t *t = peek(p);

    k->expr = expr_read_as(p, k->expr, TYPE_DECIMAL);
    if (t->kind != TOK_NUMBER) {
        return fail_tok(p, t, expected);
    }
    p->at++;
    k->bucket = BUCKET_STEP;
    k->step = t->number;
    k->written = t->type;
    if (t->number <= 0) {
        return fail_tok(p, t, "a bucket is larger than zero, not");
    }
    if (!type_is_number(k->expr->type)) {
        return fail_tok(p, t, "text has no such bucket:");
    }
    if ((k->expr->type == TYPE_TIME) && t->type != TYPE_DURATION) {
        return fail_tok(p, t,
            "a bucket of times is a duration such as 1h, "
            "not");
    }
    return true;
}

static bool
parse_bucket(parser_t *p, query_key_t *k)
{
    return take_if(p, "/") ? parse_net(p, k)
                           : parse_step(p, k, BUCKET_EXPECTED);
}

static type_t
key_type(const query_key_t *k)
{
    if (k->bucket == BUCKET_NET) {
        return TYPE_TEXT;
    }
    return k->expr->type == TYPE_INTEGER && k->step % DEC_ONE != 0
               ? TYPE_DECIMAL
               : k->expr->type;
}

static bool
parse_key(parser_t *p, query_key_t *k, drafts_t *ds)
{
    draft_t *d = draft_new(p, ds);
    buf_t canon = {0};

    if (d == NULL || (k->expr = parse_expr(p)) == NULL ||
        (take_if(p, ":") && !parse_bucket(p, k))) {
        return false;
    }
    d->type = key_type(k);
    canon_key(p->q, k, &canon);
    d->canon = keep_buf(p, &canon);
    return parse_as(p, d);
}

static bool
parse_keys(parser_t *p, query_key_t *keys, drafts_t *ds)
{
    do {
        if (ds->n >= LIMIT_QUERY_COLUMNS) {
            return fail_tok(p, peek(p), "too many keys at");
        }
        if (!parse_key(p, &keys[ds->n], ds)) {
            return false;
        }
    } while (take_if(p, ","));
    return true;
}

static bool
parse_agg(parser_t *p, query_agg_t *a, drafts_t *ds)
{
    draft_t *d = draft_new(p, ds);
    buf_t canon = {0};

    if (d == NULL || !parse_agg_call(p, a, &d->type)) {
        return false;
    }
    canon_agg(p->q, a, &canon);
    d->canon = keep_buf(p, &canon);
    return parse_as(p, d);
}

static void
add_spelling(parser_t *p, tok_t *toks, size_t n, size_t column)
{
    if (p->n_spellings < MAX_SPELLINGS) {
        p->spellings[p->n_spellings++] = (spelling_t){toks, n, column};
    }
}

bool
add_column(parser_t *p, const char *name, type_t type, size_t begin, size_t end,
    const char *also)
{
    query_t *q = p->q;
    const char *const spelled[] = {name, also};

    if (q->columns == NULL) {
        q->columns =
            query_alloc(p->mem, LIMIT_QUERY_COLUMNS, sizeof *q->columns);
    }
    const tok_t *first = &p->toks[begin], *last = &p->toks[end - 1];
    if (q->n_columns >= LIMIT_QUERY_COLUMNS) {
        return fail_at(p, first->begin, last->end, "too many columns");
    }
    for (size_t i = 0; i < q->n_columns; i++) {
        if (strcmp(q->columns[i].name, name) == 0) {
            return fail_at(p, first->begin, last->end,
                "two columns of one name; name one with 'as'");
        }
    }
    for (size_t i = 0; i < 2 && spelled[i] != NULL; i++) {
        tok_t *toks;
        size_t n;
        if (!lex(p, spelled[i], &toks, &n)) {
            return false;
        }
        add_spelling(p, toks, n - 1, q->n_columns);
    }
    q->columns[q->n_columns++] = (column_t){
        (char *)(uintptr_t)query_keep(p->mem, span_str(name)).p, type};
    return true;
}

static bool
add_drafts(parser_t *p, const drafts_t *ds)
{
    for (size_t i = 0; i < ds->n; i++) {
        const draft_t *d = &ds->item[i];
        size_t column = p->q->n_columns;
        if (!add_column(p, d->as != NULL ? d->as : d->canon, d->type, d->begin,
                d->end, d->as != NULL ? d->canon : NULL)) {
            return false;
        }
        add_spelling(p, &p->toks[d->begin], d->end - d->begin, column);
    }
    return true;
}

static void
put_drafts(const drafts_t *ds, size_t from, size_t to, buf_t *out)
{
    for (size_t i = from; i < to; i++) {
        buf_put_str(out, i == from ? "" : ", ");
        buf_put_str(out, ds->item[i].canon);
        if (ds->item[i].as != NULL) {
            buf_printf(out, " as %s", ds->item[i].as);
        }
    }
}

static bool
is_time_bucket(const query_key_t *key)
{
    return key->bucket == BUCKET_STEP && key->expr->type == TYPE_TIME;
}

static void
order_by_keys(query_t *q, bool times)
{
    for (size_t i = 0; i < q->n_keys; i++) {
        if (is_time_bucket(&q->keys[i]) == times) {
            q->order[q->n_order++] = (sort_key_t){i, false};
        }
    }
}

void
set_order(parser_t *p)
{
    query_t *q = p->q;

    q->order = query_alloc(p->mem, q->n_keys + 1, sizeof *q->order);
    order_by_keys(q, true);
    q->order[q->n_order++] = (sort_key_t){q->n_keys, true};
    order_by_keys(q, false);
}

static void
keep_keys(parser_t *p, const query_key_t *keys, size_t n)
{
    p->q->keys = query_alloc(p->mem, n, sizeof *keys);
    memcpy(p->q->keys, keys, n * sizeof *keys);
    p->q->n_keys = n;
}

typedef struct work {
    query_key_t keys[LIMIT_QUERY_COLUMNS];
    query_key_t things[LIMIT_QUERY_COLUMNS];
    query_agg_t aggs[LIMIT_QUERY_COLUMNS];
    drafts_t key_drafts;
    drafts_t thing_drafts;
    drafts_t agg_drafts;
    bool has_hist;
} work_t;

static bool
read_aggs(parser_t *p, work_t *w)
{
    do {
        if (w->agg_drafts.n >= LIMIT_QUERY_COLUMNS) {
            return fail_tok(p, peek(p), "too many aggregates at");
        }
        if (!parse_agg(p, &w->aggs[w->agg_drafts.n], &w->agg_drafts)) {
            return false;
        }
    } while (take_if(p, ","));
    return !take_if(p, "by") || parse_keys(p, w->keys, &w->key_drafts);
}

// hist(x, width) counts by one key more: the last one.
static bool
add_hist_key(parser_t *p, work_t *w)
{
    for (size_t i = 0; i < w->agg_drafts.n; i++) {
        const query_key_t *k = w->aggs[i].hist;
        const draft_t *at = &w->agg_drafts.item[i];
        if (k == NULL) {
            continue;
        }
        if (w->has_hist || w->key_drafts.n >= LIMIT_QUERY_COLUMNS) {
            return fail_at(p, p->toks[at->begin].begin,
                p->toks[at->end - 1].end,
                w->has_hist ? "a query has one hist, and this is a second one"
                            : "too many columns");
        }
        draft_t *d = &w->key_drafts.item[w->key_drafts.n];
        *d = (draft_t){at->begin, at->end, BUCKET_NAME, NULL, key_type(k)};
        w->keys[w->key_drafts.n++] = *k;
        w->has_hist = true;
    }
    return true;
}

void
lower_hist(parser_t *p)
{
    query_t *q = p->q;

    for (size_t i = 0; i < q->n_aggs; i++) {
        if (q->aggs[i].hist != NULL && q->aggs[i].filter != NULL) {
            q->filter = filter_both(p, q->filter, q->aggs[i].filter);
            q->aggs[i].filter = NULL;
        }
    }
}

static bool
parse_aggs(parser_t *p, work_t *w)
{
    query_t *q = p->q;

    size_t by = 0;

    if (!read_aggs(p, w)) {
        return false;
    }
    by = w->key_drafts.n;
    if (!add_hist_key(p, w) || !add_drafts(p, &w->key_drafts) ||
        !add_drafts(p, &w->agg_drafts)) {
        return false;
    }
    keep_keys(p, w->keys, w->key_drafts.n);
    q->n_aggs = w->agg_drafts.n;
    q->aggs = query_alloc(p->mem, q->n_aggs, sizeof *q->aggs);
    memcpy(q->aggs, w->aggs, q->n_aggs * sizeof *q->aggs);
    put_drafts(&w->agg_drafts, 0, w->agg_drafts.n, &p->agg_text);
    if (by > 0) {
        buf_put_str(&p->agg_text, " by ");
        put_drafts(&w->key_drafts, 0, by, &p->agg_text);
    }
    set_order(p);
    return true;
}

stage_t *
stage_new(parser_t *p, stage_kind_t kind)
{
    query_t *q = p->q;

    if (q->stages == NULL) {
        q->stages = query_alloc(p->mem, LIMIT_QUERY_STAGES, sizeof *q->stages);
    }
    if (q->n_stages >= LIMIT_QUERY_STAGES) {
        fail_tok(p, peek(p), "too many stages at");
        return NULL;
    }
    q->stages[q->n_stages].kind = kind;
    return &q->stages[q->n_stages++];
}

bool
parse_count_of(parser_t *p, uint64_t *out)
{
    const tok_t *t = peek(p);

    if (t->kind != TOK_NUMBER || t->unit || t->type != TYPE_INTEGER) {
        return fail_tok(p, t,
            t->kind == TOK_END ? "expected a number of rows"
                               : "expected a number of rows, not");
    }
    if (t->number > DEC_INT(1000000000000000000)) {
        return fail_tok(p, t, "this number is too large:");
    }
    *out = (uint64_t)(t->number / DEC_ONE);
    p->at++;
    return true;
}

// Group keys first, then the count, then the things.
static bool
lower_top(parser_t *p, size_t groups, uint64_t n, bool top)
{
    query_t *q = p->q;
    size_t n_keys = q->n_keys;

    q->aggs = query_alloc(p->mem, 1, sizeof *q->aggs);
    q->n_aggs = 1; // zeroed: count
    q->order = query_alloc(p->mem, n_keys + 1, sizeof *q->order);
    for (size_t i = 0; i < n_keys; i++) {
        if (i == groups) {
            q->order[q->n_order++] = (sort_key_t){n_keys, top};
        }
        q->order[q->n_order++] = (sort_key_t){i, false};
    }
    stage_t *sort = stage_new(p, STAGE_SORT);
    stage_t *head = stage_new(p, STAGE_HEAD);
    if (sort == NULL || head == NULL) {
        return false;
    }
    sort->sort = q->order;
    sort->n_sort = q->n_order;
    head->head = n;
    head->n_per = groups;
    head->per = query_alloc(p->mem, groups, sizeof *head->per);
    for (size_t i = 0; i < groups; i++) {
        head->per[i] = i;
    }
    return true;
}

static bool
parse_top(parser_t *p, work_t *w, bool top)
{
    uint64_t n = 10;
    size_t word = p->at - 1;

    if (peek(p)->kind == TOK_NUMBER && !parse_count_of(p, &n)) {
        return false;
    }
    if (!parse_keys(p, w->things, &w->thing_drafts) ||
        (take_if(p, "by") && !parse_keys(p, w->keys, &w->key_drafts))) {
        return false;
    }
    size_t groups = w->key_drafts.n, things = w->thing_drafts.n;
    if (groups + things >= LIMIT_QUERY_COLUMNS) {
        return fail_tok(p, peek(p), "too many columns at");
    }
    memcpy(w->keys + groups, w->things, things * sizeof *w->things);
    keep_keys(p, w->keys, groups + things);
    if (!add_drafts(p, &w->key_drafts) || !add_drafts(p, &w->thing_drafts) ||
        !add_column(p, "count", TYPE_INTEGER, word, word + 1, NULL)) {
        return false;
    }
    buf_printf(&p->agg_text, "%s %llu ", top ? "top" : "bottom",
        (unsigned long long)n);
    put_drafts(&w->thing_drafts, 0, things, &p->agg_text);
    if (groups > 0) {
        buf_put_str(&p->agg_text, " by ");
        put_drafts(&w->key_drafts, 0, groups, &p->agg_text);
    }
    return lower_top(p, groups, n, top);
}

static bool
run_stage(parser_t *p, bool (*run)(parser_t *, work_t *))
{
    if (p->after) {
        return fail_tok(p, peek(p),
            "a query has one aggregate stage, and "
            "this is a second one:");
    }
    work_t *w = xcalloc(1, sizeof *w);
    bool ok = run(p, w);
    free(w);
    p->after = true;
    return ok;
}

static bool
run_top(parser_t *p, work_t *w)
{
    bool top = tok_is(peek(p), "top");

    p->at++;
    return parse_top(p, w, top);
}

bool
parse_agg_stage(parser_t *p)
{
    bool top = tok_is(peek(p), "top") || tok_is(peek(p), "bottom");

    return run_stage(p, top ? run_top : parse_aggs);
}
