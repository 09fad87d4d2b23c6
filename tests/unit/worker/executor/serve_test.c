// SPDX-License-Identifier: Apache-2.0
// A real executor, that counts: the test started under another name.
#include "worker/executor/serve.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"
#include "worker/executor_io.h"
#include "worker/scan/scan.h"

#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUDGET   (64u << 20)
#define PATIENCE 20000
#define LINE                                                                   \
    "192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"GET /a HTTP/1.1\" 200 5 "    \
    "\"-\" \"ua\"\n"

typedef struct fixture {
    executors_t *executors;
    files_t *files;
    char path[64];
    shard_range_t range;
    shard_t shard;
} fixture_t;

static void
on_found(void *ctx, const listed_file_t *file)
{
    shard_range_t *range = ctx;

    range->device = file->device;
    range->inode = file->inode;
    range->size = range->end = file->size;
    range->mtime_ns = file->mtime_ns;
    memcpy(range->hash, file->hash, sizeof file->hash);
}

static int
setup(void **state)
{
    static char host[] = "web1", format[] = "combined";
    const executors_options_t options = {
        .n = 1, .program = "/proc/self/exe", .budget = BUDGET};
    fixture_t *f = xcalloc(1, sizeof *f);
    buf_t why = {0};

    strcpy(f->path, "/tmp/logtally-serve-XXXXXX");
    int fd = mkstemp(f->path);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(write(fd, LINE, strlen(LINE)), strlen(LINE));
    }
    close(fd);
    CHECK_OK(files_open(NULL, 0, &f->files, &why));
    CHECK_OK(files_list(f->files, f->path, false, on_found, &f->range, &why));
    f->range.path = f->path;
    f->range.host = host;
    f->shard = (shard_t){.format = format, .ranges = &f->range, .n_ranges = 1};
    CHECK_OK(executors_open(&options, &f->executors, &why));
    buf_fini(&why);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    executors_stop(&f->executors);
    files_destroy(&f->files);
    unlink(f->path);
    free(f);
    return 0;
}

static executor_event_t
count(fixture_t *f, const char *query)
{
    char *own = xstrdup(query);
    char text[LIMIT_TEXT];
    uint32_t file;
    executor_event_t e;

    f->shard.query = own;
    CHECK_OK(executors_give(f->executors, 0, &f->shard, f->files, &file, text));
    struct pollfd p = {executors_fd(f->executors, 0), POLLIN, 0};
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    CHECK_OK(executors_read(f->executors, 0, &e));
    free(own);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
