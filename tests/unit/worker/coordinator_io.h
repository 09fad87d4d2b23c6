// SPDX-License-Identifier: Apache-2.0
// A coordinator of a few lines over real CURVE sockets, a worker daemon in a
// thread, and its executor, which is the test itself: main calls act() under
// the name logtally-executor.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_COORDINATOR_IO_H
#define LOGTALLY_TESTS_UNIT_WORKER_COORDINATOR_IO_H

#include "worker/supervisor_io.h"

#include "tests/unit/cmocka_all.h"

#include "certs/zap_io.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "worker/executor/order.h"
#include "worker/executor/sealed.h"
#include "worker/executor/task.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define EPOCH    7u
#define PATIENCE 20000 // ms; only a failing test waits so long
#define BEAT_MS  100

// ---- the executor: "copy" answers with the file, anything else hangs

static inline int
act(void)
{
    static order_t order;
    task_packet_t p;
    buf_t bytes = {0};
    char text[64];
    int fd;
    const task_ready_t ready = {.level = SANDBOX_FULL, .taken = true};

    if (task_send_ready(3, &ready) != ERR_OK) {
        _exit(5);
    }
    while (task_receive(3, 0, &p) == ERR_OK) {
        const task_done_t done = {.file = UINT32_MAX};
        buf_clear(&bytes);
        if (task_take_order(&p, &bytes) != ERR_OK ||
            order_decode(buf_span(&bytes), &order) != ERR_OK) {
            _exit(4);
        }
        if (strcmp(order.query, "copy") != 0) {
            pause();
        }
        ssize_t n = pread(p.fds[0], text, sizeof text, 0);
        if (n <= 0 ||
            sealed_new((span_t){(uint8_t *)text, (size_t)n}, &fd) != ERR_OK ||
            task_send_done(3, &done, fd) != ERR_OK) {
            _exit(3);
        }
        close(fd);
        task_packet_fini(&p);
    }
    _exit(0);
}

// ---- the coordinator

typedef struct fixture {
    char folder[64];
    credentials_t keys;           // the worker's
    uint8_t coordinator[KEY_LEN]; // secret key
    void *zmq_ctx;
    zap_t *zap;
    void *control, *sink, *intake; // or lane, where the worker dials it
    uint16_t control_port, sink_port, lane_port;
    bool dials;
    uint64_t peer; // the worker's connection
    uint64_t lane_peer;
    uint64_t incarnation;
    pthread_t thread;
    bool running;
    int signal[2];
    worker_options_t options;
    char endpoint[64];
    errcode_t rc;
    buf_t why;
    received_t in;
    lt_File file;
} fixture_t;

static inline void
allow(fixture_t *f, bool worker)
{
    identity_t who = {.roles = ROLE_WORKER, .name = "web1"};

    if (worker) {
        memcpy(who.key, f->keys.self.public_key, KEY_LEN);
    } else {
        randombytes_buf(who.key, KEY_LEN);
    }
    // libzmq frees the name of a closed handler a little later.
    int64_t until = clock_mono_ms() + PATIENCE;
    allowlist_t *list = allowlist_of(&who);
    while (zap_start(f->zmq_ctx, &list, NULL, &f->zap) != ERR_OK) {
        assert_true(clock_mono_ms() < until);
        usleep(1000);
        list = allowlist_of(&who);
    }
}

// The port of a socket that was closed is free when the I/O thread has closed
// it, too: a moment later.
static inline void
listen_at(fixture_t *f, const curve_bind_t *o, void **socket, uint16_t *port)
{
    int64_t until = clock_mono_ms() + PATIENCE;
    buf_t why = {0};
    errcode_t rc;

    while ((rc = curve_bind(f->zmq_ctx, o, socket, port, &why)) != ERR_OK &&
           o->port != 0 && clock_mono_ms() < until) {
        usleep(1000);
    }
    buf_fini(&why);
    CHECK_OK(rc);
}

static inline void
listen_there(fixture_t *f)
{
    curve_bind_t o = {.type = ZMQ_ROUTER,
        .domain = "control",
        .secret = f->coordinator,
        .address = "127.0.0.1",
        .port = f->control_port,
        .max_frame = LIMIT_CONTROL,
        .hwm = 1000,
        .heartbeats = true};

    listen_at(f, &o, &f->control, &f->control_port);
    o.type = ZMQ_PULL;
    o.domain = "sink";
    o.port = f->sink_port;
    o.max_frame = LIMIT_SINK;
    o.hwm = 16;
    o.heartbeats = false;
    listen_at(f, &o, &f->sink, &f->sink_port);
    snprintf(
        f->endpoint, sizeof f->endpoint, "tcp://127.0.0.1:%u", f->control_port);
}

static inline void
hang_up(fixture_t *f)
{
    void **all[] = {&f->control, &f->sink, &f->intake};

    for (size_t i = 0; i < 3; i++) {
        if (*all[i] != NULL) {
            zmq_close(*all[i]);
            *all[i] = NULL;
        }
    }
}

static inline void
listen_lane(fixture_t *f)
{
    const curve_bind_t o = {.type = ZMQ_ROUTER,
        .domain = "lane",
        .secret = f->coordinator,
        .address = "127.0.0.1",
        .port = f->lane_port,
        .max_frame = LIMIT_LANE,
        .hwm = 10};

    listen_at(f, &o, &f->intake, &f->lane_port);
}

static inline void *
run(void *arg)
{
    fixture_t *f = arg;

    f->rc = worker_run(&f->options, &f->why);
    return NULL;
}

static inline void
start_worker(fixture_t *f, uint32_t executors)
{
    static const char *roots[1];

    roots[0] = f->folder;
    f->options = (worker_options_t){.coordinator = f->endpoint,
        .keys = &f->keys,
        .name = "web1",
        .roots = roots,
        .n_roots = 1,
        .listen = "127.0.0.1",
        .dials = f->dials,
        .executors = executors,
        .memory = 1u << 20,
        .program = "/proc/self/exe",
        .signal_fd = f->signal[0],
        .drain_ms = PATIENCE};
    assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
    f->running = true;
}

static inline void
send_signal(fixture_t *f)
{
    struct signalfd_siginfo info = {.ssi_signo = 15};

    assert_int_equal(write(f->signal[1], &info, sizeof info), sizeof info);
}

static inline void
join_worker(fixture_t *f)
{
    pthread_join(f->thread, NULL);
    f->running = false;
    CHECK_OK(f->rc);
}

static inline int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);
    char path[80];

    strcpy(f->folder, "/tmp/logtally-daemon-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(path, sizeof path, "%s/a.log", f->folder);
    FILE *file = fopen(path, "w");
    fputs("one\ntwo\n", file);
    fclose(file);
    assert_int_equal(pipe(f->signal), 0);
    f->keys.self.secret_key = sodium_malloc(KEY_LEN);
    crypto_box_keypair(f->keys.self.public_key, f->keys.self.secret_key);
    crypto_box_keypair(f->keys.coordinator.key, f->coordinator);
    f->zmq_ctx = zmq_ctx_new();
    log_set_level(LOG_ERROR);
    *state = f;
    return 0;
}

static inline int
setup_dial(void **state)
{
    setup(state);
    ((fixture_t *)*state)->dials = true;
    return 0;
}

static inline int
teardown(void **state)
{
    fixture_t *f = *state;
    char command[96];

    if (f->running) { // a test that failed
        send_signal(f);
        send_signal(f);
        pthread_join(f->thread, NULL);
    }
    hang_up(f);
    zap_stop(&f->zap);
    zmq_ctx_term(f->zmq_ctx);
    credentials_fini(&f->keys);
    close(f->signal[0]);
    close(f->signal[1]);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    received_fini(&f->in);
    buf_fini(&f->why);
    free(f);
    return 0;
}

static inline void
tell(fixture_t *f, proto_type_t type, const pb_msgdesc_t *fields,
    const void *meta)
{
    buf_t frame = {0};

    frame_encode(&frame, type, EPOCH, fields, meta, (span_t){0});
    CHECK_OK(socket_send_to(f->control, f->peer, buf_span(&frame)));
    buf_fini(&frame);
}

static inline void
acknowledge(fixture_t *f, const frame_t *frame)
{
    lt_Heartbeat beat;

    CHECK_OK(frame_meta(frame, lt_Heartbeat_fields, &beat));
    const lt_HeartbeatAck ack = {.seq = beat.seq};
    tell(f, PROTO_HEARTBEAT_ACK, lt_HeartbeatAck_fields, &ack);
}

// The next frame of that type; heartbeats in between are answered.
static inline frame_t
hear(fixture_t *f, void *socket, proto_type_t type)
{
    int64_t until = clock_mono_ms() + PATIENCE;
    frame_t frame;

    while (clock_mono_ms() < until) {
        zmq_pollitem_t items[] = {
            {f->control, 0, ZMQ_POLLIN, 0}, {socket, 0, ZMQ_POLLIN, 0}};
        assert_true(zmq_poll(items, 2, 100) != -1);
        void *from = items[0].revents ? f->control : socket;
        if (socket_receive(from, from == f->control, &f->in) != ERR_OK) {
            continue;
        }
        CHECK_OK(frame_decode(buf_span(&f->in.frame), &frame));
        if (from == f->control) {
            f->peer = f->in.peer;
        }
        if (frame.type == PROTO_HEARTBEAT) {
            acknowledge(f, &frame);
        }
        if (frame.type == type) {
            return frame;
        }
    }
    fail_msg("no %s", proto_name(type));
    return (frame_t){0};
}

static inline void
dial_intake(fixture_t *f, unsigned port)
{
    buf_t why = {0};
    char endpoint[64];
    uint8_t public_key[KEY_LEN];

    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    crypto_scalarmult_base(public_key, f->coordinator);
    const curve_dial_t dial = {.type = ZMQ_PUSH,
        .server_public = f->keys.self.public_key,
        .own_public = public_key,
        .own_secret = f->coordinator,
        .endpoint = endpoint,
        .max_frame = LIMIT_INTAKE,
        .hwm = 10};
    if (f->intake != NULL) {
        zmq_close(f->intake);
    }
    CHECK_OK(curve_dial(f->zmq_ctx, &dial, &f->intake, &why));
}

// The worker says on its lane who it is, of its own accord.
static inline void
await_lane(fixture_t *f)
{
    int64_t until = clock_mono_ms() + PATIENCE;
    frame_t frame;
    lt_Lane meta;

    while (socket_receive(f->intake, true, &f->in) != ERR_OK) {
        assert_true(clock_mono_ms() < until);
        usleep(1000);
    }
    assert_string_equal(f->in.user, "web1");
    CHECK_OK(frame_decode(buf_span(&f->in.frame), &frame));
    CHECK_U64(frame.type, PROTO_LANE);
    CHECK_U64(frame.epoch, EPOCH);
    CHECK_OK(frame_meta(&frame, lt_Lane_fields, &meta));
    CHECK_U64(meta.incarnation, f->incarnation);
    f->lane_peer = f->in.peer;
}

static inline void
take_worker(fixture_t *f)
{
    lt_Register *meta = xmalloc(sizeof *meta);
    frame_t frame = hear(f, f->control, PROTO_REGISTER);

    CHECK_OK(frame_meta(&frame, lt_Register_fields, meta));
    assert_string_equal(meta->name, "web1");
    assert_string_equal(meta->intake_address, f->dials ? "" : "127.0.0.1");
    assert_int_equal(meta->dials, f->dials);
    assert_int_equal(meta->intake_port == 0, f->dials);
    if (f->dials && f->intake == NULL) {
        listen_lane(f);
    }
    f->incarnation = meta->incarnation;
    const lt_Registered answer = {.version = 1,
        .epoch = EPOCH,
        .heartbeat_ms = BEAT_MS,
        .sink_port = f->sink_port,
        .lane_port = f->lane_port,
        .staging_bytes = 1 << 30};
    tell(f, PROTO_REGISTERED, lt_Registered_fields, &answer);
    if (f->dials) {
        await_lane(f);
    } else {
        dial_intake(f, meta->intake_port);
    }
    free(meta);
}

static inline void
give(fixture_t *f, proto_type_t type, const pb_msgdesc_t *fields,
    const void *meta, span_t payload)
{
    int64_t until = clock_mono_ms() + PATIENCE;
    buf_t frame = {0};

    frame_encode(&frame, type, EPOCH, fields, meta, payload);
    while ((f->dials ? socket_send_to(f->intake, f->lane_peer, buf_span(&frame))
                     : socket_send(f->intake, buf_span(&frame))) != ERR_OK) {
        assert_true(clock_mono_ms() < until);
        usleep(1000);
    }
    buf_fini(&frame);
}

static inline void
list(fixture_t *f)
{
    lt_List *meta = xcalloc(1, sizeof *meta);

    meta->job = 1;
    meta->request = 9;
    snprintf(meta->pattern, sizeof meta->pattern, "%s/*.log", f->folder);
    tell(f, PROTO_LIST, lt_List_fields, meta);
    free(meta);
    frame_t frame = hear(f, f->control, PROTO_FILES);
    lt_Files files;
    CHECK_OK(frame_meta(&frame, lt_Files_fields, &files));
    CHECK_U64(files.request, 9);
    CHECK_U64(files.n, 1);
    rd_t r = rd_init(frame.payload);
    CHECK_OK(record_get(&r, lt_File_fields, &f->file));
}

static inline void
lend(fixture_t *f, uint64_t shard, const char *query)
{
    lt_Shard *meta = xcalloc(1, sizeof *meta);
    lt_Range *range = xcalloc(1, sizeof *range);
    buf_t payload = {0};

    meta->incarnation = f->incarnation;
    meta->job = 1;
    meta->shard = shard;
    meta->attempt = 1;
    meta->n_ranges = meta->n_files_in_job = 1;
    strcpy(meta->query, query);
    strcpy(meta->format, "auto");
    range->has_file = true;
    range->file = f->file;
    range->end = f->file.size;
    strcpy(range->host, "web1");
    record_put(&payload, lt_Range_fields, range);
    give(f, PROTO_SHARD, lt_Shard_fields, meta, buf_span(&payload));
    buf_fini(&payload);
    free(range);
    free(meta);
}

static inline void
collect(fixture_t *f, uint64_t shard)
{
    lt_OfferMessage offer;
    frame_t frame = hear(f, f->control, PROTO_OFFER);

    CHECK_OK(frame_meta(&frame, lt_OfferMessage_fields, &offer));
    CHECK_U64(offer.offer.shard, shard);
    const lt_Grant grant = {.job = 1, .shard = shard, .attempt = 1};
    tell(f, PROTO_GRANT, lt_Grant_fields, &grant);
    frame = hear(f, f->sink, PROTO_PARTIAL);
    CHECK_SPAN(frame.payload, "one\ntwo\n");
    const lt_ResultAck ack = {.job = 1, .shard = shard, .attempt = 1};
    tell(f, PROTO_RESULT_ACK, lt_ResultAck_fields, &ack);
}

static inline void
begin(fixture_t *f, uint32_t executors)
{
    allow(f, true);
    listen_there(f);
    start_worker(f, executors);
    take_worker(f);
    list(f);
}

#endif
