// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"

#include "tests/unit/certs/key_folder.h"

#include "certs/keyfile.h"
#include "certs/zap_io.h"
#include "common/base/clock.h"
#include "common/net/curve_socket.h"

#include <fcntl.h>
#include <zmq.h>

#define ARGS_MAX    16
#define DEADLINE_MS 10000

typedef struct fixture {
    char *parent;
    char *dir;
    buf_t out; // what the last command printed
    buf_t err;
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);

    f->parent = folder_new();
    f->dir = xasprintf("%s/keys", f->parent);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    folder_destroy(&f->parent);
    buf_fini(&f->out);
    buf_fini(&f->err);
    free(f->dir);
    free(f);
    return 0;
}

static void
read_back(const char *path, buf_t *out)
{
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    buf_clear(out);
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
        buf_put_u8(out, (uint8_t)c);
    }
    fclose(file);
    buf_put_u8(out, 0);
}

static int
divert(int fd, const char *path)
{
    int was = dup(fd);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(was >= 0 && file >= 0);
    assert_int_equal(dup2(file, fd), fd);
    close(file);
    return was;
}

// `logtally keys` with the words of the line; "DIR" stands for the folder.
static int
keys(fixture_t *f, const char *line)
{
    char *copy = xstrdup(line);
    char *out = xstrdup(path_in(f->parent, "out"));
    char *err = xstrdup(path_in(f->parent, "err"));
    char *argv[ARGS_MAX] = {copy};
    int argc = 0;

    for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " ")) {
        assert_true(argc + 1 < ARGS_MAX);
        argv[argc++] = strcmp(w, "DIR") == 0 ? f->dir : w;
    }
    fflush(NULL);
    int was_out = divert(STDOUT_FILENO, out);
    int was_err = divert(STDERR_FILENO, err);
    int code = cmd_keys(argc, argv);
    fflush(NULL);
    dup2(was_out, STDOUT_FILENO);
    dup2(was_err, STDERR_FILENO);
    close(was_out);
    close(was_err);
    read_back(out, &f->out);
    read_back(err, &f->err);
    free(out);
    free(err);
    free(copy);
    return code;
}

static void
check_done(fixture_t *f, const char *line)
{
    int code = keys(f, line);

    assert_string_equal((const char *)f->err.p, "");
    assert_int_equal(code, EXIT_DONE);
    assert_true(f->out.len > 1);
}

static void
check_fails(fixture_t *f, int wanted, const char *line, const char *words)
{
    assert_int_equal(keys(f, line), wanted);
    assert_string_equal((const char *)f->out.p, "");
    if (strstr((const char *)f->err.p, words) == NULL) {
        fail_msg("%s: no \"%s\" in: %s", line, words, (const char *)f->err.p);
    }
}

static bool
said(const fixture_t *f, const char *words)
{
    return strstr((const char *)f->out.p, words) != NULL;
}

static void
test_init_tells_what_to_do_next(void **state)
{
    fixture_t *f = *state;

    check_done(f, "keys init DIR");
    assert_true(said(f, "logtally keys new "));
    assert_true(said(f, "logtally-coordinator --keys "));
    assert_true(said(f, "/issued/admin\n"));
    check_fails(f, EXIT_FAILED, "keys init DIR", "already has a coordinator");
}

static void
test_new_tells_what_to_copy_and_start(void **state)
{
    fixture_t *f = *state;

    check_done(f, "keys init DIR");
    check_done(f, "keys new DIR web1 --role worker");
    assert_true(said(f, "/issued/web1 to web1 and start there"));
    assert_true(
        said(f, "logtally-worker --coordinator tcp://HOST:7700 --keys FOLDER "
                "--name web1 --root /var/log\n"));
    check_done(f, "keys new --role=client DIR bob");
    assert_true(said(f, "export LOGTALLY_KEYS=FOLDER"));
    check_done(f, "keys new DIR all --role worker --host *");
    assert_true(said(f, "to each such host"));
}

static void
test_a_worker_without_hosts_speaks_for_its_name(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    check_done(f, "keys init DIR");
    check_done(f, "keys new DIR web1 --role worker");
    CHECK_OK(keyfile_load_public(path_in(f->dir, "allowed/web1"), &who, &why));
    assert_int_equal(who.n_hosts, 1);
    assert_string_equal(who.hosts[0], "web1");
    check_done(f, "keys new DIR db --host db* -r worker -H x1");
    CHECK_OK(keyfile_load_public(path_in(f->dir, "allowed/db"), &who, &why));
    assert_int_equal(who.n_hosts, 2);
    assert_true(identity_speaks_for(&who, "db9"));
    assert_true(identity_speaks_for(&who, "x1"));
}

static void
test_wrong_command_lines_are_usage_errors(void **state)
{
    static const struct {
        const char *line;
        const char *words;
    } cases[] = {
        {"keys", "init, new, list, show, revoke, rotate, passphrase or reload"},
        {"keys destroy DIR", "there is no destroy"},
        {"keys init", "wants DIR"},
        {"keys init DIR more", "wants DIR"},
        {"keys new DIR --role worker", "wants DIR and NAME"},
        {"keys new DIR a", "--role is missing"},
        {"keys new DIR a --role boss", "not boss"},
        {"keys new DIR a --role coordinator", "not coordinator"},
        {"keys new DIR a --role worker --role admin", "twice"},
        {"keys new DIR a --role", "a value is missing"},
        {"keys new DIR a --rolle worker", "unknown option --rolle"},
        {"keys new DIR a -x", "unknown option"},
        {"keys new DIR a --role worker --host a,b", "no host name"},
        {"keys new DIR a --role client --host a", "only a worker"},
        {"keys new DIR ../a --role client", "a key's name has"},
        {"keys new DIR coordinator --role client", "is kept"},
        {"keys list DIR --role worker", "takes no"},
        {"keys revoke DIR", "wants DIR and NAME"},
        {"keys revoke DIR ../coordinator", "a key's name has"},
    };
    fixture_t *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_fails(f, EXIT_USAGE, cases[i].line, cases[i].words);
    }
    assert_int_not_equal(access(f->dir, F_OK), 0);
}

static void
test_help_comes_from_everywhere(void **state)
{
    static const char *const lines[] = {"keys --help", "keys -h",
        "keys init --help", "keys new DIR -h", "keys list --help",
        "keys revoke --help"};
    fixture_t *f = *state;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        check_done(f, lines[i]);
        assert_true(said(f, "usage: logtally keys init DIR"));
    }
}

static void
test_an_end_is_kept_and_shown(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    check_done(f, "keys init DIR");
    check_done(f, "keys new DIR old --role client --expires 2001-01-01");
    check_done(f, "keys new DIR web1 --role worker --expires 2901-01-01");
    CHECK_OK(keyfile_load_public(path_in(f->dir, "allowed/old"), &who, &why));
    CHECK_U64(who.expires, 978393600);
    check_done(f, "keys list DIR");
    assert_non_null(strstr(strstr((const char *)f->out.p, "old "), "expired"));
    assert_true(said(f, "2901-01-02T00:00:00Z"));
    check_fails(f, EXIT_USAGE, "keys new DIR x --role client --expires soon",
        "2027-01-31");
    buf_fini(&why);
}

static void
test_show_gives_words_to_compare(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    char words[KEY_WORDS];
    buf_t why = {0};

    check_done(f, "keys init DIR");
    check_done(f, "keys new DIR web1 --role worker --expires 2901-01-01");
    CHECK_OK(keyfile_load_public(path_in(f->dir, "allowed/web1"), &who, &why));
    key_words(who.key, words);
    assert_int_equal(strlen(words), KEY_WORDS - 1);
    check_done(f, "keys show DIR web1");
    assert_true(said(f, words));
    assert_true(said(f, "2901-01-02"));
    check_done(f, "keys revoke DIR web1");
    check_done(f, "keys show DIR web1");
    assert_true(said(f, "revoked"));
    check_done(f, "keys show DIR coordinator");
    check_fails(f, EXIT_FAILED, "keys show DIR nobody", "nobody");
    check_fails(f, EXIT_USAGE, "keys show DIR ../x", "no name");
    buf_fini(&why);
}

static void
test_list_shows_public_data_and_state(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    char fingerprint[20];
    buf_t why = {0};

    check_done(f, "keys init DIR");
    check_done(f, "keys new DIR web1 --role worker --host web1 --host web2");
    check_done(f, "keys new DIR bob --role client");
    check_done(f, "keys revoke DIR bob");
    CHECK_OK(keyfile_load_public(path_in(f->dir, "allowed/web1"), &who, &why));
    key_fingerprint(who.key, fingerprint);
    check_done(f, "keys list DIR");
    assert_true(said(f, fingerprint));
    assert_true(said(f, "web1,web2"));
    const char *bob = strstr((const char *)f->out.p, "bob ");
    assert_non_null(bob);
    assert_non_null(strstr(bob, "revoked"));
    assert_null(strstr(bob, "allowed"));
    // A folder put together by hand may have no revoked/.
    assert_int_equal(unlink(path_in(f->dir, "revoked/bob")), 0);
    assert_int_equal(rmdir(path_in(f->dir, "revoked")), 0);
    check_done(f, "keys list DIR");
}

// No command ever prints a secret.
static void
test_secrets_are_never_printed(void **state)
{
    static const char *const lines[] = {"keys new DIR web1 --role worker",
        "keys list DIR", "keys revoke DIR web1", "keys list DIR"};
    fixture_t *f = *state;
    buf_t secret = {0};

    check_done(f, "keys init DIR");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        check_done(f, lines[i]);
        read_back(path_in(f->dir, "issued/web1/self_secret"), &secret);
        char *key = strstr((char *)secret.p, "secret-key = \"");
        assert_non_null(key);
        key += strlen("secret-key = \"");
        key[40] = '\0';
        assert_false(said(f, key));
    }
    buf_fini(&secret);
}

static void
test_a_broken_list_is_told_by_every_command(void **state)
{
    fixture_t *f = *state;

    check_done(f, "keys init DIR");
    check_done(f, "keys new DIR bob --role client");
    put_text(f->dir, "allowed/broken", 0644, SPAN_LIT("?"));
    check_fails(f, EXIT_FAILED, "keys new DIR web1 --role worker", "broken");
    assert_int_equal(keys(f, "keys list DIR"), EXIT_FAILED);
    assert_true(said(f, "bob"));
    assert_non_null(strstr((const char *)f->err.p, "allowed/broken"));
    // The key is moved all the same, and what holds it back is told.
    assert_int_equal(keys(f, "keys revoke DIR bob"), EXIT_FAILED);
    assert_int_equal(access(path_in(f->dir, "revoked/bob"), F_OK), 0);
    assert_non_null(strstr((const char *)f->err.p, "keeps its old list"));
    check_fails(f, EXIT_FAILED, "keys list nowhere", "logtally keys init");
}

typedef struct server {
    void *ctx;
    zap_t *zap;
    void *socket;
    char endpoint[64];
} server_t;

static server_t
start_server(const fixture_t *f)
{
    server_t s = {.ctx = zmq_ctx_new()};
    allowlist_t *list;
    keypair_t pair;
    uint16_t port;
    buf_t why = {0};

    CHECK_OK(allowlist_load(f->dir, &list, &why));
    CHECK_OK(zap_start(s.ctx, &list, f->dir, &s.zap));
    CHECK_OK(keyfile_load_secret(
        path_in(f->dir, "coordinator_secret"), &pair, &why));
    const curve_bind_t options = {.type = ZMQ_ROUTER,
        .domain = "control",
        .secret = pair.secret_key,
        .address = "127.0.0.1",
        .max_frame = 1000,
        .hwm = 10};
    CHECK_OK(curve_bind(s.ctx, &options, &s.socket, &port, &why));
    keypair_fini(&pair);
    snprintf(s.endpoint, sizeof s.endpoint, "tcp://127.0.0.1:%u", port);
    return s;
}

static void
stop_server(server_t *s)
{
    zmq_close(s->socket);
    zap_stop(&s->zap);
    zmq_ctx_term(s->ctx);
}

// What somebody with that key folder meets at the server's door.
static dial_state_t
knock(server_t *s, const char *folder)
{
    static unsigned n;
    char name[32];
    credentials_t me;
    dial_monitor_t *monitor;
    void *socket;
    dial_state_t state = DIAL_CONNECTING;
    int64_t end = clock_mono_ms() + DEADLINE_MS;
    buf_t why = {0};

    snprintf(name, sizeof name, "knock-%u", n++);
    CHECK_OK(credentials_load(folder, &me, &why));
    const curve_dial_t options = {.type = ZMQ_DEALER,
        .server_public = me.coordinator.key,
        .own_public = me.self.public_key,
        .own_secret = me.self.secret_key,
        .endpoint = s->endpoint,
        .max_frame = 1000,
        .hwm = 10,
        .monitor = name};
    CHECK_OK(dial_monitor_open(s->ctx, name, &monitor));
    CHECK_OK(curve_dial(s->ctx, &options, &socket, &why));
    while (state == DIAL_CONNECTING && clock_mono_ms() < end) {
        zmq_pollitem_t item = {
            .socket = dial_monitor_socket(monitor), .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 50);
        state = dial_monitor_drain(monitor, clock_mono_ms());
    }
    zmq_close(socket);
    dial_monitor_close(&monitor);
    credentials_fini(&me);
    return state;
}

static void
test_a_running_coordinator_follows(void **state)
{
    fixture_t *f = *state;

    check_done(f, "keys init DIR");
    server_t s = start_server(f);
    char *admin = xstrdup(path_in(f->dir, "issued/admin"));
    char *bob = xstrdup(path_in(f->dir, "issued/bob"));
    assert_int_equal(knock(&s, admin), DIAL_UP);
    check_done(f, "keys new DIR bob --role client");
    assert_int_equal(knock(&s, bob), DIAL_UP);
    check_done(f, "keys revoke DIR bob");
    assert_true(zap_refresh(s.zap));
    assert_int_equal(knock(&s, bob), DIAL_REFUSED);
    assert_int_equal(knock(&s, admin), DIAL_UP);
    // The last key as well.
    check_done(f, "keys revoke DIR admin");
    assert_true(said(f, "No key is allowed any more"));
    assert_true(zap_refresh(s.zap));
    assert_int_equal(knock(&s, admin), DIAL_REFUSED);
    free(admin);
    free(bob);
    stop_server(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_init_tells_what_to_do_next),
        TEST(test_new_tells_what_to_copy_and_start),
        TEST(test_a_worker_without_hosts_speaks_for_its_name),
        TEST(test_wrong_command_lines_are_usage_errors),
        TEST(test_help_comes_from_everywhere),
        TEST(test_an_end_is_kept_and_shown),
        TEST(test_show_gives_words_to_compare),
        TEST(test_list_shows_public_data_and_state),
        TEST(test_secrets_are_never_printed),
        TEST(test_a_broken_list_is_told_by_every_command),
        TEST(test_a_running_coordinator_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
