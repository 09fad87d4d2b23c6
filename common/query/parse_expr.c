// SPDX-License-Identifier: Apache-2.0
#include "common/query/parse.h"

#include <string.h>

#define MAX_SIZE 4096u // nodes of one expression, its lets written out

static bool
bounded(parser_t *p, const node_t *n)
{
    const tok_t *t = peek(p);

    return (n->height <= LIMIT_QUERY_DEPTH && n->size <= MAX_SIZE) ||
           fail_at(p, t->begin, t->end, "this expression is too deep or long");
}

static expr_t *
node(parser_t *p, expr_kind_t kind, type_t type, expr_t *a, expr_t *b)
{
    node_t *n = query_alloc(p->mem, 1, sizeof *n);
    expr_t *args[2] = {a, b};

    n->e.kind = kind;
    n->e.type = type;
    n->size = 1;
    n->e.n_args = (a != NULL) + (b != NULL);
    n->e.args = query_alloc(p->mem, 2, sizeof *n->e.args);
    for (size_t i = 0; i < n->e.n_args; i++) {
        const node_t *sub = (const node_t *)args[i];
        n->e.args[i] = args[i];
        n->size += sub->size;
        n->height = sub->height + 1 > n->height ? sub->height + 1 : n->height;
    }
    return bounded(p, n) ? &n->e : NULL;
}

expr_t *
expr_call(parser_t *p, const func_t *f, type_t type, expr_t *const *args,
    filter_t *filter, size_t regex)
{
    node_t *n = (node_t *)node(p, EXPR_CALL, type, args[0], args[1]);
    size_t height, size;

    if (n == NULL) {
        return NULL;
    }
    n->e.func = f;
    n->e.filter = filter;
    n->e.regex = regex;
    if (filter != NULL) {
        filter_measure(filter, &height, &size);
        n->height = height + 1 > n->height ? height + 1 : n->height;
        n->size += size;
    }
    return bounded(p, n) ? &n->e : NULL;
}

expr_t *
expr_literal(parser_t *p, cell_t cell, type_t type)
{
    expr_t *e = node(p, EXPR_LITERAL, type, NULL, NULL);

    e->literal = cell;
    if (cell.kind == CELL_TEXT) {
        e->literal.text = query_keep(p->mem, cell.text);
    }
    return e;
}

expr_t *
expr_field(parser_t *p, field_t field)
{
    expr_t *e = node(p, EXPR_FIELD, field_infos[field].type, NULL, NULL);

    e->field = field;
    return e;
}

bool
expr_as_time(parser_t *p, expr_t *e, const tok_t *t)
{
    dec_t when;

    if (!time_parse(e->literal.text, &when)) {
        return fail_tok(p, t,
            "expected a time such as \"2023-11-14T22:00\", "
            "not");
    }
    e->literal = (cell_t){.kind = CELL_NUMBER, .number = when};
    e->type = TYPE_TIME;
    return true;
}

static bool
same_tok(const tok_t *a, const tok_t *b)
{
    field_t fa, fb;

    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == TOK_NUMBER) {
        return a->number == b->number && a->unit == b->unit &&
               (!a->unit || a->type == b->type);
    }
    if (a->kind == TOK_CLASS) {
        return a->number == b->number;
    }
    if (a->kind == TOK_NAME && field_find(a->text, &fa) &&
        field_find(b->text, &fb)) {
        return fa == fb;
    }
    return span_eq(a->text, b->text) && a->prefix == b->prefix;
}

// The longest spelling of a column that stands here.
bool
match_column(parser_t *p, size_t *out)
{
    size_t best = 0;

    for (size_t i = 0; i < p->n_spellings; i++) {
        const spelling_t *s = &p->spellings[i];
        size_t n = 0;
        while (n < s->n && p->at + n < p->n_toks &&
               same_tok(&s->toks[n], &p->toks[p->at + n])) {
            n++;
        }
        bool call = n == 1 && s->toks[0].kind == TOK_NAME &&
                    func_find(s->toks[0].text) != NULL &&
                    tok_is(&p->toks[p->at + n], "(");
        if (n == s->n && n > best && !call) {
            best = n;
            *out = s->column;
        }
    }
    p->at += best;
    return best > 0;
}

bool
unknown_name(parser_t *p, const tok_t *t)
{
    guess_t g = {.word = t->text};
    bool call = tok_is(t + 1, "(");

    if (!call && func_find(t->text) != NULL) {
        fail_at(p, t->begin, t->end, "'%.*s' is a function", (int)t->text.len,
            (const char *)t->text.p);
        suggest_usage(p, func_find(t->text)->usage);
        return false;
    }
    if (call && func_find(t->text) != NULL) {
        return fail_tok(p, t, "a function cannot stand here:");
    }
    if (agg_find(t->text) != NULL) {
        return fail_tok(p, t,
            p->after ? "no column of the result is called"
                     : "an aggregate cannot stand here:");
    }
    if (call) {
        guess_funcs(&g);
    } else if (p->after) {
        for (size_t i = 0; i < p->q->n_columns; i++) {
            guess_try(&g, span_str(p->q->columns[i].name));
        }
    } else {
        guess_fields(&g);
        for (size_t i = 0; i < p->n_lets; i++) {
            guess_try(&g, p->lets[i].name);
        }
        guess_aggs(&g);
        guess_stages(&g);
    }
    fail_tok(p, t,
        call       ? "unknown function"
        : p->after ? "unknown column"
                   : "unknown field");
    suggest(p, g.found);
    return false;
}

static expr_t *
parse_name(parser_t *p, const tok_t *t)
{
    field_t field;

    if (tok_is(t + 1, "(") && func_find(t->text) != NULL) {
        return parse_call(p, func_find(t->text));
    }
    if (word_is_reserved(t->text)) {
        fail_tok(p, t, "expected a value before");
        return NULL;
    }
    for (size_t i = p->n_lets; !p->after && i-- > 0;) {
        if (span_eq(p->lets[i].name, t->text)) {
            node_t *named = query_alloc(p->mem, 1, sizeof *named);
            *named = *(const node_t *)p->lets[i].expr;
            named->e.let = (const char *)p->lets[i].name.p;
            p->at++;
            return &named->e;
        }
    }
    if (!p->after && field_find(t->text, &field) && !tok_is(t + 1, "(")) {
        p->at++;
        return expr_field(p, field);
    }
    if (!p->after && p->free_names && !tok_is(t + 1, "(") &&
        t->text.p[0] != '$' && agg_find(t->text) == NULL &&
        func_find(t->text) == NULL) {
        return expr_own(p, t);
    }
    unknown_name(p, t);
    return NULL;
}

static expr_t *
parse_primary(parser_t *p)
{
    const tok_t *t = peek(p);
    size_t column;

    if (p->after && match_column(p, &column)) {
        expr_t *e =
            node(p, EXPR_COLUMN, p->q->columns[column].type, NULL, NULL);
        e->column = column;
        return e;
    }
    if (t->kind == TOK_NAME) {
        return parse_name(p, t);
    }
    if (t->kind == TOK_OWN && !p->after) {
        return expr_own(p, t);
    }
    if (take_if(p, "(")) {
        expr_t *e = parse_expr(p);
        return e != NULL && expect(p, ")") ? e : NULL;
    }
    if (t->kind == TOK_ADDR && t->prefix >= 0) {
        fail_tok(p, t, "a network stands only behind 'in':");
        return NULL;
    }
    if (t->kind == TOK_NUMBER) {
        p->at++;
        return expr_literal(
            p, (cell_t){.kind = CELL_NUMBER, .number = t->number}, t->type);
    }
    if (t->kind == TOK_STRING || t->kind == TOK_ADDR) {
        p->at++;
        return expr_literal(
            p, (cell_t){.kind = CELL_TEXT, .text = t->text}, TYPE_TEXT);
    }
    fail_tok(p, t,
        t->kind == TOK_END ? "expected a value" : "expected a value before");
    return NULL;
}

static expr_t *
parse_unary(parser_t *p)
{
    const tok_t *t = peek(p);

    if (!take_if(p, "-")) {
        return parse_primary(p);
    }
    if (++p->expr_depth > LIMIT_QUERY_DEPTH) {
        fail_at(p, t->begin, t->end, "this expression is too deep");
        return NULL;
    }
    expr_t *a = parse_unary(p);
    p->expr_depth--;
    if (a == NULL) {
        return NULL;
    }
    a = expr_read_as(p, a, TYPE_DECIMAL);
    if (!type_is_number(a->type) || a->type == TYPE_TIME) {
        fail_at(p, t->begin, p->toks[p->at - 1].end,
            "'-' wants a number, not %s", type_name(a->type));
        return NULL;
    }
    if (a->kind == EXPR_LITERAL) {
        return expr_literal(p,
            (cell_t){.kind = CELL_NUMBER, .number = -a->literal.number},
            a->type);
    }
    return node(p, EXPR_NEG, a->type, a, NULL);
}

// The type of a op b; TYPE_COUNT_ when there is none.
static type_t
type_of(expr_kind_t op, type_t a, type_t b)
{
    if (!type_is_number(a) || !type_is_number(b)) {
        return TYPE_COUNT_;
    }
    if (a == TYPE_TIME || b == TYPE_TIME) {
        if (op == EXPR_SUB && a == b) {
            return TYPE_DURATION;
        }
        return (op == EXPR_SUB || op == EXPR_ADD) && b == TYPE_DURATION
                   ? TYPE_TIME
                   : TYPE_COUNT_;
    }
    if (op == EXPR_DIV || a != b) {
        return TYPE_DECIMAL;
    }
    return op != EXPR_MUL || a == TYPE_INTEGER ? a : TYPE_DECIMAL;
}

// What a side of unknown type is, by the other one: times only take part in
// differences of two.
static type_t
type_beside(expr_kind_t op, type_t other)
{
    return op == EXPR_SUB && other == TYPE_TIME ? TYPE_TIME : TYPE_DECIMAL;
}

static bool
accept_op(parser_t *p, bool product, expr_kind_t *op)
{
    static const struct {
        const char *text;
        bool product;
        expr_kind_t op;
    } ops[] = {{"+", false, EXPR_ADD}, {"-", false, EXPR_SUB},
        {"*", true, EXPR_MUL}, {"/", true, EXPR_DIV}, {"%", true, EXPR_MOD}};

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (ops[i].product == product && take_if(p, ops[i].text)) {
            *op = ops[i].op;
            return true;
        }
    }
    return false;
}

static expr_t *
parse_chain(parser_t *p, bool product)
{
    size_t begin = peek(p)->begin;
    expr_t *a = product ? parse_unary(p) : parse_chain(p, true);
    expr_kind_t op;

    while (a != NULL && accept_op(p, product, &op)) {
        expr_t *b = product ? parse_unary(p) : parse_chain(p, true);
        if (b == NULL) {
            return NULL;
        }
        a = expr_read_as(p, a, type_beside(op, b->type));
        b = expr_read_as(p, b, type_beside(op, a->type));
        type_t type = type_of(op, a->type, b->type);
        if (type == TYPE_COUNT_) {
            fail_at(p, begin, p->toks[p->at - 1].end,
                "%s and %s cannot be put together like this",
                type_name(a->type), type_name(b->type));
            return NULL;
        }
        a = node(p, op, type, a, b);
    }
    return a;
}

expr_t *
parse_expr(parser_t *p)
{
    if (++p->expr_depth > LIMIT_QUERY_DEPTH) {
        const tok_t *t = peek(p);
        fail_at(p, t->begin, t->end, "this expression is too deep");
        return NULL;
    }
    expr_t *e = parse_chain(p, false);
    p->expr_depth--;
    return e;
}
