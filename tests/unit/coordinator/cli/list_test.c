// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/list.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>

typedef struct seen {
    size_t n;
    uint64_t held;
} seen_t;

static errcode_t
take_record(void *ctx, rd_t *r)
{
    seen_t *seen = ctx;
    lt_WorkerInfo info;
    errcode_t rc = record_get(r, lt_WorkerInfo_fields, &info);

    if (rc == ERR_OK) {
        seen->n++;
        seen->held += info.held;
    }
    return rc;
}

static buf_t
message(uint32_t said, uint32_t real)
{
    lt_Records meta = {.n = said, .last = true};
    buf_t records = {0};
    buf_t frame = {0};

    for (uint32_t i = 0; i < real; i++) {
        lt_WorkerInfo info = {.name = "web1", .state = "up", .held = i + 1};
        record_put(&records, lt_WorkerInfo_fields, &info);
    }
    frame_encode(&frame, PROTO_WORKER_LIST, 7, lt_Records_fields, &meta,
        buf_span(&records));
    buf_fini(&records);
    return frame;
}

static errcode_t
take(span_t bytes, seen_t *seen, bool *last)
{
    list_t list = {.record = take_record, .ctx = seen};
    frame_t frame;
    errcode_t rc = frame_decode(bytes, &frame);

    *last = false;
    return rc == ERR_OK ? list_take(&list, &frame, last) : rc;
}

static void
test_every_record_is_taken(void **state)
{
    buf_t frame = message(3, 3);
    seen_t seen = {0};
    bool last;

    (void)state;
    CHECK_OK(take(buf_span(&frame), &seen, &last));
    assert_true(last);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.held, 6);
    buf_fini(&frame);
}

static void
test_a_wrong_number_of_records_is_refused(void **state)
{
    static const uint32_t said[] = {0, 2, 4, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        buf_t frame = message(said[i], 3);
        seen_t seen = {0};
        bool last;
        assert_true(take(buf_span(&frame), &seen, &last) != ERR_OK);
        buf_fini(&frame);
    }
}

static void
test_every_truncation_is_refused(void **state)
{
    buf_t frame = message(2, 2);

    (void)state;
    for (size_t len = 0; len < frame.len; len++) {
        uint8_t *copy = xmalloc(len + 1); // so that asan sees its end
        seen_t seen = {0};
        bool last;
        memcpy(copy, frame.p, len);
        copy = xrealloc(copy, len > 0 ? len : 1);
        assert_true(take((span_t){copy, len}, &seen, &last) != ERR_OK);
        free(copy);
    }
    buf_fini(&frame);
}

static void
test_no_flipped_bit_does_harm(void **state)
{
    buf_t frame = message(2, 2);

    (void)state;
    for (size_t bit = 0; bit < frame.len * 8; bit++) {
        seen_t seen = {0};
        bool last;
        frame.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)!take(buf_span(&frame), &seen, &last);
        frame.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&frame);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_record_is_taken),
        cmocka_unit_test(test_a_wrong_number_of_records_is_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_no_flipped_bit_does_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
