// SPDX-License-Identifier: Apache-2.0
#include "coordinator/journal_io.h"

#include "common/base/xalloc.h"
#include "coordinator/journal_file_io.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define RETRY_S 1

// What the machine did since the thread looked last.
typedef struct batch {
    journal_op_t *ops;
    size_t n, cap;
    uint64_t last; // number of its last entry; 0: drops alone
    uint64_t bytes;
} batch_t;

struct journal_io {
    journal_file_t *file; // the thread's, once it runs
    pthread_t thread;
    bool runs;
    int event;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t wake;
    batch_t next;
    uint64_t put;     // entries so far
    uint64_t durable; // of them
    uint64_t writing; // bytes of the batch that the thread has
    bool ending;
    char *why; // the last write failed, or NULL
};

errcode_t
journal_io_open(const char *path, journal_io_t **out, buf_t *why)
{
    journal_io_t *self = xcalloc(1, sizeof *self);
    errcode_t rc = journal_file_open(path, &self->file, why);

    *out = NULL;
    if (rc != ERR_OK) {
        free(self);
        return rc;
    }
    self->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (self->event == -1) {
        buf_put_str(why, "cannot open an eventfd");
        journal_file_close(&self->file);
        free(self);
        return ERR_IO;
    }
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->wake, NULL);
    *out = self;
    return ERR_OK;
}

errcode_t
journal_io_load(journal_io_t *self, journal_take_t *take, void *ctx, buf_t *why)
{
    return journal_file_load(self->file, take, ctx, why);
}

static void
free_batch(batch_t *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        buf_fini(&batch->ops[i].bytes);
    }
    free(batch->ops);
    *batch = (batch_t){0};
}

static void
tell(journal_io_t *self)
{
    uint64_t one = 1;

    // The counter cannot be full: the loop reads it away.
    (void)!write(self->event, &one, sizeof one);
}

// With the lock held. A failure is told once, and again when its text changes.
static void
report(journal_io_t *self, const batch_t *batch, errcode_t rc, const char *why)
{
    free(self->why);
    self->why = rc != ERR_OK ? xstrdup(why) : NULL;
    if (rc == ERR_OK) {
        self->durable = batch->last != 0 ? batch->last : self->durable;
        self->writing = 0;
    }
    tell(self);
}

// With the lock held; given up while it writes and while it pauses. Nothing
// of the batch is lost by a failure: it is tried again, whole.
static void
write_batch(journal_io_t *self, batch_t *batch)
{
    errcode_t rc;
    bool last_try;

    do {
        buf_t why = {0};
        last_try = self->ending;
        pthread_mutex_unlock(&self->lock);
        rc = journal_file_write(self->file, batch->ops, batch->n, &why);
        buf_put_u8(&why, '\0');
        pthread_mutex_lock(&self->lock);
        report(self, batch, rc, (const char *)why.p);
        buf_fini(&why);
        if (rc != ERR_OK && !self->ending) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += RETRY_S;
            pthread_cond_timedwait(&self->wake, &self->lock, &until);
        }
    } while (rc != ERR_OK && !last_try);
    free_batch(batch);
}

static void *
run(void *arg)
{
    journal_io_t *self = arg;

    pthread_mutex_lock(&self->lock);
    for (;;) {
        while (self->next.n == 0 && !self->ending) {
            pthread_cond_wait(&self->wake, &self->lock);
        }
        if (self->next.n == 0) {
            break;
        }
        batch_t batch = self->next;
        self->next = (batch_t){0};
        self->writing = batch.bytes;
        write_batch(self, &batch);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

errcode_t
journal_io_start(journal_io_t *self, buf_t *why)
{
    if (pthread_create(&self->thread, NULL, run, self) != 0) {
        buf_put_str(why, "cannot start the thread of the journal");
        return ERR_IO;
    }
    self->runs = true;
    return ERR_OK;
}

void
journal_io_close(journal_io_t **self_p)
{
    journal_io_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    *self_p = NULL;
    if (self->runs) {
        pthread_mutex_lock(&self->lock);
        self->ending = true;
        pthread_cond_signal(&self->wake);
        pthread_mutex_unlock(&self->lock);
        pthread_join(self->thread, NULL);
    }
    free_batch(&self->next);
    journal_file_close(&self->file);
    pthread_cond_destroy(&self->wake);
    pthread_mutex_destroy(&self->lock);
    close(self->event);
    free(self->why);
    free(self);
}

// With the lock held.
static journal_op_t *
add_op(journal_io_t *self)
{
    batch_t *b = &self->next;

    b->ops = xgrow(b->ops, &b->cap, b->n + 1, sizeof *b->ops);
    pthread_cond_signal(&self->wake);
    return &b->ops[b->n++];
}

static uint64_t
put(void *ctx, const entry_key_t *key, buf_t *bytes)
{
    journal_io_t *self = ctx;

    pthread_mutex_lock(&self->lock);
    *add_op(self) = (journal_op_t){.key = *key, .bytes = *bytes};
    self->next.bytes += bytes->len;
    uint64_t number = self->next.last = ++self->put;
    pthread_mutex_unlock(&self->lock);
    *bytes = (buf_t){0};
    return number;
}

static void
drop(void *ctx, uint64_t job, bool all)
{
    journal_io_t *self = ctx;

    pthread_mutex_lock(&self->lock);
    *add_op(self) =
        (journal_op_t){.drop = all ? DROP_ALL : DROP_WORK, .key = {.job = job}};
    pthread_mutex_unlock(&self->lock);
}

static uint64_t
backlog(void *ctx)
{
    journal_io_t *self = ctx;

    pthread_mutex_lock(&self->lock);
    uint64_t bytes = self->next.bytes + self->writing;
    pthread_mutex_unlock(&self->lock);
    return bytes;
}

journal_t
journal_io_seam(journal_io_t *self)
{
    return (journal_t){
        .put = put, .drop = drop, .backlog = backlog, .ctx = self};
}

int
journal_io_fd(const journal_io_t *self)
{
    return self->event;
}

uint64_t
journal_io_state(journal_io_t *self, buf_t *why)
{
    uint64_t count;

    buf_clear(why);
    (void)!read(self->event, &count, sizeof count);
    pthread_mutex_lock(&self->lock);
    uint64_t durable = self->durable;
    if (self->why != NULL) {
        buf_put_str(why, self->why);
    }
    pthread_mutex_unlock(&self->lock);
    return durable;
}
