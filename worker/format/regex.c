// SPDX-License-Identifier: Apache-2.0
// The interpreter of PCRE2: executors may not make memory executable. Limits
// bound what one line may cost; a line that reaches one is rejected.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "worker/format/regex.h"

#include "common/base/xalloc.h"
#include "worker/format/pattern_inside.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_LIMIT   100000u
#define DEPTH_LIMIT   10000u
#define HEAP_LIMIT_KB 16384u
#define PREFIX_LEN    3u // "re:"
#define GROUPS_MAX    64u

typedef struct group {
    uint32_t number;
    field_t field;
    span_t name; // in the table of `code`
} group_t;

struct regex_format {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    group_t groups[GROUPS_MAX];
    size_t n_groups;
};

static span_t
group_span(const size_t *ovector, uint32_t number, span_t line)
{
    size_t begin = ovector[2 * (size_t)number];
    size_t end = ovector[2 * (size_t)number + 1];

    if (begin == PCRE2_UNSET || end < begin) { // \K may turn them round
        return (span_t){0};
    }
    return (span_t){line.p + begin, end - begin};
}

static bool
regex_match(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why)
{
    const struct regex_format *r = self->regex;
    int rc = pcre2_match(r->code, line.p, line.len, 0, 0, r->match, r->context);
    const size_t *ovector = pcre2_get_ovector_pointer(r->match);

    for (size_t i = 0; i < self->n_optional; i++) {
        out->fields[self->optional[i]] = (span_t){0};
    }
    if (rc < 0) {
        *why = REJECT_STRUCTURE;
        return false;
    }
    for (size_t i = 0; i < r->n_groups; i++) {
        const group_t *g = &r->groups[i];
        span_t found = group_span(ovector, g->number, line);
        if (found.p != NULL && out->fields[g->field].p == NULL) {
            out->fields[g->field] = found;
        }
    }
    return true;
}

static errcode_t
compile(const char *text, struct regex_format *r, query_error_t *error)
{
    const uint8_t *pattern = (const uint8_t *)text + PREFIX_LEN;
    uint8_t why[200];
    int code;
    size_t where;

    r->code =
        pcre2_compile(pattern, PCRE2_ZERO_TERMINATED, 0, &code, &where, NULL);
    if (r->code == NULL) {
        pcre2_get_error_message(code, why, sizeof why);
        (void)builder_fail(error, where + PREFIX_LEN, where + PREFIX_LEN + 1,
            "the regex is wrong: %s", (const char *)why);
        return ERR_FORMAT;
    }
    r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
    r->context = pcre2_match_context_create(NULL);
    if (r->match == NULL || r->context == NULL) {
        abort(); // as xcalloc
    }
    pcre2_set_match_limit(r->context, MATCH_LIMIT);
    pcre2_set_depth_limit(r->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(r->context, HEAP_LIMIT_KB);
    return ERR_OK;
}

// The table of names: two bytes of a number, then the name and its NUL.
static void
find_groups(format_t *self)
{
    struct regex_format *r = self->regex;
    pattern_t times = {0};
    uint32_t n = 0;
    uint32_t size = 0;
    const uint8_t *entry = NULL;

    (void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &n);
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, (void *)&entry);
    for (uint32_t i = 0; i < n && r->n_groups < GROUPS_MAX; i++) {
        group_t *g = &r->groups[r->n_groups++];
        part_t part = {0};
        g->number = (uint32_t)entry[0] << 8 | entry[1];
        g->name = span_str((const char *)entry + 2);
        pattern_name(&times, g->name, &part);
        g->field = part.field;
        self->fields |= part.field < FIELD_COUNT ? 1u << part.field : 0;
        entry += size;
    }
    self->times = times.times != 0 ? times.times : TIME_ANY;
    self->unit = times.unit != DUR_NONE ? times.unit : DUR_S;
}

errcode_t
regex_make(const char *text, format_t *self, query_error_t *error)
{
    self->regex = xcalloc(1, sizeof *self->regex);
    self->match = regex_match;
    errcode_t rc = compile(text, self->regex, error);
    if (rc != ERR_OK) {
        return rc;
    }
    find_groups(self);
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if ((self->fields >> f & 1u) != 0) {
            self->optional[self->n_optional++] = (field_t)f;
        }
    }
    if (self->regex->n_groups == 0) {
        (void)builder_fail(error, 0, strlen(text),
            "no group of this regex has a name, (?<ip>...)");
        return ERR_FORMAT;
    }
    return ERR_OK;
}

void
regex_destroy(struct regex_format **self_p)
{
    struct regex_format *r = *self_p;

    if (r != NULL) {
        pcre2_code_free(r->code);
        pcre2_match_data_free(r->match);
        pcre2_match_context_free(r->context);
        free(r);
        *self_p = NULL;
    }
}

void
regex_bind(struct regex_format *self, const query_t *query)
{
    for (size_t i = 0; i < self->n_groups; i++) {
        group_t *g = &self->groups[i];
        if (g->field == FIELD_COUNT) {
            g->field = format_own_field(query, g->name);
        }
    }
}

span_t
regex_other_name(const struct regex_format *self, size_t i)
{
    for (size_t k = 0; k < self->n_groups; k++) {
        if (self->groups[k].field >= FIELD_COUNT && i-- == 0) {
            return self->groups[k].name;
        }
    }
    return (span_t){0};
}
