// SPDX-License-Identifier: Apache-2.0
#define PCRE2_CODE_UNIT_WIDTH 8
#include "common/query/parse.h"

#include "common/query/regex_literal.h"

#include <arpa/inet.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

static const struct op {
    const char *text;
    filter_kind_t kind;
} ops[] = {{"=", FILTER_EQ}, {"!=", FILTER_NE}, {"<", FILTER_LT},
    {"<=", FILTER_LE}, {">", FILTER_GT}, {">=", FILTER_GE}, {"~", FILTER_REGEX},
    {"!~", FILTER_NOT_REGEX}, {"contains", FILTER_CONTAINS},
    {"startswith", FILTER_STARTSWITH}, {"endswith", FILTER_ENDSWITH}};

static filter_t *
filter_new(parser_t *p, filter_kind_t kind)
{
    filter_t *f = query_alloc(p->mem, 1, sizeof *f);

    f->kind = kind;
    return f;
}

static void
push_flat(buf_t *subs, filter_kind_t kind, filter_t *f)
{
    if (f->kind == kind) {
        buf_put(subs, f->subs, f->n_subs * sizeof *f->subs);
    } else {
        buf_put(subs, &f, sizeof f);
    }
}

static filter_t *
join(parser_t *p, filter_kind_t kind, buf_t *subs)
{
    filter_t *f = filter_new(p, kind);

    f->n_subs = subs->len / sizeof *f->subs;
    f->subs = query_alloc(p->mem, f->n_subs, sizeof *f->subs);
    memcpy(f->subs, subs->p, subs->len);
    return f->n_subs == 1 ? f->subs[0] : f;
}

filter_t *
filter_both(parser_t *p, filter_t *a, filter_t *b)
{
    buf_t subs = {0};

    if (a == NULL) {
        return b;
    }
    push_flat(&subs, FILTER_AND, a);
    push_flat(&subs, FILTER_AND, b);
    filter_t *f = join(p, FILTER_AND, &subs);
    buf_fini(&subs);
    return f;
}

static bool
is_operator(const tok_t *t)
{
    static const char *const more[] = {"in", "+", "-", "*", "/", "%"};

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (tok_is(t, ops[i].text)) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (tok_is(t, more[i])) {
            return true;
        }
    }
    return false;
}

// Whether the parenthesis that opens here belongs to an expression: then an
// operator follows the one that closes it.
static bool
opens_expr(parser_t *p)
{
    size_t depth = 0;

    for (size_t i = p->at; i < p->n_toks; i++) {
        depth += tok_is(&p->toks[i], "(");
        if (tok_is(&p->toks[i], ")") && --depth == 0) {
            return is_operator(&p->toks[i + 1]);
        }
    }
    return false;
}

static bool
text_wanted(parser_t *p, const expr_t *e, const tok_t *first, const tok_t *last)
{
    return !type_is_number(e->type) ||
           fail_at(p, first->begin, last->end,
               "this operator wants text, not %s", type_name(e->type));
}

static bool
has_group(const pcre2_code *re)
{
    uint32_t n = 0;

    pcre2_pattern_info(re, PCRE2_INFO_CAPTURECOUNT, &n);
    return n > 0;
}

bool
check_regex(parser_t *p, const tok_t *t, span_t text, bool group, size_t *out)
{
    PCRE2_UCHAR why[200];
    PCRE2_SIZE where;
    int code;
    pcre2_code *re = pcre2_compile(text.p, text.len, 0, &code, &where, NULL);

    if (re != NULL) {
        bool fits = !group || has_group(re);
        pcre2_code_free(re);
        *out = p->q->n_regexes++;
        return fits || fail_tok(p, t, "a group '(...)' is missing in");
    }
    pcre2_get_error_message(code, why, sizeof why);
    size_t begin = t->begin + 1 + where; // escapes make this approximate
    begin = begin >= t->end ? t->end - 1 : begin;
    return fail_at(p, begin, begin + 1, "invalid regex: %s", (char *)why);
}

static bool
check_pair(parser_t *p, expr_t *a, expr_t *b, const tok_t *ta, const tok_t *tb)
{
    if (a->type == TYPE_TIME && b->kind == EXPR_LITERAL &&
        b->type == TYPE_TEXT) {
        return expr_as_time(p, b, tb);
    }
    if (b->type == TYPE_TIME && a->kind == EXPR_LITERAL &&
        a->type == TYPE_TEXT) {
        return expr_as_time(p, a, ta);
    }
    if (type_is_number(a->type) != type_is_number(b->type) ||
        (a->type == TYPE_TIME) != (b->type == TYPE_TIME)) {
        return fail_at(p, ta->begin, p->toks[p->at - 1].end,
            "%s cannot be compared with %s", type_name(a->type),
            type_name(b->type));
    }
    return true;
}

// A let may be used twice; turning its string into a time must not be seen
// by the other use.
static expr_t *
own_literal(parser_t *p, expr_t *e)
{
    return e->kind == EXPR_LITERAL ? expr_literal(p, e->literal, e->type) : e;
}

// Shorter ones are in most lines: it would cost more to look for them.
#define MUST_LEAST 3u

static void
keep_must(parser_t *p, filter_t *f)
{
    buf_t must = {0};

    regex_literal(f->text, &must);
    if (must.len >= MUST_LEAST) {
        f->must = query_keep(p->mem, buf_span(&must));
    }
    buf_fini(&must);
}

static filter_t *
parse_comparison(parser_t *p, expr_t *a, const tok_t *ta, const struct op *op)
{
    const tok_t *tb = peek(p);
    filter_t *f = filter_new(p, op->kind);
    expr_t *b = parse_expr(p);

    if (b == NULL) {
        return NULL;
    }
    f->a = own_literal(p, a);
    f->b = own_literal(p, b);
    if (op->kind < FILTER_REGEX) {
        f->a = expr_read_as(p, f->a, b->type);
        f->b = expr_read_as(p, f->b, a->type);
        return check_pair(p, f->a, f->b, ta, tb) ? f : NULL;
    }
    if (!text_wanted(p, f->a, ta, tb - 2) || // the operator stands between
        !text_wanted(p, f->b, tb, &p->toks[p->at - 1])) {
        return NULL;
    }
    if (op->kind > FILTER_NOT_REGEX) {
        return f;
    }
    if (b->kind != EXPR_LITERAL) {
        fail_at(p, tb->begin, p->toks[p->at - 1].end,
            "a regex is a string in quotes");
        return NULL;
    }
    f->text = f->b->literal.text;
    f->b = NULL;
    if (!check_regex(p, tb, f->text, false, &f->regex)) {
        return NULL;
    }
    keep_must(p, f);
    return f;
}

static bool
parse_item(parser_t *p, const expr_t *a, cell_t *out)
{
    const tok_t *t = peek(p);
    bool minus = take_if(p, "-");
    const tok_t *v = peek(p);

    if (v->kind != TOK_NUMBER &&
        (minus || (v->kind != TOK_STRING && v->kind != TOK_ADDR))) {
        return fail_tok(p, v, "expected a number or a string, not");
    }
    if (v->kind == TOK_ADDR && v->prefix >= 0) {
        return fail_tok(p, v, "a network stands alone behind 'in':");
    }
    p->at++;
    *out = v->kind == TOK_NUMBER ? (cell_t){.kind = CELL_NUMBER,
                                       .number = minus ? -v->number : v->number}
                                 : (cell_t){.kind = CELL_TEXT,
                                       .text = query_keep(p->mem, v->text)};
    if (a->type == TYPE_TIME && out->kind == CELL_TEXT) {
        expr_t *e = expr_literal(p, *out, TYPE_TEXT);
        if (!expr_as_time(p, e, v)) {
            return false;
        }
        *out = e->literal;
        return true;
    }
    if (a->type == TYPE_TIME ||
        (out->kind == CELL_NUMBER) != type_is_number(a->type)) {
        return fail_at(p, t->begin, v->end, "%s cannot be compared with %s",
            type_name(a->type),
            v->kind == TOK_NUMBER ? type_name(v->type) : "text");
    }
    return true;
}

static int
by_value(const void *a, const void *b)
{
    return cell_cmp(a, b);
}

static filter_t *
parse_set(parser_t *p, expr_t *a)
{
    filter_t *f = filter_new(p, FILTER_IN_SET);
    buf_t items = {0};
    cell_t item;
    bool ok;

    do {
        ok = parse_item(p, a, &item);
        if (ok && items.len / sizeof item >= LIMIT_SET_ITEMS) {
            ok = fail_tok(p, peek(p), "this set is too large at");
        }
        buf_put(&items, &item, ok ? sizeof item : 0);
    } while (ok && take_if(p, ","));
    ok = ok && expect(p, ")");
    if (ok) {
        size_t n = items.len / sizeof item, kept = 0;
        f->items = query_alloc(p->mem, n, sizeof item);
        memcpy(f->items, items.p, items.len);
        qsort(f->items, n, sizeof item, by_value);
        for (size_t i = 0; i < n; i++) {
            if (kept == 0 || cell_cmp(&f->items[kept - 1], &f->items[i]) != 0) {
                f->items[kept++] = f->items[i];
            }
        }
        f->n_items = kept;
        f->a = a;
    }
    buf_fini(&items);
    return ok ? f : NULL;
}

static filter_t *
parse_range(parser_t *p, expr_t *a)
{
    const tok_t *t = peek(p);
    filter_t *f = filter_new(p, FILTER_IN_RANGE);

    f->a = a;
    f->n_items = 2;
    f->items = query_alloc(p->mem, 2, sizeof *f->items);
    if (!parse_item(p, a, &f->items[0]) || !expect(p, "..") ||
        !parse_item(p, a, &f->items[1])) {
        return NULL;
    }
    if (!type_is_number(a->type)) {
        fail_at(p, t->begin, p->toks[p->at - 1].end, "a range wants numbers");
        return NULL;
    }
    return f;
}

static filter_t *
parse_cidr(parser_t *p, expr_t *a, const tok_t *ta)
{
    const tok_t *t = &p->toks[p->at++];
    filter_t *f = filter_new(p, FILTER_IN_CIDR);
    bool v6 = memchr(t->text.p, ':', t->text.len) != NULL;
    char copy[64] = {0};

    if (!text_wanted(p, a, ta, t - 2)) { // before 'in'
        return NULL;
    }
    if (t->prefix > (v6 ? 128 : 32)) {
        fail_tok(p, t, "too many bits in");
        return NULL;
    }
    memcpy(copy, t->text.p, t->text.len < 63 ? t->text.len : 63);
    inet_pton(v6 ? AF_INET6 : AF_INET, copy, f->net.addr);
    f->a = a;
    f->net.addr_len = v6 ? 16 : 4;
    f->net.prefix = (uint8_t)t->prefix;
    for (unsigned i = f->net.prefix; i < f->net.addr_len * 8u; i++) {
        f->net.addr[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    }
    return f;
}

static filter_t *
parse_in(parser_t *p, expr_t *a, const tok_t *ta)
{
    const tok_t *t = peek(p);

    if (t->kind == TOK_ADDR && t->prefix >= 0) {
        return parse_cidr(p, a, ta);
    }
    bool set = take_if(p, "(");
    bool number = !set || peek(p)->kind == TOK_NUMBER || tok_is(peek(p), "-");
    a = expr_read_as(p, a, number ? TYPE_DECIMAL : TYPE_TEXT);
    return set ? parse_set(p, a) : parse_range(p, a);
}

// The status, for 404 and 5xx.
static expr_t *
status_expr(parser_t *p, const tok_t *t)
{
    if (!p->after) {
        return expr_field(p, FIELD_STATUS);
    }
    for (size_t i = 0; i < p->q->n_columns; i++) {
        if (strcmp(p->q->columns[i].name, "status") == 0 &&
            type_is_number(p->q->columns[i].type)) {
            expr_t *e = expr_literal(p, (cell_t){0}, TYPE_INTEGER);
            e->kind = EXPR_COLUMN;
            e->column = i;
            e->type = p->q->columns[i].type;
            return e;
        }
    }
    fail_tok(p, t, "there is no column 'status' for");
    return NULL;
}

static filter_t *
parse_class(parser_t *p, const tok_t *t)
{
    filter_t *f = filter_new(p, FILTER_IN_RANGE);
    char name[4] = {(char)('0' + (int)t->number), 'x', 'x', '\0'};

    p->at++;
    f->a = status_expr(p, t);
    f->text = query_keep(p->mem, span_str(name));
    f->n_items = 2;
    f->items = query_alloc(p->mem, 2, sizeof *f->items);
    f->items[0] =
        (cell_t){.kind = CELL_NUMBER, .number = DEC_INT(t->number * 100)};
    f->items[1] =
        (cell_t){.kind = CELL_NUMBER, .number = DEC_INT(t->number * 100 + 99)};
    return f->a == NULL ? NULL : f;
}

static filter_t *
parse_bare(parser_t *p, const tok_t *t)
{
    filter_t *f =
        filter_new(p, t->kind == TOK_STRING ? FILTER_LINE_HAS : FILTER_EQ);

    if (t->kind == TOK_STRING) {
        f->text = query_keep(p->mem, t->text);
        if (p->after) {
            fail_tok(p, t, "a line cannot be searched behind the aggregate:");
        }
    } else if (t->unit || t->type != TYPE_INTEGER) {
        fail_tok(p, t, "expected a comparison with");
    } else {
        f->a = status_expr(p, t);
        f->b = expr_literal(
            p, (cell_t){.kind = CELL_NUMBER, .number = t->number}, t->type);
    }
    p->at++;
    return p->failed ? NULL : f;
}

static filter_t *
parse_term(parser_t *p)
{
    const tok_t *t = peek(p);

    if (t->kind == TOK_CLASS) {
        return parse_class(p, t);
    }
    if ((t->kind == TOK_NUMBER || t->kind == TOK_STRING) &&
        !is_operator(t + 1)) {
        return parse_bare(p, t);
    }
    if (tok_is(t, "(") && !opens_expr(p)) {
        p->at++;
        filter_t *f = parse_filter(p);
        return f != NULL && expect(p, ")") ? f : NULL;
    }
    expr_t *a = parse_expr(p);
    if (a == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (take_if(p, ops[i].text)) {
            return parse_comparison(p, a, t, &ops[i]);
        }
    }
    if (take_if(p, "in")) {
        return parse_in(p, a, t);
    }
    fail_tok(p, peek(p),
        peek(p)->kind == TOK_END ? "expected a comparison such as '= 1'"
                                 : "expected a comparison before");
    return NULL;
}

static filter_t *
parse_not(parser_t *p)
{
    const tok_t *t = peek(p);

    if (!take_if(p, "not")) {
        return parse_term(p);
    }
    if (++p->filter_depth > LIMIT_QUERY_DEPTH) {
        fail_at(p, t->begin, t->end, "this filter is too deep");
        return NULL;
    }
    filter_t *sub = parse_not(p);
    p->filter_depth--;
    if (sub == NULL) {
        return NULL;
    }
    filter_t *f = filter_new(p, FILTER_NOT);
    f->n_subs = 1;
    f->subs = query_alloc(p->mem, 1, sizeof sub);
    f->subs[0] = sub;
    return f;
}

static bool
term_follows(parser_t *p)
{
    const tok_t *t = peek(p);

    if (t->kind == TOK_NAME) {
        return tok_is(t, "not") || !word_is_reserved(t->text) ||
               (tok_is(t, "if") && tok_is(t + 1, "("));
    }
    return (t->kind != TOK_OP && t->kind != TOK_END) || tok_is(t, "(");
}

static filter_t *
parse_and(parser_t *p)
{
    buf_t subs = {0};
    filter_t *f;

    do {
        f = parse_not(p);
        if (f != NULL) {
            push_flat(&subs, FILTER_AND, f);
        }
    } while (f != NULL && (take_if(p, "and") || term_follows(p)));
    f = f == NULL ? NULL : join(p, FILTER_AND, &subs);
    buf_fini(&subs);
    return f;
}

static void
measure_expr(const expr_t *e, size_t *height, size_t *size)
{
    if (e != NULL) {
        const node_t *n = (const node_t *)e;
        *height = n->height + 1 > *height ? n->height + 1 : *height;
        *size += n->size;
    }
}

void
filter_measure(const filter_t *f, size_t *height, size_t *size)
{
    *height = 1;
    *size = 1;
    measure_expr(f->a, height, size);
    measure_expr(f->b, height, size);
    for (size_t i = 0; i < f->n_subs; i++) {
        size_t h, n;
        filter_measure(f->subs[i], &h, &n);
        *height = h + 1 > *height ? h + 1 : *height;
        *size += n;
    }
}

filter_t *
parse_filter(parser_t *p)
{
    buf_t subs = {0};
    filter_t *f;

    if (++p->filter_depth > LIMIT_QUERY_DEPTH) {
        fail_at(p, peek(p)->begin, peek(p)->end, "this filter is too deep");
        return NULL;
    }
    do {
        f = parse_and(p);
        if (f != NULL) {
            push_flat(&subs, FILTER_OR, f);
        }
    } while (f != NULL && take_if(p, "or"));
    f = f == NULL ? NULL : join(p, FILTER_OR, &subs);
    buf_fini(&subs);
    p->filter_depth--;
    return f;
}
