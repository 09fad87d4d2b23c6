// SPDX-License-Identifier: Apache-2.0
// A line is one write at the end of the file. It reaches the disk within the
// second, with audit_io_sync: the journal, not this, is what jobs wait for.
#include "coordinator/audit_io.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct audit_io {
    int fd;
    audit_chain_t chain;
    uint64_t lost; // lines that could not be written
    bool dirty;
};

// By blocks: the file may be large. *good: bytes in order.
static errcode_t
follow(int fd, audit_chain_t *chain, off_t *good)
{
    uint8_t *block = xmalloc(2 * AUDIT_LINE_MAX);
    size_t len = 0;
    errcode_t rc = ERR_OK;
    ssize_t n = 1;

    *good = 0;
    while (n > 0) {
        n = pread(
            fd, block + len, 2 * AUDIT_LINE_MAX - len, *good + (off_t)len);
        if (n < 0 && errno == EINTR) {
            n = 1;
            continue;
        }
        size_t used = 0;
        len += n > 0 ? (size_t)n : 0;
        rc =
            n < 0 ? ERR_IO : audit_take_all(chain, (span_t){block, len}, &used);
        *good += (off_t)used;
        len -= used;
        memmove(block, block + used, len);
        if (rc == ERR_TRUNCATED && len > AUDIT_LINE_MAX) {
            rc = ERR_CORRUPT;
        }
        if (rc != ERR_OK && rc != ERR_TRUNCATED) {
            break;
        }
    }
    free(block);
    return rc;
}

static void
set_aside(const char *path, uint64_t lines)
{
    char number[24];
    char *kept = xasprintf("%s.broken-%lld", path, (long long)time(NULL));

    snprintf(number, sizeof number, "%llu", (unsigned long long)lines + 1);
    log_event(LOG_ERROR, "audit-broken", "file", path, "line", number,
        "kept_as", kept, NULL);
    if (rename(path, kept) != 0) {
        log_event(LOG_ERROR, "audit-failed", "error", strerror(errno), NULL);
    }
    free(kept);
}

static int
open_file(const char *path)
{
    return open(
        path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static errcode_t
take_up(audit_io_t *self, const char *path, buf_t *why)
{
    off_t good = 0;
    audit_pair_t pairs[] = {{"software", LOGTALLY_VERSION}, {NULL, NULL}};

    self->fd = open_file(path);
    errcode_t rc =
        self->fd == -1 ? ERR_IO : follow(self->fd, &self->chain, &good);
    if (rc == ERR_CORRUPT) {
        set_aside(path, self->chain.n);
        self->chain = (audit_chain_t){0};
        close(self->fd);
        self->fd = open_file(path);
        rc = self->fd == -1 ? ERR_IO : ERR_OK;
        pairs[0] = (audit_pair_t){"after", "a broken file"};
    } else if (rc == ERR_TRUNCATED) {
        rc = ftruncate(self->fd, good) == 0 ? ERR_OK : ERR_IO;
        pairs[0] = (audit_pair_t){"after", "a line without its end"};
    }
    if (rc != ERR_OK) {
        buf_printf(why, "cannot open %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    audit_io_put(self, "start", pairs);
    return ERR_OK;
}

errcode_t
audit_io_open(const char *path, audit_io_t **out, buf_t *why)
{
    audit_io_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    errcode_t rc = take_up(self, path, why);
    if (rc != ERR_OK) {
        audit_io_close(&self);
        return rc;
    }
    *out = self;
    return ERR_OK;
}

void
audit_io_close(audit_io_t **self_p)
{
    audit_io_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    if (self->fd != -1) {
        audit_io_sync(self);
        close(self->fd);
    }
    free(self);
    *self_p = NULL;
}

// A part of a line is taken back, or it would break the chain.
static bool
append(audit_io_t *self, span_t line)
{
    off_t end = lseek(self->fd, 0, SEEK_END);
    ssize_t n = write(self->fd, line.p, line.len);

    if (n == (ssize_t)line.len) {
        return true;
    }
    if (n > 0 && ftruncate(self->fd, end) != 0) {
        log_event(LOG_ERROR, "audit-failed", "error", "half a line", NULL);
    }
    return false;
}

static bool
put_one(audit_io_t *self, const char *event, const audit_pair_t *pairs)
{
    static log_limit_t limit = {.per_second = 1};
    audit_chain_t next = self->chain;
    buf_t line = {0};

    audit_put(&next, time(NULL), event, pairs, &line);
    bool good = append(self, buf_span(&line));
    if (good) {
        self->chain = next;
        self->dirty = true;
    } else if (log_allowed(&limit, "audit-failed")) {
        log_event(LOG_ERROR, "audit-failed", "error", strerror(errno), NULL);
    }
    buf_fini(&line);
    return good;
}

void
audit_io_put(audit_io_t *self, const char *event, const audit_pair_t *pairs)
{
    char lost[24];

    snprintf(lost, sizeof lost, "%llu", (unsigned long long)self->lost);
    if (self->lost > 0 &&
        put_one(self, "lines-lost",
            (const audit_pair_t[]){{"n", lost}, {NULL, NULL}})) {
        self->lost = 0;
    }
    if (self->lost > 0 || !put_one(self, event, pairs)) {
        self->lost++;
    }
}

void
audit_io_sync(audit_io_t *self)
{
    if (self->dirty) {
        (void)fdatasync(self->fd);
        self->dirty = false;
    }
}

errcode_t
audit_io_verify(const char *path, audit_chain_t *chain, buf_t *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    off_t good = 0;

    *chain = (audit_chain_t){0};
    if (fd == -1) {
        buf_printf(why, "cannot open %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    errcode_t rc = follow(fd, chain, &good);
    close(fd);
    if (rc == ERR_IO) {
        buf_printf(why, "cannot read %s: %s", path, strerror(errno));
    } else if (rc != ERR_OK) {
        buf_printf(why, "%s: line %llu %s", path,
            (unsigned long long)chain->n + 1,
            rc == ERR_CORRUPT
                ? "does not follow from those before it; it or one of them "
                  "was changed, put in or left out"
                : "has no end");
    }
    return rc;
}
