// SPDX-License-Identifier: Apache-2.0
// One aggregate: its name, what it is of, its `if`.
#include "common/query/parse.h"

static bool
agg_type(parser_t *p, const tok_t *t, const query_agg_t *a, type_t *out)
{
    *out = TYPE_INTEGER;
    if (a->func == AGG_COUNT || a->func == AGG_DISTINCT ||
        a->func == AGG_DISTINCT_ABOUT) {
        return true;
    }
    *out = a->arg->type;
    if (a->func == AGG_FIRST || a->func == AGG_LAST) {
        return true;
    }
    if (!type_is_number(a->arg->type) ||
        (a->arg->type == TYPE_TIME && a->func != AGG_MIN &&
            a->func != AGG_MAX)) {
        return fail_at(p, t->begin, p->toks[p->at - 1].end,
            "%.*s wants a number, not %s", (int)t->text.len,
            (const char *)t->text.p, type_name(a->arg->type));
    }
    if ((a->func == AGG_AVG || a->func == AGG_QUANTILE) &&
        a->arg->type != TYPE_DURATION) {
        *out = TYPE_DECIMAL;
    }
    return true;
}

static bool
parse_quantile(parser_t *p, query_agg_t *a)
{
    const tok_t *t = peek(p);

    if (!expect(p, ",")) {
        return false;
    }
    t = peek(p);
    if (t->kind != TOK_NUMBER || t->unit || t->number > DEC_ONE) {
        return fail_tok(p, t,
            t->kind == TOK_END ? "expected a quantile from 0 to 1"
                               : "expected a quantile from 0 to 1, not");
    }
    a->quantile = t->number;
    p->at++;
    return true;
}

// Behind `hist(x`: the bucket, which becomes a key.
static bool
parse_width(parser_t *p, query_agg_t *a)
{
    query_key_t *k = query_alloc(p->mem, 1, sizeof *k);

    k->expr = a->arg;
    k->must = true;
    a->arg = NULL;
    a->hist = k;
    return expect(p, ",") &&
           parse_step(p, k, "expected the width of a bucket such as 10ms, not");
}

static bool
reads_number(const query_agg_t *a, const agg_info_t *info)
{
    return !info->hist && a->func != AGG_COUNT && a->func != AGG_DISTINCT &&
           a->func != AGG_DISTINCT_ABOUT && a->func != AGG_FIRST &&
           a->func != AGG_LAST;
}

static bool
parse_args(parser_t *p, const tok_t *t, const agg_info_t *info, query_agg_t *a)
{
    if (!take_if(p, "(")) {
        return (a->func == AGG_COUNT && !info->hist) ||
               fail_tok(p, t, "expected '(' and a value behind");
    }
    if ((a->arg = parse_expr(p)) == NULL) {
        return false;
    }
    if (reads_number(a, info)) {
        a->arg = expr_read_as(p, a->arg, TYPE_DECIMAL);
    }
    a->quantile = info->quantile;
    if ((info->hist && !parse_width(p, a)) ||
        (a->func == AGG_QUANTILE && info->quantile == 0 &&
            !parse_quantile(p, a))) {
        return false;
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

bool
parse_agg_call(parser_t *p, query_agg_t *a, type_t *type)
{
    const tok_t *t = peek(p);
    const agg_info_t *info = t->kind == TOK_NAME ? agg_find(t->text) : NULL;

    if (info == NULL) {
        return unknown_agg(p, t);
    }
    p->at++;
    a->func = info->func;
    if (a->func == AGG_DISTINCT && take_if(p, "~")) {
        a->func = AGG_DISTINCT_ABOUT;
    }
    if (!parse_args(p, t, info, a) || !agg_type(p, t, a, type)) {
        return false;
    }
    return !take_if(p, "if") ||
           (expect(p, "(") && (a->filter = parse_filter(p)) != NULL &&
               expect(p, ")"));
}
