// SPDX-License-Identifier: Apache-2.0
// zap: the handler of RFC 27 on a REP socket in its own thread. czmq's zauth
// is not used: a signal ends it and everybody is let in from then on, it
// ignores the domain, and two files with one key abort the process.
//
// Only libzmq itself speaks here, one request per handshake. The list is
// swapped under `lock`; `reload` orders those who read it anew, so an older
// reading never replaces a newer one.
#include "certs/zap_io.h"

#include "certs/keyfile.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define ZAP_ENDPOINT       "inproc://zeromq.zap.01"
#define ZAP_PARTS          7
#define ZAP_PART_MAX       256
#define REREADS_PER_SECOND 5
#define LOGS_PER_SECOND    10

struct zap {
    void *socket; // the thread's from zap_start to its join
    int stop_fd;
    pthread_t thread;
    char *keys_dir;
    pthread_mutex_t reload;
    pthread_mutex_t lock; // what is below
    allowlist_t *list;
    zap_stats_t stats;
    // of the thread alone
    int64_t second;
    unsigned rereads;
    log_limit_t refusals;
    // under `reload`
    log_limit_t faults;
};

// Parts of a request, in order: version, request id, domain, address,
// identity, mechanism, key.
enum { AT_VERSION, AT_REQUEST, AT_DOMAIN, AT_ADDRESS, AT_ID, AT_MECH, AT_KEY };

typedef struct request {
    size_t n; // parts that arrived
    bool valid;
    size_t len[ZAP_PARTS];
    uint8_t part[ZAP_PARTS][ZAP_PART_MAX];
} request_t;

static const struct {
    const char *domain;
    unsigned roles;
} domains[] = {
    {"control", ROLE_WORKER | ROLE_CLIENT | ROLE_ADMIN},
    {"sink", ROLE_WORKER},
    {"lane", ROLE_WORKER},
    {"intake", ROLE_COORDINATOR},
};

static unsigned
roles_of(span_t domain)
{
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        if (span_is(domain, domains[i].domain)) {
            return domains[i].roles;
        }
    }
    return 0;
}

static void
log_fault(zap_t *self, const char *event, const buf_t *why)
{
    if (log_allowed(&self->faults, event)) {
        char *text = xstrndup((const char *)why->p, why->len);
        log_event(LOG_ERROR, event, "why", text, NULL);
        free(text);
    }
}

// Leaves the other one in *list_p. `reload` is held, so nobody else replaces
// the list between the look and the swap.
static bool
swap_if_other(zap_t *self, allowlist_t **list_p)
{
    uint8_t was[32];
    uint8_t is[32];

    allowlist_digest(*list_p, is);
    allowlist_digest(self->list, was);
    if (memcmp(was, is, sizeof is) == 0) {
        return false;
    }
    pthread_mutex_lock(&self->lock);
    allowlist_t *old = self->list;
    self->list = *list_p;
    *list_p = old;
    pthread_mutex_unlock(&self->lock);
    return true;
}

zap_reload_t
zap_reload(zap_t *self, buf_t *why)
{
    allowlist_t *list = NULL;
    zap_reload_t out = {0};

    if (self->keys_dir == NULL) {
        out.allowed = allowlist_count(self->list);
        return out;
    }
    pthread_mutex_lock(&self->reload);
    errcode_t rc = allowlist_load(self->keys_dir, &list, why);
    // An empty folder is a list as well, else its last key could not be
    // revoked; and a folder that went must not leave the doors open.
    if (rc == ERR_NOT_FOUND) {
        list = allowlist_of(NULL);
    }
    out.changed = list != NULL && swap_if_other(self, &list);
    if (list == NULL) {
        log_fault(self, "allowlist-kept", why);
    } else if (rc == ERR_NOT_FOUND && out.changed) {
        log_fault(self, "allowlist-empty", why);
    }
    out.allowed = allowlist_count(self->list);
    pthread_mutex_unlock(&self->reload);
    allowlist_destroy(&list);
    return out;
}

bool
zap_refresh(zap_t *self)
{
    buf_t why = {0};
    zap_reload_t done = zap_reload(self, &why);

    buf_fini(&why);
    return done.changed;
}

void
zap_replace(zap_t *self, allowlist_t **list_p)
{
    pthread_mutex_lock(&self->lock);
    allowlist_t *old = self->list;
    self->list = *list_p;
    *list_p = NULL;
    pthread_mutex_unlock(&self->lock);
    allowlist_destroy(&old);
}

errcode_t
zap_identity(zap_t *self, const char *id, identity_t *out)
{
    pthread_mutex_lock(&self->lock);
    const identity_t *found = allowlist_by_name(self->list, id);
    if (found != NULL && !identity_is_current(found, time(NULL))) {
        found = NULL;
    }
    if (found != NULL) {
        *out = *found;
    }
    pthread_mutex_unlock(&self->lock);
    return found != NULL ? ERR_OK : ERR_NOT_FOUND;
}

void
zap_each(zap_t *self, void (*each)(void *ctx, const identity_t *), void *ctx)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < allowlist_count(self->list); i++) {
        each(ctx, allowlist_at(self->list, i));
    }
    pthread_mutex_unlock(&self->lock);
}

zap_stats_t
zap_stats(zap_t *self)
{
    pthread_mutex_lock(&self->lock);
    zap_stats_t stats = self->stats;
    pthread_mutex_unlock(&self->lock);
    return stats;
}

static span_t
part(const request_t *request, size_t at)
{
    return (span_t){request->part[at], request->len[at]};
}

// All parts are taken off the socket, whatever they are; false when the
// socket is at its end.
static bool
receive(void *socket, request_t *out)
{
    int more = 1;
    size_t more_len = sizeof more;

    memset(out, 0, sizeof *out);
    out->valid = true;
    while (more != 0) {
        uint8_t spill[ZAP_PART_MAX];
        uint8_t *to = out->n < ZAP_PARTS ? out->part[out->n] : spill;
        int len = zmq_recv(socket, to, ZAP_PART_MAX, 0);
        if (len == -1 && zmq_errno() == EINTR) {
            continue;
        }
        if (len == -1) {
            return false;
        }
        if (out->n >= ZAP_PARTS || len > ZAP_PART_MAX) {
            out->valid = false;
        } else {
            out->len[out->n] = (size_t)len;
        }
        out->n++;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_len) != 0) {
            return false;
        }
    }
    out->valid = out->valid && out->n == ZAP_PARTS &&
                 span_is(part(out, AT_VERSION), "1.0") &&
                 span_is(part(out, AT_MECH), "CURVE") &&
                 out->len[AT_KEY] == KEY_LEN;
    return true;
}

// 400 ends the dialling for good, 300 lets libzmq dial again.
typedef enum { LET_IN, UNKNOWN, EXPIRED, WRONG_ROLE, COME_AGAIN } verdict_t;

static void
reply(
    void *socket, const request_t *request, verdict_t verdict, const char *user)
{
    static const char *const status[] = {"200", "400", "400", "400", "300"};
    static const char *const text[] = {
        "OK", "not allowed", "not allowed", "not allowed", "busy"};
    const span_t parts[] = {
        SPAN_LIT("1.0"),
        part(request, AT_REQUEST),
        span_str(status[verdict]),
        span_str(text[verdict]),
        span_str(verdict == LET_IN ? user : ""),
        SPAN_LIT(""),
    };
    const size_t n = sizeof parts / sizeof *parts;

    for (size_t i = 0; i < n; i++) {
        int flags = i + 1 < n ? ZMQ_SNDMORE : 0;
        while (zmq_send(socket, parts[i].p, parts[i].len, flags) == -1 &&
               zmq_errno() == EINTR) {
        }
    }
}

static bool
may_reread(zap_t *self)
{
    int64_t second = clock_mono_ms() / 1000;

    if (second != self->second) {
        self->second = second;
        self->rereads = 0;
    }
    return self->rereads < REREADS_PER_SECOND && ++self->rereads > 0;
}

static bool
find(zap_t *self, const uint8_t *key, identity_t *out)
{
    pthread_mutex_lock(&self->lock);
    const identity_t *found = allowlist_by_key(self->list, key);
    if (found != NULL) {
        *out = *found;
    }
    pthread_mutex_unlock(&self->lock);
    return found != NULL;
}

// A dual-stack socket sees IPv4 peers as ::ffff:1.2.3.4.
static const char *
plain_address(const char *address)
{
    bool mapped = strncmp(address, "::ffff:", 7) == 0;

    return mapped && strchr(address, '.') != NULL ? address + 7 : address;
}

static void
log_refusal(zap_t *self, const request_t *request, const char *reason)
{
    char fingerprint[20];
    char address[ZAP_PART_MAX + 1] = {0};
    char domain[ZAP_PART_MAX + 1] = {0};

    if (!log_allowed(&self->refusals, "key-refused")) {
        return;
    }
    memcpy(address, request->part[AT_ADDRESS], request->len[AT_ADDRESS]);
    memcpy(domain, request->part[AT_DOMAIN], request->len[AT_DOMAIN]);
    key_fingerprint(request->part[AT_KEY], fingerprint);
    log_event(LOG_WARN, "key-refused", "address", plain_address(address),
        "socket", domain, "fingerprint", fingerprint, "why", reason, NULL);
}

static verdict_t
judge(zap_t *self, const request_t *request, identity_t *who)
{
    const uint8_t *key = request->part[AT_KEY];

    if (!request->valid) {
        return UNKNOWN;
    }
    if (!find(self, key, who)) {
        // Somebody may have been allowed since the list was read.
        if (self->keys_dir == NULL) {
            return UNKNOWN;
        }
        if (!may_reread(self)) {
            return COME_AGAIN;
        }
        (void)zap_refresh(self);
        if (!find(self, key, who)) {
            return UNKNOWN;
        }
    }
    if (!identity_is_current(who, time(NULL))) {
        return EXPIRED;
    }
    return (who->roles & roles_of(part(request, AT_DOMAIN))) != 0 ? LET_IN
                                                                  : WRONG_ROLE;
}

static void
count(zap_t *self, verdict_t verdict)
{
    uint64_t *const counters[] = {
        [LET_IN] = &self->stats.accepted,
        [UNKNOWN] = &self->stats.refused_unknown,
        [EXPIRED] = &self->stats.refused_expired,
        [WRONG_ROLE] = &self->stats.refused_role,
        [COME_AGAIN] = &self->stats.deferred,
    };

    pthread_mutex_lock(&self->lock);
    ++*counters[verdict];
    pthread_mutex_unlock(&self->lock);
}

static void
decide(zap_t *self, const request_t *request)
{
    identity_t who = {0};
    char id[LIMIT_NAME];
    verdict_t verdict = judge(self, request, &who);

    // Counted first: who sees the answer sees the count.
    count(self, verdict);
    if (verdict == UNKNOWN) {
        log_refusal(self, request, "unknown key");
    } else if (verdict == EXPIRED) {
        log_refusal(self, request, "the key has expired");
    } else if (verdict == WRONG_ROLE) {
        log_refusal(self, request, "role of the key");
    }
    identity_id(&who, id);
    reply(self->socket, request, verdict, id);
}

static void *
run(void *arg)
{
    zap_t *self = arg;
    zmq_pollitem_t items[] = {
        {.socket = self->socket, .events = ZMQ_POLLIN},
        {.fd = self->stop_fd, .events = ZMQ_POLLIN},
    };

    for (;;) {
        if (zmq_poll(items, 2, -1) == -1) {
            if (zmq_errno() == EINTR) {
                continue;
            }
            break;
        }
        if (items[1].revents != 0) {
            break;
        }
        if (items[0].revents != 0) {
            request_t request;
            if (!receive(self->socket, &request)) {
                break;
            }
            decide(self, &request);
        }
    }
    return NULL;
}

// Signals are for the main thread.
static int
start_thread(zap_t *self)
{
    sigset_t all;
    sigset_t was;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    int error = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return error;
}

static void
free_all(zap_t *self)
{
    if (self->socket != NULL) {
        zmq_close(self->socket);
    }
    if (self->stop_fd >= 0) {
        close(self->stop_fd);
    }
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->reload);
    allowlist_destroy(&self->list);
    free(self->keys_dir);
    free(self);
}

errcode_t
zap_start(
    void *zmq_ctx, allowlist_t **list_p, const char *keys_dir, zap_t **out)
{
    const int zero = 0;
    zap_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    self->list = *list_p;
    *list_p = NULL;
    self->keys_dir = keys_dir != NULL ? xstrdup(keys_dir) : NULL;
    self->refusals.per_second = LOGS_PER_SECOND;
    self->faults.per_second = 1;
    pthread_mutex_init(&self->lock, NULL);
    pthread_mutex_init(&self->reload, NULL);
    self->stop_fd = eventfd(0, EFD_CLOEXEC);
    self->socket = zmq_socket(zmq_ctx, ZMQ_REP);
    if (self->stop_fd < 0 || self->socket == NULL ||
        zmq_setsockopt(self->socket, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
        zmq_bind(self->socket, ZAP_ENDPOINT) != 0 || start_thread(self) != 0) {
        free_all(self);
        return ERR_IO;
    }
    *out = self;
    return ERR_OK;
}

void
zap_stop(zap_t **self_p)
{
    const uint64_t one = 1;

    assert(self_p != NULL);
    if (*self_p == NULL) {
        return;
    }
    ssize_t n = write((*self_p)->stop_fd, &one, sizeof one);
    assert(n == sizeof one);
    pthread_join((*self_p)->thread, NULL);
    free_all(*self_p);
    *self_p = NULL;
}
