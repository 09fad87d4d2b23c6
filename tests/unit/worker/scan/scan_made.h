// SPDX-License-Identifier: Apache-2.0
// Logs made up for the tests of the scan, in memory, and a scan of them.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_SCAN_SCAN_MADE_H
#define LOGTALLY_TESTS_UNIT_WORKER_SCAN_SCAN_MADE_H

#include "common/tally/partial.h"
#include "tests/unit/cmocka_all.h"
#include "worker/scan/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUDGET (16u << 20)

static inline int
file_of(span_t text)
{
    int fd = memfd_create("scan", 0);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.p, text.len), (ssize_t)text.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static inline void
put_line(buf_t *out, unsigned i)
{
    buf_printf(out,
        "192.0.%u.%u - - [14/Nov/2023:22:%02u:20 +0000] \"GET /p%u HTTP/1.1\" "
        "%u %u \"-\" \"ua %u\"\n",
        i % 3, i % 7, i % 60, i % 5, i % 4 == 0 ? 503 : 200, i * 37, i % 9);
}

// Good lines, bad ones, blank ones; the last has no ending.
static inline void
put_log(buf_t *out, unsigned lines)
{
    for (unsigned i = 0; i < lines; i++) {
        put_line(out, i);
        if (i % 11 == 3) {
            buf_put_str(out, "\r\n\n");
        }
        if (i % 17 == 5) {
            buf_printf(out, "no line of any format %u\n", i);
        }
    }
    buf_put_str(out, "192.0.2.9 - - [x] \"\" 999 - \"\" \"");
}

static inline scan_range_t
range_of(int fd, uint64_t size)
{
    return (scan_range_t){
        .fd = fd, .size = size, .end = size, .host = "web1", .path = "/log"};
}

static inline errcode_t
scan(const char *query, const char *format, const scan_range_t *ranges,
    size_t n, buf_t *partial, scan_error_t *error)
{
    scan_job_t job = {.query = query,
        .format = format,
        .ranges = ranges,
        .n_ranges = n,
        .budget = BUDGET};

    return scan_shard(&job, partial, error);
}

// The bytes through `gzip -c`, twice when two members are asked for.
static inline int
gzip_of(span_t text, uint64_t *size)
{
    int fd = memfd_create("gz", 0);
    int plain = file_of(text);
    pid_t pid = fork();

    assert_true(fd >= 0 && pid >= 0);
    if (pid == 0) {
        dup2(plain, 0);
        dup2(fd, 1);
        execlp("gzip", "gzip", "-c", (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    *size = (uint64_t)lseek(fd, 0, SEEK_END);
    close(plain);
    return fd;
}

#endif
