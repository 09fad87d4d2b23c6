// SPDX-License-Identifier: Apache-2.0
// The text that parses to the same query again.
#include "common/query/parse.h"

#include <arpa/inet.h>
#include <string.h>

static void
canon_text(span_t s, buf_t *out)
{
    static const char named[] = "\\\"\n\r\t", letters[] = "\\\"nrt";
    size_t width;

    buf_put_u8(out, '"');
    for (size_t i = 0; i < s.len;) {
        uint8_t c = s.p[i];
        const char *at = c == 0 ? NULL : strchr(named, c);
        // A backslash stays single where it cannot begin an escape.
        bool plain = c == '\\' && i + 1 < s.len && s.p[i + 1] > 0x20 &&
                     s.p[i + 1] < 0x7f &&
                     strchr("\\\"'nrtx", s.p[i + 1]) == NULL;
        if (plain || at == NULL) {
            buf_t one = {0};
            size_t n = plain ? 1 : text_shown(s.p + i, s.len - i, &one, &width);
            buf_put(out, plain ? (const uint8_t *)"\\" : one.p,
                plain ? 1 : one.len);
            buf_fini(&one);
            i += n;
        } else {
            buf_put_u8(out, '\\');
            buf_put_u8(out, (uint8_t)letters[at - named]);
            i++;
        }
    }
    buf_put_u8(out, '"');
}

static void
put_dec(dec_t v, buf_t *out)
{
    char text[DEC_TEXT_MAX];

    dec_format(v, text);
    buf_put_str(out, text);
}

static void
put_units(dec_t v, type_t type, buf_t *out)
{
    static const struct {
        const char *name;
        type_t type;
        dec_t value;
    } units[] = {{"d", TYPE_DURATION, DEC_INT(86400)},
        {"h", TYPE_DURATION, DEC_INT(3600)}, {"m", TYPE_DURATION, DEC_INT(60)},
        {"s", TYPE_DURATION, DEC_ONE}, {"ms", TYPE_DURATION, 1000000},
        {"us", TYPE_DURATION, 1000}, {"ns", TYPE_DURATION, 1},
        {"TB", TYPE_SIZE, DEC_INT(1000000000000)},
        {"GB", TYPE_SIZE, DEC_INT(1000000000)},
        {"MB", TYPE_SIZE, DEC_INT(1000000)}, {"KB", TYPE_SIZE, DEC_INT(1000)},
        {"B", TYPE_SIZE, DEC_ONE}};

    for (size_t i = 0; v != 0 && i < sizeof units / sizeof *units; i++) {
        dec_t n;
        // More nanoseconds than there is room for are told in seconds.
        if (units[i].type == type && v % units[i].value == 0 &&
            !__builtin_mul_overflow(v / units[i].value, DEC_ONE, &n)) {
            put_dec(n, out);
            buf_put_str(out, units[i].name);
            return;
        }
    }
    put_dec(v, out);
    buf_put_str(out, type == TYPE_SIZE ? "B" : "s");
}

static void
canon_cell(const cell_t *c, type_t type, buf_t *out)
{
    if (c->kind == CELL_TEXT) {
        canon_text(c->text, out);
    } else if (type == TYPE_TIME) {
        buf_put_u8(out, '"');
        time_print(c->number, out);
        buf_put_u8(out, '"');
    } else if (type == TYPE_DURATION || type == TYPE_SIZE) {
        put_units(c->number, type, out);
    } else {
        put_dec(c->number, out);
    }
}

static int
rank(expr_kind_t kind)
{
    return kind == EXPR_ADD || kind == EXPR_SUB                       ? 1
           : kind == EXPR_MUL || kind == EXPR_DIV || kind == EXPR_MOD ? 2
           : kind == EXPR_NEG                                         ? 3
                                                                      : 4;
}

static void
canon_call(const query_t *q, const expr_t *e, buf_t *out)
{
    buf_printf(out, "%s(", e->func->name);
    if (e->filter != NULL) {
        canon_filter(q, e->filter, out);
        buf_put_str(out, ", ");
    }
    for (size_t i = 0; i < e->n_args; i++) {
        buf_put_str(out, i == 0 ? "" : ", ");
        canon_expr(q, e->args[i], out);
    }
    buf_put_u8(out, ')');
}

static void
canon_sub(const query_t *q, const expr_t *e, int least, buf_t *out)
{
    bool parens = e->let == NULL && rank(e->kind) < least;

    buf_put_str(out, parens ? "(" : "");
    canon_expr(q, e, out);
    buf_put_str(out, parens ? ")" : "");
}

void
canon_expr(const query_t *q, const expr_t *e, buf_t *out)
{
    static const char *const signs[] = {[EXPR_ADD] = " + ",
        [EXPR_SUB] = " - ",
        [EXPR_MUL] = " * ",
        [EXPR_DIV] = " / ",
        [EXPR_MOD] = " % "};

    if (e->let != NULL) {
        buf_put_str(out, e->let);
    } else if (e->kind == EXPR_LITERAL) {
        canon_cell(&e->literal, e->type, out);
    } else if (e->kind == EXPR_FIELD) {
        buf_put_str(out, field_infos[e->field].name);
    } else if (e->kind == EXPR_OWN) {
        buf_put_str(out, e->quoted ? "`" : "");
        buf_put_span(out, q->names[e->name]);
        buf_put_str(out, e->quoted ? "`" : "");
    } else if (e->kind == EXPR_COLUMN) {
        buf_put_str(out, q->columns[e->column].name);
    } else if (e->kind == EXPR_NEG) {
        buf_put_u8(out, '-');
        canon_sub(q, e->args[0], 3, out);
    } else if (e->kind == EXPR_CALL) {
        canon_call(q, e, out);
    } else {
        canon_sub(q, e->args[0], rank(e->kind), out);
        buf_put_str(out, signs[e->kind]);
        canon_sub(q, e->args[1], rank(e->kind) + 1, out);
    }
}

static void
canon_group(const query_t *q, const filter_t *f, bool parens, buf_t *out)
{
    buf_put_str(out, parens ? "(" : "");
    canon_filter(q, f, out);
    buf_put_str(out, parens ? ")" : "");
}

static void
canon_subs(const query_t *q, const filter_t *f, buf_t *out)
{
    bool and = f->kind == FILTER_AND;

    for (size_t i = 0; i < f->n_subs; i++) {
        buf_put_str(out, i == 0 ? "" : and? " and " : " or ");
        canon_group(q, f->subs[i], and&&f->subs[i]->kind == FILTER_OR, out);
    }
}

static void
canon_in(const query_t *q, const filter_t *f, buf_t *out)
{
    char net[INET6_ADDRSTRLEN];

    if (f->kind == FILTER_IN_RANGE && f->text.len > 0) {
        buf_put_span(out, f->text); // 5xx
        return;
    }
    canon_expr(q, f->a, out);
    buf_put_str(out, f->kind == FILTER_IN_SET ? " in (" : " in ");
    for (size_t i = 0; i < f->n_items; i++) {
        const char *between = f->kind == FILTER_IN_SET ? ", " : "..";
        buf_put_str(out, i == 0 ? "" : between);
        canon_cell(&f->items[i], f->a->type, out);
    }
    if (f->kind == FILTER_IN_SET) {
        buf_put_u8(out, ')');
    } else if (f->kind == FILTER_IN_CIDR) {
        inet_ntop(f->net.addr_len == 4 ? AF_INET : AF_INET6, f->net.addr, net,
            sizeof net);
        buf_printf(out, "%s/%u", net, f->net.prefix);
    }
}

void
canon_filter(const query_t *q, const filter_t *f, buf_t *out)
{
    static const char *const signs[] = {[FILTER_EQ] = " = ",
        [FILTER_NE] = " != ",
        [FILTER_LT] = " < ",
        [FILTER_LE] = " <= ",
        [FILTER_GT] = " > ",
        [FILTER_GE] = " >= ",
        [FILTER_REGEX] = " ~ ",
        [FILTER_NOT_REGEX] = " !~ ",
        [FILTER_CONTAINS] = " contains ",
        [FILTER_STARTSWITH] = " startswith ",
        [FILTER_ENDSWITH] = " endswith "};

    if (f->kind == FILTER_AND || f->kind == FILTER_OR) {
        canon_subs(q, f, out);
    } else if (f->kind == FILTER_NOT) {
        buf_put_str(out, "not ");
        canon_group(q, f->subs[0], f->subs[0]->kind <= FILTER_NOT, out);
    } else if (f->kind == FILTER_LINE_HAS) {
        canon_text(f->text, out);
    } else if (f->kind >= FILTER_IN_SET) {
        canon_in(q, f, out);
    } else {
        canon_expr(q, f->a, out);
        buf_put_str(out, signs[f->kind]);
        if (f->b != NULL) {
            canon_expr(q, f->b, out);
        } else {
            canon_text(f->text, out);
        }
    }
}

void
canon_key(const query_t *q, const query_key_t *k, buf_t *out)
{
    cell_t step = {.kind = CELL_NUMBER, .number = k->step};

    canon_expr(q, k->expr, out);
    if (k->bucket == BUCKET_NET) {
        buf_printf(out, ":/%u", k->prefix);
    } else if (k->bucket == BUCKET_STEP) {
        buf_put_u8(out, ':');
        canon_cell(&step, k->written, out);
    }
}

// The short name of a quantile that has one.
static const agg_info_t *
named_quantile(dec_t quantile)
{
    for (const agg_info_t *info = agg_infos; info->name != NULL; info++) {
        if (info->quantile > 0 && info->quantile == quantile) {
            return info;
        }
    }
    return NULL;
}

static void
canon_agg_call(const query_t *q, const query_agg_t *a, buf_t *out)
{
    const agg_info_t *named =
        a->func == AGG_QUANTILE ? named_quantile(a->quantile) : NULL;
    cell_t second = {.kind = CELL_NUMBER,
        .number = a->hist != NULL ? a->hist->step : a->quantile};

    buf_put_str(out, a->hist != NULL ? "hist"
                     : named != NULL ? named->name
                                     : agg_infos[a->func].name);
    const expr_t *arg = a->hist != NULL ? a->hist->expr : a->arg;
    if (arg == NULL) {
        return;
    }
    buf_put_u8(out, '(');
    canon_expr(q, arg, out);
    if (a->hist != NULL || (a->func == AGG_QUANTILE && named == NULL)) {
        buf_put_str(out, ", ");
        canon_cell(
            &second, a->hist != NULL ? a->hist->written : TYPE_DECIMAL, out);
    }
    buf_put_u8(out, ')');
}

void
canon_agg(const query_t *q, const query_agg_t *a, buf_t *out)
{
    canon_agg_call(q, a, out);
    if (a->filter != NULL) {
        buf_put_str(out, " if(");
        canon_filter(q, a->filter, out);
        buf_put_u8(out, ')');
    }
}
