// SPDX-License-Identifier: Apache-2.0
// The sample lines of formats/*.format have the fields that stand beside
// them, and `auto` finds their formats.
#include "worker/format/reading.h"

#include "common/query/time_text.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

#define SAMPLE_FIELDS 24

typedef struct sample_line {
    const char *format;
    bool accepted;
    span_t line;
    struct {
        const char *name;
        const char *value; // "-" is missing, "!" does not fit its type
    } fields[SAMPLE_FIELDS];
} sample_line_t;

#include "tests/format_samples.h"

#define N_SAMPLES (sizeof sample_lines / sizeof *sample_lines)
#define WRITTEN   1709164800 // 2024-02-29, for times without a year

static void
put_value(const line_fields_t *line, field_t field, buf_t *out)
{
    char number[DEC_TEXT_MAX];
    cell_t cell;
    bool bad;

    format_field(line, field, &cell, &bad);
    if (cell.kind == CELL_TEXT) {
        buf_put_span(out, cell.text);
    } else if (cell.kind == CELL_MISSING) {
        buf_put_str(out, bad ? "!" : "-");
    } else if (field_infos[field].type == TYPE_TIME) {
        time_print(cell.number, out);
    } else {
        dec_format(cell.number, number);
        buf_put_str(out, number);
    }
}

static void
check_value(const sample_line_t *sample, size_t i, const line_fields_t *line)
{
    const char *name = sample->fields[i].name;
    field_t field = FIELD_COUNT;
    buf_t got = {0};

    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        field = strcmp(field_infos[f].name, name) == 0 ? (field_t)f : field;
    }
    if (field == FIELD_COUNT) {
        fail_msg("%s: no field has the name %s", sample->format, name);
    }
    put_value(line, field, &got);
    if (!span_is(buf_span(&got), sample->fields[i].value)) {
        fail_msg("%s: %s is %.*s, not %s, in: %.*s", sample->format, name,
            (int)got.len, (const char *)got.p, sample->fields[i].value,
            (int)sample->line.len, (const char *)sample->line.p);
    }
    buf_fini(&got);
}

static void
check_sample(
    const sample_line_t *sample, const format_t *format, reading_t *reading)
{
    line_fields_t line = {.written = WRITTEN};
    reject_t why;

    line.reading = reading;
    if (reading != NULL &&
        reading_header(reading, sample->line, (uint64_t)(uintptr_t)sample)) {
        assert_null(sample->fields[0].name);
        return;
    }
    if (format_match_next(format, sample->line, &line, &why) !=
        sample->accepted) {
        fail_msg("%s: %s %.*s", sample->format,
            sample->accepted ? "does not accept" : "accepts",
            (int)sample->line.len, (const char *)sample->line.p);
    }
    for (size_t i = 0; sample->fields[i].name != NULL; i++) {
        check_value(sample, i, &line);
    }
}

static void
test_samples_have_their_fields(void **state)
{
    (void)state;
    reading_t *reading = NULL;
    const format_t *before = NULL;

    for (size_t i = 0; i < N_SAMPLES; i++) {
        const format_t *format;
        CHECK_OK(format_find(sample_lines[i].format, &format));
        if (format != before) {
            reading_destroy(&reading);
            reading =
                format_wants_reading(format) ? reading_new(format, NULL) : NULL;
            before = format;
        }
        check_sample(&sample_lines[i], format, reading);
    }
    reading_destroy(&reading);
}

static void
test_every_format_has_ten_samples(void **state)
{
    (void)state;
    for (size_t f = 0; f < format_count(); f++) {
        const char *name = format_name(format_at(f));
        unsigned n = 0;
        for (size_t i = 0; i < N_SAMPLES; i++) {
            n += strcmp(sample_lines[i].format, name) == 0;
        }
        if (n < 10) {
            fail_msg("%s has %u sample lines", name, n);
        }
    }
}

static void
put_samples(const char *format, buf_t *out)
{
    for (size_t i = 0; i < N_SAMPLES; i++) {
        const sample_line_t *s = &sample_lines[i];
        if (s->accepted && strcmp(s->format, format) == 0) {
            buf_put_span(out, s->line);
            buf_put_str(out, "\n");
        }
    }
}

static void
test_auto_finds_the_format_of_samples(void **state)
{
    (void)state;
    for (size_t f = 0; f < format_count(); f++) {
        const format_t *found;
        buf_t text = {0};
        buf_t why = {0};
        put_samples(format_name(format_at(f)), &text);
        errcode_t rc = format_detect(buf_span(&text), true, &found, &why);
        if (format_is_automatic(format_at(f)) && found != format_at(f)) {
            fail_msg("%s: %s, %.*s", format_name(format_at(f)),
                rc == ERR_OK ? format_name(found) : "none", (int)why.len,
                (const char *)why.p);
        }
        buf_fini(&text);
        buf_fini(&why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_have_their_fields),
        cmocka_unit_test(test_every_format_has_ten_samples),
        cmocka_unit_test(test_auto_finds_the_format_of_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
