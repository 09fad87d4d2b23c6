// SPDX-License-Identifier: Apache-2.0
// Calls of functions: how many values, of which types.
#include "common/query/parse.h"

#define SEGMENT_MAX 1000000000 // no path has more

typedef struct args {
    expr_t *e[2];
    const tok_t *first[2]; // the tokens they were read from
    const tok_t *last[2];
} args_t;

static bool
wrong_count(parser_t *p, const func_t *f)
{
    fail_tok(p, peek(p),
        f->n_args == 1 ? "one value is enough here:"
                       : "the values are too few or many at");
    suggest_usage(p, f->usage);
    return false;
}

static bool
read_args(parser_t *p, const func_t *f, size_t n, args_t *args)
{
    for (size_t i = 0; i < n; i++) {
        if (tok_is(peek(p), ")") || (i > 0 && !take_if(p, ","))) {
            return wrong_count(p, f);
        }
        args->first[i] = peek(p);
        if ((args->e[i] = parse_expr(p)) == NULL) {
            return false;
        }
        args->last[i] = &p->toks[p->at - 1];
    }
    return tok_is(peek(p), ",") ? wrong_count(p, f) : expect(p, ")");
}

static bool
wants(parser_t *p, const func_t *f, const args_t *args, size_t i, bool ok,
    const char *what)
{
    return ok || fail_at(p, args->first[i]->begin, args->last[i]->end,
                     "%s wants %s, not %s", f->name, what,
                     type_name(args->e[i]->type));
}

static bool
check_segment(parser_t *p, const func_t *f, const args_t *args)
{
    const expr_t *n = args->e[1];

    if (n->kind == EXPR_LITERAL && n->type == TYPE_INTEGER &&
        n->literal.number >= DEC_ONE &&
        n->literal.number <= DEC_INT(SEGMENT_MAX)) {
        return true;
    }
    fail_at(p, args->first[1]->begin, args->last[1]->end,
        "%s wants a whole number from 1 as its second value", f->name);
    suggest_usage(p, f->usage);
    return false;
}

static bool
check_extract(parser_t *p, const func_t *f, const args_t *args, size_t *regex)
{
    const expr_t *e = args->e[1];

    if (e->kind == EXPR_LITERAL && e->type == TYPE_TEXT &&
        args->first[1] == args->last[1]) {
        return check_regex(p, args->first[1], e->literal.text, true, regex);
    }
    fail_at(p, args->first[1]->begin, args->last[1]->end,
        "%s wants a regex in quotes as its second value", f->name);
    suggest_usage(p, f->usage);
    return false;
}

static bool
check_args(parser_t *p, const func_t *f, args_t *args, size_t *regex)
{
    bool timed = f->kind == FUNC_HOUR || f->kind == FUNC_WEEKDAY;
    args->e[0] = expr_read_as(p, args->e[0], timed ? TYPE_TIME : TYPE_TEXT);
    type_t type = args->e[0]->type;

    if (!wants(p, f, args, 0, timed ? type == TYPE_TIME : !type_is_number(type),
            timed ? "a time" : "text")) {
        return false;
    }
    return f->kind == FUNC_SEGMENT   ? check_segment(p, f, args)
           : f->kind == FUNC_EXTRACT ? check_extract(p, f, args, regex)
                                     : true;
}

// TYPE_COUNT_: the two do not go together.
static type_t
type_of_both(type_t a, type_t b)
{
    if (a == b) {
        return a;
    }
    if (type_is_number(a) != type_is_number(b) || a == TYPE_TIME ||
        b == TYPE_TIME) {
        return TYPE_COUNT_;
    }
    return type_is_number(a) ? TYPE_DECIMAL : TYPE_TEXT;
}

static expr_t *
parse_if(parser_t *p, const func_t *f)
{
    args_t args;
    size_t regex = 0;
    filter_t *filter = parse_filter(p);

    if (filter == NULL) {
        return NULL;
    }
    if (!take_if(p, ",")) {
        wrong_count(p, f);
        return NULL;
    }
    if (!read_args(p, f, 2, &args)) {
        return NULL;
    }
    args.e[0] = expr_read_as(p, args.e[0], args.e[1]->type);
    args.e[1] = expr_read_as(p, args.e[1], args.e[0]->type);
    type_t type = type_of_both(args.e[0]->type, args.e[1]->type);
    if (type == TYPE_COUNT_) {
        fail_at(p, args.first[0]->begin, args.last[1]->end,
            "both values of 'if' have one type, these are %s and %s",
            type_name(args.e[0]->type), type_name(args.e[1]->type));
        return NULL;
    }
    return expr_call(p, f, type, args.e, filter, regex);
}

expr_t *
parse_call(parser_t *p, const func_t *f)
{
    static const type_t types[] = {[FUNC_LOWER] = TYPE_TEXT,
        [FUNC_LEN] = TYPE_INTEGER,
        [FUNC_EXT] = TYPE_TEXT,
        [FUNC_SEGMENT] = TYPE_TEXT,
        [FUNC_URLHOST] = TYPE_TEXT,
        [FUNC_EXTRACT] = TYPE_TEXT,
        [FUNC_HOUR] = TYPE_INTEGER,
        [FUNC_WEEKDAY] = TYPE_INTEGER};
    args_t args = {0};
    size_t regex = 0;

    p->at += 2; // the name and its parenthesis
    if (f->kind == FUNC_IF) {
        return parse_if(p, f);
    }
    if (!read_args(p, f, f->n_args, &args) ||
        !check_args(p, f, &args, &regex)) {
        return NULL;
    }
    return expr_call(p, f, types[f->kind], args.e, NULL, regex);
}
