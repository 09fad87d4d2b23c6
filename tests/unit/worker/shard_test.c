// SPDX-License-Identifier: Apache-2.0
#include "worker/shard.h"

#include "common/base/limits.h"

#include "tests/unit/cmocka_all.h"

static void
encode_sample(buf_t *out)
{
    static const lt_Shard meta = {.job = 3,
        .shard = 9,
        .attempt = 1,
        .n_ranges = 1,
        .n_files_in_job = 2,
        .query = "count"};
    static const lt_Range range = {.file_index = 1,
        .has_file = true,
        .file = {.path = "/var/log/x", .size = 100},
        .begin = 10,
        .end = 90,
        .host = "web1"};
    buf_t payload = {0};

    record_put(&payload, lt_Range_fields, &range);
    frame_encode(
        out, PROTO_SHARD, 7, lt_Shard_fields, &meta, buf_span(&payload));
    buf_fini(&payload);
}

static errcode_t
decode(span_t bytes, shard_t **out)
{
    frame_t frame;
    errcode_t rc = frame_decode(bytes, &frame);

    *out = NULL;
    return rc != ERR_OK ? rc : shard_decode(&frame, out);
}

static void
test_shard_comes_back(void **state)
{
    buf_t buf = {0};
    shard_t *shard;

    (void)state;
    encode_sample(&buf);
    CHECK_OK(decode(buf_span(&buf), &shard));
    CHECK_U64(shard->id, 9);
    assert_string_equal(shard->query, "count");
    assert_string_equal(shard->format, "auto");
    assert_string_equal(shard->ranges[0].path, "/var/log/x");
    CHECK_U64(shard->ranges[0].end, 90);
    shard_destroy(&shard);
    buf_fini(&buf);
}

static void
test_every_truncation_is_refused(void **state)
{
    buf_t buf = {0};
    shard_t *shard;

    (void)state;
    encode_sample(&buf);
    for (size_t len = 0; len < buf.len; len++) {
        assert_int_not_equal(decode((span_t){buf.p, len}, &shard), ERR_OK);
        assert_null(shard);
    }
    buf_fini(&buf);
}

static void
test_bit_flips_give_sound_ranges_or_nothing(void **state)
{
    buf_t buf = {0};
    shard_t *shard;

    (void)state;
    encode_sample(&buf);
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (decode(buf_span(&buf), &shard) == ERR_OK) {
            const shard_range_t *r = &shard->ranges[0];
            assert_true(r->begin <= r->end && r->file < LIMIT_JOB_FILES);
            assert_true(r->stream || r->end <= r->size);
        }
        shard_destroy(&shard);
        buf.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&buf);
}

// Of a job with so many files.
static bool
takes_shard(uint32_t n_files, uint32_t n_ranges)
{
    lt_Shard meta = {.job = 3, .n_ranges = n_ranges, .query = "count"};
    lt_Range range = {
        .has_file = true, .file = {.path = "/x", .size = 1}, .end = 1};
    buf_t payload = {0}, bytes = {0};
    shard_t *shard;

    meta.n_files_in_job = n_files;
    for (uint32_t i = 0; i < n_ranges; i++) {
        range.file_index = n_files - n_ranges + i;
        record_put(&payload, lt_Range_fields, &range);
    }
    frame_encode(
        &bytes, PROTO_SHARD, 7, lt_Shard_fields, &meta, buf_span(&payload));
    errcode_t rc = decode(buf_span(&bytes), &shard);
    assert_true(rc == ERR_OK || rc == ERR_TOO_LARGE);
    shard_destroy(&shard);
    buf_fini(&payload);
    buf_fini(&bytes);
    return rc == ERR_OK;
}

static bool
takes_files(uint64_t n)
{
    return takes_shard((uint32_t)n, 1);
}

static bool
takes_ranges(uint64_t n)
{
    return takes_shard(1000, (uint32_t)n);
}

static void
test_limits(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_JOB_FILES, takes_files);
    CHECK_LIMIT(LIMIT_SHARD_RANGES, takes_ranges);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shard_comes_back),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_bit_flips_give_sound_ranges_or_nothing),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
