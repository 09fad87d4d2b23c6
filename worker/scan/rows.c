// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/rows_inside.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void
row_field(void *ctx, field_t field, cell_t *out)
{
    rows_t *self = ctx;
    bool bad;

    if (field == FIELD_HOST || field == FIELD_FILE) {
        *out = (cell_t){.kind = CELL_TEXT,
            .text = field == FIELD_HOST ? self->host : self->path};
        return;
    }
    format_field(self->line, field, out, &bad);
    self->bad_values += bad ? 1 : 0;
}

static void
row_own(void *ctx, size_t name, cell_t *out)
{
    const rows_t *self = ctx;
    span_t text = self->line->fields[self->own[name]];

    *out = format_is_missing(text) ? (cell_t){.kind = CELL_MISSING}
                                   : (cell_t){.kind = CELL_TEXT, .text = text};
}

// Columns exist only after the aggregate; query_parse puts none before it.
static void
row_column(void *ctx, size_t column, cell_t *out)
{
    (void)ctx;
    (void)column;
    assert(false);
    *out = (cell_t){.kind = CELL_MISSING};
}

static span_t
row_line(void *ctx)
{
    const rows_t *self = ctx;

    return self->line->line;
}

// Keys that are worked out are known by the fields they are made of. Host and
// file do not change before the memo is forgotten; a line is too long.
static void
look_at_derived(rows_t *self)
{
    const query_t *query = self->query;
    uint32_t fields = 0;

    for (size_t i = 0; i < query->n_keys && !self->plain; i++) {
        fields |= expr_reads(query->keys[i].expr);
    }
    if (query->n_names > 0 || (fields & (1u << FIELD_LINE)) != 0) {
        return;
    }
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if ((fields >> f & 1) != 0 && f != FIELD_HOST && f != FIELD_FILE) {
            self->derived[self->n_derived++] = (field_t)f;
        }
    }
}

static void
look_at_keys(rows_t *self)
{
    const query_t *query = self->query;

    self->plain = query->n_keys > 0;
    for (size_t i = 0; i < query->n_keys; i++) {
        const expr_t *e = query->keys[i].expr;
        self->plain =
            self->plain && (e->kind == EXPR_FIELD || e->kind == EXPR_OWN);
    }
    self->text = self->plain && query->n_names == 0;
    for (size_t i = 0; self->text && i < query->n_keys; i++) {
        const query_key_t *key = &query->keys[i];
        self->text =
            key->bucket == BUCKET_NONE && !type_is_number(key->expr->type);
    }
}

// Host and file may be the one field too: no batch has them.
field_t
rows_decides(const filter_t *filter)
{
    uint32_t fields = filter_reads(filter);
    bool one = fields != 0 && (fields & (fields - 1)) == 0;

    return one ? (field_t)__builtin_ctz(fields) : FIELD_COUNT;
}

static void
look_at_conditions(rows_t *self)
{
    const query_t *query = self->query;

    self->conditions = xcalloc(query->n_aggs + 1, sizeof *self->conditions);
    for (size_t i = 0; i < query->n_aggs; i++) {
        condition_t *c = &self->conditions[i];
        c->decides = rows_decides(query->aggs[i].filter);
        if (c->decides != FIELD_COUNT && query->aggs[i].condition == i) {
            c->verdicts = xmalloc(sizeof *c->verdicts);
        }
    }
}

static void
look_at_aggs(rows_t *self)
{
    const query_t *query = self->query;

    self->counts = true;
    for (size_t i = 0; i < query->n_aggs; i++) {
        const query_agg_t *agg = &query->aggs[i];
        self->counts = self->counts && agg->func == AGG_COUNT &&
                       agg->arg == NULL && agg->filter == NULL;
    }
}

// Where the own fields of the query are, among those of all queries.
static void
place_names(rows_t *self, const query_t *reads)
{
    const query_t *query = self->query;

    for (size_t i = 0; i < query->n_names; i++) {
        for (size_t k = 0; k < reads->n_names; k++) {
            if (span_eq(query->names[i], reads->names[k])) {
                self->own[i] = (uint8_t)FIELD_OWN(k);
            }
        }
    }
}

errcode_t
rows_new(
    const query_t *query, const query_t *reads, tally_t *tally, rows_t **out)
{
    rows_t *self = xmalloc(sizeof *self);

    memset(self, 0, offsetof(rows_t, verdicts));
    errcode_t rc = eval_new(query, &self->eval);

    *out = NULL;
    if (rc != ERR_OK) {
        rows_destroy(&self);
        return rc;
    }
    self->query = query;
    self->tally = tally;
    self->memo = memo_new();
    self->row = (eval_row_t){row_field, row_column, row_line, self, row_own};
    for (size_t i = 0; i < BATCH_LINES; i++) {
        self->selected[i] = (uint16_t)i;
    }
    place_names(self, reads);
    look_at_keys(self);
    look_at_derived(self);
    self->decides = rows_decides(query->filter);
    look_at_conditions(self);
    look_at_aggs(self);
    *out = self;
    return ERR_OK;
}

void
rows_destroy(rows_t **self_p)
{
    rows_t *self = *self_p;

    if (self != NULL) {
        for (size_t i = 0; self->conditions != NULL && i < self->query->n_aggs;
             i++) {
            free(self->conditions[i].verdicts);
        }
        free(self->conditions);
        eval_destroy(&self->eval);
        buf_fini(&self->key);
        buf_fini(&self->keys);
        memo_destroy(&self->memo);
        free(self);
        *self_p = NULL;
    }
}

// Before a batch, and not for the lines of a small shard that come one by one.
void
rows_ready_shorts(rows_t *self)
{
    if (self->shorts_hold) {
        return;
    }
    self->shorts_hold = true;
    memset(&self->verdicts, 0, sizeof self->verdicts);
    memset(&self->groups, 0, sizeof self->groups);
    for (size_t i = 0; i < self->query->n_aggs; i++) {
        if (self->conditions[i].verdicts != NULL) {
            memset(self->conditions[i].verdicts, 0,
                sizeof *self->conditions[i].verdicts);
        }
    }
}

void
rows_place(
    rows_t *self, const char *host, const char *path, const line_fields_t *of)
{
    self->host = span_str(host);
    self->path = span_str(path);
    // What was said of a value may be wrong in another format.
    if (of->format != self->of_batch.format ||
        of->written != self->of_batch.written) {
        self->shorts_hold = false;
    }
    self->of_batch = (line_fields_t){
        .format = of->format, .written = of->written, .guessed = of->guessed};
    memo_forget(self->memo); // host and path may be among the keys
}

// A key that is a plain field needs no evaluator.
static errcode_t
key_cell(rows_t *self, const query_key_t *key, cell_t *out)
{
    if (key->bucket == BUCKET_NONE && key->expr->kind == EXPR_FIELD) {
        row_field(self, key->expr->field, out);
        return ERR_OK;
    }
    return eval_key(self->eval, key, &self->row, out);
}

errcode_t
rows_key(rows_t *self, buf_t *out, bool *has_group)
{
    errcode_t rc = ERR_OK;

    *has_group = true;
    for (size_t i = 0; rc == ERR_OK && i < self->query->n_keys; i++) {
        const query_key_t *key = &self->query->keys[i];
        cell_t cell;
        rc = key_cell(self, key, &cell);
        if (rc == ERR_OK) {
            cell_encode(&cell, out);
            *has_group &= !key->must || cell.kind != CELL_MISSING;
        }
    }
    return rc;
}

static span_t
raw_key(const rows_t *self, size_t i)
{
    if (!self->plain) {
        return format_raw(self->line, self->derived[i]);
    }
    const expr_t *e = self->query->keys[i].expr;
    return e->kind == EXPR_OWN ? self->line->fields[self->own[e->name]]
                               : format_raw(self->line, e->field);
}

// The keys as logged, or what they are made of, in one piece: absent ones, and
// where one ends, are told by a length before each. p == NULL: too long, or
// they are not known by that.
static span_t
raw_keys(rows_t *self)
{
    size_t n = self->plain ? self->query->n_keys : self->n_derived;
    size_t len = 0;

    if (n == 0) {
        return (span_t){0};
    }
    for (size_t i = 0; i < n; i++) {
        span_t raw = raw_key(self, i);
        if (raw.len + 2 > MEMO_RAW_MAX - len) {
            return (span_t){0};
        }
        self->raw[len++] = raw.p != NULL;
        self->raw[len++] = (uint8_t)raw.len;
        if (raw.len > 0) {
            memcpy(self->raw + len, raw.p, raw.len);
        }
        len += raw.len;
    }
    return (span_t){self->raw, len};
}

// The key, made and looked up.
static errcode_t
find_group(rows_t *self, uint32_t *number)
{
    agg_state_t *states;
    bool has_group;

    buf_clear(&self->key);
    errcode_t rc = rows_key(self, &self->key, &has_group);
    *number = ROWS_NO_GROUP;
    if (rc != ERR_OK || !has_group) {
        return rc;
    }
    rc = tally_group(self->tally, buf_span(&self->key), &states);
    if (rc == ERR_OK) {
        *number = (uint32_t)tally_number(self->tally, states);
    }
    return rc;
}

// As raw_keys has one key.
bool
rows_recalls(rows_t *self, span_t key, uint32_t *number)
{
    if (key.len == 0 || key.len > MEMO_RAW_MAX - 2) {
        return false;
    }
    self->raw[0] = 1;
    self->raw[1] = (uint8_t)key.len;
    memcpy(self->raw + 2, key.p, key.len);
    span_t raw = {self->raw, key.len + 2};
    const memo_entry_t *entry = memo_at(self->memo, raw);
    if (!memo_is(entry, raw)) {
        return false;
    }
    self->asked++;
    self->bad_values += entry->bad;
    *number = entry->group;
    return true;
}

errcode_t
rows_group(rows_t *self, uint32_t *number)
{
    span_t raw = raw_keys(self);
    memo_entry_t *entry = raw.p != NULL ? memo_at(self->memo, raw) : NULL;

    self->asked++;
    if (entry != NULL && memo_is(entry, raw)) {
        self->bad_values += entry->bad;
        *number = entry->group;
        return ERR_OK;
    }
    uint64_t bad_before = self->bad_values;
    self->unknown++;
    errcode_t rc = find_group(self, number);
    if (rc == ERR_OK && entry != NULL) {
        memo_put(
            entry, raw, *number, (uint32_t)(self->bad_values - bad_before));
    }
    return rc;
}

errcode_t
rows_add_value(rows_t *self, agg_state_t *states, size_t i, const cell_t *value)
{
    agg_func_t func = self->query->aggs[i].func;
    cell_t when = {.kind = CELL_MISSING};

    if (func == AGG_COUNT) {
        agg_add_lines(tally_state(self->tally, states, i), 1);
        return ERR_OK;
    }
    if (!agg_is_wide(func)) {
        agg_add(func, tally_state(self->tally, states, i), value->number);
        return ERR_OK;
    }
    if (func == AGG_FIRST || func == AGG_LAST) {
        row_field(self, FIELD_TIME, &when);
    }
    return tally_add_later(self->tally, states, i, value, &when);
}

errcode_t
rows_meets(rows_t *self, size_t i, bool *met)
{
    const query_agg_t *agg = &self->query->aggs[i];
    uint8_t *known = &self->met[agg->condition];
    errcode_t rc = ERR_OK;

    *met = true;
    if (agg->filter == NULL) {
        return ERR_OK;
    }
    if (*known == MET_UNKNOWN) {
        rc = eval_filter(self->eval, agg->filter, &self->row, met);
        *known = *met ? MET : MET_NOT;
    }
    *met = *known == MET;
    return rc;
}

errcode_t
rows_add_agg(rows_t *self, agg_state_t *states, size_t i)
{
    const query_agg_t *agg = &self->query->aggs[i];
    cell_t cell;

    if (agg->arg == NULL) {
        agg_add_lines(tally_state(self->tally, states, i), 1);
        return ERR_OK;
    }
    errcode_t rc = eval_expr(self->eval, agg->arg, &self->row, &cell);
    if (rc != ERR_OK || cell.kind == CELL_MISSING) {
        return rc;
    }
    return rows_add_value(self, states, i, &cell);
}

errcode_t
rows_count(rows_t *self, uint32_t number)
{
    const query_t *query = self->query;
    errcode_t rc = ERR_OK;

    if (number == ROWS_NO_GROUP) {
        return ERR_OK;
    }
    agg_state_t *states = tally_states(self->tally, number);
    memset(self->met, MET_UNKNOWN, query->n_aggs);
    for (size_t i = 0; rc == ERR_OK && i < query->n_aggs; i++) {
        bool met;
        rc = rows_meets(self, i, &met);
        rc = rc == ERR_OK && met ? rows_add_agg(self, states, i) : rc;
    }
    return rc;
}

errcode_t
rows_pass(rows_t *self, bool *pass)
{
    *pass = true;
    return self->query->filter == NULL
               ? ERR_OK
               : eval_filter(self->eval, self->query->filter, &self->row, pass);
}

errcode_t
rows_add(rows_t *self, const line_fields_t *line, uint64_t *bad_values)
{
    uint32_t number;
    bool pass;

    self->line = line;
    self->bad_values = 0;
    eval_next_row(self->eval);
    errcode_t rc = rows_pass(self, &pass);
    if (rc == ERR_OK && pass) {
        rc = rows_group(self, &number);
        rc = rc != ERR_OK ? rc : rows_count(self, number);
        errcode_t settled = tally_settle(self->tally);
        rc = rc != ERR_OK ? rc : settled;
    }
    *bad_values += self->bad_values;
    return rc;
}

errcode_t
rows_finish(rows_t *self)
{
    agg_state_t *states;

    if (self->query->n_keys > 0) {
        return ERR_OK;
    }
    return tally_group(self->tally, (span_t){0}, &states);
}
