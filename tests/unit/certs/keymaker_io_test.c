// SPDX-License-Identifier: Apache-2.0
#include "certs/keymaker_io.h"

#include "tests/unit/certs/key_folder.h"

#include "certs/keyfile.h"

#include <czmq.h>
#include <sys/wait.h>

typedef struct fixture {
    char *parent;
    char *dir; // parent/keys, not made yet
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
    free(f->dir);
    free(f);
    return 0;
}

static void
init(const fixture_t *f)
{
    identity_t coordinator;
    identity_t admin;
    buf_t why = {0};

    CHECK_OK(keymaker_init(f->dir, &coordinator, &admin, &why));
    assert_int_equal(why.len, 0);
    buf_fini(&why);
}

static errcode_t
make(const fixture_t *f, const char *name, unsigned role, identity_t *who,
    buf_t *why)
{
    *who = (identity_t){.roles = role};
    snprintf(who->name, sizeof who->name, "%s", name);
    buf_clear(why);
    return keymaker_new(f->dir, who, why);
}

static void
check_mode(const fixture_t *f, const char *name, mode_t wanted)
{
    struct stat st;

    assert_int_equal(lstat(path_in(f->dir, name), &st), 0);
    assert_int_equal(st.st_mode & 07777, wanted);
}

static bool
is_there(const fixture_t *f, const char *name)
{
    return access(path_in(f->dir, name), F_OK) == 0;
}

static void
test_init_makes_a_whole_folder_whatever_the_umask(void **state)
{
    fixture_t *f = *state;
    mode_t was = umask(0);

    init(f);
    umask(was);
    check_mode(f, ".", 0700);
    check_mode(f, "coordinator", 0644);
    check_mode(f, "coordinator_secret", 0600);
    check_mode(f, "allowed", 0700);
    check_mode(f, "revoked", 0700);
    check_mode(f, "issued", 0700);
    check_mode(f, "allowed/admin", 0644);
    check_mode(f, "issued/admin", 0700);
    check_mode(f, "issued/admin/self", 0644);
    check_mode(f, "issued/admin/self_secret", 0600);
    check_mode(f, "issued/admin/coordinator", 0644);
}

static void
test_what_was_issued_is_allowed_and_pins_the_coordinator(void **state)
{
    fixture_t *f = *state;
    credentials_t credentials;
    keypair_t coordinator;
    allowlist_t *list;
    buf_t why = {0};

    init(f);
    CHECK_OK(
        credentials_load(path_in(f->dir, "issued/admin"), &credentials, &why));
    CHECK_OK(allowlist_load(f->dir, &list, &why));
    CHECK_OK(keyfile_load_secret(
        path_in(f->dir, "coordinator_secret"), &coordinator, &why));
    const identity_t *admin =
        allowlist_by_key(list, credentials.self.public_key);
    assert_non_null(admin);
    assert_string_equal(admin->name, "admin");
    assert_int_equal(admin->roles, ROLE_ADMIN);
    assert_memory_equal(
        credentials.coordinator.key, coordinator.public_key, KEY_LEN);
    keypair_fini(&coordinator);
    credentials_fini(&credentials);
    allowlist_destroy(&list);
}

static void
test_init_takes_an_empty_folder_and_closes_it(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(mkdir(f->dir, 0755), 0);
    init(f);
    check_mode(f, ".", 0700);
}

static void
check_init_refused(const fixture_t *f, errcode_t wanted, const char *words)
{
    identity_t coordinator;
    identity_t admin;
    buf_t why = {0};

    CHECK_ERR(keymaker_init(f->dir, &coordinator, &admin, &why), wanted);
    buf_put_u8(&why, 0);
    assert_non_null(strstr((const char *)why.p, words));
    buf_fini(&why);
}

static void
test_init_never_replaces_a_key(void **state)
{
    fixture_t *f = *state;

    init(f);
    check_init_refused(f, ERR_DENIED, "already has a coordinator key");
    unlink(path_in(f->dir, "coordinator"));
    check_init_refused(f, ERR_DENIED, "already has a coordinator key");
    unlink(path_in(f->dir, "coordinator_secret"));
    check_init_refused(f, ERR_DENIED, "left by a try that failed");
}

static void
test_init_leaves_a_shared_folder_alone(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(mkdir(f->dir, 0755), 0);
    put_text(f->dir, "notes", 0644, SPAN_LIT("mine"));
    assert_int_equal(chmod(f->dir, 0755), 0);
    check_init_refused(f, ERR_DENIED, "chmod 700");
    check_mode(f, ".", 0755);
    assert_false(is_there(f, "allowed"));
}

static void
test_init_needs_the_folder_above(void **state)
{
    fixture_t *f = *state;

    free(f->dir);
    f->dir = xasprintf("%s/no/keys", f->parent);
    check_init_refused(f, ERR_IO, "cannot make");
}

static void
test_new_makes_a_key_of_its_own(void **state)
{
    fixture_t *f = *state;
    identity_t web1;
    identity_t web2;
    credentials_t credentials;
    buf_t why = {0};

    init(f);
    CHECK_OK(make(f, "web1", ROLE_WORKER, &web1, &why));
    CHECK_OK(make(f, "web2", ROLE_WORKER, &web2, &why));
    assert_memory_not_equal(web1.key, web2.key, KEY_LEN);
    CHECK_OK(
        credentials_load(path_in(f->dir, "issued/web1"), &credentials, &why));
    assert_memory_equal(credentials.self.public_key, web1.key, KEY_LEN);
    assert_string_equal(credentials.self.name, "web1");
    check_mode(f, "issued/web1/self_secret", 0600);
    check_mode(f, "allowed/web1", 0644);
    credentials_fini(&credentials);
}

static void
test_new_keeps_the_hosts(void **state)
{
    fixture_t *f = *state;
    identity_t who = {.name = "db", .roles = ROLE_WORKER, .n_hosts = 2};
    identity_t back;
    buf_t why = {0};

    init(f);
    strcpy(who.hosts[0], "db1");
    strcpy(who.hosts[1], "db[2-9]");
    CHECK_OK(keymaker_new(f->dir, &who, &why));
    CHECK_OK(keyfile_load_public(path_in(f->dir, "allowed/db"), &back, &why));
    assert_true(identity_speaks_for(&back, "db1"));
    assert_true(identity_speaks_for(&back, "db7"));
    assert_false(identity_speaks_for(&back, "db"));
}

static void
test_new_refuses_what_cannot_be(void **state)
{
    static const char *const bad[] = {
        "", ".a", "a/b", "..", "coordinator", "web1_secret", "a b", "\xff"};
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    init(f);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_ERR(make(f, bad[i], ROLE_WORKER, &who, &why), ERR_CONFIG);
        assert_true(why.len > 0);
    }
    CHECK_ERR(make(f, "a", 0, &who, &why), ERR_CONFIG);
    CHECK_ERR(make(f, "a", ROLE_COORDINATOR, &who, &why), ERR_CONFIG);
    who = (identity_t){.name = "a", .roles = ROLE_CLIENT, .n_hosts = 1};
    strcpy(who.hosts[0], "a");
    CHECK_ERR(keymaker_new(f->dir, &who, &why), ERR_CONFIG);
    who.roles = ROLE_WORKER;
    strcpy(who.hosts[0], "a b");
    CHECK_ERR(keymaker_new(f->dir, &who, &why), ERR_CONFIG);
    buf_fini(&why);
}

static void
test_new_refuses_a_name_that_is_or_was_in_use(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    init(f);
    CHECK_OK(make(f, "bob", ROLE_CLIENT, &who, &why));
    CHECK_ERR(make(f, "bob", ROLE_CLIENT, &who, &why), ERR_DENIED);
    CHECK_SAYS(why, "has a key already");
    CHECK_OK(keymaker_revoke(f->dir, "bob", &why));
    CHECK_ERR(make(f, "bob", ROLE_CLIENT, &who, &why), ERR_DENIED);
    CHECK_SAYS(why, "was revoked");
    unlink(path_in(f->dir, "revoked/bob"));
    CHECK_ERR(make(f, "bob", ROLE_CLIENT, &who, &why), ERR_DENIED);
    CHECK_SAYS(why, "is not allowed; remove that folder");
    buf_fini(&why);
}

static void
test_new_needs_a_folder_of_init(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    CHECK_ERR(make(f, "web1", ROLE_WORKER, &who, &why), ERR_NOT_FOUND);
    CHECK_SAYS(why, "logtally keys init");
    assert_int_equal(mkdir(f->dir, 0700), 0);
    CHECK_ERR(make(f, "web1", ROLE_WORKER, &who, &why), ERR_NOT_FOUND);
    CHECK_SAYS(why, "logtally keys init");
    buf_fini(&why);
}

static void
test_new_stops_at_a_list_that_no_coordinator_can_read(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    init(f);
    put_text(f->dir, "allowed/broken", 0644, SPAN_LIT("?"));
    CHECK_ERR(make(f, "web1", ROLE_WORKER, &who, &why), ERR_MALFORMED);
    CHECK_SAYS(why, "allowed/broken");
    assert_false(is_there(f, "allowed/web1"));
    assert_false(is_there(f, "issued/web1"));
    buf_fini(&why);
}

static void
test_what_a_crash_left_is_swept(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    init(f);
    assert_int_equal(mkdir(path_in(f->dir, "issued/.web1.new"), 0700), 0);
    put_text(f->dir, "issued/.web1.new/self", 0644, SPAN_LIT("half"));
    put_text(f->dir, "issued/.web1.new/.self_secret.new", 0600, SPAN_LIT("h"));
    put_text(f->dir, "allowed/.web1.new", 0600, SPAN_LIT("half"));
    CHECK_OK(make(f, "web1", ROLE_WORKER, &who, &why));
    assert_false(is_there(f, "issued/.web1.new"));
    assert_false(is_there(f, "allowed/.web1.new"));
    buf_fini(&why);
}

static void
test_revoke_moves_the_key_even_a_broken_one(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    init(f);
    CHECK_OK(make(f, "bob", ROLE_CLIENT, &who, &why));
    put_text(f->dir, "allowed/bob", 0666, SPAN_LIT("?"));
    CHECK_OK(keymaker_revoke(f->dir, "bob", &why));
    assert_false(is_there(f, "allowed/bob"));
    assert_true(is_there(f, "revoked/bob"));
    assert_true(is_there(f, "issued/bob/self_secret"));
    CHECK_ERR(keymaker_revoke(f->dir, "bob", &why), ERR_NOT_FOUND);
    CHECK_SAYS(why, "revoked already");
    buf_clear(&why);
    CHECK_ERR(keymaker_revoke(f->dir, "eve", &why), ERR_NOT_FOUND);
    CHECK_ERR(keymaker_revoke(f->dir, "../coordinator", &why), ERR_CONFIG);
    assert_true(is_there(f, "coordinator"));
    buf_fini(&why);
}

#define MAKERS 8

// Many at once: each name is made once, by one of them.
static void
test_makers_at_the_same_time_wait_for_each_other(void **state)
{
    fixture_t *f = *state;
    pid_t pids[MAKERS];
    int made = 0;

    init(f);
    for (int i = 0; i < MAKERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            identity_t who;
            buf_t why = {0};
            errcode_t rc = make(f, "web1", ROLE_WORKER, &who, &why);
            _exit(rc == ERR_OK ? 0 : rc == ERR_DENIED ? 1 : 2);
        }
        assert_true(pids[i] > 0);
    }
    for (int i = 0; i < MAKERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        made += WEXITSTATUS(status) == 0 ? 1 : 0;
    }
    assert_int_equal(made, 1);
}

// The files are czmq's own format: its tools can read and use them.
static void
test_czmq_reads_our_files(void **state)
{
    fixture_t *f = *state;
    keypair_t pair;
    buf_t why = {0};

    init(f);
    zsys_handler_set(NULL);
    zcert_t *cert = zcert_load(path_in(f->dir, "issued/admin/self"));
    assert_non_null(cert);
    CHECK_OK(keyfile_load_secret(
        path_in(f->dir, "issued/admin/self_secret"), &pair, &why));
    assert_memory_equal(zcert_public_key(cert), pair.public_key, KEY_LEN);
    assert_memory_equal(zcert_secret_key(cert), pair.secret_key, KEY_LEN);
    assert_string_equal(zcert_meta(cert, "name"), "admin");
    assert_string_equal(zcert_meta(cert, "role"), "admin");
    zcert_destroy(&cert);
    keypair_fini(&pair);

    cert = zcert_load(path_in(f->dir, "allowed/admin"));
    assert_non_null(cert);
    assert_string_equal(zcert_meta(cert, "role"), "admin");
    zcert_destroy(&cert);
}

static void
test_we_read_the_files_of_czmq(void **state)
{
    fixture_t *f = *state;
    zcert_t *cert = zcert_new();
    keypair_t pair;
    identity_t who;
    buf_t why = {0};

    zsys_handler_set(NULL);
    zcert_set_meta(cert, "name", "%s", "Web One");
    zcert_set_meta(cert, "role", "%s", "worker");
    assert_int_equal(zcert_save(cert, path_in(f->parent, "web1")), 0);
    CHECK_OK(keyfile_load_public(path_in(f->parent, "web1"), &who, &why));
    assert_string_equal(who.name, "web1");
    assert_int_equal(who.roles, ROLE_WORKER);
    assert_memory_equal(who.key, zcert_public_key(cert), KEY_LEN);
    CHECK_OK(
        keyfile_load_secret(path_in(f->parent, "web1_secret"), &pair, &why));
    assert_memory_equal(pair.secret_key, zcert_secret_key(cert), KEY_LEN);
    keypair_fini(&pair);
    zcert_destroy(&cert);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_init_makes_a_whole_folder_whatever_the_umask),
        TEST(test_what_was_issued_is_allowed_and_pins_the_coordinator),
        TEST(test_init_takes_an_empty_folder_and_closes_it),
        TEST(test_init_never_replaces_a_key),
        TEST(test_init_leaves_a_shared_folder_alone),
        TEST(test_init_needs_the_folder_above),
        TEST(test_new_makes_a_key_of_its_own),
        TEST(test_new_keeps_the_hosts),
        TEST(test_new_refuses_what_cannot_be),
        TEST(test_new_refuses_a_name_that_is_or_was_in_use),
        TEST(test_new_needs_a_folder_of_init),
        TEST(test_new_stops_at_a_list_that_no_coordinator_can_read),
        TEST(test_what_a_crash_left_is_swept),
        TEST(test_revoke_moves_the_key_even_a_broken_one),
        TEST(test_makers_at_the_same_time_wait_for_each_other),
        TEST(test_czmq_reads_our_files),
        TEST(test_we_read_the_files_of_czmq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
