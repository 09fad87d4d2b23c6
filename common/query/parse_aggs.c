// SPDX-License-Identifier: Apache-2.0
// Keys, aggregates and `top`: what makes the columns.
#include "common/query/parse.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

// A key or aggregate that was read, before its column has its place.
typedef struct draft {
    size_t begin; // tokens, without `as NAME`
    size_t end;
    char *canon;
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
parse_bucket(parser_t *p, query_key_t *k)
{
    bool net = take_if(p, "/");
    const tok_t *t = peek(p);

    k->expr = net ? k->expr : expr_read_as(p, k->expr, TYPE_DECIMAL);
    if (t->kind != TOK_NUMBER) {
        return fail_tok(p, t, "expected a bucket such as 1h, 100 or /24, not");
    }
    p->at++;
    k->step = t->number;
    k->written = t->type;
    if (net) {
        k->bucket = BUCKET_NET;
        k->prefix =
            t->number <= DEC_INT(128) ? (uint8_t)(t->number / DEC_ONE) : 129;
        return (!type_is_number(k->expr->type) && t->type == TYPE_INTEGER &&
                   k->prefix <= 128) ||
               fail_tok(p, t, "this network bucket does not fit its key: /");
    }
    k->bucket = BUCKET_STEP;
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
parse_key(parser_t *p, query_key_t *k, drafts_t *ds)
{
    draft_t *d = draft_new(p, ds);
    buf_t canon = {0};

    if (d == NULL || (k->expr = parse_expr(p)) == NULL ||
        (take_if(p, ":") && !parse_bucket(p, k))) {
        return false;
    }
    d->type = k->bucket == BUCKET_NET ? TYPE_TEXT : k->expr->type;
    if (d->type == TYPE_INTEGER && k->step % DEC_ONE != 0) {
        d->type = TYPE_DECIMAL;
    }
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
agg_type(parser_t *p, const tok_t *t, const query_agg_t *a, type_t *out)
{
    if (a->func == AGG_COUNT) {
        *out = TYPE_INTEGER;
        return true;
    }
    if (!type_is_number(a->arg->type) ||
        (a->arg->type == TYPE_TIME &&
            (a->func == AGG_SUM || a->func == AGG_AVG))) {
        return fail_at(p, t->begin, p->toks[p->at - 1].end,
            "%s wants a number, not %s", agg_infos[a->func].name,
            type_name(a->arg->type));
    }
    *out = a->func != AGG_AVG || a->arg->type == TYPE_DURATION ? a->arg->type
                                                               : TYPE_DECIMAL;
    return true;
}

static bool
parse_args(parser_t *p, const tok_t *t, query_agg_t *a)
{
    if (!take_if(p, "(")) {
        return a->func == AGG_COUNT ||
               fail_tok(p, t, "expected '(' and a value behind");
    }
    if ((a->arg = parse_expr(p)) == NULL) {
        return false;
    }
    if (a->func != AGG_COUNT) {
        a->arg = expr_read_as(p, a->arg, TYPE_DECIMAL);
    }
    return tok_is(peek(p), ",")
               ? fail_tok(p, peek(p), "one value is enough here:")
               : expect(p, ")");
}

bool
unknown_agg(parser_t *p, const tok_t *t)
{
    guess_t g = {.word = t->text};

    if (t->kind != TOK_NAME) {
        return fail_tok(p, t,
            t->kind == TOK_END ? "expected an aggregate"
                               : "expected an aggregate, not");
    }
    if (agg_find(t->text) != NULL || func_find(t->text) != NULL) {
        return unknown_name(p, t);
    }
    guess_aggs(&g);
    guess_stages(&g);
    fail_tok(p, t, "unknown aggregate or stage");
    suggest(p, g.found);
    return false;
}

static bool
parse_agg(parser_t *p, query_agg_t *a, drafts_t *ds)
{
    const tok_t *t = peek(p);
    const agg_info_t *info = t->kind == TOK_NAME ? agg_find(t->text) : NULL;
    draft_t *d = draft_new(p, ds);
    buf_t canon = {0};

    if (d == NULL) {
        return false;
    }
    if (info == NULL || info->func < 0) {
        return unknown_agg(p, t);
    }
    p->at++;
    a->func = (agg_func_t)info->func;
    if (!parse_args(p, t, a) || !agg_type(p, t, a, &d->type)) {
        return false;
    }
    if (take_if(p, "if") &&
        (!expect(p, "(") || (a->filter = parse_filter(p)) == NULL ||
            !expect(p, ")"))) {
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

void
set_order(parser_t *p)
{
    query_t *q = p->q;
    size_t timed = q->n_keys;

    q->order = query_alloc(p->mem, q->n_keys + 1, sizeof *q->order);
    for (size_t i = q->n_keys; i-- > 0;) {
        if (q->keys[i].bucket == BUCKET_STEP &&
            q->keys[i].expr->type == TYPE_TIME) {
            timed = i;
        }
    }
    if (timed < q->n_keys) {
        q->order[q->n_order++] = (sort_key_t){timed, false};
    }
    q->order[q->n_order++] = (sort_key_t){q->n_keys, true};
    for (size_t i = 0; i < q->n_keys; i++) {
        if (i != timed) {
            q->order[q->n_order++] = (sort_key_t){i, false};
        }
    }
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

static bool
parse_aggs(parser_t *p, work_t *w)
{
    query_t *q = p->q;

    if (!read_aggs(p, w) || !add_drafts(p, &w->key_drafts) ||
        !add_drafts(p, &w->agg_drafts)) {
        return false;
    }
    keep_keys(p, w->keys, w->key_drafts.n);
    q->n_aggs = w->agg_drafts.n;
    q->aggs = query_alloc(p->mem, q->n_aggs, sizeof *q->aggs);
    memcpy(q->aggs, w->aggs, q->n_aggs * sizeof *q->aggs);
    put_drafts(&w->agg_drafts, 0, w->agg_drafts.n, &p->agg_text);
    if (q->n_keys > 0) {
        buf_put_str(&p->agg_text, " by ");
        put_drafts(&w->key_drafts, 0, w->key_drafts.n, &p->agg_text);
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
