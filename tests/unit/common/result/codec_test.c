// SPDX-License-Identifier: Apache-2.0
#include "common/result/result.h"

#include "common/base/xalloc.h"
#include "tests/unit/common/result/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// A result with something in every place.
static result_t *
make_result(fixture_t *t)
{
    sample_t sample = {
        .offset = 77, .reject = REJECT_UNCLOSED, .len = 3, .text = "a\0b"};

    table_init(t, "count, avg(dur) as d by path, time:1h, status");
    agg_add(AGG_AVG,
        &table_add(t, 3, TEXT("/\xff"), NUMBER(3600), NUMBER(404))[1], 7);
    table_add(t, UINT64_MAX - 1, TEXT(""), MISSING, MISSING);
    table_build(t);
    receipt_t *r = &t->result->receipt;
    r->complete = false;
    r->files = 3;
    r->totals = (totals_t){.bytes = 1u << 31,
        .lines = 60,
        .accepted = 30,
        .rejected = {[REJECT_UNCLOSED] = 10, [REJECT_TOO_LONG] = 5},
        .blank = 9,
        .skipped = 6,
        .bad_values = 4,
        .unread = 5,
        .disorder = 6};
    r->micros = 1234567;
    r->shards = 8;
    r->retried = 2;
    receipt_add_host(r, "web2", 1, 20, 30);
    receipt_add_host(r, "web1", 2, 40, 60);
    receipt_add_sample(r, "web1", "/var/log/a", &sample);
    receipt_add_missing(r, "web3:/var/log/x: host web3 is gone");
    receipt_add_note(r, "/var/log/a is combined");
    return t->result;
}

static void
check_same_receipt(const receipt_t *a, const receipt_t *b)
{
    assert_true(a->complete == b->complete);
    CHECK_U64(a->files, b->files);
    assert_memory_equal(&a->totals, &b->totals, sizeof a->totals);
    CHECK_U64(a->micros, b->micros);
    CHECK_U64(a->n_hosts, b->n_hosts);
    assert_string_equal(a->hosts[0].host, "web1");
    CHECK_U64(a->hosts[0].bytes, b->hosts[0].bytes);
    CHECK_U64(a->n_samples, b->n_samples);
    assert_memory_equal(&a->samples[0].sample, &b->samples[0].sample,
        offsetof(sample_t, text) + 3);
    assert_string_equal(a->samples[0].file, b->samples[0].file);
    CHECK_U64(a->n_missing, b->n_missing);
    assert_string_equal(a->missing[0], b->missing[0]);
    CHECK_U64(a->n_notes, b->n_notes);
    assert_string_equal(a->notes[0], b->notes[0]);
}

static void
test_a_result_comes_back(void **state)
{
    fixture_t t;
    buf_t bytes = {0}, again = {0};
    result_t *got;

    (void)state;
    result_encode(make_result(&t), &bytes);
    CHECK_OK(result_decode(buf_span(&bytes), &got));
    assert_string_equal(got->query, t.result->query);
    CHECK_U64(got->n_rows, 2);
    CHECK_U64(got->n_columns, 5);
    assert_string_equal(got->columns[4].name, "d");
    assert_int_equal(got->columns[4].type, TYPE_DURATION);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(cell_cmp(&got->cells[i], &t.result->cells[i]), 0);
    }
    check_same_receipt(&got->receipt, &t.result->receipt);
    result_encode(got, &again);
    assert_true(span_eq(buf_span(&bytes), buf_span(&again)));
    result_destroy(&got);
    result_destroy(&got);
    buf_fini(&bytes);
    buf_fini(&again);
    table_fini(&t);
}

// The decoder may touch nothing behind its bytes, so each cut has its own
// allocation.
static void
test_every_truncation_is_refused(void **state)
{
    fixture_t t;
    buf_t bytes = {0};
    result_t *got;

    (void)state;
    result_encode(make_result(&t), &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *cut = xmemdup(bytes.p, len);
        assert_true(result_decode((span_t){cut, len}, &got) != ERR_OK);
        assert_null(got);
        free(cut);
    }
    buf_fini(&bytes);
    table_fini(&t);
}

// A flip that is taken leaves a result that is whole: it can be written,
// read again and printed.
static void
check_whole(const result_t *r)
{
    buf_t bytes = {0}, text = {0};
    result_t *again;

    result_encode(r, &bytes);
    CHECK_OK(result_decode(buf_span(&bytes), &again));
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        output_result(
            r, &(output_options_t){(output_kind_t)kind, true, 80}, &text);
    }
    output_receipt(&r->receipt, &text);
    result_destroy(&again);
    buf_fini(&bytes);
    buf_fini(&text);
}

static void
test_every_bit_flip_is_refused_or_whole(void **state)
{
    fixture_t t;
    buf_t bytes = {0};
    result_t *got;

    (void)state;
    result_encode(make_result(&t), &bytes);
    for (size_t i = 0; i < bytes.len * 8; i++) {
        bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
        if (result_decode(buf_span(&bytes), &got) == ERR_OK) {
            check_whole(got);
        } else {
            assert_null(got);
        }
        result_destroy(&got);
        bytes.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    buf_fini(&bytes);
    table_fini(&t);
}

static void
check_refused(const result_t *r, errcode_t want)
{
    buf_t bytes = {0};
    result_t *got;

    result_encode(r, &bytes);
    CHECK_ERR(result_decode(buf_span(&bytes), &got), want);
    assert_null(got);
    buf_fini(&bytes);
}

static void
test_rows_that_do_not_match_the_fingerprint_are_refused(void **state)
{
    fixture_t t;
    result_t *r = make_result(&t);

    (void)state;
    r->cells[0].number = r->cells[0].kind == CELL_NUMBER ? 1 : 0;
    r->receipt.fingerprint[31] ^= 1;
    check_refused(r, ERR_CORRUPT);
    table_fini(&t);
}

static void
test_a_cell_of_another_type_is_refused(void **state)
{
    fixture_t t;
    result_t *r = make_result(&t);

    (void)state;
    r->cells[3] = TEXT("many");
    check_refused(r, ERR_MALFORMED);
    table_fini(&t);
}

static void
test_unsorted_hosts_are_refused(void **state)
{
    fixture_t t;
    receipt_t *r = &make_result(&t)->receipt;
    receipt_host_t first = r->hosts[0];

    (void)state;
    r->hosts[0] = r->hosts[1];
    r->hosts[1] = first;
    check_refused(t.result, ERR_MALFORMED);
    table_fini(&t);
}

// Two results, "first" and `second` (NULL: without a name).
static void
make_chain(fixture_t *t, fixture_t *other, const char *second)
{
    make_result(t)->name = xstrdup("first");
    table_init(other, "count");
    table_add(other, 5);
    table_build(other);
    other->result->name = second != NULL ? xstrdup(second) : NULL;
    t->result->next = other->result;
    other->result = NULL;
}

static void
test_a_chain_comes_back(void **state)
{
    fixture_t t, other;
    buf_t bytes = {0}, again = {0};
    result_t *got;

    (void)state;
    make_chain(&t, &other, "second");
    result_encode(t.result, &bytes);
    CHECK_OK(result_decode(buf_span(&bytes), &got));
    assert_string_equal(got->name, "first");
    assert_string_equal(got->next->name, "second");
    assert_null(got->next->next);
    assert_true(got->next->cells[0].number == DEC_INT(5));
    result_encode(got, &again);
    assert_true(span_eq(buf_span(&bytes), buf_span(&again)));
    result_destroy(&got);
    for (size_t len = 0; len < bytes.len; len++) {
        if (result_decode((span_t){bytes.p, len}, &got) == ERR_OK) {
            assert_null(got->next); // the first one is whole
            result_destroy(&got);
        }
    }
    buf_fini(&bytes);
    buf_fini(&again);
    table_fini(&t);
    table_fini(&other);
}

static void
test_names_in_a_chain_are_checked(void **state)
{
    static const char *const names[] = {NULL, "", "a b", "<b>", "9"};
    result_t *got;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        fixture_t t, other;
        buf_t bytes = {0};
        make_chain(&t, &other, names[i]);
        result_encode(t.result, &bytes);
        CHECK_ERR(result_decode(buf_span(&bytes), &got), ERR_MALFORMED);
        buf_fini(&bytes);
        table_fini(&t);
        table_fini(&other);
    }
}

static void
test_other_versions_and_trailing_bytes_are_refused(void **state)
{
    fixture_t t;
    buf_t bytes = {0};
    result_t *got;

    (void)state;
    result_encode(make_result(&t), &bytes);
    bytes.p[3]++;
    CHECK_ERR(result_decode(buf_span(&bytes), &got), ERR_UNSUPPORTED);
    bytes.p[3]--;
    buf_put_u8(&bytes, 0);
    CHECK_ERR(result_decode(buf_span(&bytes), &got), ERR_MALFORMED);
    buf_fini(&bytes);
    table_fini(&t);
}

// Pages that nobody touches: a gigabyte costs nothing.
static bool
takes_bytes(uint64_t len)
{
    uint8_t *p = mmap(NULL, len, PROT_READ,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    result_t *got;

    assert_ptr_not_equal(p, MAP_FAILED);
    errcode_t rc = result_decode((span_t){p, len}, &got);
    assert_true(rc == ERR_UNSUPPORTED || rc == ERR_TOO_LARGE);
    munmap(p, len);
    return rc == ERR_UNSUPPORTED;
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_RESULT, takes_bytes);
}

// A count of rows that the bytes cannot hold must not size anything.
static void
test_a_count_past_the_bytes_is_refused(void **state)
{
    fixture_t t;
    buf_t bytes = {0};
    result_t *got, *r = make_result(&t);

    (void)state;
    r->n_rows = 0;
    result_encode(r, &bytes);
    bytes.len--;
    buf_put_varint(&bytes, UINT64_MAX / 5);
    CHECK_ERR(result_decode(buf_span(&bytes), &got), ERR_TRUNCATED);
    buf_fini(&bytes);
    table_fini(&t);
}

// Whatever a receipt is given, it can be read again.
static void
test_long_texts_of_a_receipt_are_cut(void **state)
{
    fixture_t t;
    result_t *got;
    char *text = xmalloc(20001);
    sample_t sample = {.len = 0};
    buf_t bytes = {0};

    (void)state;
    memset(text, 'x', 20000);
    text[20000] = '\0';
    receipt_t *r = &make_result(&t)->receipt;
    receipt_add_missing(r, text);
    receipt_add_note(r, text);
    receipt_add_host(r, text, 1, 1, 1);
    receipt_add_host(r, text + 1, 1, 1, 1);
    CHECK_U64(r->n_hosts, 3);
    for (size_t i = 0; i < 600; i++) {
        receipt_add_sample(r, text, text, &sample);
    }
    CHECK_U64(r->n_samples, LIMIT_SAMPLES * LIMIT_SAMPLE_FILES);
    result_encode(t.result, &bytes);
    CHECK_OK(result_decode(buf_span(&bytes), &got));
    result_destroy(&got);
    buf_fini(&bytes);
    free(text);
    table_fini(&t);
}

static void
test_hosts_add_up_by_name(void **state)
{
    receipt_t r = {0};

    (void)state;
    receipt_add_host(&r, "c", 1, 10, 100);
    receipt_add_host(&r, "a", 1, 10, 100);
    receipt_add_host(&r, "b", 1, 10, 100);
    receipt_add_host(&r, "a", 2, 20, 200);
    CHECK_U64(r.n_hosts, 3);
    assert_string_equal(r.hosts[0].host, "a");
    CHECK_U64(r.hosts[0].files, 3);
    CHECK_U64(r.hosts[0].lines, 300);
    assert_string_equal(r.hosts[2].host, "c");
    receipt_fini(&r);
    receipt_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_result_comes_back),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_bit_flip_is_refused_or_whole),
        cmocka_unit_test(
            test_rows_that_do_not_match_the_fingerprint_are_refused),
        cmocka_unit_test(test_a_cell_of_another_type_is_refused),
        cmocka_unit_test(test_unsorted_hosts_are_refused),
        cmocka_unit_test(test_a_chain_comes_back),
        cmocka_unit_test(test_names_in_a_chain_are_checked),
        cmocka_unit_test(test_other_versions_and_trailing_bytes_are_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_count_past_the_bytes_is_refused),
        cmocka_unit_test(test_long_texts_of_a_receipt_are_cut),
        cmocka_unit_test(test_hosts_add_up_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
