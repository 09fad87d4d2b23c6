// SPDX-License-Identifier: Apache-2.0
// The named formats, compiled when they are first asked for, and given ones.
#include "worker/format/format_inside.h"

#include "common/base/xalloc.h"
#include "common/tally/format_names.h"
#include "worker/format/format_data.h"
#include "worker/format/given.h"
#include "worker/format/reading_inside.h"
#include "worker/format/regex.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// formats/*.format, generated: static const format_data_t datas[FORMAT_COUNT].
#include "worker/format/format_datas.h"

_Static_assert(FORMAT_COUNT <= 64, "a bit for each format");

static format_t formats[FORMAT_COUNT];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void
add_names(format_t *self, source_name_t *names, field_t field, const char *list)
{
    while (*list != '\0') {
        size_t len = strcspn(list, " ");
        assert(self->n_names < SOURCE_NAMES_MAX);
        names[self->n_names++] =
            (source_name_t){field, {(const uint8_t *)list, len}};
        list += len;
        list += strspn(list, " ");
    }
}

// A format that finds its fields by name.
static void
make_named(const format_data_t *data, source_name_t *names, format_t *self)
{
    static format_match_t *const matches[] = {[READ_JSON] = json_match,
        [READ_LOGFMT] = logfmt_match,
        [READ_CSV] = table_match,
        [READ_TSV] = table_match,
        [READ_W3C] = table_match,
        [READ_CRI] = wrapped_match,
        [READ_DOCKER] = wrapped_match};

    self->match = matches[data->reads];
    self->reads = data->reads;
    self->names = names;
    if (data->reads == READ_W3C) {
        self->mark = data->needs;
    } else {
        add_names(self, names, FIELD_COUNT, data->needs);
    }
    for (size_t i = 0; data->fields[i] != NULL; i++) {
        const char *field = data->fields[i];
        size_t len = strcspn(field, " ");
        field_t f = FIELD_COUNT;
        bool found = field_find((span_t){(const uint8_t *)field, len}, &f);
        assert(found); // the tests have read them all
        add_names(self, names, f, field + len + strspn(field + len, " "));
        self->fields |= 1u << f;
    }
}

static void
make_format(size_t i)
{
    static pattern_t patterns[FORMAT_COUNT][PATTERNS_MAX];
    static source_name_t names[FORMAT_COUNT][SOURCE_NAMES_MAX];
    const format_data_t *data = &datas[i];
    format_t *self = &formats[i];

    *self = (format_t){.name = format_names[i],
        .about = data->about,
        .index = i,
        .match = pattern_match,
        .patterns = patterns[i],
        .within = data->within,
        .before = data->before,
        .times = data->times,
        .unit = data->unit,
        .automatic = !data->named_only};
    if (data->reads != READ_PATTERN) {
        make_named(data, names[i], self);
        return;
    }
    for (size_t k = 0; data->patterns[k] != NULL; k++) {
        query_error_t error;
        pattern_t *pattern = &self->patterns[self->n_patterns++];
        pattern->times = data->times;
        errcode_t rc = pattern_make(data->patterns[k], pattern, &error);
        assert(rc == ERR_OK); // the tests have read them all
    }
    format_link(self);
}

static void
wrap(format_t *self, const format_t *inner)
{
    self->inner = inner;
    self->times = inner->times | TIME_ISO; // of the wrapper
    self->unit = inner->unit;
    self->fields = inner->fields | 1u << FIELD_TIME;
}

static void
make_formats(void)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        make_format(i);
    }
    wrap(&formats[FORMAT_CRI], &formats[FORMAT_LINES]);
    wrap(&formats[FORMAT_DOCKER], &formats[FORMAT_LINES]);
}

size_t
format_count(void)
{
    return FORMAT_COUNT;
}

const format_t *
format_at(size_t i)
{
    assert(i < FORMAT_COUNT);
    (void)pthread_once(&made, make_formats);
    return &formats[i];
}

const char *
format_name(const format_t *self)
{
    return self->name;
}

const char *
format_about(const format_t *self)
{
    return self->about;
}

size_t
format_index(const format_t *self)
{
    return self->index;
}

bool
format_is_automatic(const format_t *self)
{
    return self->automatic;
}

uint64_t
format_within(const format_t *self)
{
    return self->within;
}

uint64_t
format_before(const format_t *self)
{
    return self->before;
}

errcode_t
format_find(const char *name, const format_t **out)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(format_names[i], name) == 0) {
            *out = format_at(i);
            return ERR_OK;
        }
    }
    *out = NULL;
    return ERR_NOT_FOUND;
}

void
format_list(buf_t *out)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        buf_put_str(out, i > 0 ? ", " : "");
        buf_put_str(out, format_names[i]);
    }
}

// What stands before the inner format's text; 0: this is none of a wrapper.
static size_t
wrapper_len(const char *text, read_kind_t *reads)
{
    static const struct {
        const char *prefix;
        read_kind_t reads;
    } wrappers[] = {{"cri+", READ_CRI}, {"docker+", READ_DOCKER}};

    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        size_t len = strlen(wrappers[i].prefix);
        if (strncmp(text, wrappers[i].prefix, len) == 0) {
            *reads = wrappers[i].reads;
            return len;
        }
    }
    return 0;
}

static errcode_t
make_wrapped(
    const char *text, size_t prefix, format_t *self, query_error_t *error)
{
    const format_t *inner;
    errcode_t rc =
        format_open(text + prefix, &inner, &self->inner_owned, error);

    if (rc == ERR_OK &&
        (inner->inner != NULL || inner->reads == READ_CSV ||
            inner->reads == READ_TSV || inner->reads == READ_W3C)) {
        strcpy(error->message, "this format cannot stand in a container's log");
        error->end = strlen(text + prefix);
        rc = ERR_FORMAT;
    }
    error->begin += prefix;
    error->end += prefix;
    if (rc == ERR_OK) {
        wrap(self, inner);
    }
    return rc;
}

static errcode_t
make_given(const char *text, format_t *self, query_error_t *error)
{
    given_t kind = given_kind(text);
    size_t prefix = wrapper_len(text, &self->reads);

    if (prefix > 0) {
        self->match = wrapped_match;
        return make_wrapped(text, prefix, self, error);
    }

    if (kind == GIVEN_REGEX) {
        return regex_make(text, self, error);
    }
    self->match = pattern_match;
    self->patterns = xcalloc(1, sizeof *self->patterns);
    self->n_patterns = 1;
    errcode_t rc = given_make(text, kind, self->text, self->patterns, error);
    if (rc == ERR_OK) {
        const pattern_t *p = self->patterns;
        self->times = p->times != 0 ? p->times : (uint8_t)TIME_ANY;
        self->unit = p->unit != DUR_NONE ? p->unit : DUR_S;
        format_link(self);
    }
    return rc;
}

static errcode_t
open_named(const char *text, const format_t **out, query_error_t *error)
{
    if (format_find(text, out) == ERR_OK) {
        return ERR_OK;
    }
    *error = (query_error_t){.end = strlen(text)};
    snprintf(
        error->message, sizeof error->message, "unknown format '%.60s'", text);
    snprintf(error->suggestion, sizeof error->suggestion,
        "`logtally formats` lists them");
    return ERR_FORMAT;
}

errcode_t
format_open(const char *text, const format_t **out, format_t **owned,
    query_error_t *error)
{
    *out = NULL;
    *owned = NULL;
    *error = (query_error_t){0};
    if (strnlen(text, LIMIT_FORMAT_NAME) == LIMIT_FORMAT_NAME) {
        strcpy(error->message, "the format is too long");
        return ERR_FORMAT;
    }
    read_kind_t reads;
    if (format_find(text, out) == ERR_OK ||
        (given_kind(text) == GIVEN_NAME && wrapper_len(text, &reads) == 0)) {
        return open_named(text, out, error);
    }
    format_t *self = xcalloc(1, sizeof *self);
    self->index = FORMAT_GIVEN;
    self->name = "given";
    self->about = "given with -f";
    self->text = xcalloc(1, strlen(text) + 1);
    errcode_t rc = make_given(text, self, error);
    if (rc != ERR_OK) {
        format_destroy(&self);
        return rc;
    }
    *out = *owned = self;
    return ERR_OK;
}

void
format_destroy(format_t **self_p)
{
    format_t *self = *self_p;

    if (self != NULL) {
        format_destroy(&self->inner_owned);
        regex_destroy(&self->regex);
        free(self->patterns);
        free(self->text);
        free(self);
        *self_p = NULL;
    }
}

bool
format_lacks_years(const format_t *self)
{
    return (self->times & TIME_NAMED) != 0;
}

uint32_t
format_fields(const format_t *self)
{
    uint32_t fields = self->fields;

    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if (format_is_of_request((field_t)f) &&
            (fields & 1u << FIELD_REQUEST) != 0) {
            fields |= 1u << f;
        }
    }
    if ((fields & 1u << FIELD_URL) != 0) {
        fields |= 1u << FIELD_PATH | 1u << FIELD_QUERY;
    }
    return fields;
}

bool
format_wants_reading(const format_t *self)
{
    return self->reads != READ_PATTERN;
}

bool
format_has_name(const format_t *self, span_t name)
{
    span_t other;

    if (self->inner != NULL) {
        return span_is(name, "stream") || span_is(name, "log") ||
               format_has_name(self->inner, name);
    }
    if (format_wants_reading(self)) {
        return true;
    }
    for (size_t i = 0; self->index == FORMAT_GIVEN; i++) {
        if ((other = format_other_name(self, i)).p == NULL) {
            break;
        }
        if (span_eq(other, name)) {
            return true;
        }
    }
    return false;
}

field_t
format_own_field(const query_t *query, span_t name)
{
    for (size_t i = 0; i < query->n_names; i++) {
        if (name.p != NULL && span_eq(query->names[i], name)) {
            return (field_t)FIELD_OWN(i);
        }
    }
    return FIELD_COUNT;
}

void
format_bind(format_t *self, const query_t *query)
{
    self->n_own = query->n_names;
    if (self->inner_owned != NULL) {
        format_bind(self->inner_owned, query);
    }
    if (self->regex != NULL) {
        regex_bind(self->regex, query);
    }
    for (size_t k = 0; k < self->n_patterns; k++) {
        pattern_t *p = &self->patterns[k];
        for (size_t n = 0; n < p->n_parts; n++) {
            part_t *part = &p->parts[n];
            if (part->field == FIELD_COUNT) {
                part->field = format_own_field(query, part->name);
            }
        }
    }
}

span_t
format_other_name(const format_t *self, size_t i)
{
    if (self->regex != NULL) {
        return regex_other_name(self->regex, i);
    }
    for (size_t k = 0; k < self->n_patterns; k++) {
        const pattern_t *p = &self->patterns[k];
        for (size_t n = 0; n < p->n_parts; n++) {
            const part_t *part = &p->parts[n];
            if (part->field >= FIELD_COUNT && part->name.p != NULL &&
                i-- == 0) {
                return part->name;
            }
        }
    }
    return (span_t){0};
}

bool
format_match_next(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why)
{
    out->line = line;
    out->format = self;
    if (self->n_own > 0) {
        memset(out->fields + FIELD_OWN(0), 0, self->n_own * sizeof(span_t));
    }
    return self->match(self, line, out, why);
}

bool
format_match(
    const format_t *self, span_t line, line_fields_t *out, reject_t *why)
{
    memset(out, 0, sizeof *out);
    return format_match_next(self, line, out, why);
}
