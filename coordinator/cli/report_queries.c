// SPDX-License-Identifier: Apache-2.0
// The questions that people ask of an access log first. Every line is read
// once for all of them, so a question costs its counting alone; visitors are
// the dearest (each one is remembered for each group), and so are counted in
// all and by time, not for every path.
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
#define HITS        "count as hits, sum(bytes) as traffic"

#define FIELD(name) (UINT32_C(1) << FIELD_##name)

// $V stands for the visitors' expression, $N for the rows of a list.
static const struct {
    const char *name;
    uint32_t needs; // all of these fields
    const char *query;
} questions[] = {
    {"overall", 0,
        "count as hits, distinct($V) as visitors, sum(bytes) as traffic, "
        "count if(5xx) as errors"},
    {"days", FIELD(TIME),
        "count as hits, distinct($V) as visitors, sum(bytes) as traffic "
        "by time:1d"},
    {"hours", FIELD(TIME),
        "count as hits, distinct($V) as visitors, sum(bytes) as traffic "
        "by time:1h"},
    {"week", FIELD(TIME), "count as hits by weekday(time), hour(time)"},
    {"paths", FIELD(PATH),
        "not " STATIC " | " HITS " by path | sort -hits | head $N"},
    {"static-files", FIELD(PATH),
        STATIC " | " HITS " by path | sort -hits | head $N"},
    {"not-found", FIELD(PATH) | FIELD(STATUS),
        "404 | count as hits by path | sort -hits | head $N"},
    {"heaviest-paths", FIELD(PATH) | FIELD(BYTES),
        "sum(bytes) as traffic, count as hits by path | sort -traffic | "
        "head $N"},
    {"slowest-paths", FIELD(PATH) | FIELD(DUR),
        "avg(dur) as mean, max(dur) as longest, count as hits by path | "
        "sort -mean | head $N"},
    {"clients", FIELD(IP), HITS " by ip | sort -hits | head $N"},
    {"referrers", FIELD(REFERER),
        "count as hits by urlhost(referer) | sort -hits | head $N"},
    {"methods", FIELD(METHOD), HITS " by method, proto"},
    {"status-codes", FIELD(STATUS), HITS " by status"},
    {"agents", FIELD(UA), "count as hits by ua | sort -hits | head $N"},
    {"virtual-hosts", FIELD(VHOST), HITS " by vhost | sort -hits | head $N"},
};

static void
put_query(const char *query, const report_wants_t *wants, buf_t *out)
{
    for (const char *p = query; *p != '\0'; p++) {
        if (strncmp(p, "$V", 2) == 0) {
            buf_put_str(out, wants->visitors);
            p++;
        } else if (strncmp(p, "$N", 2) == 0) {
            buf_printf(out, "%lld", (long long)wants->rows);
            p++;
        } else {
            buf_put_u8(out, (uint8_t)*p);
        }
    }
}

void
report_queries(const report_wants_t *wants, buf_t *out)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if ((questions[i].needs & ~wants->fields) == 0) {
            buf_printf(out, "%s%s: ", i > 0 ? "\n" : "", questions[i].name);
            put_query(questions[i].query, wants, out);
        }
    }
}
