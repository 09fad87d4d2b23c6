// SPDX-License-Identifier: Apache-2.0
#include "certs/keyput_io.h"

#include "tests/unit/certs/key_folder.h"

#include "certs/keyfile.h"

static const keylock_cost_t cheap = {1, 8192};

typedef struct fixture {
    char *folder;
    char *path;
    identity_t who;
    uint8_t secret[KEY_LEN];
    unsigned asked;
    const char *says; // to whoever asks for the passphrase
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);

    f->folder = folder_new();
    f->path = xasprintf("%s/self_secret", f->folder);
    f->who = key_new("anna", ROLE_CLIENT, f->secret);
    f->who.expires = 4102444800;
    put_key(f->folder, "self_secret", 0600, &f->who, f->secret);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    folder_destroy(&f->folder);
    free(f->path);
    free(f);
    return 0;
}

static errcode_t
answer(void *ctx, const char *path, bool again, uint8_t *out, size_t *len,
    buf_t *why)
{
    fixture_t *f = ctx;

    assert_string_equal(path, f->path);
    assert_int_equal(again, f->asked > 0);
    f->asked++;
    if (f->says == NULL) {
        buf_put_str(why, "nobody there");
        return ERR_NOT_FOUND;
    }
    *len = strlen(f->says);
    memcpy(out, f->says, *len);
    return ERR_OK;
}

// What comes of reading it when that is said; false with *why.
static bool
opens(fixture_t *f, const char *says, buf_t *why)
{
    const passphrase_source_t source = {answer, f, 3};
    keytext_t *text;

    f->says = says;
    f->asked = 0;
    buf_clear(why);
    errcode_t rc = keyfile_read_secret(f->path, &source, &text, why);
    if (rc != ERR_OK) {
        assert_null(text);
        return false;
    }
    assert_memory_equal(text->secret, f->secret, KEY_LEN);
    assert_memory_equal(&text->identity, &f->who, sizeof f->who);
    sodium_free(text);
    return true;
}

static errcode_t
change(fixture_t *f, const char *old, const char *new, buf_t *why)
{
    const passphrase_source_t source = {answer, f, 1};
    const keyseal_t seal = {span_str(new != NULL ? new : ""), &cheap};

    f->says = old;
    f->asked = 0;
    buf_clear(why);
    return keyput_passphrase(f->path, &source, new != NULL ? &seal : NULL, why);
}

static void
test_a_passphrase_is_set_changed_and_removed(void **state)
{
    fixture_t *f = *state;
    buf_t why = {0};
    struct stat st;

    CHECK_OK(change(f, NULL, "first one", &why));
    assert_int_equal(f->asked, 0);
    assert_true(opens(f, "first one", &why));
    CHECK_OK(change(f, "first one", "second one", &why));
    assert_false(opens(f, "first one", &why));
    assert_true(opens(f, "second one", &why));
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    CHECK_OK(change(f, "second one", NULL, &why));
    assert_true(opens(f, NULL, &why));
    assert_int_equal(f->asked, 0);
    buf_fini(&why);
}

static void
test_a_wrong_passphrase_changes_nothing(void **state)
{
    fixture_t *f = *state;
    buf_t why = {0};

    CHECK_OK(change(f, NULL, "first one", &why));
    CHECK_ERR(change(f, "another", "second one", &why), ERR_AUTH);
    CHECK_SAYS(why, "self_secret: that is not its passphrase");
    CHECK_ERR(change(f, "another", NULL, &why), ERR_AUTH);
    CHECK_ERR(change(f, NULL, NULL, &why), ERR_NOT_FOUND);
    CHECK_SAYS(why, "nobody there");
    assert_true(opens(f, "first one", &why));
    // It was asked three times, and no fourth time.
    assert_false(opens(f, "another", &why));
    assert_int_equal(f->asked, 3);
    buf_fini(&why);
}

static void
test_a_daemon_is_told_what_to_do(void **state)
{
    fixture_t *f = *state;
    keypair_t pair;
    buf_t why = {0};

    CHECK_OK(change(f, NULL, "first one", &why));
    CHECK_ERR(keyfile_load_secret(f->path, &pair, &why), ERR_DENIED);
    CHECK_SAYS(why, "logtally keys passphrase --remove");
    assert_null(pair.secret_key);
    buf_fini(&why);
}

static void
test_keys_of_daemons_get_none(void **state)
{
    fixture_t *f = *state;
    buf_t why = {0};

    f->who.roles = ROLE_WORKER;
    put_key(f->folder, "self_secret", 0600, &f->who, f->secret);
    CHECK_ERR(change(f, NULL, "first one", &why), ERR_CONFIG);
    CHECK_SAYS(why, "is the key of a daemon");
    f->who.roles = 0;
    strcpy(f->who.name, "coordinator");
    put_key(f->folder, "self_secret", 0600, &f->who, f->secret);
    CHECK_ERR(change(f, NULL, "first one", &why), ERR_CONFIG);
    assert_true(opens(f, NULL, &why));
    buf_fini(&why);
}

static void
test_a_public_file_may_not_be_sealed(void **state)
{
    fixture_t *f = *state;
    identity_t who;
    buf_t why = {0};

    CHECK_OK(change(f, NULL, "first one", &why));
    CHECK_ERR(keyfile_load_public(f->path, &who, &why), ERR_DENIED);
    buf_fini(&why);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_passphrase_is_set_changed_and_removed),
        WITH_FOLDER(test_a_wrong_passphrase_changes_nothing),
        WITH_FOLDER(test_a_daemon_is_told_what_to_do),
        WITH_FOLDER(test_keys_of_daemons_get_none),
        WITH_FOLDER(test_a_public_file_may_not_be_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
