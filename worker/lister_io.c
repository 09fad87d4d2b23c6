// SPDX-License-Identifier: Apache-2.0
// Shared by the threads under one lock: the requests, the batches and
// `stopping`. A few threads, so that one big listing does not hold up a
// small one; few batches wait, so that a million files do not fill memory
// while the connection is slow.
#include "worker/lister_io.h"

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define THREADS     4u
#define BATCH       256u
#define BATCHES_MAX 16u
#define STOP_MS     1000
#define MAGIC       0x4c495354u

typedef struct request {
    struct request *next;
    uint64_t id;
    files_asked_t asked; // its pattern is the one below
    char pattern[LIMIT_PATH];
} request_t;

typedef struct batch {
    struct batch *next;
    listed_t listed;
} batch_t;

struct lister {
    uint32_t magic;
    const files_t *files;
    pthread_t threads[THREADS];
    unsigned n_threads;
    int event;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
    request_t *first_request, **last_request;
    batch_t *first_batch, **last_batch;
    size_t n_batches;
    int64_t looked_ms; // at the roots, or began to
    bool looking;      // one thread is enough for a disk that hangs
    char trouble[LISTER_TROUBLE];
};

// What one request of one thread is at.
typedef struct work {
    lister_t *self;
    uint64_t id;
    listed_t batch;
} work_t;

void
listed_fini(listed_t *self)
{
    for (size_t i = 0; i < self->n; i++) {
        union {
            const void *lent;
            void *own;
        } path = {self->files[i].path}, cuts = {self->files[i].cuts.p};
        free(path.own);
        free(cuts.own);
    }
    free(self->files);
    free(self->text);
    *self = (listed_t){0};
}

// Takes the batch.
static void
post(lister_t *self, listed_t *batch)
{
    batch_t *b = xcalloc(1, sizeof *b);
    const uint64_t one = 1;

    b->listed = *batch;
    *batch = (listed_t){0};
    pthread_mutex_lock(&self->lock);
    while (self->n_batches >= BATCHES_MAX && !self->stopping) {
        pthread_cond_wait(&self->wake, &self->lock);
    }
    *self->last_batch = b;
    self->last_batch = &b->next;
    self->n_batches++;
    pthread_mutex_unlock(&self->lock);
    ssize_t n = write(self->event, &one, sizeof one);
    assert(n == sizeof one);
}

static bool
is_stopping(lister_t *self)
{
    pthread_mutex_lock(&self->lock);
    bool stopping = self->stopping;
    pthread_mutex_unlock(&self->lock);
    return stopping;
}

static void
on_found(void *ctx, const listed_file_t *file)
{
    work_t *work = ctx;

    if (is_stopping(work->self)) {
        return;
    }
    if (work->batch.files == NULL) {
        work->batch.request = work->id;
        work->batch.files = xcalloc(BATCH, sizeof *work->batch.files);
    }
    listed_file_t *own = &work->batch.files[work->batch.n++];
    *own = *file;
    own->path = xstrdup(file->path);
    own->cuts.p = NULL;
    if (file->cuts.len > 0) {
        own->cuts.p =
            memcpy(xmalloc(file->cuts.len), file->cuts.p, file->cuts.len);
    }
    if (work->batch.n == BATCH) {
        post(work->self, &work->batch);
    }
}

static void
list(lister_t *self, const request_t *request)
{
    work_t work = {.self = self, .id = request->id};
    buf_t why = {0};
    errcode_t rc =
        files_list(self->files, &request->asked, on_found, &work, &why);

    work.batch.request = request->id;
    work.batch.last = true;
    work.batch.rc = rc;
    work.batch.text =
        xstrndup(why.len == 0 ? "" : (const char *)why.p, why.len);
    buf_fini(&why);
    post(self, &work.batch);
}

// With the lock, which is given up meanwhile.
static void
look_at_roots(lister_t *self)
{
    buf_t text = {0};

    self->looking = true;
    pthread_mutex_unlock(&self->lock);
    files_trouble(self->files, &text);
    pthread_mutex_lock(&self->lock);
    snprintf(self->trouble, sizeof self->trouble, "%.*s", (int)text.len,
        text.len > 0 ? (const char *)text.p : "");
    buf_fini(&text);
    self->looking = false;
    self->looked_ms = clock_mono_ms();
}

// With the lock: until something is to be done, or the roots looked at.
static void
wait_for_work(lister_t *self)
{
    int64_t due_ms = self->looked_ms + LISTER_LOOK_MS;
    struct timespec until = {
        .tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};

    if (self->looking) {
        pthread_cond_wait(&self->wake, &self->lock);
    } else if (clock_mono_ms() >= due_ms) {
        look_at_roots(self);
    } else {
        pthread_cond_timedwait(&self->wake, &self->lock, &until);
    }
}

// NULL: stop.
static request_t *
next_request(lister_t *self)
{
    request_t *request = NULL;

    pthread_mutex_lock(&self->lock);
    while (self->first_request == NULL && !self->stopping) {
        wait_for_work(self);
    }
    if (!self->stopping) {
        request = self->first_request;
        self->first_request = request->next;
        if (self->first_request == NULL) {
            self->last_request = &self->first_request;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return request;
}

static void *
run(void *arg)
{
    lister_t *self = arg;
    request_t *request;

    assert(self->magic == MAGIC);
    while ((request = next_request(self)) != NULL) {
        list(self, request);
        free(request);
    }
    return NULL;
}

errcode_t
lister_start(const files_t *files, lister_t **out)
{
    lister_t *self = xcalloc(1, sizeof *self);
    pthread_condattr_t monotonic;
    int error = 0;

    *out = NULL;
    self->magic = MAGIC;
    self->files = files;
    self->last_request = &self->first_request;
    self->last_batch = &self->first_batch;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    self->looked_ms = clock_mono_ms() - LISTER_LOOK_MS; // at once
    self->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    while (self->event != -1 && error == 0 && self->n_threads < THREADS) {
        error =
            pthread_create(&self->threads[self->n_threads], NULL, run, self);
        self->n_threads += error == 0;
    }
    if (self->event == -1 || error != 0) {
        lister_stop(&self);
        return ERR_IO;
    }
    *out = self;
    return ERR_OK;
}

static bool
join_all(lister_t *self)
{
    struct timespec until;
    bool all = true;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_MS / 1000;
    for (unsigned i = 0; i < self->n_threads; i++) {
        if (pthread_timedjoin_np(self->threads[i], NULL, &until) != 0) {
            pthread_detach(self->threads[i]);
            all = false;
        }
    }
    return all;
}

bool
lister_stop(lister_t **self_p)
{
    lister_t *self = *self_p;
    listed_t batch;

    *self_p = NULL;
    if (self == NULL) {
        return true;
    }
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_broadcast(&self->wake);
    pthread_mutex_unlock(&self->lock);
    if (!join_all(self)) {
        return false; // not freed: that thread still knows it
    }
    while (lister_take(self, &batch)) {
        listed_fini(&batch);
    }
    while (self->first_request != NULL) {
        request_t *request = self->first_request;
        self->first_request = request->next;
        free(request);
    }
    if (self->event != -1) {
        close(self->event);
    }
    pthread_cond_destroy(&self->wake);
    pthread_mutex_destroy(&self->lock);
    free(self);
    return true;
}

void
lister_ask(lister_t *self, uint64_t request, const files_asked_t *asked)
{
    request_t *r = xcalloc(1, sizeof *r);

    r->id = request;
    r->asked = *asked;
    r->asked.pattern = r->pattern;
    assert(strlen(asked->pattern) < sizeof r->pattern);
    strcpy(r->pattern, asked->pattern);
    pthread_mutex_lock(&self->lock);
    *self->last_request = r;
    self->last_request = &r->next;
    // The threads that wait for room share the condition.
    pthread_cond_broadcast(&self->wake);
    pthread_mutex_unlock(&self->lock);
}

void
lister_trouble(lister_t *self, char out[LISTER_TROUBLE])
{
    pthread_mutex_lock(&self->lock);
    snprintf(out, LISTER_TROUBLE, "%s", self->trouble);
    pthread_mutex_unlock(&self->lock);
}

int
lister_fd(const lister_t *self)
{
    return self->event;
}

// The event is cleared before the queue is looked at, so that no batch is
// left without one; one that is left in the queue sets it again.
bool
lister_take(lister_t *self, listed_t *out)
{
    uint64_t count;
    const uint64_t one = 1;

    if (read(self->event, &count, sizeof count) == -1 && errno != EAGAIN) {
        return false;
    }
    pthread_mutex_lock(&self->lock);
    batch_t *b = self->first_batch;
    if (b != NULL) {
        self->first_batch = b->next;
        self->n_batches--;
        if (b->next == NULL) {
            self->last_batch = &self->first_batch;
        }
        pthread_cond_broadcast(&self->wake);
    }
    bool more = self->first_batch != NULL;
    pthread_mutex_unlock(&self->lock);
    if (more) {
        ssize_t n = write(self->event, &one, sizeof one);
        assert(n == sizeof one);
    }
    if (b == NULL) {
        return false;
    }
    *out = b->listed;
    free(b);
    return true;
}
