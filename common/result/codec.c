// SPDX-License-Identifier: Apache-2.0
// A result as bytes: magic with version, query, columns, receipt, rows; one
// with a name has another magic and the name behind it. Results of a chain lie
// one behind the other. The fingerprint inside is that of the rows, and checked
// against them.
#include "common/result/result.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/query/queries.h"
#include "common/result/memory.h"

#include <stdlib.h>
#include <string.h>

#define RESULT_MAGIC 0x3252544cu // "LTR2"
#define NAMED_MAGIC  0x4e52544cu // "LTRN"

static void
put_text(buf_t *out, const char *text)
{
    buf_put_block(out, span_str(text));
}

static void
put_texts(buf_t *out, char *const *texts, size_t n)
{
    buf_put_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        put_text(out, texts[i]);
    }
}

// The numbers of a receipt, in the order they are written.
#define NUMBERS (14 + REJECT_COUNT)

static size_t
numbers_of(receipt_t *r, uint64_t *list[NUMBERS])
{
    totals_t *t = &r->totals;
    size_t n = 0;

    list[n++] = &r->files;
    list[n++] = &t->bytes;
    list[n++] = &t->lines;
    list[n++] = &t->accepted;
    list[n++] = &t->blank;
    list[n++] = &t->skipped;
    list[n++] = &t->bad_values;
    list[n++] = &t->unread;
    list[n++] = &t->disorder;
    list[n++] = &r->micros;
    list[n++] = &r->shards;
    list[n++] = &r->retried;
    for (size_t i = 0; i < REJECT_COUNT; i++) {
        list[n++] = &t->rejected[i];
    }
    return n;
}

static void
put_receipt(buf_t *out, const receipt_t *r)
{
    receipt_t numbers = *r;
    uint64_t *list[NUMBERS];
    size_t n = numbers_of(&numbers, list);

    buf_put_u8(out, r->complete);
    buf_put(out, r->fingerprint, sizeof r->fingerprint);
    for (size_t i = 0; i < n; i++) {
        buf_put_varint(out, *list[i]);
    }
    buf_put_varint(out, r->n_hosts);
    for (size_t i = 0; i < r->n_hosts; i++) {
        put_text(out, r->hosts[i].host);
        buf_put_varint(out, r->hosts[i].files);
        buf_put_varint(out, r->hosts[i].bytes);
        buf_put_varint(out, r->hosts[i].lines);
    }
    buf_put_varint(out, r->n_samples);
    for (size_t i = 0; i < r->n_samples; i++) {
        const sample_t *s = &r->samples[i].sample;
        put_text(out, r->samples[i].host);
        put_text(out, r->samples[i].file);
        buf_put_varint(out, s->offset);
        buf_put_varint(out, s->reject);
        buf_put_block(out, (span_t){s->text, s->len});
    }
    put_texts(out, r->missing, r->n_missing);
    put_texts(out, r->notes, r->n_notes);
}

static void
put_result(const result_t *self, buf_t *out)
{
    buf_put_u32(out, self->name != NULL ? NAMED_MAGIC : RESULT_MAGIC);
    if (self->name != NULL) {
        put_text(out, self->name);
    }
    put_text(out, self->query);
    buf_put_varint(out, self->n_columns);
    for (size_t i = 0; i < self->n_columns; i++) {
        put_text(out, self->columns[i].name);
        buf_put_u8(out, (uint8_t)self->columns[i].type);
    }
    put_receipt(out, &self->receipt);
    buf_put_varint(out, self->n_rows);
    for (size_t i = 0; i < self->n_rows * self->n_columns; i++) {
        cell_encode(&self->cells[i], out);
    }
}

void
result_encode(const result_t *self, buf_t *out)
{
    for (; self != NULL; self = self->next) {
        put_result(self, out);
    }
}

// A text without a zero byte inside.
static errcode_t
get_text(rd_t *r, size_t max, char **out)
{
    span_t s;
    errcode_t rc = rd_block(r, max, &s);

    *out = NULL;
    if (rc == ERR_OK && s.len > 0 && memchr(s.p, '\0', s.len) != NULL) {
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        *out = xstrndup((const char *)s.p, s.len);
    }
    return rc;
}

// A count of things that take at least `least` bytes each.
static errcode_t
get_count(rd_t *r, size_t least, size_t *out)
{
    uint64_t n;
    errcode_t rc = rd_varint(r, &n);

    if (rc == ERR_OK && n > rd_left(r) / least) {
        rc = ERR_TRUNCATED;
    }
    *out = rc == ERR_OK ? (size_t)n : 0;
    return rc;
}

static errcode_t
get_columns(rd_t *r, result_t *self)
{
    size_t n;
    errcode_t rc = get_count(r, 2, &n);

    if (rc == ERR_OK && (n == 0 || n > LIMIT_QUERY_COLUMNS)) {
        rc = ERR_MALFORMED;
    }
    self->columns = rc == ERR_OK ? xcalloc(n, sizeof *self->columns) : NULL;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        uint8_t type = 0;
        rc = get_text(r, LIMIT_QUERY_TEXT, &self->columns[i].name);
        self->n_columns += rc == ERR_OK;
        rc = rc != ERR_OK ? rc : rd_u8(r, &type);
        if (rc == ERR_OK && type >= TYPE_COUNT_) {
            rc = ERR_MALFORMED;
        }
        if (rc == ERR_OK) {
            self->columns[i].type = (type_t)type;
        }
    }
    return rc;
}

static errcode_t
get_numbers(rd_t *r, receipt_t *receipt)
{
    uint64_t *list[NUMBERS];
    size_t n = numbers_of(receipt, list);
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = rd_varint(r, list[i]);
    }
    return rc;
}

static errcode_t
get_hosts(rd_t *r, receipt_t *receipt)
{
    size_t n;
    errcode_t rc = get_count(r, 4, &n);

    receipt->hosts = xcalloc(n + 1, sizeof *receipt->hosts);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        receipt_host_t *h = &receipt->hosts[i];
        rc = get_text(r, LIMIT_NAME, &h->host);
        receipt->n_hosts += rc == ERR_OK;
        rc = rc != ERR_OK ? rc : rd_varint(r, &h->files);
        rc = rc != ERR_OK ? rc : rd_varint(r, &h->bytes);
        rc = rc != ERR_OK ? rc : rd_varint(r, &h->lines);
        if (rc == ERR_OK && i > 0 && strcmp(h[-1].host, h->host) >= 0) {
            rc = ERR_MALFORMED;
        }
    }
    return rc;
}

static errcode_t
get_sample(rd_t *r, receipt_sample_t *out)
{
    uint64_t reject = 0;
    span_t text = {0};
    errcode_t rc = rd_varint(r, &out->sample.offset);

    rc = rc != ERR_OK ? rc : rd_varint(r, &reject);
    rc = rc != ERR_OK ? rc : rd_block(r, LIMIT_SAMPLE, &text);
    if (rc == ERR_OK && reject >= REJECT_COUNT) {
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        out->sample.reject = (reject_t)reject;
        out->sample.len = (uint16_t)text.len;
        if (text.len > 0) {
            memcpy(out->sample.text, text.p, text.len);
        }
    }
    return rc;
}

static errcode_t
get_samples(rd_t *r, receipt_t *receipt)
{
    size_t n;
    errcode_t rc = get_count(r, 5, &n);

    if (rc == ERR_OK && n > SAMPLES_MAX) {
        rc = ERR_TOO_LARGE;
    }
    receipt->samples =
        rc == ERR_OK ? xcalloc(n + 1, sizeof *receipt->samples) : NULL;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        receipt_sample_t *s = &receipt->samples[receipt->n_samples++];
        rc = get_text(r, LIMIT_NAME, &s->host);
        rc = rc != ERR_OK ? rc : get_text(r, LIMIT_PATH, &s->file);
        rc = rc != ERR_OK ? rc : get_sample(r, s);
    }
    return rc;
}

static errcode_t
get_texts(rd_t *r, char ***out, size_t *n_out)
{
    size_t n;
    errcode_t rc = get_count(r, 1, &n);

    *out = xcalloc(n + 1, sizeof **out);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = get_text(r, SENTENCE_MAX, &(*out)[i]);
        *n_out += rc == ERR_OK;
    }
    return rc;
}

static errcode_t
get_receipt(rd_t *r, receipt_t *receipt)
{
    uint8_t complete;
    span_t fingerprint;
    errcode_t rc = rd_u8(r, &complete);

    rc = rc != ERR_OK ? rc : rd_bytes(r, 32, &fingerprint);
    if (rc != ERR_OK || complete > 1) {
        return rc != ERR_OK ? rc : ERR_MALFORMED;
    }
    receipt->complete = complete;
    memcpy(receipt->fingerprint, fingerprint.p, 32);
    rc = get_numbers(r, receipt);
    rc = rc != ERR_OK ? rc : get_hosts(r, receipt);
    rc = rc != ERR_OK ? rc : get_samples(r, receipt);
    rc = rc != ERR_OK ? rc
                      : get_texts(r, &receipt->missing, &receipt->n_missing);
    return rc != ERR_OK ? rc : get_texts(r, &receipt->notes, &receipt->n_notes);
}

static errcode_t
get_rows(rd_t *r, result_t *self)
{
    size_t n;
    errcode_t rc = get_count(r, self->n_columns, &n);

    if (rc != ERR_OK) {
        return rc;
    }
    self->cells = xcalloc(n * self->n_columns + 1, sizeof *self->cells);
    self->n_rows = n;
    for (size_t i = 0; i < n * self->n_columns && rc == ERR_OK; i++) {
        rc = cell_decode(r, &self->cells[i]);
        if (rc == ERR_OK && !cell_fits(&self->cells[i],
                                self->columns[i % self->n_columns].type)) {
            rc = ERR_MALFORMED;
        }
    }
    return rc;
}

static errcode_t
get_name(rd_t *r, result_t *self)
{
    errcode_t rc = get_text(r, LIMIT_NAME, &self->name);

    return rc == ERR_OK && !queries_name_fits(span_str(self->name))
               ? ERR_MALFORMED
               : rc;
}

static bool
is_magic(uint32_t magic)
{
    return magic == RESULT_MAGIC || magic == NAMED_MAGIC;
}

static errcode_t
get_result(rd_t *r, result_t *self)
{
    uint32_t magic;
    errcode_t rc = rd_u32(r, &magic);

    if (rc == ERR_OK && !is_magic(magic)) {
        return ERR_UNSUPPORTED;
    }
    if (rc == ERR_OK && magic == NAMED_MAGIC) {
        rc = get_name(r, self);
    }
    rc = rc != ERR_OK ? rc : get_text(r, LIMIT_QUERY_TEXT, &self->query);
    rc = rc != ERR_OK ? rc : get_columns(r, self);
    rc = rc != ERR_OK ? rc : get_receipt(r, &self->receipt);
    return rc != ERR_OK ? rc : get_rows(r, self);
}

// All that is left. Only a result alone has no name.
static errcode_t
get_chain(rd_t *r, result_t *first)
{
    errcode_t rc = get_result(r, first);
    result_t *last = first;
    size_t n = 1;

    if (rc == ERR_OK && first->name == NULL) {
        return rd_end(r);
    }
    for (; rc == ERR_OK && rd_left(r) > 0; n++) {
        if (n == LIMIT_QUERIES) {
            return ERR_TOO_LARGE;
        }
        last->next = xcalloc(1, sizeof *last);
        last = last->next;
        rc = get_result(r, last);
        if (rc == ERR_OK && last->name == NULL) {
            rc = ERR_MALFORMED;
        }
    }
    return rc;
}

errcode_t
result_read(span_t bytes, result_t **out)
{
    *out = NULL;
    if (bytes.len > LIMIT_RESULT) {
        return ERR_TOO_LARGE;
    }
    // Before a gigabyte of anything is copied.
    rd_t head = rd_init(bytes);
    uint32_t magic;
    if (rd_u32(&head, &magic) == ERR_OK && !is_magic(magic)) {
        return ERR_UNSUPPORTED;
    }
    result_t *self = xcalloc(1, sizeof *self);
    self->memory = result_memory_new();
    rd_t r = rd_init(result_keep(self->memory, bytes));
    errcode_t rc = get_chain(&r, self);

    if (rc == ERR_OK) {
        *out = self;
        self = NULL;
    }
    result_destroy(&self);
    return rc;
}

errcode_t
result_decode(span_t bytes, result_t **out)
{
    uint8_t fingerprint[32];
    errcode_t rc = result_read(bytes, out);

    for (const result_t *r = *out; rc == ERR_OK && r != NULL; r = r->next) {
        result_fingerprint(r, fingerprint);
        if (memcmp(fingerprint, r->receipt.fingerprint, 32) != 0) {
            rc = ERR_CORRUPT;
        }
    }
    if (rc != ERR_OK) {
        result_destroy(out);
    }
    return rc;
}
