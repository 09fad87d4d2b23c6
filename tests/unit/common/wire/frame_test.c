// SPDX-License-Identifier: Apache-2.0
#include "common/wire/frame.h"

#include "common/wire/control.pb.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void
encode_sample(buf_t *out)
{
    lt_Register meta = {.version_min = 1,
        .version_max = 1,
        .incarnation = UINT64_MAX,
        .name = "web1",
        .n_labels = 1};
    lt_Label label = {.label = "frontend"};
    buf_t payload = {0};

    record_put(&payload, lt_Label_fields, &label);
    frame_encode(
        out, PROTO_REGISTER, 7, lt_Register_fields, &meta, buf_span(&payload));
    buf_fini(&payload);
}

// Decodes frame, meta and record; whatever fails on the way is returned.
static errcode_t
decode_all(span_t bytes, lt_Register *meta, lt_Label *label)
{
    frame_t frame;
    errcode_t rc = frame_decode(bytes, &frame);

    if (rc == ERR_OK) {
        rc = frame_meta(&frame, lt_Register_fields, meta);
    }
    if (rc == ERR_OK) {
        rd_t r = rd_init(frame.payload);
        rc = record_get(&r, lt_Label_fields, label);
        rc = rc == ERR_OK ? rd_end(&r) : rc;
    }
    return rc;
}

static void
test_frame_comes_back(void **state)
{
    buf_t buf = {0};
    lt_Register meta;
    lt_Label label;

    (void)state;
    encode_sample(&buf);
    CHECK_OK(decode_all(buf_span(&buf), &meta, &label));
    assert_string_equal(meta.name, "web1");
    CHECK_U64(meta.incarnation, UINT64_MAX);
    assert_string_equal(label.label, "frontend");
    buf_fini(&buf);
}

static void
test_other_version_is_told_apart(void **state)
{
    buf_t buf = {0};
    frame_t frame;

    (void)state;
    encode_sample(&buf);
    buf.p[2] = 99;
    CHECK_ERR(frame_decode(buf_span(&buf), &frame), ERR_VERSION);
    CHECK_U64(frame.version, 99);
    CHECK_U64(frame.type, PROTO_REGISTER);
    buf_fini(&buf);
}

static void
test_every_truncation_is_refused(void **state)
{
    buf_t buf = {0};
    lt_Register meta;
    lt_Label label;

    (void)state;
    encode_sample(&buf);
    for (size_t len = 0; len < buf.len; len++) {
        assert_int_not_equal(
            decode_all((span_t){buf.p, len}, &meta, &label), ERR_OK);
    }
    buf_fini(&buf);
}

static void
test_bit_flips_never_leave_the_bounds(void **state)
{
    buf_t buf = {0};
    lt_Register meta;
    lt_Label label;

    (void)state;
    encode_sample(&buf);
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (decode_all(buf_span(&buf), &meta, &label) == ERR_OK) {
            assert_true(
                strnlen(meta.name, sizeof meta.name) < sizeof meta.name);
        }
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&buf);
}

static void
test_text_over_its_bound_is_refused(void **state)
{
    buf_t buf = {0};
    lt_Label label;
    uint8_t text[128];

    (void)state;
    memset(text, 'a', sizeof text);
    buf_put_varint(&buf, 3 + sizeof text);
    buf_put_u8(&buf, 1 << 3 | 2);
    buf_put_block(&buf, (span_t){text, sizeof text});
    rd_t r = rd_init(buf_span(&buf));
    CHECK_ERR(record_get(&r, lt_Label_fields, &label), ERR_MALFORMED);
    CHECK_U64(rd_left(&r), buf.len);
    buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_comes_back),
        cmocka_unit_test(test_other_version_is_told_apart),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_bit_flips_never_leave_the_bounds),
        cmocka_unit_test(test_text_over_its_bound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
