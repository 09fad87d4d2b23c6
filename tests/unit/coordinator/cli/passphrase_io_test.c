// SPDX-License-Identifier: Apache-2.0
// From a file; the terminal is tests/cluster/test_passphrase.py.
#include "coordinator/cli/passphrase_io.h"

#include "tests/unit/certs/key_folder.h"

static errcode_t
read_back(span_t text, mode_t mode, size_t *len, buf_t *why)
{
    char *folder = folder_new();
    uint8_t *out = sodium_malloc(LIMIT_PASSPHRASE);

    buf_clear(why);
    put_text(folder, "words", mode, text);
    errcode_t rc =
        passphrase_new(path_in(folder, "words"), "key", out, len, why);
    sodium_free(out);
    folder_destroy(&folder);
    return rc;
}

static bool
takes_length(uint64_t n)
{
    uint8_t text[LIMIT_PASSPHRASE + 1];
    size_t len = 0;
    buf_t why = {0};

    memset(text, 'a', sizeof text);
    errcode_t rc = read_back((span_t){text, n}, 0600, &len, &why);
    assert_true(rc == ERR_OK ? len == n : rc == ERR_TOO_LARGE);
    buf_fini(&why);
    return rc == ERR_OK;
}

static void
test_its_length(void **state)
{
    uint8_t text[LIMIT_PASSPHRASE + 2];
    size_t len;
    buf_t why = {0};

    (void)state;
    memset(text, 'a', sizeof text);
    CHECK_ERR(read_back((span_t){text, PASSPHRASE_MIN - 1}, 0600, &len, &why),
        ERR_MALFORMED);
    CHECK_OK(read_back((span_t){text, PASSPHRASE_MIN}, 0600, &len, &why));
    CHECK_LIMIT(LIMIT_PASSPHRASE, takes_length);
    text[LIMIT_PASSPHRASE] = '\n';
    CHECK_OK(read_back((span_t){text, sizeof text}, 0600, &len, &why));
    CHECK_U64(len, LIMIT_PASSPHRASE);
    buf_fini(&why);
}

static void
test_only_the_first_line(void **state)
{
    size_t len;
    buf_t why = {0};

    (void)state;
    CHECK_OK(read_back(SPAN_LIT("some words\nmore"), 0600, &len, &why));
    CHECK_U64(len, 10);
    CHECK_ERR(
        read_back(SPAN_LIT("\nmore words"), 0600, &len, &why), ERR_MALFORMED);
    CHECK_ERR(read_back(SPAN_LIT(""), 0600, &len, &why), ERR_MALFORMED);
    buf_fini(&why);
}

static void
test_a_file_of_others_is_refused(void **state)
{
    size_t len;
    buf_t why = {0};

    (void)state;
    CHECK_ERR(read_back(SPAN_LIT("some words"), 0640, &len, &why), ERR_DENIED);
    CHECK_SAYS(why, "chmod 600");
    CHECK_ERR(read_back(SPAN_LIT("some words"), 0604, &len, &why), ERR_DENIED);
    buf_fini(&why);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_length),
        cmocka_unit_test(test_only_the_first_line),
        cmocka_unit_test(test_a_file_of_others_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
