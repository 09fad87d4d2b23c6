// SPDX-License-Identifier: Apache-2.0
// What the matcher promises, checked against format_match: every line of a
// block comes once, in order among its like; one that is taken as usual is
// accepted, with the same fields. For the unit test and the fuzzer.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_SCAN_MATCHER_CHECK_H
#define LOGTALLY_TESTS_UNIT_WORKER_SCAN_MATCHER_CHECK_H

#include "common/base/limits.h"
#include "worker/scan/matcher.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// The next line of the text.
static inline span_t
check_line(span_t *rest)
{
    const uint8_t *nl = memchr(rest->p, '\n', rest->len);
    span_t line = {rest->p, (size_t)(nl - rest->p)};

    *rest = (span_t){nl + 1, rest->len - line.len - 1};
    return line;
}

static inline void
check_usual(
    const format_t *format, const batch_t *batch, size_t row, span_t line)
{
    line_fields_t fields;
    reject_t why;

    if (line.len > 0 && line.p[line.len - 1] == '\r') {
        line.len--;
    }
    assert(line.len <= LIMIT_LINE);
    assert(format_match(format, line, &fields, &why));
    for (size_t i = 0; i < batch->n_spans; i++) {
        if (batch->fields[i] == FIELD_COUNT) {
            continue;
        }
        span_t want = batch->fields[i] == FIELD_LINE
                          ? line
                          : fields.fields[batch->fields[i]];
        assert(want.p == batch->spans[i][row].p);
        assert(want.len == batch->spans[i][row].len);
    }
}

// Formats as people give them, whose fields stand close together. NULL: there
// are no more.
static inline const format_t *
check_given(size_t i)
{
    static const char *const texts[] = {
        "%v:%p %h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"",
        "%v:%p %h %l %u %t \"%r\" %>s %b",
        "$host:$server_port $pid/$remote_port [$time_local] "
        "$bytes_sent:$status",
        "$remote_addr|$status:$bytes_sent \"$request\" "
        "$server_name:$server_port",
        "$status:$bytes_sent:$server_port $remote_addr/$server_name"};
    static format_t *owned[sizeof texts / sizeof *texts];
    const format_t *format;
    query_error_t error;

    if (i >= sizeof texts / sizeof *texts) {
        return NULL;
    }
    if (owned[i] == NULL &&
        format_open(texts[i], &format, &owned[i], &error) != ERR_OK) {
        abort();
    }
    return owned[i];
}

// As check_matcher, with bytes [late, late_end) of the text that come late.
static inline size_t
check_late(matcher_t *matcher, const format_t *format, span_t text, size_t late,
    size_t late_end)
{
    static batch_t batch;
    uint8_t *place = malloc(text.len + SHAPE_PAD);
    span_t rest = {place, text.len};
    size_t usual = 0;

    assert(place != NULL);
    memcpy(place, text.p, text.len + SHAPE_PAD);
    memset(place + late, '"', late_end - late);
    matcher_begin(matcher, &(text_block_t){.p = place,
                               .len = text.len,
                               .from = text.p + late,
                               .from_len = text.len - late,
                               .late = late,
                               .late_end = late_end});
    while (matcher_next(matcher, &batch)) {
        size_t row = 0, odd = 0;
        usual += batch.n;
        while (row + odd < batch.n + batch.n_odd) {
            const uint8_t *begin = rest.p;
            span_t line = check_line(&rest);
            if (odd < batch.n_odd && batch.odd[odd].p == begin) {
                assert(batch.odd[odd++].len == line.len);
            } else {
                assert(row < batch.n);
                assert(place + batch.begins[row] == begin);
                check_usual(format, &batch, row++, line);
            }
        }
    }
    assert(rest.len == 0);
    assert(memcmp(place, text.p, text.len) == 0);
    free(place);
    return usual;
}

// A format's matchers: line by line, and by each kind of lanes.
typedef struct {
    const format_t *format; // NULL: not made yet
    uint32_t fields;
    matcher_t *by_line; // NULL: the format has no shape
    matcher_t *by_lanes[LANES_KINDS];
} check_made_t;

static inline void
check_make(const format_t *format, uint32_t fields, check_made_t *out)
{
    *out = (check_made_t){.format = format, .fields = fields};
    out->by_line = matcher_new(format, fields);
    for (size_t i = 0; i < LANES_KINDS && out->by_line != NULL; i++) {
        out->by_lanes[i] = matcher_new(format, fields);
    }
}

static inline void
check_unmake(check_made_t *made)
{
    matcher_destroy(&made->by_line);
    for (size_t i = 0; i < LANES_KINDS; i++) {
        matcher_destroy(&made->by_lanes[i]);
    }
    made->format = NULL;
}

// Returns how many lines were usual ones.
static inline size_t
check_made(const check_made_t *made, tokens_find_t *find, span_t text)
{
    if (made->by_line == NULL) {
        return 0;
    }
    matcher_use(made->by_line, find, NULL);
    size_t usual = check_late(made->by_line, made->format, text, 0, 0);
    size_t end = text.len - text.len / 5, late = text.len / 3;
    end = late < end && end < text.len ? end : late;
    // Where windows end does not matter, but for the lines behind an odd one.
    (void)check_late(made->by_line, made->format, text, late, end);
    for (size_t i = 0; i < LANES_KINDS; i++) {
        const lanes_kind_t *lanes = lanes_kind_at(i);
        if (lanes == NULL) {
            continue;
        }
        matcher_use(made->by_lanes[i], find, lanes);
        if (text.len % 2 == i % 2) {
            (void)check_late(made->by_lanes[i], made->format, text, 0, end);
        } else {
            assert(check_late(made->by_lanes[i], made->format, text, 0, 0) ==
                   usual);
        }
    }
    return usual;
}

// With every search for tokens that this processor has.
static inline size_t
check_finders(const check_made_t *made, span_t text)
{
    size_t usual = 0;

    for (size_t i = 0; i < TOKENS_FINDERS; i++) {
        tokens_find_t *find = tokens_finder_at(i);
        usual += find != NULL ? check_made(made, find, text) : 0;
    }
    return usual;
}

static inline size_t
check_matcher(
    const format_t *format, tokens_find_t *find, span_t text, uint32_t fields)
{
    check_made_t made;

    check_make(format, fields, &made);
    size_t usual = check_made(&made, find, text);
    check_unmake(&made);
    return usual;
}

#endif
