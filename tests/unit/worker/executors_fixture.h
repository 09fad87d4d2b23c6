// SPDX-License-Identifier: Apache-2.0
// Executors that are this program under another name, and one file to count.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_EXECUTORS_FIXTURE_H
#define LOGTALLY_TESTS_UNIT_WORKER_EXECUTORS_FIXTURE_H

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"
#include "worker/executor_io.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUDGET   (64u << 20)
#define PATIENCE 20000 // ms; only a failing test waits so long

typedef struct fixture {
    executors_t *executors;
    files_t *files;
    char path[64];
    shard_range_t range;
    shard_t shard;
} fixture_t;

static inline void
fixture_found(void *ctx, const listed_file_t *file)
{
    shard_range_t *range = ctx;

    range->device = file->device;
    range->inode = file->inode;
    range->size = range->end = file->size;
    range->mtime_ns = file->mtime_ns;
    memcpy(range->hash, file->hash, sizeof file->hash);
}

static inline void
fixture_write(fixture_t *f, const char *text, size_t times)
{
    ssize_t len = (ssize_t)strlen(text);

    strcpy(f->path, "/tmp/logtally-executor-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd != -1);
    for (size_t i = 0; i < times; i++) {
        assert_int_equal(write(fd, text, (size_t)len), len);
    }
    close(fd);
}

// The file is `text`, so many times.
static inline fixture_t *
fixture_new(uint32_t slots, const char *format, const char *text, size_t times)
{
    static char host[] = "web1";
    const executors_options_t options = {
        .n = slots, .program = "/proc/self/exe", .budget = BUDGET};
    fixture_t *f = xcalloc(1, sizeof *f);
    buf_t why = {0};

    fixture_write(f, text, times);
    CHECK_OK(files_open(NULL, 0, &f->files, &why));
    CHECK_OK(files_list(f->files, &(files_asked_t){.pattern = f->path},
        fixture_found, &f->range, &why));
    f->range.path = f->path;
    f->range.host = host;
    f->shard = (shard_t){
        .format = xstrdup(format), .ranges = &f->range, .n_ranges = 1};
    CHECK_OK(executors_open(&options, &f->executors, &why));
    buf_fini(&why);
    return f;
}

static inline void
fixture_destroy(fixture_t *f)
{
    executors_stop(&f->executors);
    files_destroy(&f->files);
    unlink(f->path);
    free(f->shard.format);
    free(f);
}

static inline errcode_t
give(fixture_t *f, uint32_t slot, const char *query, char text[LIMIT_TEXT])
{
    uint32_t file;
    char *own = xstrdup(query);

    f->shard.query = own;
    errcode_t rc =
        executors_give(f->executors, slot, &f->shard, f->files, &file, text);
    free(own);
    return rc;
}

static inline void
take(fixture_t *f, uint32_t slot, executor_event_t *e)
{
    struct pollfd p = {executors_fd(f->executors, slot), POLLIN, 0};

    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    CHECK_OK(executors_read(f->executors, slot, e));
}

#endif
