// SPDX-License-Identifier: Apache-2.0
// A merged table by hand, the result of it, and its rows as one text.
#ifndef LOGTALLY_TESTS_UNIT_COMMON_RESULT_TABLE_H
#define LOGTALLY_TESTS_UNIT_COMMON_RESULT_TABLE_H

#include "common/result/output.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>

typedef struct fixture {
    query_t *query;
    tally_t *tally;
    result_t *result;
    buf_t text;
} fixture_t;

#define TEXT(s)   ((cell_t){.kind = CELL_TEXT, .text = span_str(s)})
#define NUMBER(n) ((cell_t){.kind = CELL_NUMBER, .number = DEC_INT(n)})
#define MISSING   ((cell_t){.kind = CELL_MISSING})

static void
table_init(fixture_t *t, const char *query)
{
    query_error_t error;

    *t = (fixture_t){0};
    if (query_parse(query, &t->query, &error) != ERR_OK) {
        fail_msg("%s: %s", query, error.message);
    }
    t->tally = tally_new(t->query, (size_t)256 << 20);
}

static void
table_fini(fixture_t *t)
{
    result_destroy(&t->result);
    tally_destroy(&t->tally);
    query_destroy(&t->query);
    buf_fini(&t->text);
}

// The group of these keys, n lines more in its first aggregate.
static inline agg_state_t *
table_add_cells(fixture_t *t, uint64_t n, const cell_t *cells)
{
    agg_state_t *states;
    buf_t key = {0};

    for (size_t i = 0; i < t->query->n_keys; i++) {
        cell_encode(&cells[i], &key);
    }
    CHECK_OK(tally_group(t->tally, buf_span(&key), &states));
    agg_add_lines(&states[0], n);
    buf_fini(&key);
    return states;
}

#define table_add(t, n, ...)                                                   \
    table_add_cells((t), (n), (const cell_t[]){__VA_ARGS__})

static inline void
table_build(fixture_t *t)
{
    result_destroy(&t->result);
    CHECK_OK(result_build(t->query, &t->tally, 1, &t->result));
}

static inline const char *
table_print(fixture_t *t, output_kind_t kind, bool header, size_t width)
{
    output_options_t options = {kind, header, width};

    buf_clear(&t->text);
    output_result(t->result, &options, &t->text);
    buf_put_u8(&t->text, 0);
    return (const char *)t->text.p;
}

// "a 3|b 1": the cells of a row apart by blanks, the rows by bars.
static inline const char *
table_rows(fixture_t *t)
{
    if (t->result == NULL) {
        table_build(t);
    }
    table_print(t, OUTPUT_TSV, false, 0);
    for (size_t i = 0; i + 1 < t->text.len; i++) {
        uint8_t *c = &t->text.p[i];
        *c = *c == '\t' ? ' ' : *c == '\n' ? '|' : *c;
    }
    if (t->text.len > 1) {
        t->text.p[t->text.len - 2] = 0; // the last bar
    }
    return (const char *)t->text.p;
}

#endif
