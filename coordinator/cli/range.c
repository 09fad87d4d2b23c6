// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/range.h"

#include "common/base/limits.h"
#include "common/query/when.h"
#include "coordinator/cli/names.h"
#include "coordinator/cli/zone.h"

#include <stdio.h>
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

static int
bound(const char *option, const char *text, int64_t now, dec_t *out)
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

static int
check_text(const char *text)
{
    query_t *q = NULL;
    query_error_t error;
    int code = EXIT_DONE;

    if (query_parse_free(text, &q, &error) != ERR_OK) {
        code = complain_query(text, &error);
    }
    query_destroy(&q);
    return code;
}

static int
narrow(const query_t *q, const range_options_t *o, buf_t *out)
{
    int64_t now = time(NULL);
    dec_t since, until;
    int code = EXIT_DONE;

    if (o->since != NULL) {
        code = bound("--since", o->since, now, &since);
    }
    if (o->until != NULL && code == EXIT_DONE) {
        code = bound("--until", o->until, now, &until);
    }
    if (code != EXIT_DONE) {
        return code;
    }
    if (o->since != NULL && o->until != NULL && since >= until) {
        return complain_text(EXIT_USAGE, "--since is not before --until");
    }
    when_narrow(q, o->since != NULL ? &since : NULL,
        o->until != NULL ? &until : NULL, out);
    buf_put_u8(out, 0);
    return check_text((const char *)out->p); // it may be too long now
}

int
range_query(const char *text, const char *format,
    const range_options_t *options, buf_t *out)
{
    query_t *q = NULL;
    query_error_t error;

    if (strlen(text) > LIMIT_QUERY_TEXT) {
        return complain_text(EXIT_USAGE, "the query is too long");
    }
    if (names_parse(text, format, &q, &error) != ERR_OK) {
        return complain_query(text, &error);
    }
    int code = EXIT_DONE;
    if (options->since != NULL || options->until != NULL) {
        code = narrow(q, options, out);
    } else {
        buf_put(out, text, strlen(text) + 1);
    }
    query_destroy(&q);
    return code;
}
