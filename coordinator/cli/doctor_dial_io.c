// SPDX-License-Identifier: Apache-2.0
// The connections: what a dial to the coordinator and its sink meets, and
// what the coordinator answers.
#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/doctor_io.h"
#include "coordinator/cli/list.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define DEFAULT_PORT 7700
#define MONITOR_NAME "doctor-monitor"
#define LOOK_MS      50
#define GREETING_MS  1000
#define SCHEME       "tcp://"

// ---- who is there

static dial_state_t
wait_for_state(dial_monitor_t *monitor)
{
    const int64_t began_ms = clock_mono_ms();

    for (;;) {
        int64_t now_ms = clock_mono_ms();
        dial_state_t state = dial_monitor_drain(monitor, now_ms);
        if (state == DIAL_UP || dial_is_hopeless(state, now_ms - began_ms)) {
            return state;
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static dial_state_t
dial_with(const char *endpoint, const credentials_t *keys,
    const uint8_t *server, int type)
{
    dial_state_t state = DIAL_NO_ANSWER;
    dial_monitor_t *monitor = NULL;
    void *socket = NULL;
    buf_t why = {0};
    void *zmq_ctx = zmq_ctx_new();
    const curve_dial_t options = {.type = type,
        .server_public = server,
        .own_public = keys->self.public_key,
        .own_secret = keys->self.secret_key,
        .endpoint = endpoint,
        .max_frame = LIMIT_CONTROL,
        .hwm = 1,
        .monitor = MONITOR_NAME};

    if (zmq_ctx != NULL &&
        dial_monitor_open(zmq_ctx, MONITOR_NAME, &monitor) == ERR_OK &&
        curve_dial(zmq_ctx, &options, &socket, &why) == ERR_OK) {
        state = wait_for_state(monitor);
    }
    if (socket != NULL) {
        zmq_close(socket);
    }
    dial_monitor_close(&monitor);
    if (zmq_ctx != NULL) {
        zmq_ctx_term(zmq_ctx);
    }
    buf_fini(&why);
    return state;
}

// While the coordinator's key is rotated there are two that may be its.
static dial_state_t
dial(const char *endpoint, const credentials_t *keys, int type)
{
    dial_state_t state = dial_with(endpoint, keys, keys->coordinator.key, type);

    for (size_t i = 1; i < keys->pins.n && state == DIAL_CLOSED; i++) {
        state = dial_with(endpoint, keys, keys->pins.keys[i], type);
    }
    return state;
}

// "tcp://1.2.3.4:7700", "tcp://[::1]:7700". NULL: neither.
static struct addrinfo *
numeric(const char *endpoint)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const char *host = endpoint + strlen(SCHEME);
    const char *colon = strrchr(host, ':');

    if (colon == NULL || colon == host) {
        return NULL;
    }
    bool v6 = host[0] == '[';
    char *name =
        xstrndup(v6 ? host + 1 : host, (size_t)(colon - host) - (v6 ? 2 : 0));
    if (getaddrinfo(name, colon + 1, &hints, &found) != 0) {
        found = NULL;
    }
    free(name);
    return found;
}

static bool
becomes_ready(int fd, short events)
{
    struct pollfd item = {.fd = fd, .events = events};

    return poll(&item, 1, GREETING_MS) == 1;
}

// A ZeroMQ server begins with a signature of ten bytes, whoever dials.
static bool
greets(int fd, const struct addrinfo *a)
{
    uint8_t signature[10];

    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0 && errno != EINPROGRESS) {
        return false;
    }
    return becomes_ready(fd, POLLOUT) && becomes_ready(fd, POLLIN) &&
           recv(fd, signature, sizeof signature, MSG_DONTWAIT) ==
               (ssize_t)sizeof signature &&
           signature[0] == 0xff && signature[9] == 0x7f;
}

static bool
is_zeromq(const char *endpoint)
{
    struct addrinfo *a = numeric(endpoint);
    bool is = false;

    if (a != NULL) {
        int fd =
            socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd != -1) {
            is = greets(fd, a);
            close(fd);
        }
        freeaddrinfo(a);
    }
    return is;
}

static dial_fact_t
dial_fact(const doctor_peer_t *peer, const char *endpoint, int type,
    char fingerprint[20])
{
    dial_fact_t fact = {.endpoint = endpoint,
        .key = peer->keys->self.name,
        .fingerprint = fingerprint,
        .state = dial(endpoint, peer->keys, type)};

    key_fingerprint(peer->keys->self.public_key, fingerprint);
    if (fact.state == DIAL_CLOSED || fact.state == DIAL_SILENT) {
        fact.is_zeromq = is_zeromq(endpoint);
    }
    return fact;
}

// ---- asking

static errcode_t
take_meta(void *ctx, const frame_t *frame, uint32_t *n, bool *last)
{
    view_t *view = ctx;
    errcode_t rc = frame_meta(frame, lt_Records_fields, &view->of);

    *n = view->of.n;
    *last = view->of.last;
    return rc;
}

static errcode_t
take_worker(void *ctx, rd_t *r)
{
    view_t *view = ctx;

    view->workers =
        xgrow(view->workers, &view->cap, view->n + 1, sizeof *view->workers);
    errcode_t rc = record_get(r, lt_WorkerInfo_fields, &view->workers[view->n]);
    view->n += rc == ERR_OK;
    return rc;
}

void
view_fini(view_t *view)
{
    free(view->workers);
    *view = (view_t){0};
}

static bool
ask(doctor_t *self, const doctor_peer_t *peer, view_t *view)
{
    common_options_t common = {.coordinator = peer->address,
        .keys = peer->folder,
        .given = peer->keys};
    const list_t list = {.ask = PROTO_WORKERS,
        .answer = PROTO_WORKER_LIST,
        .meta = take_meta,
        .record = take_worker,
        .ctx = view};
    buf_t why = {0};
    int64_t began_ms = clock_mono_ms();
    int code = list_fetch(&list, &common, &why);

    // It was answered some time between the two.
    view->slack_ms = clock_mono_ms() - began_ms;
    view->wall_ms = clock_wall_ms();
    if (code != EXIT_DONE) {
        buf_put_u8(&why, '\0');
        bool version = strstr((const char *)why.p, "version") != NULL;
        why.len--;
        doctor_find_said(self,
            version ? "version-differs" : "coordinator-no-answer",
            buf_span(&why),
            "`logtally workers` says the same; look at the "
            "coordinator's journal");
    }
    buf_fini(&why);
    return code == EXIT_DONE;
}

bool
doctor_ask(doctor_t *self, const doctor_peer_t *peer, view_t *view)
{
    char endpoint[LIMIT_ENDPOINT];
    char fingerprint[20];
    buf_t why = {0};
    errcode_t rc =
        endpoint_resolve(peer->address, DEFAULT_PORT, endpoint, &why);

    *view = (view_t){0};
    if (rc != ERR_OK) {
        doctor_find_said(self, "address-wrong", buf_span(&why),
            "correct `coordinator` in the configuration, or the name service");
        buf_fini(&why);
        return false;
    }
    dial_fact_t fact = dial_fact(peer, endpoint, ZMQ_DEALER, fingerprint);
    doctor_check_dial(self, &fact);
    return fact.state == DIAL_UP && ask(self, peer, view);
}

void
doctor_dial_sink(doctor_t *self, const doctor_peer_t *peer, uint16_t port)
{
    char endpoint[LIMIT_ENDPOINT];
    char sink[LIMIT_ENDPOINT + 8];
    char fingerprint[20];
    buf_t why = {0};

    if (port == 0 || endpoint_resolve(peer->address, DEFAULT_PORT, endpoint,
                         &why) != ERR_OK) {
        buf_fini(&why);
        return;
    }
    char *colon = strrchr(endpoint, ':');
    snprintf(
        sink, sizeof sink, "%.*s:%u", (int)(colon - endpoint), endpoint, port);
    dial_fact_t fact = dial_fact(peer, sink, ZMQ_PUSH, fingerprint);
    doctor_check_sink(self, &fact);
}
