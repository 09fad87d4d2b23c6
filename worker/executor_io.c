// SPDX-License-Identifier: Apache-2.0
#include "worker/executor_io.h"

#include "common/base/xalloc.h"
#include "worker/executor/task.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct slot {
    pid_t pid;
    int sock;
    const shard_t *shard;
    int fds[TASK_FDS];
    size_t n_fds;
} slot_t;

struct executors {
    uint32_t n;
    char *program;
    size_t budget;
    slot_t *slots;
};

static void
forget(slot_t *s)
{
    while (s->n_fds > 0) {
        close(s->fds[--s->n_fds]);
    }
    s->shard = NULL;
}

static errcode_t
spawn(executors_t *self, slot_t *s)
{
    int pair[2];

    s->sock = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
        return ERR_IO;
    }
    s->pid = fork();
    if (s->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        int fd = pair[1] == 3 ? fcntl(3, F_DUPFD, 4) : pair[1];
        dup2(fd, 3);
        close_range(4, ~0u, 0);
        execl(self->program, "logtally-executor", (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    s->sock = pair[0];
    return s->pid == -1 ? ERR_IO : ERR_OK;
}

static int
end(slot_t *s)
{
    int status = 0;

    forget(s);
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, &status, 0);
    }
    if (s->sock != -1) {
        close(s->sock);
    }
    s->pid = 0;
    s->sock = -1;
    return status;
}

static char *
beside(void)
{
    char path[LIMIT_PATH];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    path[n < 0 ? 0 : n] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    char *near = xasprintf("%s/logtally-executor", path);
    if (access(near, X_OK) != 0) {
        free(near);
        near = xasprintf("%s/../libexec/logtally/logtally-executor", path);
    }
    return near;
}

errcode_t
executors_start(uint32_t n, const char *program, size_t budget,
    executors_t **out, buf_t *why)
{
    executors_t *self = xcalloc(1, sizeof *self);

    self->program = program ? xstrdup(program) : beside();
    self->budget = budget;
    self->slots = xcalloc(n, sizeof *self->slots);
    errcode_t rc = access(self->program, X_OK) ? ERR_NOT_FOUND : ERR_OK;
    while (rc == ERR_OK && self->n < n) {
        rc = spawn(self, &self->slots[self->n++]);
    }
    if (rc != ERR_OK) {
        buf_printf(why, "cannot start %s", self->program);
        executors_stop(&self);
    }
    *out = self;
    return rc;
}

void
executors_stop(executors_t **self_p)
{
    executors_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->n; i++) {
        end(&self->slots[i]);
    }
    free(self->slots);
    free(self->program);
    free(self);
    *self_p = NULL;
}

uint32_t
executors_count(const executors_t *self)
{
    return self->n;
}

int
executors_fd(const executors_t *self, uint32_t slot)
{
    return self->slots[slot].sock;
}

void
executors_kill(executors_t *self, uint32_t slot)
{
    end(&self->slots[slot]);
    if (spawn(self, &self->slots[slot]) != ERR_OK) {
        self->slots[slot].pid = 0;
    }
}

errcode_t
executors_give(executors_t *self, uint32_t slot, const shard_t *shard,
    const files_t *files, uint32_t *file, char text[LIMIT_TEXT])
{
    slot_t *s = &self->slots[slot];
    buf_t m = {0};
    errcode_t rc = ERR_OK;

    *file = UINT32_MAX;
    buf_put_u8(&m, TASK_SCAN);
    buf_put_u64(&m, self->budget);
    buf_put_block(&m, span_str(shard->query));
    buf_put_block(&m, span_str(shard->format));
    for (size_t i = 0; i < shard->n_ranges && rc == ERR_OK; i++) {
        const shard_range_t *r = &shard->ranges[i];
        int fd = -1;
        if (r->stream) {
            fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
        } else {
            rc = files_open_range(files, r, &fd);
        }
        if (rc != ERR_OK) {
            *file = r->file;
            snprintf(text, LIMIT_TEXT, "%.900s: %s", r->path, err_text(rc));
            break;
        }
        s->fds[s->n_fds++] = fd;
        buf_put_u32(&m, r->file);
        buf_put_u8(&m, r->compression);
        buf_put_u8(&m, r->stream);
        buf_put_u64(&m, r->size);
        buf_put_u64(&m, r->begin);
        buf_put_u64(&m, r->end);
        buf_put_block(&m, span_str(r->host));
        buf_put_block(&m, span_str(r->path));
    }
    if (rc == ERR_OK &&
        task_send(s->sock, buf_span(&m), s->fds, s->n_fds, 0) != ERR_OK) {
        rc = ERR_CRASHED;
        snprintf(text, LIMIT_TEXT, "the executor is gone");
    }
    s->shard = shard;
    if (rc != ERR_OK) {
        forget(s);
    }
    buf_fini(&m);
    return rc;
}

static errcode_t
take_partial(int fd, buf_t *out)
{
    struct stat st;
    const int want = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

    if ((fcntl(fd, F_GET_SEALS) & want) != want || fstat(fd, &st) == -1 ||
        st.st_size <= 0 || st.st_size > (off_t)LIMIT_PARTIAL) {
        return ERR_CORRUPT;
    }
    uint8_t *to = buf_reserve(out, (size_t)st.st_size);
    while (out->len < (size_t)st.st_size) {
        ssize_t n = pread(
            fd, to + out->len, (size_t)st.st_size - out->len, (off_t)out->len);
        if (n <= 0) {
            buf_fini(out);
            return ERR_IO;
        }
        out->len += (size_t)n;
    }
    return ERR_OK;
}

static void
crashed(executors_t *self, uint32_t slot, executor_event_t *e)
{
    int status = end(&self->slots[slot]);

    e->kind = EXECUTOR_DONE;
    e->rc = ERR_CRASHED;
    snprintf(e->text, sizeof e->text, "the executor died (signal %d)",
        WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    executors_kill(self, slot);
}

errcode_t
executors_read(executors_t *self, uint32_t slot, executor_event_t *e)
{
    slot_t *s = &self->slots[slot];
    buf_t m = {0};
    int fds[TASK_FDS];
    size_t n;
    uint8_t kind;
    uint32_t code;
    span_t text;

    *e = (executor_event_t){.slot = slot, .file = UINT32_MAX};
    errcode_t rc = task_receive(s->sock, &m, fds, &n, MSG_DONTWAIT);
    if (rc == ERR_BUSY) {
        return rc;
    }
    rd_t r = rd_init(buf_span(&m));
    if (rc != ERR_OK || rd_u8(&r, &kind) != ERR_OK) {
        crashed(self, slot, e);
    } else if (kind == TASK_PROGRESS && rd_u64(&r, &e->bytes_done) == ERR_OK) {
        e->kind = EXECUTOR_PROGRESS;
    } else if (kind == TASK_DONE && rd_u32(&r, &code) == ERR_OK &&
               code < ERR_COUNT && rd_u32(&r, &e->file) == ERR_OK &&
               rd_block(&r, LIMIT_TEXT - 1, &text) == ERR_OK) {
        e->kind = EXECUTOR_DONE;
        e->rc = (errcode_t)code;
        memcpy(e->text, text.p, text.len);
        for (size_t i = 0; i < s->n_fds && e->rc == ERR_OK; i++) {
            e->rc = files_check(s->fds[i], &s->shard->ranges[i]);
            e->file = e->rc ? s->shard->ranges[i].file : UINT32_MAX;
        }
        if (e->rc == ERR_OK) {
            e->rc = n == 1 ? take_partial(fds[0], &e->partial) : ERR_CORRUPT;
        }
        forget(s);
    } else {
        crashed(self, slot, e);
    }
    while (rc == ERR_OK && n > 0) {
        close(fds[--n]);
    }
    buf_fini(&m);
    return ERR_OK;
}
