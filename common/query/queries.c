// SPDX-License-Identifier: Apache-2.0
#include "common/query/queries.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

bool
queries_name_fits(span_t name)
{
    if (name.len == 0 || name.len > LIMIT_NAME || !is_letter(name.p[0])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.p[i];
        if (!is_letter(c) && (c < '0' || c > '9') && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

bool
queries_split(span_t line, span_t *name, span_t *query)
{
    const uint8_t *colon = line.len > 0 ? memchr(line.p, ':', line.len) : NULL;
    size_t at = colon != NULL ? (size_t)(colon - line.p) : 0;

    if (colon == NULL || at + 1 >= line.len || colon[1] != ' ' ||
        !queries_name_fits((span_t){line.p, at})) {
        return false;
    }
    *name = (span_t){line.p, at};
    *query = (span_t){line.p + at + 2, line.len - at - 2};
    return true;
}

static errcode_t
wrong(query_error_t *error, const char *what)
{
    memset(error, 0, sizeof *error);
    snprintf(error->message, sizeof error->message, "%s", what);
    return ERR_QUERY;
}

static void
say_name(query_error_t *error, span_t name)
{
    char text[sizeof error->message];

    snprintf(text, sizeof text, "%.*s: %.300s", (int)name.len,
        (const char *)name.p, error->message);
    memcpy(error->message, text, sizeof text);
}

static errcode_t
add(queries_t *self, span_t name, const char *text, query_error_t *error)
{
    named_query_t *to = &self->list[self->n];

    for (size_t i = 0; i < self->n; i++) {
        if (self->list[i].name == NULL || name.p == NULL ||
            span_is(name, self->list[i].name)) {
            return wrong(error, "two queries of one name");
        }
    }
    errcode_t rc = query_parse_free(text, &to->query, error);
    if (rc == ERR_OK) {
        to->name =
            name.p != NULL ? xstrndup((const char *)name.p, name.len) : NULL;
        self->n++;
    }
    return rc;
}

bool
queries_next(const char **at, span_t *name, span_t *query)
{
    size_t len = strcspn(*at, "\n");
    bool more = **at != '\0';

    if (!queries_split((span_t){(const uint8_t *)*at, len}, name, query)) {
        *name = (span_t){0};
        *query = span_str(*at);
        len = query->len;
    }
    *at += len + ((*at)[len] == '\n');
    return more;
}

static errcode_t
parse_line(queries_t *self, span_t name, span_t query, query_error_t *error)
{
    char *text = xstrndup((const char *)query.p, query.len);
    errcode_t rc;

    if (name.p == NULL && self->n > 0) {
        rc = wrong(error, "a line of several queries is NAME: QUERY");
    } else if (self->n == LIMIT_QUERIES) {
        rc = wrong(error, "these are too many queries for one job");
    } else {
        rc = add(self, name, text, error);
    }
    if (rc != ERR_OK && name.p != NULL) {
        say_name(error, name);
    }
    free(text);
    return rc;
}

static bool
has_name(const query_t *reads, span_t name)
{
    for (size_t i = 0; i < reads->n_names; i++) {
        if (span_eq(reads->names[i], name)) {
            return true;
        }
    }
    return false;
}

static errcode_t
join_reads(queries_t *self, query_error_t *error)
{
    query_t *reads = &self->reads;

    reads->names = xcalloc(LIMIT_FREE_NAMES, sizeof *reads->names);
    for (size_t i = 0; i < self->n; i++) {
        const query_t *q = self->list[i].query;
        reads->fields |= q->fields;
        for (size_t k = 0; k < q->n_names; k++) {
            if (has_name(reads, q->names[k])) {
                continue;
            }
            if (reads->n_names == LIMIT_FREE_NAMES) {
                return wrong(error, "these are too many names of fields");
            }
            reads->names[reads->n_names++] = q->names[k];
        }
    }
    return ERR_OK;
}

static errcode_t
write_canonical(queries_t *self, query_error_t *error)
{
    buf_t text = {0};

    for (size_t i = 0; i < self->n; i++) {
        if (self->list[i].name != NULL) {
            buf_printf(&text, "%s%s: ", i > 0 ? "\n" : "", self->list[i].name);
        }
        buf_put_str(&text, self->list[i].query->canonical);
    }
    errcode_t rc = text.len <= LIMIT_QUERY_TEXT
                       ? ERR_OK
                       : wrong(error, "the queries are too long together");
    buf_put_u8(&text, 0);
    self->canonical = xstrdup((const char *)text.p);
    buf_fini(&text);
    return rc;
}

errcode_t
queries_parse(const char *text, queries_t **out, query_error_t *error)
{
    queries_t *self = xcalloc(1, sizeof *self);
    span_t name, query;
    errcode_t rc = ERR_OK;

    *out = NULL;
    memset(error, 0, sizeof *error);
    self->list = xcalloc(LIMIT_QUERIES, sizeof *self->list);
    if (strlen(text) > LIMIT_QUERY_TEXT) {
        rc = wrong(error, "the queries are too long together");
    } else if (text[0] == '\0') {
        rc = wrong(error, "the query is empty");
    }
    while (rc == ERR_OK && queries_next(&text, &name, &query)) {
        rc = parse_line(self, name, query, error);
    }
    rc = rc != ERR_OK ? rc : join_reads(self, error);
    rc = rc != ERR_OK ? rc : write_canonical(self, error);
    if (rc == ERR_OK) {
        *out = self;
        return rc;
    }
    queries_destroy(&self);
    return rc;
}

void
queries_destroy(queries_t **self_p)
{
    queries_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n; i++) {
        free(self->list[i].name);
        query_destroy(&self->list[i].query);
    }
    free(self->list);
    free(self->canonical);
    free(self->reads.names);
    free(self);
    *self_p = NULL;
}

span_t
queries_literal(const queries_t *self)
{
    return self->n == 1 ? query_literal(self->list[0].query) : (span_t){0};
}
