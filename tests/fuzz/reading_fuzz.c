// SPDX-License-Identifier: Apache-2.0
// A file in each of the formats with names: every value of an accepted line
// can be read, and one that is wanted twice is the same twice.
#include "worker/format/reading.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned touched; // so that reads are not dropped

static void
check_line(const query_t *q, const line_fields_t *line)
{
    for (unsigned i = 0; i < FIELD_COUNT + 1 + q->n_names; i++) {
        for (size_t k = 0; k < line->fields[i].len; k++) {
            touched += line->fields[i].p[k];
        }
    }
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        cell_t cell;
        bool bad;
        format_field(line, (field_t)i, &cell, &bad);
        assert(cell.kind <= CELL_TEXT);
    }
}

static void
read_file(const format_t *format, const query_t *q, span_t text)
{
    reading_t *reading = reading_new(format, q);
    line_fields_t line = {.reading = reading};
    size_t at = 0;

    while (at < text.len) {
        const uint8_t *nl = memchr(text.p + at, '\n', text.len - at);
        size_t stop = nl != NULL ? (size_t)(nl - text.p) : text.len;
        span_t one = {text.p + at, stop - at};
        reject_t why = REJECT_COUNT;
        if (one.len > 0 && !reading_header(reading, one, at)) {
            if (format_match_next(format, one, &line, &why)) {
                check_line(q, &line);
            } else {
                assert(why < REJECT_COUNT);
            }
        }
        at = stop + 1;
    }
    reading_destroy(&reading);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static query_t *q;
    query_error_t error;

    if (q == NULL && query_parse_free("count by a, b.c, `x-y`, `time`, a.0, "
                                      "ip, time, path, status, dur, ua, user",
                         &q, &error) != ERR_OK) {
        assert(false);
    }
    for (size_t i = 0; i < format_count(); i++) {
        if (format_wants_reading(format_at(i))) {
            read_file(format_at(i), q, (span_t){data, len});
        }
    }
    return 0;
}
