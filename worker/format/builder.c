// SPDX-License-Identifier: Apache-2.0
// Parts as they come, and how each one ends, which its neighbours tell.
#include "worker/format/pattern_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CLF_TIME_LEN 26u

bool
builder_fail(
    query_error_t *error, size_t begin, size_t end, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    *error = (query_error_t){.begin = begin, .end = end};
    vsnprintf(error->message, sizeof error->message, fmt, args);
    va_end(args);
    return false;
}

builder_t
builder_init(pattern_t *out, query_error_t *error)
{
    return (builder_t){.out = out, .error = error};
}

bool
builder_byte(builder_t *self, char c, size_t place)
{
    pattern_t *p = self->out;

    if (c == '\n' || c == '\0') {
        return builder_fail(
            self->error, place, place + 1, "a format has one line");
    }
    if (p->n_leads + 2 > sizeof p->leads) {
        return builder_fail(
            self->error, place, place + 1, "the format is too long");
    }
    p->leads[p->n_leads++] = c;
    return true;
}

// A field counts once: the first place has it.
static field_t
first_of(builder_t *self, field_t field)
{
    uint32_t bit = field < FIELD_COUNT ? 1u << field : 0;

    if ((self->seen & bit) != 0) {
        return FIELD_COUNT;
    }
    self->seen |= bit;
    return field;
}

bool
builder_part(
    builder_t *self, part_t part, bool automatic, size_t begin, size_t end)
{
    pattern_t *p = self->out;

    if (p->n_parts == PARTS_MAX || p->n_leads + 2 > sizeof p->leads) {
        return builder_fail(
            self->error, begin, end, "these are too many fields");
    }
    p->leads[p->n_leads++] = '\0';
    part.lead = p->leads + self->lead;
    part.field = first_of(self, part.field);
    part.second = first_of(self, part.second);
    self->lead = p->n_leads;
    self->begins[p->n_parts] = begin;
    self->ends[p->n_parts] = end;
    self->automatic |= automatic ? (uint64_t)1 << p->n_parts : 0;
    p->parts[p->n_parts++] = part;
    return true;
}

static bool
has_field(const part_t *part)
{
    return part->kind != PART_OPTIONAL && part->kind != PART_REST &&
           part->kind != PART_END;
}

// Text that people write may have spaces in it.
static bool
may_have_spaces(const part_t *part)
{
    static const uint32_t texts = 1u << FIELD_USER | 1u << FIELD_REQUEST |
                                  1u << FIELD_URL | 1u << FIELD_PATH |
                                  1u << FIELD_QUERY | 1u << FIELD_REFERER |
                                  1u << FIELD_UA;

    return (texts >> part->field & 1u) != 0;
}

// Several upstreams of nginx are told in a list.
static bool
may_be_list(span_t name)
{
    static const char *const prefixes[] = {
        "upstream_", "http_x_forwarded_for", "proxy_add_x_forwarded_for"};

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t len = strlen(prefixes[i]);
        if (name.len >= len && memcmp(name.p, prefixes[i], len) == 0) {
            return true;
        }
    }
    return false;
}

// What stands behind part i; NULL: the line ends there.
static const char *
lead_behind(const pattern_t *p, size_t i)
{
    while (++i < p->n_parts) {
        const part_t *part = &p->parts[i];
        if (part->kind != PART_OPTIONAL || part->lead[0] != '\0') {
            return part->lead;
        }
    }
    return NULL;
}

static part_kind_t
kind_between(const pattern_t *p, size_t i, const char *behind)
{
    const part_t *part = &p->parts[i];
    size_t len = strlen(part->lead);
    char before = len > 0 ? part->lead[len - 1] : '\0';
    bool spaces = behind[0] == ' ' && behind[1] != '\0';

    if (before == '"' && behind[0] == '"') {
        return PART_QUOTED;
    }
    if (before == '[' && behind[0] == ']') {
        return PART_TEXT;
    }
    if (behind[0] == ' ' && part->field == FIELD_TIME && p->times == TIME_CLF) {
        return PART_FIXED;
    }
    if (behind[0] == ' ' && may_be_list(part->name)) {
        return PART_LIST;
    }
    return spaces && may_have_spaces(part) ? PART_UNTIL : PART_WORD;
}

static part_kind_t
kind_at_end(const pattern_t *p, size_t i)
{
    const part_t *part = &p->parts[i];

    if (part->field == FIELD_TIME && p->times == TIME_CLF) {
        return PART_FIXED;
    }
    return may_have_spaces(part)     ? PART_TAIL
           : may_be_list(part->name) ? PART_LIST
                                     : PART_WORD;
}

// The last word of a line ends before what stands between the others.
static char
stop_at_end(const char *lead)
{
    size_t len = strlen(lead);
    bool other = len > 0 && strchr(lead, ' ') == NULL &&
                 strchr("|,;\t", lead[len - 1]) != NULL;

    return other ? lead[len - 1] : ' ';
}

static void
set_kind(builder_t *self, size_t i)
{
    pattern_t *p = self->out;
    part_t *part = &p->parts[i];
    const char *behind = lead_behind(p, i);

    if ((self->automatic >> i & 1) != 0) {
        part->kind =
            behind != NULL ? kind_between(p, i, behind) : kind_at_end(p, i);
    }
    bool next = i + 1 < p->n_parts && p->parts[i + 1].lead[0] != '\0';
    if (part->kind == PART_UNTIL && !next) {
        part->kind = behind != NULL ? PART_WORD : PART_TAIL;
    }
    part->stop = behind != NULL && behind[0] != '\0' ? behind[0]
                                                     : stop_at_end(part->lead);
    if (part->kind == PART_LIST && part->stop != ' ') {
        part->kind = PART_WORD;
    }
    if (part->kind == PART_FIXED && part->fixed == 0) {
        part->fixed = CLF_TIME_LEN;
    }
    bool clf = part->field == FIELD_TIME && p->times == TIME_CLF;
    part->inside = clf ? ' ' : '\0';
}

static bool
check_place(builder_t *self, size_t i)
{
    const pattern_t *p = self->out;
    const part_t *part = &p->parts[i];
    const char *behind = lead_behind(p, i);
    bool last = i + 1 == p->n_parts;
    bool rest = !last && p->parts[i + 1].kind == PART_REST;

    if (!has_field(part)) {
        return true;
    }
    if (behind != NULL && behind[0] == '\0' && !rest &&
        part->kind != PART_FIXED) {
        return builder_fail(self->error, self->begins[i], self->ends[i],
            "nothing stands between this field and the next");
    }
    bool closes = behind != NULL && behind[0] != '\0';
    if ((part->kind == PART_TEXT && !closes) ||
        (part->kind == PART_QUOTED && (!closes || behind[0] != '"'))) {
        return builder_fail(self->error, self->begins[i], self->ends[i],
            "nothing closes this field");
    }
    if (part->kind == PART_TAIL && !last) {
        return builder_fail(self->error, self->begins[i], self->ends[i],
            "this field goes to the end of the line, but is not the last");
    }
    return true;
}

bool
builder_finish(builder_t *self, size_t end)
{
    pattern_t *p = self->out;
    bool some = false;

    if (p->n_leads > self->lead &&
        !builder_part(self,
            (part_t){
                .kind = PART_END, .field = FIELD_COUNT, .second = FIELD_COUNT},
            false, end, end)) {
        return false;
    }
    for (size_t i = 0; i < p->n_parts; i++) {
        some = some || has_field(&p->parts[i]);
        if (has_field(&p->parts[i])) {
            set_kind(self, i);
        }
    }
    if (!some) {
        return builder_fail(self->error, 0, end, "no field is in this format");
    }
    for (size_t i = 0; i < p->n_parts; i++) {
        if (!check_place(self, i)) {
            return false;
        }
    }
    return true;
}
