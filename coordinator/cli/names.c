// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/names.h"

#include "coordinator/cli/head.h"
#include "worker/format/format.h"

#include <stdio.h>
#include <string.h>

static bool
has_names(const char *text, const query_t *q)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;
    bool has = format_open(text, &format, &owned, &error) == ERR_OK;

    for (size_t i = 0; has && i < q->n_names; i++) {
        has = format_has_name(format, q->names[i]);
    }
    format_destroy(&owned);
    return has;
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
        // Further on than the first unknown name: that one may be fine.
        *error = !autom && other.begin > error->begin ? other : *error;
        return ERR_QUERY;
    }
    if (!autom && has_names(format, *out)) {
        return ERR_OK;
    }
    query_destroy(out);
    if (autom && error->suggestion[0] == '\0') {
        snprintf(error->suggestion, sizeof error->suggestion,
            "if the format has it, name the format with -f");
    }
    return ERR_QUERY;
}

const char *
names_look(const char *text, const char *file)
{
    const format_t *format = NULL;
    query_error_t error;
    query_t *q = NULL;
    buf_t head = {0}, why = {0};
    bool at_end;

    bool look =
        query_parse(text, &q, &error) != ERR_OK && strcmp(file, "-") != 0;
    query_destroy(&q);
    if (look && head_read(file, &head, &at_end) == ERR_OK &&
        format_detect(buf_span(&head), at_end, &format, &why) != ERR_OK) {
        format = NULL;
    }
    buf_fini(&head);
    buf_fini(&why);
    return format != NULL ? format_name(format) : "auto";
}
