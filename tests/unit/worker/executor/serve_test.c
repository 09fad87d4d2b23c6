// SPDX-License-Identifier: Apache-2.0
// A real executor, that counts: the test started under another name.
#include "worker/executor/serve.h"

#include "tests/unit/worker/executors_fixture.h"
#include "worker/scan/scan.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE                                                                   \
    "192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"GET /a HTTP/1.1\" 200 5 "    \
    "\"-\" \"ua\"\n"

static int
setup(void **state)
{
    *state = fixture_new(1, "combined", LINE, 1000);
    return 0;
}

static int
teardown(void **state)
{
    fixture_destroy(*state);
    return 0;
}

static executor_event_t
count(fixture_t *f, const char *query)
{
    char text[LIMIT_TEXT];
    executor_event_t e;

    CHECK_OK(give(f, 0, query, text));
    take(f, 0, &e);
    return e;
}

// What the same scan says in this process.
static void
scan_here(const fixture_t *f, const char *query, buf_t *out)
{
    scan_error_t error;
    scan_range_t range = {.fd = open(f->path, O_RDONLY),
        .size = f->range.size,
        .end = f->range.end,
        .host = "web1",
        .path = f->path};
    scan_job_t job = {.query = query,
        .format = "combined",
        .ranges = &range,
        .n_ranges = 1,
        .budget = BUDGET};

    CHECK_OK(scan_shard(&job, out, &error));
    close(range.fd);
}

static void
test_an_executor_counts_what_this_process_counts(void **state)
{
    fixture_t *f = *state;
    buf_t here = {0};

    for (int i = 0; i < 3; i++) {
        executor_event_t e = count(f, "count by path, status");
        CHECK_OK(e.rc);
        buf_clear(&here);
        scan_here(f, "count by path, status", &here);
        assert_true(span_eq(buf_span(&here), buf_span(&e.partial)));
        buf_fini(&e.partial);
    }
    buf_fini(&here);
}

static void
test_a_wrong_query_is_an_answer_and_no_death(void **state)
{
    fixture_t *f = *state;
    executor_event_t e = count(f, "count by nothing_known");

    CHECK_ERR(e.rc, ERR_QUERY);
    assert_true(e.text[0] != '\0');
    e = count(f, "count");
    CHECK_OK(e.rc);
    buf_fini(&e.partial);
}

// Same inode, size and times: only the hash can tell.
static void
test_bytes_that_changed_in_place_are_seen(void **state)
{
    fixture_t *f = *state;
    int fd = open(f->path, O_WRONLY);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
        {f->range.mtime_ns / 1000000000, f->range.mtime_ns % 1000000000}};

    f->range.file = 3;
    assert_int_equal(pwrite(fd, "7", 1, 0), 1);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    executor_event_t e = count(f, "count");
    CHECK_ERR(e.rc, ERR_CHANGED);
    CHECK_U64(e.file, 3);
    assert_non_null(strstr(e.text, f->path));
}

// The executor has seen the file before it changed.
static void
test_bytes_that_changed_between_two_shards_are_seen(void **state)
{
    fixture_t *f = *state;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
        {f->range.mtime_ns / 1000000000, f->range.mtime_ns % 1000000000}};
    executor_event_t e = count(f, "count");

    CHECK_OK(e.rc);
    buf_fini(&e.partial);
    int fd = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(fd, "7", 1, 0), 1);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    e = count(f, "count");
    CHECK_ERR(e.rc, ERR_CHANGED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "logtally-executor") == 0) {
        _exit(executor_serve(3) == ERR_TRUNCATED ? 0 : 1);
    }
    if (sodium_init() == -1) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(test_an_executor_counts_what_this_process_counts),
        TEST(test_a_wrong_query_is_an_answer_and_no_death),
        TEST(test_bytes_that_changed_in_place_are_seen),
        TEST(test_bytes_that_changed_between_two_shards_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
