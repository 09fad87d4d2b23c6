// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/asked_io.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/query/queries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256u << 10) // with its comments

static int
wrong(const char *path, size_t line, const char *what)
{
    buf_t why = {0};

    buf_printf(&why, "%.200s:%zu: %s", path, line, what);
    int code = complain(EXIT_USAGE, &why);
    buf_fini(&why);
    return code;
}

static span_t
trim(span_t s)
{
    while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && strchr(" \t\r", s.p[s.len - 1]) != NULL) {
        s.len--;
    }
    return s;
}

// Another query, or more of the one before.
static int
join_line(const char *path, size_t n, span_t line, buf_t *out)
{
    bool more = line.p[0] == ' ' || line.p[0] == '\t';
    span_t text = trim(line), name, query;

    if (text.len == 0 || line.p[0] == '#') {
        return EXIT_DONE;
    }
    if (memchr(text.p, '\0', text.len) != NULL) {
        return wrong(path, n, "a zero byte");
    }
    if (more && out->len == 0) {
        return wrong(path, n, "this line goes on with none; NAME: QUERY");
    }
    if (!more && !queries_split(text, &name, &query)) {
        return wrong(path, n,
            "expected NAME: QUERY, with a name of letters, digits, _ and -");
    }
    buf_put_str(out, out->len == 0 ? "" : more ? " " : "\n");
    buf_put_span(out, text);
    return EXIT_DONE;
}

int
asked_join(const char *path, span_t text, buf_t *out)
{
    int code = EXIT_DONE;

    for (size_t n = 1; code == EXIT_DONE && text.len > 0; n++) {
        const uint8_t *end = memchr(text.p, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.p) : text.len;
        if (len > 0) {
            code = join_line(path, n, (span_t){text.p, len}, out);
        }
        len += end != NULL;
        text = (span_t){text.p + len, text.len - len};
    }
    if (code == EXIT_DONE && out->len == 0) {
        code = wrong(path, 1, "there is no query; NAME: QUERY");
    }
    if (code == EXIT_DONE && out->len > LIMIT_QUERY_TEXT) {
        code = wrong(path, 1, "the queries are too long together");
    }
    return code;
}

static int
read_queries(const char *path, char **out)
{
    buf_t bytes = {0}, text = {0}, why = {0};
    FILE *f = fopen(path, "re");
    int code = EXIT_DONE;

    if (f != NULL) {
        bytes.len = fread(buf_reserve(&bytes, FILE_MAX), 1, FILE_MAX, f);
    }
    if (f == NULL || ferror(f)) {
        buf_printf(&why, "%.200s: %s", path, strerror(errno));
        code = complain(EXIT_USAGE, &why);
    } else if (bytes.len == FILE_MAX) {
        code = wrong(path, 1, "this file is too long for queries");
    } else {
        code = asked_join(path, buf_span(&bytes), &text);
    }
    if (code == EXIT_DONE) {
        *out = xstrndup((const char *)text.p, text.len);
    }
    if (f != NULL) {
        fclose(f);
    }
    buf_fini(&bytes);
    buf_fini(&text);
    buf_fini(&why);
    return code;
}

static bool
has_parts(const range_options_t *o)
{
    return o->where != NULL || o->by != NULL || o->top != 0;
}

// "FILTER | top N KEYS" and so on.
static int
join_parts(const range_options_t *o, char **out)
{
    buf_t text = {0};

    if (o->queries != NULL) {
        return complain_text(
            EXIT_USAGE, "--queries does not go with --where, --by and --top");
    }
    if (o->top != 0 && o->by == NULL) {
        return complain_text(
            EXIT_USAGE, "--top needs --by KEYS: the most frequent of what?");
    }
    if (o->where != NULL) {
        buf_printf(&text, "%s | ", o->where);
    }
    if (o->top != 0) {
        buf_printf(&text, "top %lld %s", (long long)o->top, o->by);
    } else {
        buf_printf(&text, "count%s%s", o->by != NULL ? " by " : "",
            o->by != NULL ? o->by : "");
    }
    *out = xstrndup((const char *)text.p, text.len);
    buf_fini(&text);
    return EXIT_DONE;
}

int
asked_open(const range_options_t *options, const settings_list_t *operands,
    asked_t *out)
{
    size_t n = operands->n;
    int code = EXIT_DONE;

    *out = (asked_t){0};
    out->operands.items = xcalloc(n + 1, sizeof(char *));
    if (has_parts(options) || options->queries != NULL) {
        code = has_parts(options) ? join_parts(options, &out->text)
                                  : read_queries(options->queries, &out->text);
        out->operands.items[out->operands.n++] = out->text;
    } else if (n == 0) {
        code = complain_text(
            EXIT_USAGE, "no query; QUERY FILE..., or -q FILE for several");
    }
    for (size_t i = 0; i < n; i++) {
        out->operands.items[out->operands.n++] = operands->items[i];
    }
    return code;
}

void
asked_close(asked_t *self)
{
    free(self->operands.items);
    free(self->text);
    *self = (asked_t){0};
}
