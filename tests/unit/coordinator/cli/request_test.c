// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/request.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"

#include <stdlib.h>
#include <string.h>

static int
make(const char *query, const char *source, request_kind_t kind, buf_t *frame)
{
    char *items[] = {xstrdup(query), xstrdup(source), xstrdup("web2:/b")};
    settings_list_t operands = {items, 3};
    request_options_t options = {
        .format = xstrdup("auto"), .deadline_ms = 5000, .shard_bytes = 1};
    int code = request_make(&operands, &options, kind, frame);

    free(items[0]);
    free(items[1]);
    free(items[2]);
    free(options.format);
    return code;
}

static lt_Submit *
decode(const buf_t *bytes, frame_t *frame)
{
    lt_Submit *submit = xmalloc(sizeof *submit);

    CHECK_OK(frame_decode(buf_span(bytes), frame));
    assert_int_equal(frame->type, PROTO_SUBMIT);
    CHECK_OK(frame_meta(frame, lt_Submit_fields, submit));
    return submit;
}

static void
test_the_frame_says_what_was_asked(void **state)
{
    buf_t bytes = {0};
    frame_t frame;
    lt_Source source;

    (void)state;
    assert_int_equal(
        make("404 | top 3 path", "web1:/a*", REQUEST_FOLLOWED, &bytes), 0);
    lt_Submit *submit = decode(&bytes, &frame);
    assert_string_equal(submit->query, "404 | top 3 path");
    assert_string_equal(submit->format, "auto");
    assert_int_equal(submit->deadline_ms, 5000);
    assert_int_equal(submit->shard_bytes, 1);
    assert_true(submit->follow);
    assert_false(submit->plan_only);
    assert_int_equal(submit->n_sources, 2);
    rd_t r = rd_init(frame.payload);
    CHECK_OK(record_get(&r, lt_Source_fields, &source));
    assert_string_equal(source.text, "web1:/a*");
    CHECK_OK(record_get(&r, lt_Source_fields, &source));
    CHECK_OK(rd_end(&r));
    free(submit);
    buf_fini(&bytes);
}

static void
test_every_request_has_a_number_of_its_own(void **state)
{
    buf_t a = {0};
    buf_t b = {0};
    frame_t frame;

    (void)state;
    assert_int_equal(make("count", "web1:/a", REQUEST_PLAN, &a), 0);
    assert_int_equal(make("count", "web1:/a", REQUEST_DETACHED, &b), 0);
    lt_Submit *one = decode(&a, &frame);
    lt_Submit *two = decode(&b, &frame);
    assert_true(one->plan_only);
    assert_false(two->follow);
    assert_memory_not_equal(one->request, two->request, sizeof one->request);
    free(one);
    free(two);
    buf_fini(&a);
    buf_fini(&b);
}

static void
test_mistakes_are_found_before_any_connection(void **state)
{
    char *long_path = xmalloc(5000);

    (void)state;
    memset(long_path, 'a', 4999);
    memcpy(long_path, "web1:/", 6);
    long_path[4999] = '\0';
    const char *const bad[][2] = {
        {"", "web1:/a"},
        {"stauts = 5", "web1:/a"},
        {"count", "/a"},
        {"count", "-"},
        {"count", ":/a"},
        {"count", "web1:"},
        {"count", "web1:a"},
        {"count", long_path},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buf_t bytes = {0};
        assert_int_equal(
            make(bad[i][0], bad[i][1], REQUEST_FOLLOWED, &bytes), EXIT_USAGE);
        assert_int_equal(bytes.len, 0);
    }
    free(long_path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_frame_says_what_was_asked),
        cmocka_unit_test(test_every_request_has_a_number_of_its_own),
        cmocka_unit_test(test_mistakes_are_found_before_any_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
