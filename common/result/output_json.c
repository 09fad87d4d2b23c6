// SPDX-License-Identifier: Apache-2.0
// JSON by hand: numbers have up to 38 digits, which no library of C prints.
// Rows stand one on a line.
#include "common/base/utf8.h"
#include "common/result/memory.h"
#include "common/result/output_inside.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void
put_escaped(uint32_t code, buf_t *out)
{
    static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = code > 0 && code < 0x80 ? strchr(named, (int)code) : NULL;

    if (at != NULL) {
        buf_put_u8(out, '\\');
        buf_put_u8(out, (uint8_t)letters[at - named]);
    } else if (code < 0x10000) {
        buf_printf(out, "\\u%04x", code);
    } else {
        buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
            0xdc00 + ((code - 0x10000) & 0x3ff));
    }
}

static void
put_base64(span_t text, buf_t *out)
{
    size_t len =
        sodium_base64_ENCODED_LEN(text.len, sodium_base64_VARIANT_ORIGINAL);

    buf_put_str(out, "{\"base64\":\"");
    char *to = (char *)buf_reserve(out, len);
    sodium_bin2base64(
        to, len, text.p, text.len, sodium_base64_VARIANT_ORIGINAL);
    out->len += len - 1; // without the NUL
    buf_put_str(out, "\"}");
}

static void
put_string(span_t text, buf_t *out)
{
    if (!utf8_is_valid(text)) {
        put_base64(text, out);
        return;
    }
    buf_put_u8(out, '"');
    for (size_t i = 0; i < text.len;) {
        uint32_t code;
        size_t n = utf8_next(text.p + i, text.len - i, &code);
        if (code == '"' || code == '\\' || utf8_is_harmful(code)) {
            put_escaped(code, out);
        } else {
            buf_put(out, text.p + i, n);
        }
        i += n;
    }
    buf_put_u8(out, '"');
}

// A name is a key, which must be a string whatever its bytes are.
static void
put_name(const char *name, buf_t *out)
{
    buf_t safe = {0};

    if (utf8_is_valid(span_str(name))) {
        put_string(span_str(name), out);
        return;
    }
    output_safe_text(span_str(name), &safe);
    put_string(buf_span(&safe), out);
    buf_fini(&safe);
}

static void
put_json(const result_t *result, size_t row, size_t column, buf_t *out)
{
    const cell_t *cell = cell_at(result, row, column);
    type_t type = result->columns[column].type;

    if (cell->kind == CELL_MISSING) {
        buf_put_str(out, "null");
    } else if (cell->kind == CELL_TEXT) {
        put_string(cell->text, out);
    } else {
        buf_put_str(out, type == TYPE_TIME ? "\"" : "");
        put_number(result, row, column, out);
        buf_put_str(out, type == TYPE_TIME ? "\"" : "");
    }
}

static void
put_named(const char *name, uint64_t v, buf_t *out)
{
    buf_printf(out, "\"%s\":%llu,", name, (unsigned long long)v);
}

static void
put_rejected(const totals_t *t, buf_t *out)
{
    const char *gap = "";

    buf_printf(out, "\"rejected\":{\"total\":%llu,\"reasons\":{",
        (unsigned long long)totals_rejected(t));
    for (size_t i = 0; i < REJECT_COUNT; i++) {
        if (t->rejected[i] > 0) {
            buf_printf(out, "%s\"%s\":%llu", gap, reject_name((reject_t)i),
                (unsigned long long)t->rejected[i]);
            gap = ",";
        }
    }
    buf_put_str(out, "}},");
}

static void
put_samples(const receipt_t *r, buf_t *out)
{
    buf_put_str(out, "\"samples\":[");
    for (size_t i = 0; i < r->n_samples; i++) {
        const receipt_sample_t *s = &r->samples[i];
        buf_put_str(out, i > 0 ? ",{\"host\":" : "{\"host\":");
        put_string(span_str(s->host), out);
        buf_put_str(out, ",\"file\":");
        put_string(span_str(s->file), out);
        buf_printf(out, ",\"offset\":%llu,\"reason\":\"%s\",\"text\":",
            (unsigned long long)s->sample.offset,
            reject_name(s->sample.reject));
        put_string((span_t){s->sample.text, s->sample.len}, out);
        buf_put_u8(out, '}');
    }
    buf_put_str(out, "],");
}

static void
put_hosts(const receipt_t *r, buf_t *out)
{
    buf_put_str(out, "\"hosts\":[");
    for (size_t i = 0; i < r->n_hosts; i++) {
        buf_put_str(out, i > 0 ? ",{\"host\":" : "{\"host\":");
        put_string(span_str(r->hosts[i].host), out);
        buf_printf(out, ",\"files\":%llu,\"bytes\":%llu,\"lines\":%llu}",
            (unsigned long long)r->hosts[i].files,
            (unsigned long long)r->hosts[i].bytes,
            (unsigned long long)r->hosts[i].lines);
    }
    buf_put_str(out, "],");
}

static void
put_texts(const char *name, char *const *texts, size_t n, buf_t *out)
{
    buf_printf(out, "\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, i > 0 ? "," : "");
        put_string(span_str(texts[i]), out);
    }
    buf_put_u8(out, ']');
}

void
json_receipt(const result_t *result, buf_t *out)
{
    const receipt_t *r = &result->receipt;
    uint8_t fingerprint[32];
    char hex[65];
    char seconds[DEC_TEXT_MAX];

    result_fingerprint_all(result, fingerprint);
    sodium_bin2hex(hex, sizeof hex, fingerprint, sizeof fingerprint);
    buf_printf(out, "{\"complete\":%s,\"fingerprint\":\"%s\",",
        r->complete ? "true" : "false", hex);
    put_named("files", r->files, out);
    put_named("bytes", r->totals.bytes, out);
    put_named("lines", r->totals.lines, out);
    put_named("accepted", r->totals.accepted, out);
    put_rejected(&r->totals, out);
    put_named("blank", r->totals.blank, out);
    put_named("skipped", r->totals.skipped, out);
    put_named("bad_values", r->totals.bad_values, out);
    put_named("unread", r->totals.unread, out);
    dec_format((dec_t)r->micros * 1000, seconds);
    buf_printf(out, "\"seconds\":%s,", seconds);
    put_named("shards", r->shards, out);
    put_named("retried", r->retried, out);
    put_hosts(r, out);
    put_samples(r, out);
    put_texts("notes", r->notes, r->n_notes, out);
    buf_put_u8(out, ',');
    put_texts("missing", r->missing, r->n_missing, out);
    buf_put_u8(out, '}');
}

// Query, columns and rows, without the braces.
static void
put_table(const result_t *result, buf_t *out)
{
    buf_put_str(out, "\"query\":");
    put_string(span_str(result->query), out);
    buf_put_str(out, ",\n\"columns\":[");
    for (size_t i = 0; i < result->n_columns; i++) {
        buf_put_str(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_name(result->columns[i].name, out);
        buf_printf(
            out, ",\"type\":\"%s\"}", type_name(result->columns[i].type));
    }
    buf_put_str(out, "],\n\"rows\":[");
    for (size_t row = 0; row < result->n_rows; row++) {
        buf_put_str(out, row > 0 ? ",\n[" : "\n[");
        for (size_t i = 0; i < result->n_columns; i++) {
            buf_put_str(out, i > 0 ? "," : "");
            put_json(result, row, i, out);
        }
        buf_put_u8(out, ']');
    }
    buf_put_str(out, result->n_rows > 0 ? "\n]" : "]");
}

static void
put_named_table(const result_t *result, buf_t *out)
{
    char hex[65];

    sodium_bin2hex(hex, sizeof hex, result->receipt.fingerprint,
        sizeof result->receipt.fingerprint);
    buf_printf(out, "{\"name\":\"%s\",", result->name);
    put_table(result, out);
    buf_printf(out, ",\n\"fingerprint\":\"%s\"}", hex);
}

void
output_json(const result_t *result, buf_t *out)
{
    if (result->name == NULL) {
        buf_put_u8(out, '{');
        put_table(result, out);
    } else {
        buf_put_str(out, "{\"results\":[");
        for (const result_t *r = result; r != NULL; r = r->next) {
            buf_put_str(out, r == result ? "\n" : ",\n");
            put_named_table(r, out);
        }
        buf_put_str(out, "\n]");
    }
    buf_put_str(out, ",\n\"receipt\":");
    json_receipt(result, out);
    buf_put_str(out, "}\n");
}

static void
put_jsonl(const result_t *result, buf_t *out)
{
    for (size_t row = 0; row < result->n_rows; row++) {
        buf_put_u8(out, '{');
        if (result->name != NULL) {
            buf_printf(out, "\"name\":\"%s\",\"row\":{", result->name);
        }
        for (size_t i = 0; i < result->n_columns; i++) {
            buf_put_str(out, i > 0 ? "," : "");
            put_name(result->columns[i].name, out);
            buf_put_u8(out, ':');
            put_json(result, row, i, out);
        }
        buf_put_str(out, result->name != NULL ? "}}\n" : "}\n");
    }
}

void
output_jsonl(const result_t *result, buf_t *out)
{
    for (; result != NULL; result = result->next) {
        put_jsonl(result, out);
    }
}
