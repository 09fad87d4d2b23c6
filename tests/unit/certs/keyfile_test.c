// SPDX-License-Identifier: Apache-2.0
#include "certs/keyfile.h"

#include "tests/unit/certs/key_folder.h"

typedef struct fixture {
    char *folder;
    identity_t who;
    uint8_t secret[KEY_LEN];
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);

    f->folder = folder_new();
    f->who = key_new("web1", ROLE_WORKER, f->secret);
    put_key(f->folder, "self", 0644, &f->who, NULL);
    put_key(f->folder, "self_secret", 0600, &f->who, f->secret);
    put_key(f->folder, "coordinator", 0644, &f->who, NULL);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;

    folder_destroy(&f->folder);
    free(f);
    return 0;
}

// Loads and lets go; *why says what was wrong.
static errcode_t
try_secret(const fixture_t *f, const char *name, buf_t *why)
{
    keypair_t pair;

    buf_clear(why);
    errcode_t rc = keyfile_load_secret(path_in(f->folder, name), &pair, why);
    assert_int_equal(rc == ERR_OK, why->len == 0);
    assert_int_equal(rc == ERR_OK, pair.secret_key != NULL);
    keypair_fini(&pair);
    return rc;
}

static errcode_t
try_public(const fixture_t *f, const char *name, buf_t *why)
{
    identity_t who;

    buf_clear(why);
    errcode_t rc = keyfile_load_public(path_in(f->folder, name), &who, why);
    assert_int_equal(rc == ERR_OK, why->len == 0);
    return rc;
}

static void
test_a_secret_key_is_loaded(void **state)
{
    fixture_t *f = *state;
    keypair_t pair;
    buf_t why = {0};

    CHECK_OK(
        keyfile_load_secret(path_in(f->folder, "self_secret"), &pair, &why));
    assert_memory_equal(pair.public_key, f->who.key, KEY_LEN);
    assert_memory_equal(pair.secret_key, f->secret, KEY_LEN);
    assert_string_equal(pair.name, "web1");
    keypair_fini(&pair);
    assert_null(pair.secret_key);
    keypair_fini(&pair);
}

static void
test_a_secret_open_to_others_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0666};
    fixture_t *f = *state;
    buf_t why = {0};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        chmod(path_in(f->folder, "self_secret"), modes[i]);
        CHECK_ERR(try_secret(f, "self_secret", &why), ERR_DENIED);
        CHECK_SAYS(why, "chmod 600 ");
        CHECK_SAYS(why, "self_secret");
    }
    chmod(path_in(f->folder, "self_secret"), 0400);
    CHECK_OK(try_secret(f, "self_secret", &why));
    buf_fini(&why);
}

static void
test_anothers_secret_is_refused(void **state)
{
    fixture_t *f = *state;
    buf_t why = {0};

    if (geteuid() != 0) {
        skip(); // only root can give a file away
    }
    assert_int_equal(chown(path_in(f->folder, "self_secret"), 12345, -1), 0);
    CHECK_ERR(try_secret(f, "self_secret", &why), ERR_DENIED);
    CHECK_SAYS(why, "belongs to user 12345");
    assert_int_equal(chown(path_in(f->folder, "self"), 12345, -1), 0);
    CHECK_ERR(try_public(f, "self", &why), ERR_DENIED);
    buf_fini(&why);
}

static void
test_links_fifos_and_folders_are_refused(void **state)
{
    fixture_t *f = *state;
    char *link = xstrdup(path_in(f->folder, "link"));
    buf_t why = {0};

    assert_int_equal(symlink("self_secret", link), 0);
    CHECK_ERR(try_secret(f, "link", &why), ERR_DENIED);
    CHECK_SAYS(why, "symbolic link");
    CHECK_ERR(try_public(f, "link", &why), ERR_DENIED);
    assert_int_equal(mkfifo(path_in(f->folder, "fifo"), 0600), 0);
    CHECK_ERR(try_secret(f, "fifo", &why), ERR_DENIED);
    CHECK_SAYS(why, "not a regular file");
    CHECK_ERR(try_secret(f, "allowed", &why), ERR_DENIED);
    free(link);
    buf_fini(&why);
}

static void
test_a_missing_file_is_not_found(void **state)
{
    fixture_t *f = *state;
    buf_t why = {0};

    CHECK_ERR(try_secret(f, "nothing", &why), ERR_NOT_FOUND);
    CHECK_SAYS(why, "nothing");
    CHECK_ERR(try_public(f, "nothing", &why), ERR_NOT_FOUND);
    buf_fini(&why);
}

static void
test_halves_that_do_not_fit_are_told(void **state)
{
    fixture_t *f = *state;
    identity_t other = key_new("web1", ROLE_WORKER, NULL);
    buf_t why = {0};

    put_key(f->folder, "self_secret", 0600, &other, f->secret);
    CHECK_ERR(try_secret(f, "self_secret", &why), ERR_MALFORMED);
    CHECK_SAYS(why, "do not belong together");
    put_key(f->folder, "self_secret", 0600, &f->who, NULL);
    CHECK_ERR(try_secret(f, "self_secret", &why), ERR_MALFORMED);
    CHECK_SAYS(why, "holds no secret key");
    CHECK_ERR(try_public(f, "self_secret", &why), ERR_OK);
    put_key(f->folder, "self", 0600, &f->who, f->secret);
    CHECK_ERR(try_public(f, "self", &why), ERR_DENIED);
    buf_fini(&why);
}

static void
test_an_over_long_file_is_refused(void **state)
{
    fixture_t *f = *state;
    buf_t text = {0};
    buf_t why = {0};

    keytext_print(&text, &f->who, NULL);
    while (text.len < 16384) {
        buf_put_str(&text, "# a comment\n");
    }
    put_text(f->folder, "self", 0644, buf_span(&text));
    CHECK_ERR(try_public(f, "self", &why), ERR_TOO_LARGE);
    CHECK_SAYS(why, "too long");
    buf_fini(&text);
    buf_fini(&why);
}

// A flip either breaks the file or is outside the keys: the pair that comes
// out is always the one that was made.
static void
test_truncations_and_bit_flips_give_no_other_key(void **state)
{
    fixture_t *f = *state;
    buf_t text = {0};
    buf_t why = {0};
    size_t refused = 0;

    keytext_print(&text, &f->who, f->secret);
    for (size_t i = 0; i < text.len; i++) {
        put_text(f->folder, "self_secret", 0600, (span_t){text.p, i});
        refused += try_secret(f, "self_secret", &why) != ERR_OK ? 1 : 0;
    }
    assert_true(refused >= text.len - 2); // the quote, the end of line
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        keypair_t pair;
        text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put_text(f->folder, "self_secret", 0600, buf_span(&text));
        buf_clear(&why);
        if (keyfile_load_secret(
                path_in(f->folder, "self_secret"), &pair, &why) == ERR_OK) {
            assert_memory_equal(pair.public_key, f->who.key, KEY_LEN);
        }
        keypair_fini(&pair);
        text.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_fini(&text);
    buf_fini(&why);
}

static void
test_credentials_are_own_key_and_coordinator(void **state)
{
    fixture_t *f = *state;
    credentials_t credentials;
    buf_t why = {0};

    CHECK_OK(credentials_load(f->folder, &credentials, &why));
    assert_string_equal(credentials.self.name, "web1");
    assert_int_equal(credentials.coordinator.roles, ROLE_COORDINATOR);
    credentials_fini(&credentials);
    assert_null(credentials.self.secret_key);
}

static void
check_no_credentials(const char *folder, const char *words)
{
    credentials_t credentials;
    buf_t why = {0};

    CHECK_ERR(credentials_load(folder, &credentials, &why), ERR_NOT_FOUND);
    assert_null(credentials.self.secret_key);
    buf_put_u8(&why, 0);
    assert_non_null(strstr((const char *)why.p, words));
    buf_fini(&why);
}

static void
test_a_wrong_key_folder_is_explained(void **state)
{
    fixture_t *f = *state;

    unlink(path_in(f->folder, "coordinator"));
    check_no_credentials(f->folder, "/coordinator: No such file");
    check_no_credentials("/nowhere", "logtally keys new");
    // The coordinator's own folder instead of one of those it issued.
    unlink(path_in(f->folder, "self_secret"));
    mkdir(path_in(f->folder, "issued"), 0700);
    check_no_credentials(f->folder, "give one of the folders in");
}

static void
test_fingerprints_tell_keys_apart(void **state)
{
    const uint8_t zero[KEY_LEN] = {0};
    uint8_t one[KEY_LEN] = {1};
    char a[20];
    char b[20];

    (void)state;
    key_fingerprint(zero, a);
    key_fingerprint(one, b);
    // BLAKE2b-256 of 32 zero bytes.
    assert_string_equal(a, "89eb-0d6a-8a69-1dae");
    assert_string_not_equal(a, b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// Both come from the same bits, so that either can be compared.
static void
test_fingerprints_say_the_same_in_digits_and_in_words(void **state)
{
    const uint8_t key[KEY_LEN] = {1, 2, 3};
    char digits[20], words[KEY_WORDS];
    unsigned n;

    (void)state;
    key_fingerprint(key, digits);
    key_words(key, words);
    assert_int_equal(sscanf(digits, "%4x", &n), 1);
    assert_int_equal(words[0], "bdfghjklmnprstvz"[n >> 12]);
    assert_int_equal(words[1], "aiou"[n >> 10 & 3]);
    assert_int_equal(words[4], "bdfghjklmnprstvz"[n & 15]);
    assert_int_equal(strspn(words, "bdfghjklmnprstvzaiou-"), KEY_WORDS - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fingerprints_say_the_same_in_digits_and_in_words),
        TEST(test_a_secret_key_is_loaded),
        TEST(test_a_secret_open_to_others_is_refused),
        TEST(test_anothers_secret_is_refused),
        TEST(test_links_fifos_and_folders_are_refused),
        TEST(test_a_missing_file_is_not_found),
        TEST(test_halves_that_do_not_fit_are_told),
        TEST(test_an_over_long_file_is_refused),
        TEST(test_truncations_and_bit_flips_give_no_other_key),
        TEST(test_credentials_are_own_key_and_coordinator),
        TEST(test_a_wrong_key_folder_is_explained),
        TEST(test_fingerprints_tell_keys_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
