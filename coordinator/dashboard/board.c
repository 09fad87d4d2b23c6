// SPDX-License-Identifier: Apache-2.0
#include "coordinator/dashboard/board.h"

#include "common/base/xalloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct topic {
    uint64_t id;
    unsigned watchers; // 0: free
    bool wants_all;    // somebody cannot go on with what has changed alone
    uint64_t number;   // of the last document
    document_t *doc;
};

struct board {
    pthread_mutex_t lock;
    pthread_cond_t news;
    int fd;
    bool ended;
    unsigned watchers;
    struct topic topics[BOARD_TOPICS];
};

board_t *
board_new(void)
{
    board_t *self = xcalloc(1, sizeof *self);
    pthread_condattr_t attr;

    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&self->news, &attr);
    pthread_condattr_destroy(&attr);
    self->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return self;
}

static void
free_document(document_t *doc)
{
    buf_fini(&doc->json);
    buf_fini(&doc->rows);
    free(doc);
}

// Under the lock.
static void
let_go(document_t **doc_p)
{
    document_t *doc = *doc_p;

    *doc_p = NULL;
    if (doc != NULL && --doc->refs == 0) {
        free_document(doc);
    }
}

void
board_destroy(board_t **self_p)
{
    board_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < BOARD_TOPICS; i++) {
        let_go(&self->topics[i].doc);
    }
    if (self->fd != -1) {
        close(self->fd);
    }
    pthread_cond_destroy(&self->news);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

void
board_end(board_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->ended = true;
    pthread_cond_broadcast(&self->news);
    pthread_mutex_unlock(&self->lock);
}

bool
board_has_ended(board_t *self)
{
    pthread_mutex_lock(&self->lock);
    bool ended = self->ended;
    pthread_mutex_unlock(&self->lock);
    return ended;
}

static struct topic *
find(board_t *self, uint64_t id)
{
    for (size_t i = 0; i < BOARD_TOPICS; i++) {
        if (self->topics[i].watchers > 0 && self->topics[i].id == id) {
            return &self->topics[i];
        }
    }
    return NULL;
}

static struct topic *
find_free(board_t *self)
{
    for (size_t i = 0; i < BOARD_TOPICS; i++) {
        if (self->topics[i].watchers == 0) {
            return &self->topics[i];
        }
    }
    return NULL;
}

// ---- for those who look

static void
wake_loop(board_t *self)
{
    uint64_t one = 1;
    ssize_t n = write(self->fd, &one, sizeof one);

    (void)n; // it is awake already, or comes by within the second
}

bool
board_join(board_t *self, uint64_t id)
{
    pthread_mutex_lock(&self->lock);
    struct topic *t = find(self, id);
    t = t != NULL ? t : find_free(self);
    bool ok = !self->ended && t != NULL && self->watchers < WATCHERS_MOST;
    if (ok) {
        t->id = id;
        t->watchers++;
        self->watchers++;
    }
    pthread_mutex_unlock(&self->lock);
    return ok;
}

void
board_leave(board_t *self, uint64_t id)
{
    pthread_mutex_lock(&self->lock);
    struct topic *t = find(self, id);
    self->watchers--;
    if (--t->watchers == 0) {
        let_go(&t->doc);
        *t = (struct topic){0};
    }
    pthread_mutex_unlock(&self->lock);
}

static struct timespec
deadline_of(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static bool
goes_on(const document_t *doc, uint64_t seen)
{
    return doc->all || (seen != 0 && doc->number == seen + 1);
}

document_t *
board_wait(board_t *self, uint64_t id, uint64_t seen, int64_t timeout_ms)
{
    struct timespec until = deadline_of(timeout_ms);
    document_t *doc = NULL;
    int rc = 0;

    pthread_mutex_lock(&self->lock);
    struct topic *t = find(self, id);
    while (!self->ended && doc == NULL && rc == 0) {
        bool news = t->doc != NULL && t->doc->number != seen;
        if (news && goes_on(t->doc, seen)) {
            doc = t->doc;
            doc->refs++;
        } else {
            if ((news || t->doc == NULL) && !t->wants_all) {
                t->wants_all = true;
                wake_loop(self);
            }
            rc = pthread_cond_timedwait(&self->news, &self->lock, &until);
        }
    }
    pthread_mutex_unlock(&self->lock);
    return doc;
}

void
board_let_go(board_t *self, document_t **doc_p)
{
    pthread_mutex_lock(&self->lock);
    let_go(doc_p);
    pthread_mutex_unlock(&self->lock);
}

// ---- for the loop

int
board_fd(const board_t *self)
{
    return self->fd;
}

size_t
board_wants(board_t *self, board_want_t out[BOARD_TOPICS])
{
    size_t n = 0;

    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < BOARD_TOPICS; i++) {
        const struct topic *t = &self->topics[i];
        if (t->watchers > 0) {
            out[n++] = (board_want_t){.topic = t->id,
                .all = t->wants_all || t->doc == NULL,
                .made = t->doc != NULL ? t->doc->made : 0};
        }
    }
    pthread_mutex_unlock(&self->lock);
    return n;
}

void
board_put(board_t *self, uint64_t id, document_t *from, bool rows_same)
{
    document_t *doc = xmalloc(sizeof *doc);

    *doc = *from;
    from->json = from->rows = (buf_t){0};
    doc->refs = 1;
    pthread_mutex_lock(&self->lock);
    struct topic *t = find(self, id);
    if (t == NULL) {
        free_document(doc); // they have gone meanwhile
    } else {
        if (rows_same && t->doc != NULL) {
            buf_put_span(&doc->rows, buf_span(&t->doc->rows));
        } else if (rows_same) {
            doc->made = 0; // others look now: they are to be given again
        }
        doc->number = ++t->number;
        t->wants_all = t->wants_all && !doc->all;
        let_go(&t->doc);
        t->doc = doc;
        pthread_cond_broadcast(&self->news);
    }
    pthread_mutex_unlock(&self->lock);
}
