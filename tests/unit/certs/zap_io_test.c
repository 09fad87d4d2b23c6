// SPDX-License-Identifier: Apache-2.0
// The handler behind real CURVE sockets over loopback.
#include "certs/zap_io.h"

#include "tests/unit/cmocka_all.h"

#include "certs/keytext.h"
#include "common/base/clock.h"
#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define DEADLINE_MS 10000
#define N_KEYS      5

enum { SERVER, WEB1, ALICE, ROOT, STRANGER };

typedef struct fixture {
    char folder[64]; // with allowed/
    void *ctx;
    zap_t *zap;
    void *server;
    uint16_t port;
    uint8_t public[N_KEYS][KEY_LEN];
    uint8_t secret[N_KEYS][KEY_LEN];
} fixture_t;

typedef struct dial {
    void *socket;
    dial_monitor_t *monitor;
} dial_t;

static char *
path_of(const fixture_t *f, const char *name)
{
    return xasprintf("%s/allowed/%s", f->folder, name);
}

static void
write_file(const fixture_t *f, const char *name, span_t text)
{
    char *path = path_of(f, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.p, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
    free(path);
}

static void
allow_until(const fixture_t *f, const char *name, int key, unsigned role,
    int64_t expires)
{
    identity_t identity = {.roles = role, .expires = expires};
    buf_t text = {0};

    snprintf(identity.name, sizeof identity.name, "%s", name);
    memcpy(identity.key, f->public[key], KEY_LEN);
    keytext_print(&text, &identity, NULL);
    write_file(f, name, buf_span(&text));
    buf_fini(&text);
}

static void
allow(const fixture_t *f, const char *name, int key, unsigned role)
{
    allow_until(f, name, key, role, 0);
}

static void
disallow(const fixture_t *f, const char *name)
{
    char *path = path_of(f, name);

    assert_int_equal(unlink(path), 0);
    free(path);
}

static void
start_zap(fixture_t *f, bool fixed)
{
    allowlist_t *list;
    buf_t why = {0};

    CHECK_OK(allowlist_load(f->folder, &list, &why));
    CHECK_OK(zap_start(f->ctx, &list, fixed ? NULL : f->folder, &f->zap));
    assert_null(list);
    buf_fini(&why);
}

static void
listen_as(fixture_t *f, int type, const char *domain)
{
    buf_t why = {0};
    const curve_bind_t options = {
        .type = type,
        .domain = domain,
        .secret = f->secret[SERVER],
        .address = "127.0.0.1",
        .max_frame = 1000,
        .hwm = 10,
    };

    CHECK_OK(curve_bind(f->ctx, &options, &f->server, &f->port, &why));
    assert_int_not_equal(f->port, 0);
    buf_fini(&why);
}

static int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);

    assert_true(sodium_init() >= 0);
    strcpy(f->folder, "/tmp/logtally-zap-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    char *allowed = xasprintf("%s/allowed", f->folder);
    assert_int_equal(mkdir(allowed, 0700), 0);
    free(allowed);
    for (int i = 0; i < N_KEYS; i++) {
        crypto_box_keypair(f->public[i], f -> secret[i]);
    }
    allow(f, "web1", WEB1, ROLE_WORKER);
    allow(f, "alice", ALICE, ROLE_CLIENT);
    allow(f, "root", ROOT, ROLE_ADMIN);
    f->ctx = zmq_ctx_new();
    assert_non_null(f->ctx);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;
    char *command = xasprintf("rm -rf '%s'", f->folder);

    if (f->server != NULL) {
        zmq_close(f->server);
    }
    zap_stop(&f->zap);
    zmq_ctx_term(f->ctx);
    assert_int_equal(system(command), 0);
    free(command);
    free(f);
    return 0;
}

static dial_t
dial_with(fixture_t *f, int type, int key, const uint8_t *server_public,
    uint16_t port)
{
    static unsigned n_dials;
    dial_t dial;
    char name[32];
    char endpoint[64];
    buf_t why = {0};

    snprintf(name, sizeof name, "monitor-%u", n_dials++);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
    const curve_dial_t options = {
        .type = type,
        .server_public = server_public,
        .own_public = f->public[key],
        .own_secret = f->secret[key],
        .endpoint = endpoint,
        .max_frame = 1000,
        .hwm = 10,
        .monitor = name,
    };
    CHECK_OK(dial_monitor_open(f->ctx, name, &dial.monitor));
    CHECK_OK(curve_dial(f->ctx, &options, &dial.socket, &why));
    buf_fini(&why);
    return dial;
}

static dial_t
dial_as(fixture_t *f, int type, int key)
{
    return dial_with(f, type, key, f->public[SERVER], f -> port);
}

static void
hang_up(dial_t *dial)
{
    zmq_close(dial->socket);
    dial_monitor_close(&dial->monitor);
}

static void
until_state(dial_t *dial, dial_state_t wanted)
{
    int64_t end = clock_mono_ms() + DEADLINE_MS;
    dial_state_t state;

    do {
        zmq_pollitem_t item = {
            .socket = dial_monitor_socket(dial->monitor), .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 50);
        state = dial_monitor_drain(dial->monitor, clock_mono_ms());
    } while (state != wanted && clock_mono_ms() < end);
    assert_int_equal(state, wanted);
}

static errcode_t
receive_soon(void *socket, bool router, received_t *in)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    zmq_poll(&item, 1, DEADLINE_MS);
    return socket_receive(socket, router, in);
}

// One message passes and carries the name of the key that sent it.
static void
check_user(fixture_t *f, dial_t *dial, bool router, const char *name)
{
    received_t in = {0};

    until_state(dial, DIAL_UP);
    CHECK_OK(socket_send(dial->socket, SPAN_LIT("hello")));
    CHECK_OK(receive_soon(f->server, router, &in));
    CHECK_SPAN(buf_span(&in.frame), "hello");
    assert_string_equal(in.user, name);
    assert_string_equal(in.address, "127.0.0.1");
    received_fini(&in);
}

static void
check_state(fixture_t *f, int type, int key, dial_state_t wanted)
{
    dial_t dial = dial_as(f, type, key);

    until_state(&dial, wanted);
    hang_up(&dial);
}

static void
test_an_allowed_key_passes_and_is_named(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    dial_t dial = dial_as(f, ZMQ_DEALER, WEB1);
    check_user(f, &dial, true, "web1");
    CHECK_U64(zap_stats(f->zap).accepted, 1);
    CHECK_U64(zap_stats(f->zap).refused_unknown, 0);
    hang_up(&dial);
}

static void
test_an_answer_finds_its_way_back(void **state)
{
    fixture_t *f = *state;
    received_t in = {0};

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    dial_t dial = dial_as(f, ZMQ_DEALER, ALICE);
    until_state(&dial, DIAL_UP);
    CHECK_ERR(socket_receive(f->server, true, &in), ERR_BUSY);
    CHECK_OK(socket_send(dial.socket, SPAN_LIT("ask")));
    CHECK_OK(receive_soon(f->server, true, &in));
    CHECK_OK(socket_send_to(f->server, in.peer, SPAN_LIT("answer")));
    CHECK_ERR(socket_send_to(f->server, in.peer ^ 1, SPAN_LIT("lost")),
        ERR_NOT_FOUND);
    CHECK_OK(receive_soon(dial.socket, false, &in));
    CHECK_SPAN(buf_span(&in.frame), "answer");
    received_fini(&in);
    hang_up(&dial);
}

static void
test_every_role_has_its_sockets(void **state)
{
    static const struct {
        const char *domain;
        int type;
        dial_state_t wanted[3]; // worker, client, admin
    } cases[] = {
        {"control", ZMQ_PULL, {DIAL_UP, DIAL_UP, DIAL_UP}},
        {"sink", ZMQ_PULL, {DIAL_UP, DIAL_REFUSED, DIAL_REFUSED}},
        {"lane", ZMQ_PULL, {DIAL_UP, DIAL_REFUSED, DIAL_REFUSED}},
        {"intake", ZMQ_PULL, {DIAL_REFUSED, DIAL_REFUSED, DIAL_REFUSED}},
        {"other", ZMQ_PULL, {DIAL_REFUSED, DIAL_REFUSED, DIAL_REFUSED}},
    };
    fixture_t *f = *state;
    uint64_t refused = 0;

    start_zap(f, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        listen_as(f, cases[i].type, cases[i].domain);
        for (int k = 0; k < 3; k++) {
            check_state(f, ZMQ_PUSH, WEB1 + k, cases[i].wanted[k]);
            refused += cases[i].wanted[k] == DIAL_REFUSED ? 1 : 0;
            CHECK_U64(zap_stats(f->zap).refused_role, refused);
        }
        zmq_close(f->server);
    }
    f->server = NULL;
    CHECK_U64(zap_stats(f->zap).refused_unknown, 0);
}

// A worker's intake lets in the coordinator's key and no other.
static void
test_an_intake_hears_its_coordinator_alone(void **state)
{
    fixture_t *f = *state;
    identity_t only = {.name = "coordinator", .roles = ROLE_COORDINATOR};

    memcpy(only.key, f->public[ROOT], KEY_LEN);
    allowlist_t *list = allowlist_of(&only);
    CHECK_OK(zap_start(f->ctx, &list, NULL, &f->zap));
    listen_as(f, ZMQ_PULL, "intake");
    dial_t dial = dial_as(f, ZMQ_PUSH, ROOT);
    check_user(f, &dial, false, "coordinator");
    check_state(f, ZMQ_PUSH, WEB1, DIAL_REFUSED);
    hang_up(&dial);
}

// While the coordinator's key is rotated an intake hears two, and afterwards
// the old one no longer: neither by a handshake nor on an open connection.
static void
test_an_intake_is_given_another_list(void **state)
{
    fixture_t *f = *state;
    identity_t both[2] = {
        {.name = "coordinator", .roles = ROLE_COORDINATOR, .next = true},
        {.name = "coordinator", .roles = ROLE_COORDINATOR, .next = true}};
    identity_t who;
    char old[LIMIT_NAME], new[LIMIT_NAME];

    memcpy(both[0].key, f->public[ROOT], KEY_LEN);
    memcpy(both[1].key, f->public[WEB1], KEY_LEN);
    identity_id(&both[0], old);
    identity_id(&both[1], new);
    allowlist_t *list = allowlist_of_all(both, 2);
    CHECK_OK(zap_start(f->ctx, &list, NULL, &f->zap));
    listen_as(f, ZMQ_PULL, "intake");
    dial_t first = dial_as(f, ZMQ_PUSH, ROOT);
    check_user(f, &first, false, old);
    dial_t second = dial_as(f, ZMQ_PUSH, WEB1);
    check_user(f, &second, false, new);

    list = allowlist_of_all(&both[1], 1);
    zap_replace(f->zap, &list);
    assert_null(list);
    CHECK_ERR(zap_identity(f->zap, old, &who), ERR_NOT_FOUND);
    CHECK_OK(zap_identity(f->zap, new, &who));
    check_state(f, ZMQ_PUSH, ROOT, DIAL_REFUSED);
    check_user(f, &second, false, new);
    hang_up(&first);
    hang_up(&second);
}

static void
test_an_unknown_key_is_refused(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    check_state(f, ZMQ_DEALER, STRANGER, DIAL_REFUSED);
    CHECK_U64(zap_stats(f->zap).refused_unknown, 1);
    CHECK_U64(zap_stats(f->zap).accepted, 0);
}

static void
test_a_wrong_server_key_is_a_closed_door(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    dial_t dial =
        dial_with(f, ZMQ_DEALER, WEB1, f->public[STRANGER], f -> port);
    until_state(&dial, DIAL_CLOSED);
    hang_up(&dial);
}

// libzmq closes a listener in its own time.
static void
until_nobody_listens(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int64_t end = clock_mono_ms() + DEADLINE_MS;
    int rc;

    do {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        rc = connect(fd, (struct sockaddr *)&to, sizeof to);
        close(fd);
    } while (rc == 0 && clock_mono_ms() < end);
    assert_int_equal(rc, -1);
}

static void
test_nobody_there_is_no_answer(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    zmq_close(f->server);
    f->server = NULL;
    until_nobody_listens(f->port);
    check_state(f, ZMQ_DEALER, WEB1, DIAL_NO_ANSWER);
}

static void
test_a_server_that_goes_is_lost(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    dial_t dial = dial_as(f, ZMQ_DEALER, WEB1);
    until_state(&dial, DIAL_UP);
    zmq_close(f->server);
    f->server = NULL;
    until_state(&dial, DIAL_LOST);
    hang_up(&dial);
}

// No handler is no answer, never an open door.
static void
test_without_a_handler_nobody_gets_in(void **state)
{
    fixture_t *f = *state;
    received_t in = {0};

    listen_as(f, ZMQ_ROUTER, "control");
    dial_t dial = dial_as(f, ZMQ_DEALER, WEB1);
    until_state(&dial, DIAL_CLOSED);
    CHECK_ERR(socket_send(dial.socket, SPAN_LIT("hello")), ERR_BUSY);
    CHECK_ERR(socket_receive(f->server, true, &in), ERR_BUSY);
    hang_up(&dial);
}

static void
check_shut(fixture_t *f, int key)
{
    received_t in = {0};
    dial_t dial = dial_as(f, ZMQ_DEALER, key);

    // Two handshakes and their end.
    int64_t end = clock_mono_ms() + 2 * HANDSHAKE_MS + 500;
    bool up = false;
    while (!up && clock_mono_ms() < end) {
        up = dial_monitor_drain(dial.monitor, clock_mono_ms()) == DIAL_UP;
        usleep(5000);
    }
    errcode_t sent = socket_send(dial.socket, SPAN_LIT("hello"));
    errcode_t arrived = socket_receive(f->server, true, &in);
    received_fini(&in);
    hang_up(&dial);
    assert_false(up);
    CHECK_ERR(sent, ERR_BUSY);
    CHECK_ERR(arrived, ERR_BUSY);
}

// Its thread ended while the server went on.
static void
test_when_the_handler_has_gone_nobody_gets_in(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    check_state(f, ZMQ_DEALER, WEB1, DIAL_UP);
    zap_stop(&f->zap);
    check_shut(f, WEB1);
    check_shut(f, STRANGER);
}

// It takes requests and never answers: the limit of a handshake ends them.
static void
test_when_the_handler_hangs_nobody_gets_in(void **state)
{
    fixture_t *f = *state;
    void *handler = zmq_socket(f->ctx, ZMQ_ROUTER);
    zmq_pollitem_t item = {.socket = handler, .events = ZMQ_POLLIN};

    assert_int_equal(zmq_bind(handler, "inproc://zeromq.zap.01"), 0);
    listen_as(f, ZMQ_ROUTER, "control");
    check_shut(f, WEB1);
    check_shut(f, STRANGER);
    assert_int_equal(zmq_poll(&item, 1, 0), 1); // it was asked
    zmq_setsockopt(handler, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_close(handler);
}

static void
test_a_new_key_passes_without_a_restart(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    check_state(f, ZMQ_DEALER, STRANGER, DIAL_REFUSED);
    allow(f, "web2", STRANGER, ROLE_WORKER);
    dial_t dial = dial_as(f, ZMQ_DEALER, STRANGER);
    check_user(f, &dial, true, "web2");
    hang_up(&dial);
}

// More strangers than rereads: those told to come again do so by themselves
// and get their answer, so a flood does not shut out a key just made.
static void
test_a_flood_of_strangers_is_put_off(void **state)
{
    fixture_t *f = *state;
    dial_t dials[12]; // more than two seconds let in

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    for (size_t i = 0; i < sizeof dials / sizeof *dials; i++) {
        dials[i] = dial_as(f, ZMQ_DEALER, STRANGER);
    }
    for (size_t i = 0; i < sizeof dials / sizeof *dials; i++) {
        until_state(&dials[i], DIAL_REFUSED);
        hang_up(&dials[i]);
    }
    CHECK_U64(zap_stats(f->zap).refused_unknown, 12);
    assert_true(zap_stats(f->zap).deferred > 0);
}

static void
test_a_fixed_list_is_not_read_again(void **state)
{
    fixture_t *f = *state;

    start_zap(f, true);
    listen_as(f, ZMQ_ROUTER, "control");
    allow(f, "web2", STRANGER, ROLE_WORKER);
    check_state(f, ZMQ_DEALER, STRANGER, DIAL_REFUSED);
    assert_false(zap_refresh(f->zap));
}

static void
test_a_revoked_key_is_gone_after_a_refresh(void **state)
{
    fixture_t *f = *state;
    identity_t who;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    CHECK_OK(zap_identity(f->zap, "web1", &who));
    CHECK_U64(who.roles, ROLE_WORKER);
    assert_false(zap_refresh(f->zap));
    disallow(f, "web1");
    assert_true(zap_refresh(f->zap));
    CHECK_ERR(zap_identity(f->zap, "web1", &who), ERR_NOT_FOUND);
    check_state(f, ZMQ_DEALER, WEB1, DIAL_REFUSED);
}

static void
test_a_broken_file_keeps_the_old_list(void **state)
{
    fixture_t *f = *state;
    identity_t who;

    start_zap(f, false);
    write_file(f, "web2", SPAN_LIT("curve\n    public-key = \"?\"\n"));
    disallow(f, "web1");
    assert_false(zap_refresh(f->zap));
    CHECK_OK(zap_identity(f->zap, "web1", &who));
    disallow(f, "web2");
    assert_true(zap_refresh(f->zap));
    CHECK_ERR(zap_identity(f->zap, "web1", &who), ERR_NOT_FOUND);
}

// The file stays as it is; the clock alone ends it, open connection or not.
static void
test_a_key_ends_with_its_time(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    int64_t end = time(NULL) + 2;

    allow_until(f, "web1", WEB1, ROLE_WORKER, end);
    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    dial_t dial = dial_as(f, ZMQ_DEALER, WEB1);
    check_user(f, &dial, true, "web1");
    CHECK_OK(zap_identity(f->zap, "web1", &who));
    while (time(NULL) < end) {
        usleep(20000);
    }
    CHECK_ERR(zap_identity(f->zap, "web1", &who), ERR_NOT_FOUND);
    check_state(f, ZMQ_DEALER, WEB1, DIAL_REFUSED);
    CHECK_U64(zap_stats(f->zap).refused_expired, 1);
    hang_up(&dial);
}

// Content decides: a file written again with the same words is no change,
// and one byte more or less is, whatever its time says.
static void
test_the_content_decides_and_not_the_time(void **state)
{
    fixture_t *f = *state;
    const struct timespec same[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char *path = path_of(f, "web1");

    assert_int_equal(utimensat(AT_FDCWD, path, same, 0), 0);
    start_zap(f, false);
    allow(f, "web1", WEB1, ROLE_WORKER);
    assert_false(zap_refresh(f->zap));
    allow(f, "web1", WEB1, ROLE_CLIENT);
    assert_int_equal(utimensat(AT_FDCWD, path, same, 0), 0);
    assert_true(zap_refresh(f->zap));
    free(path);
}

// Else the last key of a folder could not be revoked.
static void
test_an_emptied_folder_allows_nobody(void **state)
{
    fixture_t *f = *state;
    identity_t who;

    start_zap(f, false);
    disallow(f, "web1");
    disallow(f, "alice");
    disallow(f, "root");
    assert_true(zap_refresh(f->zap));
    CHECK_ERR(zap_identity(f->zap, "root", &who), ERR_NOT_FOUND);
    assert_false(zap_refresh(f->zap));
    allow(f, "root", ROOT, ROLE_ADMIN);
    assert_true(zap_refresh(f->zap));
    CHECK_OK(zap_identity(f->zap, "root", &who));
}

static void
test_a_multipart_message_is_drained_and_refused(void **state)
{
    fixture_t *f = *state;
    received_t in = {0};

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    dial_t dial = dial_as(f, ZMQ_DEALER, WEB1);
    until_state(&dial, DIAL_UP);
    assert_int_equal(zmq_send(dial.socket, "a", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(dial.socket, "b", 1, 0), 1);
    CHECK_ERR(receive_soon(f->server, true, &in), ERR_MALFORMED);
    check_user(f, &dial, true, "web1");
    received_fini(&in);
    hang_up(&dial);
}

// What CURVE adds (LIMIT_CURVE_OVERHEAD) is not taken from what may be said.
static void
test_an_over_long_frame_never_arrives(void **state)
{
    fixture_t *f = *state;
    received_t in = {0};
    uint8_t frame[1001] = {0};

    start_zap(f, false);
    listen_as(f, ZMQ_PULL, "sink");
    dial_t dial = dial_as(f, ZMQ_PUSH, WEB1);
    until_state(&dial, DIAL_UP);
    CHECK_OK(socket_send(dial.socket, (span_t){frame, sizeof frame - 1}));
    CHECK_OK(receive_soon(f->server, false, &in));
    CHECK_U64(in.frame.len, sizeof frame - 1);
    CHECK_OK(socket_send(dial.socket, (span_t){frame, sizeof frame}));
    until_state(&dial, DIAL_LOST);
    CHECK_ERR(socket_receive(f->server, false, &in), ERR_BUSY);
    received_fini(&in);
    hang_up(&dial);
}

// An event sent to a monitor that was closed held the I/O thread for ever.
static void
test_hanging_up_leaves_the_io_thread_alive(void **state)
{
    fixture_t *f = *state;

    start_zap(f, false);
    listen_as(f, ZMQ_ROUTER, "control");
    for (int i = 0; i < 20; i++) {
        check_state(f, ZMQ_DEALER, WEB1, DIAL_UP);
    }
    CHECK_U64(zap_stats(f->zap).accepted, 20);
}

static void
test_a_taken_port_is_told(void **state)
{
    fixture_t *f = *state;
    void *second = NULL;
    buf_t why = {0};

    start_zap(f, false);
    listen_as(f, ZMQ_PULL, "sink");
    const curve_bind_t options = {
        .type = ZMQ_PULL,
        .domain = "sink",
        .secret = f->secret[SERVER],
        .address = "127.0.0.1",
        .port = f->port,
        .max_frame = 1000,
        .hwm = 10,
    };
    uint16_t port;
    CHECK_ERR(curve_bind(f->ctx, &options, &second, &port, &why), ERR_IO);
    assert_null(second);
    assert_non_null(memmem(why.p, why.len, "another port", 12));
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_allowed_key_passes_and_is_named),
        TEST(test_an_answer_finds_its_way_back),
        TEST(test_every_role_has_its_sockets),
        TEST(test_an_intake_hears_its_coordinator_alone),
        TEST(test_an_intake_is_given_another_list),
        TEST(test_an_unknown_key_is_refused),
        TEST(test_a_wrong_server_key_is_a_closed_door),
        TEST(test_nobody_there_is_no_answer),
        TEST(test_a_server_that_goes_is_lost),
        TEST(test_without_a_handler_nobody_gets_in),
        TEST(test_when_the_handler_has_gone_nobody_gets_in),
        TEST(test_when_the_handler_hangs_nobody_gets_in),
        TEST(test_a_new_key_passes_without_a_restart),
        TEST(test_a_flood_of_strangers_is_put_off),
        TEST(test_a_fixed_list_is_not_read_again),
        TEST(test_a_revoked_key_is_gone_after_a_refresh),
        TEST(test_a_broken_file_keeps_the_old_list),
        TEST(test_a_key_ends_with_its_time),
        TEST(test_the_content_decides_and_not_the_time),
        TEST(test_an_emptied_folder_allows_nobody),
        TEST(test_a_multipart_message_is_drained_and_refused),
        TEST(test_an_over_long_frame_never_arrives),
        TEST(test_hanging_up_leaves_the_io_thread_alive),
        TEST(test_a_taken_port_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
