// SPDX-License-Identifier: Apache-2.0
// The questions that people ask of an access log first. Every line is read
// once for all of them, so a question costs its counting alone; visitors are
// the dearest (each one is remembered for each group), and so are counted in
// all and by time, not for every path.
//
// Two periods are compared by the same questions: each aggregate is counted
// once for the lines of either. So a row has both of its numbers wherever it
// stands in a list, what is cut off is cut off behind the comparison, and a
// cluster can be asked as well.
#include "coordinator/cli/report_queries.h"

#include <string.h>

// What is part of a page and no page.
#define STATIC                                                                 \
    "lower(ext(path)) in (\"avif\", \"bmp\", \"css\", \"csv\", \"eot\", "      \
    "\"gif\", \"gz\", \"ico\", \"jpeg\", \"jpg\", \"js\", \"json\", "          \
    "\"map\", \"mjs\", \"mp3\", \"mp4\", \"ogg\", \"otf\", \"pdf\", "          \
    "\"png\", \"svg\", \"tar\", \"tgz\", \"tif\", \"tiff\", \"ttf\", "         \
    "\"txt\", \"wasm\", \"webm\", \"webmanifest\", \"webp\", \"woff\", "       \
    "\"woff2\", \"xml\", \"zip\")"
#define FIELD(name) (UINT32_C(1) << FIELD_##name)

typedef struct agg {
    const char *what; // $V stands for the visitors' expression
    const char *when; // only these lines, or NULL
    const char *as;
} agg_t;

#define AGGS 3u // beside the hits

#define VISITORS                                                               \
    {                                                                          \
        "distinct($V)", NULL, "visitors"                                       \
    }
#define TRAFFIC                                                                \
    {                                                                          \
        "sum(bytes)", NULL, "traffic"                                          \
    }

static const struct question {
    const char *name;
    uint32_t needs;     // all of these fields
    const char *filter; // NULL: every line
    agg_t aggs[AGGS];   // besides how many lines there are
    const char *keys;   // NULL: one row for all
    const char *rank;   // a list is as long as one wants, the largest of this
                        // first; NULL: all rows
} questions[] = {
    {"overall", 0, NULL, {VISITORS, TRAFFIC, {"count", "5xx", "errors"}}, NULL,
        NULL},
    {"days", FIELD(TIME), NULL, {VISITORS, TRAFFIC}, "time:1d", NULL},
    {"hours", FIELD(TIME), NULL, {VISITORS, TRAFFIC}, "time:1h", NULL},
    {"week", FIELD(TIME), NULL, {{0}}, "weekday(time), hour(time)", NULL},
    {"paths", FIELD(PATH), "not " STATIC, {TRAFFIC}, "path", "hits"},
    {"static-files", FIELD(PATH), STATIC, {TRAFFIC}, "path", "hits"},
    {"not-found", FIELD(PATH) | FIELD(STATUS), "404", {{0}}, "path", "hits"},
    {"heaviest-paths", FIELD(PATH) | FIELD(BYTES), NULL, {TRAFFIC}, "path",
        "traffic"},
    {"slowest-paths", FIELD(PATH) | FIELD(DUR), NULL,
        {{"avg(dur)", NULL, "mean"}, {"max(dur)", NULL, "longest"}}, "path",
        "mean"},
    {"clients", FIELD(IP), NULL, {TRAFFIC}, "ip", "hits"},
    {"referrers", FIELD(REFERER), NULL, {{0}}, "urlhost(referer)", "hits"},
    {"methods", FIELD(METHOD), NULL, {TRAFFIC}, "method, proto", NULL},
    {"status-codes", FIELD(STATUS), NULL, {TRAFFIC}, "status", NULL},
    {"agents", FIELD(UA), NULL, {{0}}, "ua", "hits"},
    {"virtual-hosts", FIELD(VHOST), NULL, {TRAFFIC}, "vhost", "hits"},
};

typedef struct question question_t;

static const agg_t hits = {"count", NULL, "hits"};

static void
put_what(const char *what, const char *visitors, buf_t *out)
{
    const char *mark = strstr(what, "$V");

    if (mark == NULL) {
        buf_put_str(out, what);
    } else {
        buf_printf(
            out, "%.*s%s%s", (int)(mark - what), what, visitors, mark + 2);
    }
}

// Of the lines of `period` alone, where that is not NULL.
static void
put_agg(const report_wants_t *wants, const agg_t *agg, const char *period,
    const char *behind, buf_t *out)
{
    put_what(agg->what, wants->visitors, out);
    if (agg->when != NULL && period != NULL) {
        buf_printf(out, " if(%s and (%s))", agg->when, period);
    } else if (agg->when != NULL || period != NULL) {
        buf_printf(out, " if(%s)", period != NULL ? period : agg->when);
    }
    buf_printf(out, " as %s%s", agg->as, behind);
}

// What there is more or less of now; a list has the largest change first.
static void
put_change(const agg_t *agg, const char *rank, buf_t *out)
{
    buf_printf(
        out, " | let %s_change = %s - %s_before", agg->as, agg->as, agg->as);
    if (rank != NULL && strcmp(agg->as, rank) == 0) {
        buf_printf(out,
            " | let moved = if(%s_change < 0, 0 - %s_change, %s_change)", rank,
            rank, rank);
    }
}

// The i-th of a question's aggregates, NULL behind the last. What a list goes
// by is the first of its columns.
static const agg_t *
agg_at(const question_t *q, size_t i)
{
    bool own_first = q->rank != NULL && strcmp(q->rank, hits.as) != 0;
    size_t n = 0;

    while (n < AGGS && q->aggs[n].what != NULL) {
        n++;
    }
    if (own_first) {
        return i < n ? &q->aggs[i] : i == n ? &hits : NULL;
    }
    return i == 0 ? &hits : i <= n ? &q->aggs[i - 1] : NULL;
}

// Rows of days and hours are of one period each, so there is nothing to
// compare in one of them.
static bool
is_compared(const question_t *q, const report_wants_t *wants)
{
    return wants->period != NULL &&
           (q->keys == NULL || strncmp(q->keys, "time:", 5) != 0);
}

static void
put_query(const question_t *q, const report_wants_t *wants, buf_t *out)
{
    bool both = is_compared(q, wants);
    const agg_t *agg;

    if (wants->period != NULL) {
        buf_printf(out, "where (%s) or (%s) | %s", wants->period, wants->before,
            q->filter != NULL ? "where " : "");
    }
    if (q->filter != NULL) {
        buf_printf(out, "%s | ", q->filter);
    }
    for (size_t i = 0; (agg = agg_at(q, i)) != NULL; i++) {
        buf_put_str(out, i > 0 ? ", " : "");
        put_agg(wants, agg, both ? wants->period : NULL, "", out);
        if (both) {
            buf_put_str(out, ", ");
            put_agg(wants, agg, wants->before, "_before", out);
        }
    }
    if (q->keys != NULL) {
        buf_printf(out, " by %s", q->keys);
    }
    for (size_t i = 0; both && (agg = agg_at(q, i)) != NULL; i++) {
        put_change(agg, q->rank, out);
    }
    if (q->rank != NULL) {
        buf_printf(out, " | sort -%s | head %lld", both ? "moved" : q->rank,
            (long long)wants->rows);
    }
}

void
report_queries(const report_wants_t *wants, buf_t *out)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if ((questions[i].needs & ~wants->fields) == 0) {
            buf_printf(out, "%s%s: ", i > 0 ? "\n" : "", questions[i].name);
            put_query(&questions[i], wants, out);
        }
    }
}
