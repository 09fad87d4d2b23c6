// SPDX-License-Identifier: Apache-2.0
// logtally-executor: counts what it is handed on descriptor 3 and returns
// sealed memfds. No keys, no network.
#include "worker/executor/task.h"
#include "worker/scan/scan.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCK 3

static uint64_t told;

static void
progress(void *ctx, uint64_t done)
{
    buf_t m = {0};

    (void)ctx;
    if (done - told < (8u << 20)) {
        return;
    }
    told = done;
    buf_put_u8(&m, TASK_PROGRESS);
    buf_put_u64(&m, done);
    if (task_send(SOCK, buf_span(&m), NULL, 0, MSG_DONTWAIT) == ERR_IO) {
        _exit(1);
    }
    buf_fini(&m);
}

static errcode_t
get_text(rd_t *r, char *to, size_t cap)
{
    span_t s;
    errcode_t rc = rd_block(r, cap - 1, &s);

    if (rc == ERR_OK) {
        memcpy(to, s.p, s.len);
        to[s.len] = '\0';
    }
    return rc;
}

static errcode_t
get_range(rd_t *r, scan_range_t *to, char *host, char *path)
{
    uint8_t kind, stream;
    errcode_t rc;

    if ((rc = rd_u32(r, &to->file)) || (rc = rd_u8(r, &kind)) ||
        (rc = rd_u8(r, &stream)) || (rc = rd_u64(r, &to->size)) ||
        (rc = rd_u64(r, &to->begin)) || (rc = rd_u64(r, &to->end)) ||
        (rc = get_text(r, host, LIMIT_NAME)) ||
        (rc = get_text(r, path, LIMIT_PATH))) {
        return rc;
    }
    to->kind = kind;
    to->stream = stream;
    to->host = host;
    to->path = path;
    return ERR_OK;
}

static char query[LIMIT_QUERY_TEXT + 2], format[LIMIT_FORMAT_NAME];
static char hosts[TASK_FDS][LIMIT_NAME], paths[TASK_FDS][LIMIT_PATH];

static errcode_t
run(span_t task, int *fds, size_t n, buf_t *partial, scan_error_t *error)
{
    rd_t r = rd_init(task);
    scan_range_t ranges[TASK_FDS] = {0};
    uint64_t budget;
    uint8_t kind;
    errcode_t rc;

    if ((rc = rd_u8(&r, &kind)) || (rc = rd_u64(&r, &budget)) ||
        (rc = get_text(&r, query, sizeof query)) ||
        (rc = get_text(&r, format, sizeof format))) {
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        if ((rc = get_range(&r, &ranges[i], hosts[i], paths[i]))) {
            return rc;
        }
        ranges[i].fd = fds[i];
    }
    scan_job_t job = {.query = query,
        .format = format,
        .ranges = ranges,
        .n_ranges = n,
        .budget = budget,
        .progress = progress};
    told = 0;
    return scan_shard(&job, partial, error);
}

static void
answer(errcode_t rc, const buf_t *partial, const scan_error_t *error)
{
    int fd = -1;
    buf_t m = {0};

    if (rc == ERR_OK) {
        fd = memfd_create("partial", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        for (size_t at = 0; fd != -1 && at < partial->len;) {
            ssize_t n = write(fd, partial->p + at, partial->len - at);
            if (n <= 0) {
                _exit(1);
            }
            at += (size_t)n;
        }
        if (fd == -1 || fcntl(fd, F_ADD_SEALS,
                            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
                                F_SEAL_SEAL) == -1) {
            _exit(1);
        }
    }
    buf_put_u8(&m, TASK_DONE);
    buf_put_u32(&m, rc);
    buf_put_u32(&m, error->file);
    buf_put_block(&m, span_str(error->text));
    if (task_send(SOCK, buf_span(&m), &fd, fd != -1, 0) != ERR_OK) {
        _exit(1);
    }
    buf_fini(&m);
    if (fd != -1) {
        close(fd);
    }
}

int
main(void)
{
    buf_t task = {0}, partial = {0};
    int fds[TASK_FDS];
    size_t n;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){LIMIT_PARTIAL, LIMIT_PARTIAL});
    while (task_receive(SOCK, &task, fds, &n, 0) == ERR_OK) {
        scan_error_t error = {.file = UINT32_MAX};
        buf_clear(&partial);
        errcode_t rc = run(buf_span(&task), fds, n, &partial, &error);
        for (size_t i = 0; i < n; i++) {
            close(fds[i]);
        }
        answer(rc, &partial, &error);
    }
    return 0;
}
