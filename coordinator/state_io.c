// SPDX-License-Identifier: Apache-2.0
#include "coordinator/state_io.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE      64u // job ids set aside at a time; a crash skips them
#define RESULT_LIMIT LIMIT_RESULT
#define TEMP_NAME    ".new"
#define NUMBER_MAX   20u // digits of a u64

struct state {
    bool used; // by a coordinator before this one
    char *path;
    int dir;
    int results;
    int lock;
    size_t keep;
    uint64_t first_job;
    uint64_t reserved; // ids below this are spoken for on disk
    uint64_t *kept;    // ids with a result file, in no order
    size_t n_kept;
    size_t cap_kept;
};

static errcode_t
write_all(int fd, span_t bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.p, bytes.len);
        if (n == -1 && errno != EINTR) {
            return ERR_IO;
        }
        if (n > 0) {
            bytes = (span_t){bytes.p + n, bytes.len - (size_t)n};
        }
    }
    return ERR_OK;
}

static errcode_t
write_file(int dir, const char *name, span_t bytes)
{
    int fd = openat(dir, TEMP_NAME,
        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd == -1) {
        return ERR_IO;
    }
    errcode_t rc = write_all(fd, bytes);
    if (rc == ERR_OK && fsync(fd) != 0) {
        rc = ERR_IO;
    }
    if (close(fd) != 0) {
        rc = ERR_IO;
    }
    if (rc == ERR_OK && renameat(dir, TEMP_NAME, dir, name) != 0) {
        rc = ERR_IO;
    }
    if (rc != ERR_OK) {
        int error = errno;
        unlinkat(dir, TEMP_NAME, 0);
        errno = error;
        return rc;
    }
    return fsync(dir) == 0 ? ERR_OK : ERR_IO;
}

static errcode_t
read_rest(int fd, size_t len, buf_t *out)
{
    uint8_t *p = buf_reserve(out, len);
    size_t done = 0;

    while (done < len) {
        ssize_t n = read(fd, p + done, len - done);
        if (n == 0 || (n == -1 && errno != EINTR)) {
            return ERR_IO;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    out->len += len;
    return ERR_OK;
}

static errcode_t
read_file(int dir, const char *name, size_t max, buf_t *out)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd == -1) {
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    errcode_t rc = ERR_IO;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        rc = (uint64_t)st.st_size > max
                 ? ERR_TOO_LARGE
                 : read_rest(fd, (size_t)st.st_size, out);
    }
    close(fd);
    return rc;
}

static bool
parse_number(span_t s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.len == 0 || s.len > NUMBER_MAX) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, digit, &v)) {
            return false;
        }
    }
    *out = v;
    return true;
}

// A file that is not there counts as 0.
static errcode_t
read_number(state_t *self, const char *name, uint64_t *out, buf_t *why)
{
    buf_t text = {0};
    errcode_t rc = read_file(self->dir, name, NUMBER_MAX + 1, &text);

    *out = 0;
    if (rc == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    if (rc == ERR_OK && text.len > 0 && text.p[text.len - 1] == '\n') {
        text.len--;
    }
    if (rc != ERR_OK || !parse_number(buf_span(&text), out) ||
        *out >= UINT64_MAX / 2) {
        buf_printf(why,
            "%s/%s should hold one number and does not; write a number there "
            "that is higher than any before",
            self->path, name);
        rc = rc != ERR_OK ? rc : ERR_CORRUPT;
    }
    buf_fini(&text);
    return rc;
}

static errcode_t
write_number(state_t *self, const char *name, uint64_t value)
{
    char text[NUMBER_MAX + 2];
    int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)value);

    return write_file(
        self->dir, name, (span_t){(const uint8_t *)text, (size_t)n});
}

static errcode_t
fail(const state_t *self, const char *what, buf_t *why)
{
    buf_printf(why, "%s %s: %s", what, self->path, strerror(errno));
    return ERR_IO;
}

static errcode_t
open_folder(state_t *self, buf_t *why)
{
    if (mkdir(self->path, 0700) != 0 && errno != EEXIST) {
        return fail(self, "cannot make the state folder", why);
    }
    self->dir = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir == -1) {
        return fail(self, "cannot open the state folder", why);
    }
    if (fchmod(self->dir, 0700) != 0) {
        return fail(self, "cannot keep others out of the state folder", why);
    }
    if (mkdirat(self->dir, "results", 0700) != 0 && errno != EEXIST) {
        return fail(self, "cannot make results in", why);
    }
    self->results = openat(
        self->dir, "results", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return self->results == -1 ? fail(self, "cannot open results in", why)
                               : ERR_OK;
}

static errcode_t
take_lock(state_t *self, buf_t *why)
{
    buf_t pid = {0};

    self->lock = openat(
        self->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->lock == -1) {
        return fail(self, "cannot open the lock in", why);
    }
    if (flock(self->lock, LOCK_EX | LOCK_NB) != 0) {
        uint64_t number = 0;
        if (read_file(self->dir, "lock", NUMBER_MAX, &pid) == ERR_OK) {
            (void)parse_number(buf_span(&pid), &number);
        }
        buf_printf(why,
            "another coordinator (process %llu) uses the state folder %s; "
            "stop it or give this one a folder of its own with --state",
            (unsigned long long)number, self->path);
        buf_fini(&pid);
        return ERR_BUSY;
    }
    buf_printf(&pid, "%ld", (long)getpid());
    errcode_t rc = ftruncate(self->lock, 0) == 0
                       ? write_all(self->lock, buf_span(&pid))
                       : ERR_IO;
    buf_fini(&pid);
    return rc == ERR_OK ? rc : fail(self, "cannot write the lock in", why);
}

static bool
parse_result_name(const char *name, uint64_t *job)
{
    const char *dot = strchr(name, '.');

    return dot != NULL && strcmp(dot, ".result") == 0 &&
           parse_number(
               (span_t){(const uint8_t *)name, (size_t)(dot - name)}, job) &&
           *job < UINT64_MAX / 2;
}

static void
note_kept(state_t *self, uint64_t job)
{
    for (size_t i = 0; i < self->n_kept; i++) {
        if (self->kept[i] == job) {
            return;
        }
    }
    self->kept = xgrow(
        self->kept, &self->cap_kept, self->n_kept + 1, sizeof *self->kept);
    self->kept[self->n_kept++] = job;
}

static void
result_name(uint64_t job, char out[40])
{
    snprintf(out, 40, "%llu.result", (unsigned long long)job);
}

// Removes the oldest until no more than `keep` are left.
static void
prune(state_t *self)
{
    while (self->n_kept > self->keep) {
        char name[40];
        size_t oldest = 0;
        for (size_t i = 1; i < self->n_kept; i++) {
            oldest = self->kept[i] < self->kept[oldest] ? i : oldest;
        }
        result_name(self->kept[oldest], name);
        unlinkat(self->results, name, 0);
        self->kept[oldest] = self->kept[--self->n_kept];
    }
}

static errcode_t
scan_results(state_t *self, buf_t *why)
{
    int fd = openat(self->results, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    uint64_t job;

    if (dir == NULL) {
        return fail(self, "cannot list the results in", why);
    }
    while ((entry = readdir(dir)) != NULL) {
        if (parse_result_name(entry->d_name, &job)) {
            note_kept(self, job);
            self->first_job =
                job >= self->first_job ? job + 1 : self->first_job;
        }
    }
    closedir(dir);
    prune(self);
    return ERR_OK;
}

errcode_t
state_open(const char *path, size_t keep, state_t **out, buf_t *why)
{
    state_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    assert(keep > 0);
    self->path = xstrdup(path);
    self->dir = self->results = self->lock = -1;
    self->keep = keep;
    errcode_t rc = open_folder(self, why);
    if (rc == ERR_OK) {
        rc = take_lock(self, why);
    }
    if (rc == ERR_OK) {
        unlinkat(self->dir, "ports", 0); // those of a daemon that crashed
        rc = read_number(self, "next_job", &self->first_job, why);
    }
    if (rc == ERR_OK) {
        rc = scan_results(self, why);
    }
    if (rc != ERR_OK) {
        state_close(&self);
        return rc;
    }
    self->first_job = self->first_job == 0 ? 1 : self->first_job;
    *out = self;
    return ERR_OK;
}

static void
close_fd(int fd)
{
    if (fd != -1) {
        close(fd);
    }
}

void
state_close(state_t **self_p)
{
    state_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    *self_p = NULL;
    // With the lock taken by this one only; `reserved` says it was ours.
    if (self->reserved > 0) {
        unlinkat(self->dir, "ports", 0);
    }
    close_fd(self->lock);
    close_fd(self->results);
    close_fd(self->dir);
    free(self->kept);
    free(self->path);
    free(self);
}

errcode_t
state_raise_epoch(state_t *self, uint64_t least, uint64_t *epoch, buf_t *why)
{
    uint64_t last;
    errcode_t rc = read_number(self, "epoch", &last, why);

    if (rc != ERR_OK) {
        return rc;
    }
    self->used = last > 0;
    *epoch = last >= least ? last + 1 : least;
    if ((rc = write_number(self, "epoch", *epoch)) != ERR_OK) {
        return fail(self, "cannot write the epoch in", why);
    }
    if ((rc = state_reserve_job(self, self->first_job)) != ERR_OK) {
        return fail(self, "cannot set job ids aside in", why);
    }
    return ERR_OK;
}

bool
state_was_used(const state_t *self)
{
    return self->used;
}

uint64_t
state_first_job(const state_t *self)
{
    return self->first_job;
}

errcode_t
state_reserve_job(state_t *self, uint64_t job)
{
    if (job < self->reserved) {
        return ERR_OK;
    }
    uint64_t next = job + RESERVE;
    errcode_t rc = write_number(self, "next_job", next);
    if (rc == ERR_OK) {
        self->reserved = next;
    }
    return rc;
}

void
state_release_jobs(state_t *self, uint64_t next)
{
    if (next >= self->first_job && next < self->reserved &&
        write_number(self, "next_job", next) == ERR_OK) {
        self->reserved = next;
    }
}

errcode_t
state_write_ports(state_t *self, uint16_t control, uint16_t sink)
{
    char text[64];
    int n = snprintf(
        text, sizeof text, "control_port=%u\nsink_port=%u\n", control, sink);

    return write_file(
        self->dir, "ports", (span_t){(const uint8_t *)text, (size_t)n});
}

static errcode_t
put_result(void *ctx, uint64_t job, span_t bytes)
{
    state_t *self = ctx;
    char name[40];

    result_name(job, name);
    errcode_t rc = bytes.len <= RESULT_LIMIT
                       ? write_file(self->results, name, bytes)
                       : ERR_TOO_LARGE;
    if (rc == ERR_OK) {
        note_kept(self, job);
        prune(self);
    }
    return rc;
}

static errcode_t
get_result(void *ctx, uint64_t job, buf_t *out)
{
    state_t *self = ctx;
    char name[40];

    result_name(job, name);
    return read_file(self->results, name, RESULT_LIMIT, out);
}

static void
remove_result(void *ctx, uint64_t job)
{
    state_t *self = ctx;
    char name[40];

    result_name(job, name);
    unlinkat(self->results, name, 0);
    for (size_t i = 0; i < self->n_kept; i++) {
        if (self->kept[i] == job) {
            self->kept[i] = self->kept[--self->n_kept];
            return;
        }
    }
}

result_store_t
state_results(state_t *self)
{
    return (result_store_t){.put = put_result,
        .get = get_result,
        .remove = remove_result,
        .ctx = self};
}

uint64_t
state_room(const state_t *self)
{
    struct statvfs disk;

    return fstatvfs(self->dir, &disk) == 0
               ? (uint64_t)disk.f_bavail * disk.f_frsize
               : UINT64_MAX;
}
