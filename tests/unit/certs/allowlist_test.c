// SPDX-License-Identifier: Apache-2.0
#include "certs/allowlist.h"

#include "tests/unit/certs/key_folder.h"

static int
setup(void **state)
{
    *state = folder_new();
    return 0;
}

static int
teardown(void **state)
{
    char *folder = *state;

    folder_destroy(&folder);
    return 0;
}

static identity_t
allow(const char *folder, const char *name, unsigned roles)
{
    identity_t who = key_new(name, roles, NULL);
    char file[128];

    snprintf(file, sizeof file, "allowed/%s", name);
    put_key(folder, file, 0644, &who, NULL);
    return who;
}

static allowlist_t *
load(const char *folder)
{
    allowlist_t *list;
    buf_t why = {0};

    CHECK_OK(allowlist_load(folder, &list, &why));
    assert_int_equal(why.len, 0);
    buf_fini(&why);
    return list;
}

// The list is refused, and *why is left for CHECK_SAYS.
static void
check_refused(const char *folder, errcode_t wanted, buf_t *why)
{
    allowlist_t *list;

    CHECK_ERR(allowlist_load(folder, &list, why), wanted);
    assert_null(list);
    assert_true(why->len > 0);
}

static void
test_found_by_key_and_by_name(void **state)
{
    identity_t made[20];

    for (size_t i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "web%zu", i);
        made[i] = allow(*state, name, ROLE_WORKER);
    }
    allowlist_t *list = load(*state);
    assert_int_equal(allowlist_count(list), 20);
    for (size_t i = 0; i < 20; i++) {
        const identity_t *found = allowlist_by_key(list, made[i].key);
        assert_non_null(found);
        assert_string_equal(found->name, made[i].name);
        assert_ptr_equal(allowlist_by_name(list, made[i].name), found);
    }
    identity_t stranger = key_new("stranger", ROLE_WORKER, NULL);
    assert_null(allowlist_by_key(list, stranger.key));
    assert_null(allowlist_by_name(list, "stranger"));
    allowlist_destroy(&list);
    allowlist_destroy(&list);
}

static void
test_the_name_of_the_file_counts(void **state)
{
    identity_t who = key_new("alice", ROLE_CLIENT, NULL);

    put_key(*state, "allowed/bob", 0644, &who, NULL);
    allowlist_t *list = load(*state);
    assert_null(allowlist_by_name(list, "alice"));
    assert_string_equal(allowlist_by_key(list, who.key)->name, "bob");
    allowlist_destroy(&list);
}

static void
test_an_empty_or_missing_folder_is_not_found(void **state)
{
    buf_t why = {0};

    check_refused(*state, ERR_NOT_FOUND, &why);
    CHECK_SAYS(why, "is empty");
    buf_clear(&why);
    assert_int_equal(rmdir(path_in(*state, "allowed")), 0);
    check_refused(*state, ERR_NOT_FOUND, &why);
    CHECK_SAYS(why, "logtally keys init");
    buf_fini(&why);
}

static void
test_files_being_written_are_skipped(void **state)
{
    allow(*state, "web1", ROLE_WORKER);
    put_text(*state, "allowed/.web2.new", 0600, SPAN_LIT("curve\n    pub"));
    allowlist_t *list = load(*state);
    assert_int_equal(allowlist_count(list), 1);
    allowlist_destroy(&list);
}

static void
test_two_files_with_one_key_are_named(void **state)
{
    buf_t why = {0};
    identity_t who = allow(*state, "web1", ROLE_WORKER);

    allow(*state, "web2", ROLE_WORKER);
    put_key(*state, "allowed/web3", 0644, &who, NULL);
    check_refused(*state, ERR_MALFORMED, &why);
    CHECK_SAYS(why, "web1");
    CHECK_SAYS(why, "web3");
    CHECK_SAYS(why, "are the same key");
    buf_fini(&why);
}

static void
test_a_key_without_role_is_refused(void **state)
{
    buf_t why = {0};

    allow(*state, "web1", 0);
    check_refused(*state, ERR_MALFORMED, &why);
    CHECK_SAYS(why, "gives no role");
    buf_fini(&why);
}

static void
test_a_secret_among_the_allowed_is_refused(void **state)
{
    uint8_t secret[KEY_LEN];
    buf_t why = {0};
    identity_t who = key_new("web1", ROLE_WORKER, secret);

    put_key(*state, "allowed/web1", 0600, &who, secret);
    check_refused(*state, ERR_DENIED, &why);
    CHECK_SAYS(why, "holds a secret key");
    buf_fini(&why);
}

static void
test_what_others_may_write_is_refused(void **state)
{
    buf_t why = {0};

    allow(*state, "web1", ROLE_WORKER);
    assert_int_equal(chmod(path_in(*state, "allowed"), 0770), 0);
    check_refused(*state, ERR_DENIED, &why);
    CHECK_SAYS(why, "chmod go-w");
    assert_int_equal(chmod(path_in(*state, "allowed"), 0755), 0);
    allowlist_t *list = load(*state);
    allowlist_destroy(&list);
    assert_int_equal(chmod(path_in(*state, "allowed/web1"), 0664), 0);
    buf_clear(&why);
    check_refused(*state, ERR_DENIED, &why);
    CHECK_SAYS(why, "chmod go-w");
    buf_fini(&why);
}

static void
test_names_that_no_key_has_are_refused(void **state)
{
    buf_t why = {0};

    allow(*state, "web 1", ROLE_WORKER);
    check_refused(*state, ERR_MALFORMED, &why);
    CHECK_SAYS(why, "web 1");
    buf_fini(&why);
}

static void
test_a_folder_among_the_allowed_is_refused(void **state)
{
    buf_t why = {0};

    allow(*state, "web1", ROLE_WORKER);
    assert_int_equal(mkdir(path_in(*state, "allowed/old"), 0700), 0);
    check_refused(*state, ERR_DENIED, &why);
    CHECK_SAYS(why, "not a regular file");
    buf_fini(&why);
}

static void
check_digest(const char *folder, uint8_t was[32], bool same)
{
    uint8_t is[32];
    allowlist_t *list = load(folder);

    allowlist_digest(list, is);
    assert_int_equal(memcmp(was, is, 32) == 0, same);
    memcpy(was, is, 32);
    allowlist_destroy(&list);
}

static void
test_the_digest_is_of_the_contents(void **state)
{
    uint8_t digest[32] = {0};
    identity_t who = key_new("web1", ROLE_WORKER, NULL);

    put_key(*state, "allowed/web1", 0644, &who, NULL);
    check_digest(*state, digest, false);
    put_key(*state, "allowed/web1", 0644, &who, NULL);
    check_digest(*state, digest, true);
    who.roles = ROLE_CLIENT;
    put_key(*state, "allowed/web1", 0644, &who, NULL);
    check_digest(*state, digest, false);
    strcpy(who.hosts[who.n_hosts++], "web1");
    put_key(*state, "allowed/web1", 0644, &who, NULL);
    check_digest(*state, digest, false);
    allow(*state, "web1", ROLE_CLIENT);
    check_digest(*state, digest, false);
}

static void
test_a_list_of_one_and_of_nobody(void **state)
{
    identity_t only = key_new("coordinator", ROLE_COORDINATOR, NULL);
    allowlist_t *list = allowlist_of(&only);

    (void)state;
    assert_int_equal(allowlist_count(list), 1);
    assert_string_equal(allowlist_at(list, 0)->name, "coordinator");
    assert_non_null(allowlist_by_key(list, only.key));
    allowlist_destroy(&list);
    list = allowlist_of(NULL);
    assert_int_equal(allowlist_count(list), 0);
    assert_null(allowlist_by_key(list, only.key));
    assert_null(allowlist_by_name(list, "coordinator"));
    allowlist_destroy(&list);
}

static void
test_roles_have_names(void **state)
{
    (void)state;
    assert_int_equal(role_parse("worker"), ROLE_WORKER);
    assert_int_equal(role_parse("client"), ROLE_CLIENT);
    assert_int_equal(role_parse("admin"), ROLE_ADMIN);
    // No file and no command line makes a coordinator.
    assert_int_equal(role_parse("coordinator"), 0);
    assert_int_equal(role_parse(""), 0);
    assert_int_equal(role_parse("Worker"), 0);
    assert_string_equal(role_name(ROLE_WORKER), "worker");
    assert_string_equal(role_name(ROLE_COORDINATOR), "coordinator");
    assert_string_equal(role_name(ROLE_WORKER | ROLE_ADMIN), "?");
}

static void
test_a_worker_speaks_for_its_patterns(void **state)
{
    identity_t who = {.name = "web", .roles = ROLE_WORKER};

    (void)state;
    assert_true(identity_speaks_for(&who, "web"));
    assert_false(identity_speaks_for(&who, "web1"));
    strcpy(who.hosts[who.n_hosts++], "db[1-3]");
    strcpy(who.hosts[who.n_hosts++], "web?.example.*");
    assert_false(identity_speaks_for(&who, "web"));
    assert_true(identity_speaks_for(&who, "db2"));
    assert_false(identity_speaks_for(&who, "db4"));
    assert_false(identity_speaks_for(&who, "db22"));
    assert_true(identity_speaks_for(&who, "web7.example.org"));
    assert_false(identity_speaks_for(&who, "xweb7.example.org"));
    who.roles = ROLE_ADMIN;
    assert_false(identity_speaks_for(&who, "db2"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_found_by_key_and_by_name),
        TEST(test_the_name_of_the_file_counts),
        TEST(test_an_empty_or_missing_folder_is_not_found),
        TEST(test_files_being_written_are_skipped),
        TEST(test_two_files_with_one_key_are_named),
        TEST(test_a_key_without_role_is_refused),
        TEST(test_a_secret_among_the_allowed_is_refused),
        TEST(test_what_others_may_write_is_refused),
        TEST(test_names_that_no_key_has_are_refused),
        TEST(test_a_folder_among_the_allowed_is_refused),
        TEST(test_the_digest_is_of_the_contents),
        cmocka_unit_test(test_a_list_of_one_and_of_nobody),
        cmocka_unit_test(test_roles_have_names),
        cmocka_unit_test(test_a_worker_speaks_for_its_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
