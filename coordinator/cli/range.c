// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/range.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/query/queries.h"
#include "common/query/when.h"
#include "coordinator/cli/names.h"
#include "coordinator/cli/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int
complain_query(const char *text, const query_error_t *error)
{
    buf_t out = {0};

    query_error_print(error, text, &out);
    fwrite(out.p, 1, out.len, stderr);
    buf_fini(&out);
    return EXIT_USAGE;
}

int
range_instant(const char *option, const char *text, int64_t now, dec_t *out)
{
    buf_t why = {0};
    when_t when;

    if (when_parse(span_str(text), DEC_INT(now), zone_offset(now), &when)) {
        *out = when.local ? zone_to_utc(when.time) : when.time;
        return EXIT_DONE;
    }
    buf_printf(&why,
        "%s %.60s is no time; write 2023-11-14, 2023-11-14T22:00, yesterday "
        "or '2h ago'",
        option, text);
    complain(EXIT_USAGE, &why);
    buf_fini(&why);
    return EXIT_USAGE;
}

// All together; they may be too long now, or have one name twice.
static int
check_text(const char *text)
{
    queries_t *q = NULL;
    query_error_t error;
    int code = EXIT_DONE;

    if (queries_parse(text, &q, &error) != ERR_OK) {
        code = complain_text(EXIT_USAGE, error.message);
    }
    queries_destroy(&q);
    return code;
}

static int
narrow(const query_t *q, const range_options_t *o, buf_t *out)
{
    int64_t now = time(NULL);
    dec_t since, until;
    int code = EXIT_DONE;

    if (o->since != NULL) {
        code = range_instant("--since", o->since, now, &since);
    }
    if (o->until != NULL && code == EXIT_DONE) {
        code = range_instant("--until", o->until, now, &until);
    }
    if (code != EXIT_DONE) {
        return code;
    }
    if (o->since != NULL && o->until != NULL && since >= until) {
        return complain_text(EXIT_USAGE, "--since is not before --until");
    }
    when_narrow(q, o->since != NULL ? &since : NULL,
        o->until != NULL ? &until : NULL, out);
    return EXIT_DONE;
}

// One query, behind its name if it has one.
static int
put_query(const char *text, span_t name, const char *format,
    const range_options_t *options, buf_t *out)
{
    query_t *q = NULL;
    query_error_t error;

    if (names_parse(text, format, &q, &error) != ERR_OK) {
        if (name.len > 0) {
            fprintf(stderr, "%.*s:\n", (int)name.len, (const char *)name.p);
        }
        return complain_query(text, &error);
    }
    if (name.len > 0) {
        buf_put_str(out, out->len > 0 ? "\n" : "");
        buf_put_span(out, name);
        buf_put_str(out, ": ");
    }
    int code = EXIT_DONE;
    if (options->since != NULL || options->until != NULL) {
        code = narrow(q, options, out);
    } else {
        buf_put_str(out, text);
    }
    query_destroy(&q);
    return code;
}

int
range_query(const char *text, const char *format,
    const range_options_t *options, buf_t *out)
{
    span_t name, query;
    int code = EXIT_DONE;

    if (strlen(text) > LIMIT_QUERY_TEXT) {
        return complain_text(EXIT_USAGE, "the query is too long");
    }
    if (text[0] == '\0') {
        return put_query(text, (span_t){0}, format, options, out);
    }
    while (code == EXIT_DONE && queries_next(&text, &name, &query)) {
        char *one = xstrndup((const char *)query.p, query.len);
        code = put_query(one, name, format, options, out);
        free(one);
    }
    buf_put_u8(out, 0);
    return code == EXIT_DONE ? check_text((const char *)out->p) : code;
}
