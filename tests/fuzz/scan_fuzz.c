// SPDX-License-Identifier: Apache-2.0
// Any bytes as a log, in two ranges cut at any place: the merged partials are
// the bytes of one range's, or both are refused.
#include "worker/scan/scan.h"

#include "common/tally/partial.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#define BUDGET (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const queries[] = {
    "count",
    "status >= 200 | count, sum(bytes), avg(dur), max(time) by path, ip:/20",
    "line ~ 'a+b' or ua contains 'x' | count by time:1m, method, query",
    "not 5xx | min(bytes / status), count if('y') by line, user",
    "'ab' and ua contains 'x' | count by path, line",
    "a != 'x' | count, sum(a) by a, `b-c`, b.c, ip, time, path", // needs names
};

enum { N_QUERIES = sizeof queries / sizeof *queries, N_PLAIN = 5 };

static const char *const formats[] = {"auto", "combined", "common",
    "vhost_combined", "json", "logfmt", "csv", "tsv", "w3c"};

enum { N_FORMATS = sizeof formats / sizeof *formats, N_NAMELESS = 4 };

static int
file_of(const uint8_t *data, size_t len)
{
    static int fd = -1;

    if (fd == -1) {
        fd = memfd_create("scan", MFD_CLOEXEC);
    }
    assert(ftruncate(fd, 0) == 0);
    assert(pwrite(fd, data, len, 0) == (ssize_t)len);
    return fd;
}

static errcode_t
add_range(const scan_job_t *job, tally_t *tally, totals_t *totals)
{
    scan_error_t error;
    buf_t partial = {0};
    errcode_t rc = scan_shard(job, &partial, &error);

    if (rc == ERR_OK) {
        rc = partial_merge(buf_span(&partial), 1, tally, totals);
        assert(rc == ERR_OK);
    } else {
        assert(error.text[0] != '\0' && partial.len == 0);
    }
    buf_fini(&partial);
    return rc;
}

// What merges; a scan parses its text itself.
static const query_t *
parsed(size_t i)
{
    static query_t *q[N_QUERIES];
    query_error_t error;

    if (q[i] == NULL) {
        errcode_t rc = query_parse_free(queries[i], &q[i], &error);
        assert(rc == ERR_OK);
    }
    return q[i];
}

// The range of job in two, cut at `cut`.
static errcode_t
count(const scan_job_t *job, const query_t *query, uint64_t cut, buf_t *out)
{
    scan_range_t range = job->ranges[0];
    scan_job_t part = *job;
    totals_t totals = {0};
    tally_t *tally = tally_new(query, BUDGET);

    part.ranges = &range;
    range.end = cut;
    errcode_t rc = add_range(&part, tally, &totals);
    if (rc == ERR_OK && cut < range.size) {
        range.begin = cut;
        range.end = range.size;
        rc = add_range(&part, tally, &totals);
    }
    rc = rc != ERR_OK ? rc : partial_encode(tally, &totals, out);
    totals_fini(&totals);
    tally_destroy(&tally);
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    buf_t whole = {0}, parts = {0};

    if (len < 4) {
        return 0;
    }
    uint64_t size = len - 4;
    bool named = data[1] % N_FORMATS >= N_NAMELESS;
    size_t asked = data[0] % (named ? N_QUERIES : N_PLAIN);
    uint64_t cut = size > 0 ? (data[2] | data[3] << 8) % size : 0;
    scan_range_t range = {
        .size = size, .end = size, .host = "web1", .path = "/log"};
    scan_job_t job = {.query = queries[asked],
        .format = formats[data[1] % N_FORMATS],
        .ranges = &range,
        .n_ranges = 1,
        .budget = BUDGET};
    range.fd = file_of(data + 4, size);
    errcode_t a = count(&job, parsed(asked), size, &whole);
    errcode_t b = count(&job, parsed(asked), cut, &parts);
    assert(a == b);
    assert(a != ERR_OK || span_eq(buf_span(&whole), buf_span(&parts)));
    buf_fini(&whole);
    buf_fini(&parts);
    return 0;
}
