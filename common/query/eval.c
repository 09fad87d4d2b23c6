// SPDX-License-Identifier: Apache-2.0
// A walk over the tree per row. PCRE2 runs without its JIT: the executors
// may not make memory executable.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "common/query/eval.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/query/funcs.h"
#include "common/query/time_text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_LIMIT   1000000u
#define DEPTH_LIMIT   10000u
#define HEAP_LIMIT_KB 20000u
#define ROW_TEXT_MAX  ((size_t)64 << 20)
#define SCRATCH       LIMIT_QUERY_COLUMNS // network keys of one row

struct eval {
    pcre2_code **codes;
    size_t n_codes;
    pcre2_match_data *match;
    pcre2_match_context *context;
    char scratch[SCRATCH][INET6_ADDRSTRLEN + 4];
    size_t used;
    uint8_t **texts; // made by functions for this row
    size_t n_texts;
    size_t cap_texts;
    size_t text_bytes;
};

// A let that is used twice brings its regex twice.
static errcode_t
compile_one(eval_t *self, span_t text, size_t regex)
{
    PCRE2_SIZE where;
    int code;

    assert(regex < self->n_codes);
    if (self->codes[regex] == NULL) {
        self->codes[regex] =
            pcre2_compile(text.p, text.len, 0, &code, &where, NULL);
    }
    return self->codes[regex] == NULL ? ERR_REGEX : ERR_OK;
}

static errcode_t compile(eval_t *self, const filter_t *f);

static errcode_t
compile_expr(eval_t *self, const expr_t *e)
{
    errcode_t rc = ERR_OK;

    if (e == NULL) {
        return ERR_OK;
    }
    for (size_t i = 0; i < e->n_args && rc == ERR_OK; i++) {
        rc = compile_expr(self, e->args[i]);
    }
    if (rc == ERR_OK && e->filter != NULL) {
        rc = compile(self, e->filter);
    }
    if (rc == ERR_OK && e->kind == EXPR_CALL && e->func->kind == FUNC_EXTRACT) {
        rc = compile_one(self, e->args[1]->literal.text, e->regex);
    }
    return rc;
}

static errcode_t
compile(eval_t *self, const filter_t *f)
{
    errcode_t rc = ERR_OK;

    if (f == NULL) {
        return ERR_OK;
    }
    for (size_t i = 0; i < f->n_subs && rc == ERR_OK; i++) {
        rc = compile(self, f->subs[i]);
    }
    if (rc == ERR_OK) {
        rc = compile_expr(self, f->a);
    }
    if (rc == ERR_OK) {
        rc = compile_expr(self, f->b);
    }
    if (rc == ERR_OK &&
        (f->kind == FILTER_REGEX || f->kind == FILTER_NOT_REGEX)) {
        rc = compile_one(self, f->text, f->regex);
    }
    return rc;
}

static errcode_t
compile_all(eval_t *self, const query_t *q)
{
    errcode_t rc = compile(self, q->filter);

    for (size_t i = 0; i < q->n_keys && rc == ERR_OK; i++) {
        rc = compile_expr(self, q->keys[i].expr);
    }
    for (size_t i = 0; i < q->n_aggs && rc == ERR_OK; i++) {
        rc = compile(self, q->aggs[i].filter);
        rc = rc == ERR_OK ? compile_expr(self, q->aggs[i].arg) : rc;
    }
    for (size_t i = 0; i < q->n_stages && rc == ERR_OK; i++) {
        rc = compile(self, q->stages[i].filter);
        rc = rc == ERR_OK ? compile_expr(self, q->stages[i].expr) : rc;
    }
    return rc;
}

errcode_t
eval_new(const query_t *query, eval_t **out)
{
    eval_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    self->n_codes = query->n_regexes;
    self->codes = xcalloc(self->n_codes + 1, sizeof(pcre2_code *));
    self->match = pcre2_match_data_create(2, NULL);
    self->context = pcre2_match_context_create(NULL);
    if (self->match == NULL || self->context == NULL) {
        abort(); // out of memory, as in xalloc
    }
    pcre2_set_match_limit(self->context, MATCH_LIMIT);
    pcre2_set_depth_limit(self->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(self->context, HEAP_LIMIT_KB);
    errcode_t rc = compile_all(self, query);
    if (rc != ERR_OK) {
        eval_destroy(&self);
    }
    *out = self;
    return rc;
}

void
eval_destroy(eval_t **self_p)
{
    eval_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n_codes; i++) {
        pcre2_code_free(self->codes[i]);
    }
    eval_next_row(self);
    free(self->texts);
    pcre2_match_data_free(self->match);
    pcre2_match_context_free(self->context);
    free(self->codes);
    free(self);
    *self_p = NULL;
}

void
eval_next_row(eval_t *self)
{
    self->used = 0;
    while (self->n_texts > 0) {
        free(self->texts[--self->n_texts]);
    }
    self->text_bytes = 0;
}

// Bytes for a text of this row.
static errcode_t
make_text(eval_t *self, size_t len, uint8_t **out)
{
    if (len > ROW_TEXT_MAX - self->text_bytes) {
        return ERR_TOO_LARGE;
    }
    self->text_bytes += len;
    self->texts = xgrow(
        self->texts, &self->cap_texts, self->n_texts + 1, sizeof *self->texts);
    *out = self->texts[self->n_texts++] = xcalloc(len + 1, 1);
    return ERR_OK;
}

static errcode_t
call_lower(eval_t *self, span_t s, span_t *out)
{
    uint8_t *made;
    errcode_t rc;

    *out = s;
    if (!func_has_upper(s)) {
        return ERR_OK;
    }
    if ((rc = make_text(self, s.len, &made)) == ERR_OK) {
        func_lower(s, made);
        out->p = made;
    }
    return rc;
}

// p == NULL: no match, or the group took no part in it.
static errcode_t
call_extract(eval_t *self, size_t regex, span_t s, span_t *out)
{
    const uint8_t *p = s.len == 0 ? (const uint8_t *)"" : s.p;
    int rc = pcre2_match(
        self->codes[regex], p, s.len, 0, 0, self->match, self->context);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(self->match);

    *out = (span_t){NULL, 0};
    if (rc < 0) {
        return rc == PCRE2_ERROR_NOMATCH ? ERR_OK : ERR_REGEX;
    }
    if (rc != 1 && at[2] <= at[3] && at[3] <= s.len) { // 1: no group was set
        *out = (span_t){p + at[2], at[3] - at[2]};
    }
    return ERR_OK;
}

static errcode_t
call_on_text(eval_t *self, const expr_t *e, span_t s, cell_t *out)
{
    errcode_t rc = ERR_OK;
    span_t text = {0};

    switch (e->func->kind) {
    case FUNC_LEN:
        *out = (cell_t){.kind = CELL_NUMBER, .number = DEC_INT(s.len)};
        return ERR_OK;
    case FUNC_LOWER:
        rc = call_lower(self, s, &text);
        *out = (cell_t){.kind = CELL_TEXT, .text = text};
        return rc;
    case FUNC_EXT:
        text = func_ext(s);
        break;
    case FUNC_SEGMENT:
        text =
            func_segment(s, (uint64_t)(e->args[1]->literal.number / DEC_ONE));
        break;
    case FUNC_URLHOST:
        text = func_urlhost(s);
        rc = call_lower(self, text, &text);
        break;
    case FUNC_EXTRACT:
        rc = call_extract(self, e->regex, s, &text);
        break;
    case FUNC_HOUR:
    case FUNC_WEEKDAY:
    case FUNC_IF:
        break;
    }
    *out = (cell_t){
        .kind = text.p != NULL ? CELL_TEXT : CELL_MISSING, .text = text};
    return rc;
}

static errcode_t
eval_call(eval_t *self, const expr_t *e, const eval_row_t *row, cell_t *out)
{
    func_kind_t kind = e->func->kind;
    cell_t a;
    bool yes;
    errcode_t rc;

    if (kind == FUNC_IF) { // the other value is not looked at
        rc = eval_filter(self, e->filter, row, &yes);
        return rc == ERR_OK ? eval_expr(self, e->args[yes ? 0 : 1], row, out)
                            : rc;
    }
    rc = eval_expr(self, e->args[0], row, &a);
    *out = (cell_t){.kind = CELL_MISSING};
    if (rc != ERR_OK || a.kind == CELL_MISSING) {
        return rc;
    }
    if (kind == FUNC_HOUR || kind == FUNC_WEEKDAY) {
        int64_t n =
            kind == FUNC_HOUR ? func_hour(a.number) : func_weekday(a.number);
        *out = (cell_t){.kind = CELL_NUMBER, .number = DEC_INT(n)};
        return ERR_OK;
    }
    return call_on_text(self, e, a.text, out);
}

static errcode_t
arith(expr_kind_t kind, dec_t a, dec_t b, dec_t *out)
{
    return kind == EXPR_ADD   ? dec_add(a, b, out)
           : kind == EXPR_SUB ? dec_sub(a, b, out)
           : kind == EXPR_MUL ? dec_mul(a, b, out)
           : kind == EXPR_DIV ? dec_div(a, b, out)
                              : dec_mod(a, b, out);
}

static errcode_t
eval_op(eval_t *self, const expr_t *e, const eval_row_t *row, cell_t *out)
{
    cell_t a = {.kind = CELL_NUMBER}, b = {.kind = CELL_NUMBER};
    bool neg = e->kind == EXPR_NEG; // 0 - x
    errcode_t rc = neg ? ERR_OK : eval_expr(self, e->args[0], row, &a);

    if (rc == ERR_OK) {
        rc = eval_expr(self, e->args[neg ? 0 : 1], row, &b);
    }
    *out = (cell_t){.kind = CELL_MISSING};
    if (rc != ERR_OK || a.kind != CELL_NUMBER || b.kind != CELL_NUMBER) {
        return rc;
    }
    rc = arith(neg ? EXPR_SUB : e->kind, a.number, b.number, &out->number);
    if (rc == ERR_NOT_FOUND) {
        return ERR_OK; // by zero: missing
    }
    out->kind = rc == ERR_OK ? CELL_NUMBER : CELL_MISSING;
    return rc;
}

// The text that was logged, as what the query wants of it.
static void
eval_own(const expr_t *e, const eval_row_t *row, cell_t *out)
{
    row->own(row->ctx, e->name, out);
    if (out->kind == CELL_TEXT && type_is_number(e->type)) {
        bool fits = e->type == TYPE_TIME ? time_parse(out->text, &out->number)
                                         : number_read(out->text, &out->number);
        out->kind = fits ? CELL_NUMBER : CELL_MISSING;
    }
}

errcode_t
eval_expr(eval_t *self, const expr_t *expr, const eval_row_t *row, cell_t *out)
{
    if (expr->kind == EXPR_LITERAL) {
        *out = expr->literal;
        return ERR_OK;
    }
    if (expr->kind == EXPR_FIELD) {
        row->field(row->ctx, expr->field, out);
        return ERR_OK;
    }
    if (expr->kind == EXPR_OWN) {
        eval_own(expr, row, out);
        return ERR_OK;
    }
    if (expr->kind == EXPR_COLUMN) {
        row->column(row->ctx, expr->column, out);
        return ERR_OK;
    }
    if (expr->kind == EXPR_CALL) {
        return eval_call(self, expr, row, out);
    }
    return eval_op(self, expr, row, out);
}

// The length of the address, 0 for none.
static uint8_t
to_addr(span_t s, uint8_t addr[16])
{
    char copy[INET6_ADDRSTRLEN];

    if (s.len == 0 || s.len >= sizeof copy || memchr(s.p, 0, s.len) != NULL) {
        return 0;
    }
    memcpy(copy, s.p, s.len);
    copy[s.len] = '\0';
    if (memchr(s.p, ':', s.len) != NULL) {
        return inet_pton(AF_INET6, copy, addr) == 1 ? 16 : 0;
    }
    return inet_pton(AF_INET, copy, addr) == 1 ? 4 : 0;
}

static void
to_network(eval_t *self, uint8_t prefix, cell_t *cell)
{
    uint8_t addr[16] = {0};
    char text[INET6_ADDRSTRLEN];
    uint8_t len = to_addr(cell->text, addr);

    if (len == 0) {
        *cell = (cell_t){.kind = CELL_MISSING};
        return;
    }
    unsigned bits = prefix < len * 8u ? prefix : len * 8u;
    for (unsigned i = bits; i < len * 8u; i++) {
        addr[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    }
    inet_ntop(len == 4 ? AF_INET : AF_INET6, addr, text, sizeof text);
    char *to = self->scratch[self->used++ % SCRATCH];
    int n = snprintf(to, sizeof self->scratch[0], "%s/%u", text, bits);
    cell->text = (span_t){(const uint8_t *)to, (size_t)n};
}

errcode_t
eval_key(
    eval_t *self, const query_key_t *key, const eval_row_t *row, cell_t *out)
{
    errcode_t rc = eval_expr(self, key->expr, row, out);

    if (rc != ERR_OK || out->kind == CELL_MISSING) {
        return rc;
    }
    if (key->bucket == BUCKET_STEP && out->kind == CELL_NUMBER) {
        return dec_floor(out->number, key->step, &out->number);
    }
    if (key->bucket == BUCKET_NET && out->kind == CELL_TEXT) {
        to_network(self, key->prefix, out);
    }
    return ERR_OK;
}

static bool
in_set(const filter_t *f, const cell_t *a)
{
    size_t low = 0, high = f->n_items;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = cell_cmp(&f->items[mid], a);
        if (c == 0) {
            return true;
        }
        low = c < 0 ? mid + 1 : low;
        high = c < 0 ? high : mid;
    }
    return false;
}

static bool
in_network(const cidr_t *net, span_t text)
{
    uint8_t addr[16];

    if (to_addr(text, addr) != net->addr_len) {
        return false;
    }
    unsigned bytes = net->prefix / 8, bits = net->prefix % 8;
    return memcmp(addr, net->addr, bytes) == 0 &&
           (bits == 0 || ((addr[bytes] ^ net->addr[bytes]) >> (8 - bits)) == 0);
}

static bool
has(span_t s, span_t part)
{
    return part.len == 0 ||
           (s.len > 0 && memmem(s.p, s.len, part.p, part.len) != NULL);
}

static bool
begins(span_t s, span_t part)
{
    return part.len <= s.len &&
           (part.len == 0 || memcmp(s.p, part.p, part.len) == 0);
}

static bool
ends(span_t s, span_t part)
{
    return part.len <= s.len && (part.len == 0 || memcmp(s.p + s.len - part.len,
                                                      part.p, part.len) == 0);
}

static errcode_t
matches(eval_t *self, const filter_t *f, span_t s, bool *out)
{
    const uint8_t *p = s.len == 0 ? (const uint8_t *)"" : s.p;
    int rc = pcre2_match(
        self->codes[f->regex], p, s.len, 0, 0, self->match, self->context);

    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
        return ERR_REGEX;
    }
    *out = (rc >= 0) == (f->kind == FILTER_REGEX);
    return ERR_OK;
}

static bool
compare(filter_kind_t kind, const cell_t *a, const cell_t *b)
{
    int c = cell_cmp(a, b);

    return kind == FILTER_EQ   ? c == 0
           : kind == FILTER_NE ? c != 0
           : kind == FILTER_LT ? c < 0
           : kind == FILTER_LE ? c <= 0
           : kind == FILTER_GT ? c > 0
                               : c >= 0;
}

static bool
test(const filter_t *f, const cell_t *a, const cell_t *b)
{
    if (f->kind == FILTER_IN_SET) {
        return in_set(f, a);
    }
    if (f->kind == FILTER_IN_RANGE) {
        return cell_cmp(&f->items[0], a) <= 0 && cell_cmp(a, &f->items[1]) <= 0;
    }
    if (f->kind == FILTER_IN_CIDR) {
        return in_network(&f->net, a->text);
    }
    return f->kind == FILTER_CONTAINS     ? has(a->text, b->text)
           : f->kind == FILTER_STARTSWITH ? begins(a->text, b->text)
           : f->kind == FILTER_ENDSWITH   ? ends(a->text, b->text)
                                          : compare(f->kind, a, b);
}

static errcode_t
eval_leaf(eval_t *self, const filter_t *f, const eval_row_t *row, bool *out)
{
    cell_t a, b = {.kind = CELL_MISSING};
    errcode_t rc = eval_expr(self, f->a, row, &a);

    *out = false;
    if (rc == ERR_OK && f->b != NULL) {
        rc = eval_expr(self, f->b, row, &b);
    }
    if (rc != ERR_OK || a.kind == CELL_MISSING ||
        (f->b != NULL && b.kind == CELL_MISSING)) {
        return rc;
    }
    if (f->kind == FILTER_REGEX || f->kind == FILTER_NOT_REGEX) {
        return matches(self, f, a.text, out);
    }
    *out = test(f, &a, &b);
    return ERR_OK;
}

errcode_t
eval_filter(
    eval_t *self, const filter_t *filter, const eval_row_t *row, bool *out)
{
    bool all = filter->kind == FILTER_AND;
    errcode_t rc = ERR_OK;

    if (filter->kind == FILTER_LINE_HAS) {
        *out = has(row->line(row->ctx), filter->text);
        return ERR_OK;
    }
    if (filter->kind > FILTER_NOT) {
        return eval_leaf(self, filter, row, out);
    }
    if (filter->kind == FILTER_NOT) {
        rc = eval_filter(self, filter->subs[0], row, out);
        *out = !*out;
        return rc;
    }
    *out = all;
    for (size_t i = 0; i < filter->n_subs && rc == ERR_OK && *out == all; i++) {
        rc = eval_filter(self, filter->subs[i], row, out);
    }
    return rc;
}
