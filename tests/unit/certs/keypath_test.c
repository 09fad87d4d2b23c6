// SPDX-License-Identifier: Apache-2.0
#include "certs/keypath.h"

#include "tests/unit/certs/key_folder.h"

#include "certs/keyfile.h"

static char *folder;

static int
setup(void **state)
{
    (void)state;
    folder = folder_new();
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(chmod(folder, 0700), 0);
    folder_destroy(&folder);
    return 0;
}

static void
put_secret(const char *name, mode_t mode)
{
    uint8_t secret[KEY_LEN];
    identity_t who = key_new("web1", ROLE_WORKER, secret);

    put_key(folder, name, mode, &who, secret);
}

static errcode_t
load(const char *name, buf_t *why)
{
    keypair_t pair;
    buf_clear(why);
    errcode_t rc = keyfile_load_secret(path_in(folder, name), &pair, why);

    keypair_fini(&pair);
    return rc;
}

static void
test_a_key_in_a_folder_of_others_is_refused(void **state)
{
    buf_t why = {0};

    (void)state;
    put_secret("key", 0600);
    CHECK_OK(load("key", &why));
    assert_int_equal(chmod(folder, 0777), 0);
    CHECK_ERR(load("key", &why), ERR_DENIED);
    CHECK_SAYS(why, "chmod go-w");
    assert_int_equal(chmod(folder, 0770), 0);
    CHECK_ERR(load("key", &why), ERR_DENIED);
    // Where the sticky bit is set, others cannot exchange what is ours.
    assert_int_equal(chmod(folder, 01777), 0);
    CHECK_OK(load("key", &why));
    buf_fini(&why);
}

static void
test_every_folder_above_counts(void **state)
{
    buf_t why = {0};

    (void)state;
    put_secret("allowed/key", 0600);
    CHECK_OK(load("allowed/key", &why));
    assert_int_equal(chmod(folder, 0707), 0);
    CHECK_ERR(load("allowed/key", &why), ERR_DENIED);
    // A link on the way is resolved: what counts is where the key is.
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(mkdir(path_in(folder, "open"), 0777), 0);
    assert_int_equal(chmod(path_in(folder, "open"), 0777), 0);
    put_secret("open/key", 0600);
    assert_int_equal(symlink("open", path_in(folder, "link")), 0);
    CHECK_ERR(load("link/key", &why), ERR_DENIED);
    buf_fini(&why);
}

static void
test_a_folder_of_another_user_is_refused(void **state)
{
    buf_t why = {0};

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    put_secret("allowed/key", 0600);
    assert_int_equal(chown(path_in(folder, "allowed"), 12345, 12345), 0);
    CHECK_ERR(load("allowed/key", &why), ERR_DENIED);
    CHECK_SAYS(why, "belongs to user 12345");
    buf_fini(&why);
}

// systemd's files have the group bit of their access list; only there.
static void
test_credentials_of_systemd_are_taken(void **state)
{
    buf_t why = {0};

    (void)state;
    put_secret("key", 0440);
    CHECK_ERR(load("key", &why), ERR_DENIED);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    CHECK_OK(load("key", &why));
    put_secret("allowed/key", 0440);
    CHECK_ERR(load("allowed/key", &why), ERR_DENIED);
    put_secret("open", 0644);
    CHECK_ERR(load("open", &why), ERR_DENIED);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "relative", 1), 0);
    assert_null(keypath_credentials());
    buf_fini(&why);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_key_in_a_folder_of_others_is_refused),
        TEST(test_every_folder_above_counts),
        TEST(test_a_folder_of_another_user_is_refused),
        TEST(test_credentials_of_systemd_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
