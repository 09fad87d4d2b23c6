// SPDX-License-Identifier: Apache-2.0
// Fields that are not built in, by the names that a format has for them. They
// have no type of their own: their text is what was logged, and where a number
// or a time is wanted it is read as one.
#include "common/query/parse.h"

#include "common/base/utf8.h"

#include <string.h>

static bool
harmless(span_t name)
{
    uint32_t code;

    for (size_t i = 0; i < name.len;) {
        size_t n = utf8_next(name.p + i, name.len - i, &code);
        if (n == 0 || utf8_is_harmful(code)) {
            return false;
        }
        i += n;
    }
    return true;
}

static bool
check_name(parser_t *p, const tok_t *t)
{
    if (t->kind == TOK_OWN && !p->free_names) {
        return fail_tok(p, t, "this format has no field of the name");
    }
    if (t->text.len == 0 || t->text.len > LIMIT_NAME || !harmless(t->text)) {
        return fail_tok(p, t, "this cannot be a name:");
    }
    return true;
}

// The place of the name among those of the query.
static bool
number_name(parser_t *p, const tok_t *t, size_t *out)
{
    query_t *q = p->q;

    for (*out = 0; *out < q->n_names; ++*out) {
        if (span_eq(q->names[*out], t->text)) {
            return true;
        }
    }
    if (q->n_names == LIMIT_FREE_NAMES) {
        return fail_tok(p, t, "these are too many names:");
    }
    if (q->names == NULL) {
        q->names = query_alloc(p->mem, LIMIT_FREE_NAMES, sizeof *q->names);
    }
    q->names[q->n_names++] = query_keep(p->mem, t->text);
    return true;
}

expr_t *
expr_own(parser_t *p, const tok_t *t)
{
    size_t name;

    if (!check_name(p, t) || !number_name(p, t, &name)) {
        return NULL;
    }
    expr_t *e = expr_literal(p, (cell_t){0}, TYPE_TEXT);
    e->kind = EXPR_OWN;
    e->name = name;
    e->quoted = t->kind == TOK_OWN;
    p->at++;
    return e;
}

expr_t *
expr_read_as(parser_t *p, expr_t *e, type_t type)
{
    if (e->kind != EXPR_OWN || e->type != TYPE_TEXT || !type_is_number(type)) {
        return e;
    }
    // A let's expression may be used elsewhere, as text.
    node_t *copy = query_alloc(p->mem, 1, sizeof *copy);
    *copy = *(const node_t *)e;
    copy->e.type = type == TYPE_TIME ? TYPE_TIME : TYPE_DECIMAL;
    return &copy->e;
}

bool
own_name_is(const query_t *q, span_t name)
{
    for (size_t i = 0; i < q->n_names; i++) {
        if (span_eq(q->names[i], name)) {
            return true;
        }
    }
    return false;
}

static int
digit_at(span_t s, size_t i)
{
    return i < s.len && s.p[i] >= '0' && s.p[i] <= '9' ? s.p[i] - '0' : -1;
}

// The digits of a number without its point, up to 38 of them, and the power
// of ten that they are to be multiplied with.
typedef struct parts {
    u128_t digits;
    int64_t power;
    bool more; // digits that were dropped are not all zero
} parts_t;

static size_t
read_digits(span_t s, size_t i, bool fraction, parts_t *out)
{
    static const u128_t full = ~(u128_t)0 / 10 - 1;

    for (; digit_at(s, i) >= 0; i++) {
        if (out->digits < full) {
            out->digits = out->digits * 10 + (unsigned)digit_at(s, i);
            out->power -= fraction;
        } else {
            out->more |= digit_at(s, i) > 0;
            out->power += !fraction;
        }
    }
    return i;
}

// Behind the e: false is no exponent. Far ones are all the same.
static bool
read_exponent(span_t s, size_t i, parts_t *out)
{
    bool minus = i < s.len && s.p[i] == '-';
    int64_t e = 0;

    i += minus || (i < s.len && s.p[i] == '+');
    if (digit_at(s, i) < 0) {
        return false;
    }
    for (; digit_at(s, i) >= 0; i++) {
        e = e < 1000000 ? e * 10 + digit_at(s, i) : e;
    }
    out->power += minus ? -e : e;
    return i == s.len;
}

// Rounded half to even.
static u128_t
divided(u128_t v, int64_t power, bool more)
{
    unsigned last = 0;

    for (; power < 0 && (v > 0 || last > 0); power++) {
        more |= last > 0;
        last = (unsigned)(v % 10);
        v /= 10;
    }
    bool half = last == 5 && !more;
    return v + (last > 5 || (last == 5 && more) || (half && v % 2 == 1));
}

bool
number_read(span_t s, dec_t *out)
{
    static const u128_t most = ~(u128_t)0 >> 1;
    parts_t n = {.power = 9};
    bool minus = s.len > 0 && s.p[0] == '-';

    if (dec_parse(s, out) == ERR_OK) {
        return true;
    }
    size_t i = minus ? 1 : 0;
    size_t begin = i;
    i = read_digits(s, i, false, &n);
    if (i == begin) {
        return false;
    }
    if (i < s.len && s.p[i] == '.') {
        begin = ++i;
        i = read_digits(s, i, true, &n);
        if (i == begin) {
            return false;
        }
    }
    bool exponent = i < s.len && (s.p[i] == 'e' || s.p[i] == 'E');
    if (exponent ? !read_exponent(s, i + 1, &n) : i < s.len) {
        return false;
    }
    u128_t v = divided(n.digits, n.power, n.more);
    for (; n.power > 0 && v > 0; n.power--) {
        if (v > most / 10) {
            return false;
        }
        v *= 10;
    }
    *out = minus ? -(dec_t)v : (dec_t)v;
    return v <= most;
}
