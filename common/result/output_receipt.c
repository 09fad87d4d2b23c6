// SPDX-License-Identifier: Apache-2.0
// The receipt in a few calm lines: what was read, what was left out and why,
// what is missing.
#include "common/result/output_inside.h"

#include <string.h>

#define SAMPLES_SHOWN 3u
#define MISSING_SHOWN 20u
#define NOTES_SHOWN   10u

// 1234567 as 1,234,567.
void
put_grouped(uint64_t v, buf_t *out)
{
    char digits[24];
    int n = 0;

    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    while (n-- > 0) {
        buf_put_u8(out, (uint8_t)digits[n]);
        if (n > 0 && n % 3 == 0) {
            buf_put_u8(out, ',');
        }
    }
}

void
put_counted(uint64_t n, const char *one, const char *many, buf_t *out)
{
    put_grouped(n, out);
    buf_printf(out, " %s", n == 1 ? one : many);
}

void
put_bytes(uint64_t bytes, buf_t *out)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double v = (double)bytes;
    size_t unit = 0;

    while (v >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        v /= 1000;
        unit++;
    }
    buf_printf(
        out, unit == 0 || v >= 99.5 ? "%.0f %s" : "%.1f %s", v, units[unit]);
}

static void
put_some(uint64_t n, const char *one, const char *many, buf_t *out)
{
    if (n > 0) {
        buf_put_str(out, ", ");
        put_counted(n, one, many, out);
    }
}

// "1,234 lines of 3 files on 2 hosts (1.2 GB) in 0.42 s: "
static void
put_read(const receipt_t *r, buf_t *out)
{
    put_counted(r->totals.lines, "line", "lines", out);
    buf_put_str(out, " of ");
    put_counted(r->files, "file", "files", out);
    if (r->n_hosts > 1) {
        buf_put_str(out, " on ");
        put_counted(r->n_hosts, "host", "hosts", out);
    }
    buf_put_str(out, " (");
    put_bytes(r->totals.bytes, out);
    buf_put_str(out, ")");
    if (r->micros >= 1000) {
        buf_printf(out, " in %.2f s", (double)r->micros / 1e6);
    }
    buf_put_str(out, ": ");
}

static void
put_outcome(const receipt_t *r, buf_t *out)
{
    const totals_t *t = &r->totals;

    put_grouped(t->accepted, out);
    buf_put_str(out, " accepted, ");
    put_grouped(totals_rejected(t), out);
    buf_put_str(out, " rejected");
    put_some(t->blank, "blank", "blank", out);
    put_some(t->skipped, "skipped", "skipped", out);
    put_some(t->bad_values, "value that does not fit its type",
        "values that do not fit their type", out);
    if (t->unread > 0) {
        buf_put_str(out, ", ");
        put_bytes(t->unread, out);
        buf_put_str(out, " outside the time asked for not read");
    }
    put_some(r->retried, "shard retried", "shards retried", out);
    buf_put_u8(out, '\n');
}

static void
put_sample(const receipt_sample_t *s, bool host, buf_t *out)
{
    buf_put_str(out, "    ");
    if (host) {
        output_safe_text(span_str(s->host), out);
        buf_put_u8(out, ':');
    }
    output_safe_text(span_str(s->file), out);
    buf_printf(out, " at %llu: ", (unsigned long long)s->sample.offset);
    output_safe_text((span_t){s->sample.text, s->sample.len}, out);
    buf_put_u8(out, '\n');
}

static void
put_rejects(const receipt_t *r, buf_t *out)
{
    for (size_t i = 0; i < REJECT_COUNT; i++) {
        size_t shown = 0;
        if (r->totals.rejected[i] == 0) {
            continue;
        }
        buf_put_str(out, "  ");
        put_grouped(r->totals.rejected[i], out);
        buf_printf(out, " rejected: %s\n", reject_name((reject_t)i));
        for (size_t k = 0; k < r->n_samples && shown < SAMPLES_SHOWN; k++) {
            if (r->samples[k].sample.reject == (reject_t)i) {
                put_sample(&r->samples[k], r->n_hosts > 1, out);
                shown++;
            }
        }
    }
}

// The first `most` of the texts, and how many more there are.
static void
put_texts(
    const char *before, char *const *texts, size_t n, size_t most, buf_t *out)
{
    for (size_t i = 0; i < n && i < most; i++) {
        buf_put_str(out, before);
        output_safe_text(span_str(texts[i]), out);
        buf_put_u8(out, '\n');
    }
    if (n > most) {
        buf_put_str(out, before);
        put_grouped(n - most, out);
        buf_put_str(out, " more; -o json names them all\n");
    }
}

void
output_receipt(const receipt_t *receipt, buf_t *out)
{
    put_read(receipt, out);
    put_outcome(receipt, out);
    put_rejects(receipt, out);
    put_texts("  ", receipt->notes, receipt->n_notes, NOTES_SHOWN, out);
    put_texts(
        "missing: ", receipt->missing, receipt->n_missing, MISSING_SHOWN, out);
}
