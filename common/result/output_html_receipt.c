// SPDX-License-Identifier: Apache-2.0
// The end of a page: what its figures are made of, and what is not in them.
#include "common/result/memory.h"
#include "common/result/output_inside.h"

#include <sodium.h>

static void
put_row(const char *label, uint64_t n, bool always, buf_t *out)
{
    if (n > 0 || always) {
        buf_printf(out, "<tr><th scope=row>%s</th><td class=n>", label);
        put_grouped(n, out);
        buf_put_str(out, "</td></tr>\n");
    }
}

static void
put_counts(const receipt_t *r, buf_t *out)
{
    const totals_t *t = &r->totals;

    buf_put_str(out, "<div class=scroll role=region tabindex=0 "
                     "aria-label=\"What was read\"><table class=receipt>\n"
                     "<tbody>\n");
    put_row("files", r->files, true, out);
    put_row("bytes read", t->bytes, true, out);
    put_row("lines", t->lines, true, out);
    put_row("accepted", t->accepted, true, out);
    put_row("rejected", totals_rejected(t), true, out);
    for (size_t i = 0; i < REJECT_COUNT; i++) {
        if (t->rejected[i] > 0) {
            buf_printf(out,
                "<tr><th scope=row class=sub>of them %s</th><td class=n>",
                reject_name((reject_t)i));
            put_grouped(t->rejected[i], out);
            buf_put_str(out, "</td></tr>\n");
        }
    }
    put_row("blank", t->blank, false, out);
    put_row("skipped, since they cannot pass", t->skipped, false, out);
    put_row("values that do not fit their type", t->bad_values, false, out);
    put_row("bytes outside the time asked for", t->unread, false, out);
    put_row("shards", r->shards, true, out);
    put_row("shards retried", r->retried, false, out);
    buf_put_str(out, "</tbody></table></div>\n");
}

static void
put_hosts(const receipt_t *r, buf_t *out)
{
    if (r->n_hosts < 2) {
        return;
    }
    buf_put_str(out,
        "<h3>Hosts</h3>\n<div class=scroll role=region tabindex=0 "
        "aria-label=Hosts><table>\n<thead><tr><th scope=col>host</th>"
        "<th scope=col class=n>files</th><th scope=col class=n>lines</th>"
        "<th scope=col class=n>bytes</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < r->n_hosts; i++) {
        const receipt_host_t *h = &r->hosts[i];
        buf_put_str(out, "<tr><td>");
        html_text(span_str(h->host), out);
        buf_put_str(out, "</td><td class=n>");
        put_grouped(h->files, out);
        buf_put_str(out, "</td><td class=n>");
        put_grouped(h->lines, out);
        buf_put_str(out, "</td><td class=n>");
        put_grouped(h->bytes, out);
        buf_put_str(out, "</td></tr>\n");
    }
    buf_put_str(out, "</tbody></table></div>\n");
}

static void
put_list(const char *heading, char *const *texts, size_t n, buf_t *out)
{
    if (n == 0) {
        return;
    }
    buf_printf(out, "<h3>%s</h3>\n<ul>\n", heading);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, "<li>");
        html_text(span_str(texts[i]), out);
        buf_put_str(out, "</li>\n");
    }
    buf_put_str(out, "</ul>\n");
}

static void
put_samples(const receipt_t *r, buf_t *out)
{
    if (r->n_samples == 0) {
        return;
    }
    buf_put_str(out, "<h3>Some of the rejected lines</h3>\n<ul>\n");
    for (size_t i = 0; i < r->n_samples; i++) {
        const receipt_sample_t *s = &r->samples[i];
        buf_put_str(out, "<li>");
        html_text(span_str(s->host), out);
        buf_put_u8(out, ':');
        html_text(span_str(s->file), out);
        buf_printf(out, " at %llu, %s: <code>",
            (unsigned long long)s->sample.offset,
            reject_name(s->sample.reject));
        html_text((span_t){s->sample.text, s->sample.len}, out);
        buf_put_str(out, "</code></li>\n");
    }
    buf_put_str(out, "</ul>\n");
}

static void
put_coverage(const receipt_t *r, buf_t *out)
{
    buf_put_str(out, "<p>");
    if (r->complete) {
        buf_put_str(out, "Complete: everything that was asked for was read "
                         "and counted, each line once.");
    } else {
        buf_put_str(out, "<strong>Incomplete:</strong> what is named under "
                         "Missing is in no figure of this page.");
    }
    if (r->micros >= 10000) {
        buf_printf(out, " It took %.2f s.", (double)r->micros / 1e6);
    }
    buf_put_str(out, " Times are in UTC where they end in Z; days and hours "
                     "are those of UTC.</p>\n");
}

void
html_receipt(const result_t *result, buf_t *out)
{
    const receipt_t *r = &result->receipt;
    uint8_t fingerprint[32];
    char hex[65];

    result_fingerprint_all(result, fingerprint);
    sodium_bin2hex(hex, sizeof hex, fingerprint, sizeof fingerprint);
    buf_put_str(out, "<section id=receipt aria-labelledby=receipt-heading>\n"
                     "<h2 id=receipt-heading>Receipt</h2>\n");
    put_coverage(r, out);
    put_list("Missing", r->missing, r->n_missing, out);
    put_counts(r, out);
    put_hosts(r, out);
    put_samples(r, out);
    put_list("Notes", r->notes, r->n_notes, out);
    buf_printf(out,
        "<p class=query>Fingerprint of queries and rows "
        "<code>%s</code></p>\n</section>\n",
        hex);
}
