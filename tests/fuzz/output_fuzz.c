// SPDX-License-Identifier: Apache-2.0
// Any texts as keys, told apart by zero bytes: what is printed of them harms
// nobody, in every kind.
#include "tests/unit/common/result/harmless.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static span_t
next_text(span_t *rest)
{
    const uint8_t *zero = memchr(rest->p, 0, rest->len);
    size_t len = zero != NULL ? (size_t)(zero - rest->p) : rest->len;
    span_t text = {rest->p, len};
    size_t past = zero != NULL ? len + 1 : len;

    *rest = (span_t){rest->p + past, rest->len - past};
    return text;
}

static void
add_group(tally_t *tally, span_t a, span_t b)
{
    const cell_t cells[] = {{.kind = CELL_TEXT, .text = a},
        {.kind = b.len > 0 ? CELL_TEXT : CELL_MISSING, .text = b}};
    agg_state_t *states;
    buf_t key = {0};

    cell_encode(&cells[0], &key);
    cell_encode(&cells[1], &key);
    assert(tally_group(tally, buf_span(&key), &states) == ERR_OK);
    agg_add_lines(&states[0], 1);
    buf_fini(&key);
}

// A page is 100 KiB and more: what it is written to is kept.
static void
print_all(const result_t *result, size_t width)
{
    static buf_t out;

    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        buf_clear(&out);
        output_result(result,
            &(output_options_t){(output_kind_t)kind, false, width}, &out);
        harmless_check((output_kind_t)kind, buf_span(&out), 2, result->n_rows);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static query_t *query;
    query_error_t error;
    result_t *result;

    if (len < 1) {
        return 0;
    }
    span_t rest = {data + 1, len - 1};
    assert(query != NULL ||
           query_parse("count by path, ua", &query, &error) == ERR_OK);
    tally_t *tally = tally_new(query, (size_t)64 << 20);
    while (rest.len > 0) {
        span_t a = next_text(&rest);
        add_group(tally, a, next_text(&rest));
    }
    if (result_build(query, &tally, 1, &result) == ERR_OK) {
        print_all(result, data[0]);
        result_destroy(&result);
    }
    tally_destroy(&tally);
    return 0;
}
