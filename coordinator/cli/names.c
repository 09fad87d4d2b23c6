// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/names.h"

#include "common/base/xalloc.h"
#include "common/query/queries.h"
#include "coordinator/cli/head.h"
#include "worker/format/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
has_names(const char *text, const span_t *names, size_t n)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;
    bool has = format_open(text, &format, &owned, &error) == ERR_OK;

    for (size_t i = 0; has && i < n; i++) {
        has = format_has_name(format, names[i]);
    }
    format_destroy(&owned);
    return has;
}

// Where a query is wrong, as a name.
static span_t
marked(const char *text, const query_error_t *error)
{
    return (span_t){
        (const uint8_t *)text + error->begin, error->end - error->begin};
}

// The names of a description are known, so that one may have been meant.
errcode_t
names_parse(
    const char *text, const char *format, query_t **out, query_error_t *error)
{
    query_error_t other;
    errcode_t rc = query_parse(text, out, error);

    if (rc != ERR_QUERY) {
        return rc;
    }
    bool autom = strcmp(format, "auto") == 0;
    if (query_parse_free(text, out, &other) != ERR_OK) {
        // Further on than the first unknown name, which may be fine.
        span_t name = marked(text, error);
        if (!autom && other.begin > error->begin &&
            has_names(format, &name, 1)) {
            *error = other;
        }
        return ERR_QUERY;
    }
    if (!autom && has_names(format, (*out)->names, (*out)->n_names)) {
        return ERR_OK;
    }
    query_destroy(out);
    if (autom && error->suggestion[0] == '\0') {
        snprintf(error->suggestion, sizeof error->suggestion,
            "if the format has it, name the format with -f");
    }
    return ERR_QUERY;
}

// Any of the queries of a text.
static bool
wants_names(const char *text)
{
    span_t name, query;
    bool wants = false;

    while (!wants && queries_next(&text, &name, &query)) {
        char *one = xstrndup((const char *)query.p, query.len);
        query_error_t error;
        query_t *q = NULL;
        wants = query_parse(one, &q, &error) != ERR_OK;
        query_destroy(&q);
        free(one);
    }
    return wants;
}

const char *
names_look(const char *text, const char *file)
{
    const format_t *format = NULL;
    buf_t head = {0}, why = {0};
    bool at_end;

    bool look = wants_names(text) && strcmp(file, "-") != 0;
    if (look && head_read(file, &head, &at_end) == ERR_OK &&
        format_detect(buf_span(&head), at_end, &format, &why) != ERR_OK) {
        format = NULL;
    }
    buf_fini(&head);
    buf_fini(&why);
    return format != NULL ? format_name(format) : "auto";
}
