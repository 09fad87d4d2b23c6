// SPDX-License-Identifier: Apache-2.0
// Who may do what, where: one table of operations, and every role tries each
// of them on every socket. A coordinator runs in a thread with real CURVE
// sockets; the intake of a worker is a socket with its key check.
#include "coordinator/coordinator_inside_io.h"

#include "tests/unit/cmocka_all.h"

#include "certs/keymaker_io.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/tally/partial.h"
#include "common/wire/batch.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

// ---- the table

enum { CONTROL, SINK, INTAKE, LANE, N_SOCKETS };

static const char *const socket_names[] = {"control", "sink", "intake", "lane"};

#define CLIENT_OR_ADMIN (ROLE_CLIENT | ROLE_ADMIN)

// Answers come from the coordinator; that nobody may send one to it is a
// row of roles 0.
static const struct operation {
    proto_type_t type;
    int socket;
    unsigned roles;
} operations[] = {
    {PROTO_REGISTER, CONTROL, ROLE_WORKER},
    {PROTO_HEARTBEAT, CONTROL, ROLE_WORKER},
    {PROTO_OFFER, CONTROL, ROLE_WORKER},
    {PROTO_FILES, CONTROL, ROLE_WORKER},
    {PROTO_BYE, CONTROL, ROLE_WORKER},
    {PROTO_LANE, LANE, ROLE_WORKER},
    {PROTO_REGISTERED, CONTROL, 0},
    {PROTO_REFUSED, CONTROL, 0},
    {PROTO_HEARTBEAT_ACK, CONTROL, 0},
    {PROTO_UNKNOWN, CONTROL, 0},
    {PROTO_LIST, CONTROL, 0},
    {PROTO_GRANT, CONTROL, 0},
    {PROTO_RESULT_ACK, CONTROL, 0},
    {PROTO_SHARD, INTAKE, ROLE_COORDINATOR},
    {PROTO_CANCEL_SHARD, INTAKE, ROLE_COORDINATOR},
    {PROTO_PARTIAL, SINK, ROLE_WORKER},
    {PROTO_SHARD_FAILED, SINK, ROLE_WORKER},
    {PROTO_SUBMIT, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_STATUS, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_WAIT, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_CANCEL_JOB, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_RESULT, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_ROWS, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_JOBS, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_WORKERS, CONTROL, CLIENT_OR_ADMIN | ROLE_WORKER},
    {PROTO_EVENTS, CONTROL, CLIENT_OR_ADMIN},
    {PROTO_RELOAD_KEYS, CONTROL, ROLE_ADMIN},
    {PROTO_JOB_UPDATE, CONTROL, 0},
    {PROTO_RESULT_CHUNK, CONTROL, 0},
    {PROTO_JOB_LIST, CONTROL, 0},
    {PROTO_WORKER_LIST, CONTROL, 0},
    {PROTO_PLAN, CONTROL, 0},
    {PROTO_KEYS_RELOADED, CONTROL, 0},
    {PROTO_ROWS_NOW, CONTROL, 0},
    {PROTO_EVENT_LIST, CONTROL, 0},
    {(proto_type_t)0, CONTROL, 0},
    {(proto_type_t)200, CONTROL, 0},
};
#define N_OPERATIONS (sizeof operations / sizeof *operations)

typedef enum {
    NO_ZMTP,   // bytes on a TCP connection
    NO_CURVE,  // ZeroMQ's NULL mechanism
    UNKNOWN,   // a key that nobody allowed
    REVOKED,   // was connected when it was revoked
    EXPIRED,   // allowed, but its time has passed
    AS_WORKER, // these have a role of the table
    AS_CLIENT,
    AS_ADMIN,
    AS_COORDINATOR,
    N_ACTORS,
} actor_t;

static const struct {
    const char *name;
    unsigned role;
} actors[] = {
    [NO_ZMTP] = {"none", 0},
    [NO_CURVE] = {"NULL", 0},
    [UNKNOWN] = {"unknown", 0},
    [REVOKED] = {"revoked", 0},
    [EXPIRED] = {"expired", 0},
    [AS_WORKER] = {"worker", ROLE_WORKER},
    [AS_CLIENT] = {"client", ROLE_CLIENT},
    [AS_ADMIN] = {"admin", ROLE_ADMIN},
    [AS_COORDINATOR] = {"coordinator", ROLE_COORDINATOR},
};

// Is a role let onto a socket at all? It is if it has something to do there.
static bool
has_business(unsigned role, int socket)
{
    for (size_t i = 0; i < N_OPERATIONS; i++) {
        if (operations[i].socket == socket && (operations[i].roles & role)) {
            return true;
        }
    }
    return false;
}

// ---- the programs

typedef struct world {
    char folder[64];
    char *keys;
    coordinator_io_t *io;
    pthread_t thread;
    void *intake_ctx;
    void *intake;
    zap_t *intake_zap;
    void *ctx; // of those who dial
    uint16_t ports[N_SOCKETS];
    credentials_t credentials[N_ACTORS];
    uint8_t intake_public[KEY_LEN];
    size_t cells;
    bool passed; // else sockets may be open, and ending the context hangs
} world_t;

static void *
run(void *arg)
{
    CHECK_OK(coordinator_io_run(arg));
    return NULL;
}

static void
issue(world_t *w, actor_t actor, unsigned role, int64_t expires)
{
    identity_t who = {.roles = role, .expires = expires};
    buf_t why = {0};

    snprintf(who.name, sizeof who.name, "%s", actors[actor].name);
    CHECK_OK(keymaker_new(w->keys, &who, &why));
    char *folder = xasprintf("%s/issued/%s", w->keys, who.name);
    CHECK_OK(credentials_load(folder, &w->credentials[actor], &why));
    free(folder);
    buf_fini(&why);
}

static void
make_keys(world_t *w)
{
    identity_t coordinator, admin;
    buf_t why = {0};

    CHECK_OK(keymaker_init(w->keys, &coordinator, &admin, &why));
    char *folder = xasprintf("%s/issued/admin", w->keys);
    CHECK_OK(credentials_load(folder, &w->credentials[AS_ADMIN], &why));
    free(folder);
    issue(w, AS_WORKER, ROLE_WORKER, 0);
    issue(w, AS_CLIENT, ROLE_CLIENT, 0);
    issue(w, REVOKED, ROLE_WORKER, 0);
    issue(w, EXPIRED, ROLE_ADMIN, 1000);
    credentials_t *unknown = &w->credentials[UNKNOWN];
    *unknown = (credentials_t){.coordinator = coordinator};
    unknown->self.secret_key = sodium_malloc(KEY_LEN);
    crypto_box_keypair(unknown->self.public_key, unknown->self.secret_key);
    char *secret = xasprintf("%s/coordinator_secret", w->keys);
    credentials_t *itself = &w->credentials[AS_COORDINATOR];
    itself->coordinator = coordinator;
    CHECK_OK(keyfile_load_secret(secret, &itself->self, &why));
    free(secret);
    buf_fini(&why);
}

static void
start_coordinator(world_t *w)
{
    char *state = xasprintf("%s/state", w->folder);
    coordinator_options_t options;
    buf_t why = {0};
    char words[][24] = {"test", "--keys", "", "--state", "", "--listen",
        "127.0.0.1", "--control-port", "0", "--sink-port", "0", "--lane-port",
        "0"};
    char *argv[] = {words[0], words[1], w->keys, words[3], state, words[5],
        words[6], words[7], words[8], words[9], words[10], words[11], words[12],
        NULL};

    CHECK_OK(coordinator_options_parse(13, argv, &options, &why));
    free(options.confine);
    options.confine = NULL; // this process does more than a coordinator
    CHECK_OK(coordinator_io_open(&options, &w->io, &why));
    w->ports[CONTROL] = w->io->control_port;
    w->ports[SINK] = w->io->sink_port;
    // As when the first worker comes that dials.
    w->ports[LANE] = coordinator_io_lane_port(w->io);
    assert_int_not_equal(w->ports[LANE], 0);
    CHECK_U64(coordinator_io_lane_port(w->io), w->ports[LANE]);
    coordinator_options_fini(&options);
    assert_int_equal(pthread_create(&w->thread, NULL, run, w->io), 0);
    free(state);
    buf_fini(&why);
}

static void
start_intake(world_t *w)
{
    uint8_t secret[KEY_LEN];
    identity_t only = {.name = "coordinator", .roles = ROLE_COORDINATOR};
    buf_t why = {0};

    crypto_box_keypair(w->intake_public, secret);
    memcpy(only.key, w->credentials[AS_ADMIN].coordinator.key, KEY_LEN);
    allowlist_t *list = allowlist_of(&only);
    w->intake_ctx = zmq_ctx_new();
    CHECK_OK(zap_start(w->intake_ctx, &list, NULL, &w->intake_zap));
    const curve_bind_t options = {.type = ZMQ_PULL,
        .domain = "intake",
        .secret = secret,
        .address = "127.0.0.1",
        .max_frame = LIMIT_INTAKE,
        .hwm = 100};
    CHECK_OK(curve_bind(
        w->intake_ctx, &options, &w->intake, &w->ports[INTAKE], &why));
    buf_fini(&why);
}

static int
setup(void **state)
{
    world_t *w = xcalloc(1, sizeof *w);

    assert_true(sodium_init() >= 0);
    log_set_level(LOG_ERROR);
    strcpy(w->folder, "/tmp/logtally-access-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    w->keys = xasprintf("%s/keys", w->folder);
    w->ctx = zmq_ctx_new();
    make_keys(w);
    start_coordinator(w);
    start_intake(w);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    world_t *w = *state;
    char *command = xasprintf("rm -rf '%s'", w->folder);

    kill(getpid(), SIGTERM); // taken by the coordinator's signalfd
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    coordinator_io_close(&w->io);
    zmq_close(w->intake);
    zap_stop(&w->intake_zap);
    if (w->passed) {
        zmq_ctx_term(w->intake_ctx);
        zmq_ctx_term(w->ctx);
    }
    for (int i = 0; i < N_ACTORS; i++) {
        credentials_fini(&w->credentials[i]);
    }
    assert_int_equal(system(command), 0);
    free(command);
    free(w->keys);
    free(w);
    return 0;
}

// ---- the dials

typedef struct dial {
    void *socket;
    dial_monitor_t *monitor;
} dial_t;

static bool
is_router(int socket)
{
    return socket == CONTROL || socket == LANE;
}

static dial_t
dial_as(world_t *w, actor_t actor, int socket)
{
    static unsigned n_dials;
    const credentials_t *c = &w->credentials[actor];
    dial_t dial;
    char name[32], endpoint[64];
    buf_t why = {0};

    snprintf(name, sizeof name, "monitor-%u", n_dials++);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", w->ports[socket]);
    const curve_dial_t options = {
        .type = is_router(socket) ? ZMQ_DEALER : ZMQ_PUSH,
        .server_public =
            socket == INTAKE ? w->intake_public : c->coordinator.key,
        .own_public = c->self.public_key,
        .own_secret = c->self.secret_key,
        .endpoint = endpoint,
        .max_frame = LIMIT_CONTROL,
        .hwm = 100,
        .monitor = name,
    };
    CHECK_OK(dial_monitor_open(w->ctx, name, &dial.monitor));
    CHECK_OK(curve_dial(w->ctx, &options, &dial.socket, &why));
    buf_fini(&why);
    return dial;
}

static void
hang_up(dial_t *dial)
{
    zmq_close(dial->socket);
    dial_monitor_close(&dial->monitor);
}

static dial_state_t
first_state(dial_t *dial)
{
    int64_t end = clock_mono_ms() + PATIENCE_MS;
    dial_state_t state;

    do {
        zmq_pollitem_t item = {
            .socket = dial_monitor_socket(dial->monitor), .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 20);
        state = dial_monitor_drain(dial->monitor, clock_mono_ms());
    } while (
        state != DIAL_UP && state != DIAL_REFUSED && clock_mono_ms() < end);
    return state;
}

static span_t
frame_of(buf_t *frame, proto_type_t type)
{
    const lt_Register worker = {.version_min = PROTOCOL_VERSION,
        .version_max = PROTOCOL_VERSION,
        .name = "worker",
        .incarnation = 7,
        .executors = 1,
        .intake_port = 1,
        .partial = PARTIAL_VERSION};
    bool enrols = type == PROTO_REGISTER;

    buf_clear(frame);
    frame_encode(frame, type, 0, enrols ? lt_Register_fields : NULL,
        enrols ? &worker : NULL, (span_t){0});
    return buf_span(frame);
}

static const coordinator_stats_t *
stats(const world_t *w)
{
    return coordinator_stats(w->io->machine);
}

// The coordinator has looked at n messages since it had seen `before`.
static void
until_messages(world_t *w, uint64_t before, uint64_t n)
{
    int64_t end = clock_mono_ms() + PATIENCE_MS;

    while (*(const volatile uint64_t *)&stats(w)->messages < before + n) {
        assert_true(clock_mono_ms() < end);
        usleep(200);
    }
}

// ---- the cells

static void
check_cell(world_t *w, size_t op, actor_t actor, int socket, bool passed)
{
    bool wanted = operations[op].socket == socket &&
                  (operations[op].roles & actors[actor].role) != 0;

    if (passed != wanted) {
        fail_msg("%s: %s on %s %s", actors[actor].name,
            proto_name(operations[op].type), socket_names[socket],
            passed ? "passed" : "was refused");
    }
    w->cells++;
}

// An operation passed when the machine did not count it as refused: it has
// answered, or (of another epoch) was looked at and put aside. A second one
// behind it, which is never refused, says when the first is done with.
static void
try_on_coordinator(world_t *w, dial_t *dial, actor_t actor, int socket)
{
    proto_type_t marker = socket == SINK       ? PROTO_PARTIAL
                          : socket == LANE     ? PROTO_LANE
                          : actor == AS_WORKER ? PROTO_HEARTBEAT
                                               : PROTO_JOBS;
    buf_t frame = {0};

    for (size_t i = 0; i < N_OPERATIONS; i++) {
        uint64_t messages = stats(w)->messages;
        uint64_t refused = stats(w)->messages_refused;
        CHECK_OK(
            socket_send(dial->socket, frame_of(&frame, operations[i].type)));
        CHECK_OK(socket_send(dial->socket, frame_of(&frame, marker)));
        until_messages(w, messages, 2);
        check_cell(w, i, actor, socket, stats(w)->messages_refused == refused);
    }
    buf_fini(&frame);
}

// A batch is no way around: what is in it passes or not as if it had come
// alone.
static void
try_batch(world_t *w, dial_t *dial, actor_t actor, int socket)
{
    uint64_t messages = stats(w)->messages;
    uint64_t refused = stats(w)->messages_refused;
    uint64_t wrong = 0;
    buf_t frame = {0};
    batch_t batch = {0};

    for (size_t i = 0; i < N_OPERATIONS; i++) {
        assert_true(batch_put(&batch, frame_of(&frame, operations[i].type)));
        wrong += operations[i].socket != socket ||
                 (operations[i].roles & actors[actor].role) == 0;
    }
    CHECK_OK(socket_send(dial->socket, batch_message(&batch)));
    until_messages(w, messages, N_OPERATIONS);
    CHECK_U64(stats(w)->messages_refused, refused + wrong);
    batch_fini(&batch);
    buf_fini(&frame);
}

// A worker hears what the coordinator sends; what each frame may be is the
// supervisor's to say.
static void
try_on_intake(world_t *w, dial_t *dial, actor_t actor)
{
    buf_t frame = {0};
    received_t in = {0};

    for (size_t i = 0; i < N_OPERATIONS; i++) {
        zmq_pollitem_t item = {.socket = w->intake, .events = ZMQ_POLLIN};
        if (operations[i].socket != INTAKE) {
            continue;
        }
        CHECK_OK(
            socket_send(dial->socket, frame_of(&frame, operations[i].type)));
        zmq_poll(&item, 1, PATIENCE_MS);
        check_cell(w, i, actor, INTAKE,
            socket_receive(w->intake, false, &in) == ERR_OK &&
                strcmp(in.user, "coordinator") == 0);
    }
    received_fini(&in);
    buf_fini(&frame);
}

// Nothing that was tried meanwhile has arrived: an admin's own message is
// the only one that the coordinator got.
static void
check_nothing_arrived(world_t *w, uint64_t before)
{
    buf_t frame = {0};
    received_t in = {0};
    dial_t admin = dial_as(w, AS_ADMIN, CONTROL);

    assert_int_equal(first_state(&admin), DIAL_UP);
    CHECK_OK(socket_send(admin.socket, frame_of(&frame, PROTO_JOBS)));
    until_messages(w, before, 1);
    CHECK_U64(stats(w)->messages, before + 1);
    CHECK_ERR(socket_receive(w->intake, false, &in), ERR_BUSY);
    hang_up(&admin);
    received_fini(&in);
    buf_fini(&frame);
}

static void
try_shut_out(world_t *w, dial_t *dial, actor_t actor, int socket)
{
    buf_t frame = {0};

    for (size_t i = 0; i < N_OPERATIONS; i++) {
        check_cell(w, i, actor, socket,
            socket_send(dial->socket, frame_of(&frame, operations[i].type)) ==
                ERR_OK);
    }
    buf_fini(&frame);
}

static void
try_key(world_t *w, actor_t actor, int socket)
{
    bool wanted = has_business(actors[actor].role, socket);
    uint64_t before = stats(w)->messages;
    dial_t dial = dial_as(w, actor, socket);

    assert_int_equal(first_state(&dial), wanted ? DIAL_UP : DIAL_REFUSED);
    if (!wanted) {
        try_shut_out(w, &dial, actor, socket);
        check_nothing_arrived(w, before);
    } else if (socket == INTAKE) {
        try_on_intake(w, &dial, actor);
    } else {
        try_on_coordinator(w, &dial, actor, socket);
        try_batch(w, &dial, actor, socket);
    }
    hang_up(&dial);
}

static int
connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

// The connection is closed on him, whatever he wrote.
static void
try_plain_bytes(world_t *w, int socket)
{
    buf_t frame = {0};
    uint64_t before = stats(w)->messages;
    int fds[N_OPERATIONS];

    for (size_t i = 0; i < N_OPERATIONS; i++) {
        span_t bytes = frame_of(&frame, operations[i].type);
        fds[i] = connect_to(w->ports[socket]);
        assert_int_equal(
            send(fds[i], bytes.p, bytes.len, MSG_NOSIGNAL), bytes.len);
    }
    for (size_t i = 0; i < N_OPERATIONS; i++) {
        uint8_t got[256];
        while (recv(fds[i], got, sizeof got, 0) > 0) {
        }
        close(fds[i]);
        check_cell(w, i, NO_ZMTP, socket, false);
    }
    check_nothing_arrived(w, before);
    buf_fini(&frame);
}

static void
try_without_curve(world_t *w, int socket)
{
    char endpoint[64];
    const int zero = 0;
    buf_t frame = {0};
    uint64_t before = stats(w)->messages;
    void *s = zmq_socket(w->ctx, is_router(socket) ? ZMQ_DEALER : ZMQ_PUSH);
    void *monitor = zmq_socket(w->ctx, ZMQ_PAIR);
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};

    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", w->ports[socket]);
    zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
    assert_int_equal(
        zmq_socket_monitor(s, "inproc://without",
            ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL),
        0);
    assert_int_equal(zmq_connect(monitor, "inproc://without"), 0);
    assert_int_equal(zmq_connect(s, endpoint), 0);
    for (size_t i = 0; i < N_OPERATIONS; i++) {
        span_t bytes = frame_of(&frame, operations[i].type);
        assert_int_equal(
            zmq_send(s, bytes.p, bytes.len, ZMQ_DONTWAIT), bytes.len);
        check_cell(w, i, NO_CURVE, socket, false);
    }
    assert_int_equal(zmq_poll(&item, 1, PATIENCE_MS), 1);
    check_nothing_arrived(w, before);
    zmq_socket_monitor(s, NULL, 0);
    zmq_close(s);
    zmq_close(monitor);
    buf_fini(&frame);
}

static void
until_cut(dial_t *dial)
{
    int64_t end = clock_mono_ms() + PATIENCE_MS;

    while (dial_monitor_drain(dial->monitor, clock_mono_ms()) == DIAL_UP) {
        assert_true(clock_mono_ms() < end);
        usleep(1000);
    }
    assert_int_equal(first_state(dial), DIAL_REFUSED);
    hang_up(dial);
}

// Connected and heard, then revoked: cut off, and not let in again.
static void
revoke_one(world_t *w)
{
    buf_t frame = {0};
    buf_t why = {0};
    dial_t control = dial_as(w, REVOKED, CONTROL);
    dial_t lane = dial_as(w, REVOKED, LANE);
    uint64_t before = stats(w)->messages;

    assert_int_equal(first_state(&control), DIAL_UP);
    assert_int_equal(first_state(&lane), DIAL_UP);
    CHECK_OK(socket_send(control.socket, frame_of(&frame, PROTO_HEARTBEAT)));
    CHECK_OK(socket_send(lane.socket, frame_of(&frame, PROTO_LANE)));
    until_messages(w, before, 2);
    CHECK_OK(keymaker_revoke(w->keys, "revoked", &why));
    until_cut(&control);
    until_cut(&lane);
    buf_fini(&frame);
    buf_fini(&why);
}

static void
test_every_role_does_what_it_may_and_no_more(void **state)
{
    world_t *w = *state;

    revoke_one(w);
    for (int socket = 0; socket < N_SOCKETS; socket++) {
        try_plain_bytes(w, socket);
        try_without_curve(w, socket);
        for (int actor = UNKNOWN; actor < AS_COORDINATOR; actor++) {
            try_key(w, (actor_t)actor, socket);
        }
    }
    CHECK_U64(w->cells, N_OPERATIONS * N_SOCKETS * (N_ACTORS - 1));
    try_key(w, AS_COORDINATOR, INTAKE);
    w->passed = true;
}

static world_t *asked; // by those below

static uint64_t
arrived(world_t *w, int socket)
{
    static uint64_t n; // on the intake
    received_t in = {0};

    while (
        socket == INTAKE && socket_receive(w->intake, false, &in) == ERR_OK) {
        n++;
    }
    received_fini(&in);
    return socket == INTAKE ? n
                            : *(const volatile uint64_t *)&stats(w)->messages;
}

static void
send_heartbeat(dial_t *dial)
{
    buf_t frame = {0};

    CHECK_OK(socket_send(dial->socket, frame_of(&frame, PROTO_HEARTBEAT)));
    buf_fini(&frame);
}

// Does a frame of so many bytes arrive? If not, its connection is cut. On a
// busy machine it can stand again before anybody looks: then what is sent
// next comes alone.
static bool
takes_frame(int socket, uint64_t len)
{
    world_t *w = asked;
    dial_t dial =
        dial_as(w, socket == INTAKE ? AS_COORDINATOR : AS_WORKER, socket);
    uint64_t before = arrived(w, socket);
    int64_t end = clock_mono_ms() + PATIENCE_MS;
    uint8_t *rest = xcalloc(1, len);
    buf_t frame = {0};
    bool cut = false, again = false;

    assert_int_equal(first_state(&dial), DIAL_UP);
    frame_encode(&frame, socket == SINK ? PROTO_PARTIAL : PROTO_HEARTBEAT, 0,
        NULL, NULL, (span_t){rest, len - FRAME_HEADER});
    CHECK_U64(frame.len, len);
    CHECK_OK(socket_send(dial.socket, buf_span(&frame)));
    while (!cut && arrived(w, socket) == before) {
        cut = dial_monitor_drain(dial.monitor, clock_mono_ms()) == DIAL_LOST;
        assert_true(clock_mono_ms() < end);
        if (!again && clock_mono_ms() > end - PATIENCE_MS / 2) {
            again = true;
            send_heartbeat(&dial);
        }
        usleep(200);
    }
    hang_up(&dial);
    buf_fini(&frame);
    free(rest);
    return !cut && !again;
}

static bool
control_takes(uint64_t len)
{
    return takes_frame(CONTROL, len);
}

static bool
sink_takes(uint64_t len)
{
    return takes_frame(SINK, len);
}

static bool
intake_takes(uint64_t len)
{
    return takes_frame(INTAKE, len);
}

static bool
lane_takes(uint64_t len)
{
    return takes_frame(LANE, len);
}

// To the byte, so that what CURVE adds is LIMIT_CURVE_OVERHEAD, too.
static void
test_a_frame_may_be_so_long(void **state)
{
    asked = *state;
    CHECK_LIMIT(LIMIT_CONTROL, control_takes);
    CHECK_LIMIT(LIMIT_SINK, sink_takes);
    CHECK_LIMIT(LIMIT_INTAKE, intake_takes);
    CHECK_LIMIT(LIMIT_LANE, lane_takes);
    asked->passed = true;
}

// A message type that was added and forgotten here would go untested. A
// BATCH is no operation, try_batch has its rule.
static void
test_the_table_has_every_message(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        bool listed = type == PROTO_BATCH;
        for (size_t i = 0; i < N_OPERATIONS; i++) {
            listed = listed || operations[i].type == (proto_type_t)type;
        }
        if (!listed && strcmp(proto_name(type), "?") != 0) {
            fail_msg("%s is not in the table", proto_name(type));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_has_every_message),
        cmocka_unit_test_setup_teardown(
            test_every_role_does_what_it_may_and_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_frame_may_be_so_long, setup, teardown),
    };
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
