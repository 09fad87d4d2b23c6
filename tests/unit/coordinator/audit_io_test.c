// SPDX-License-Identifier: Apache-2.0
#include "coordinator/audit_io.h"

#include "tests/unit/certs/key_folder.h"

#include "common/base/log.h"

static char *folder;

static int
setup(void **state)
{
    (void)state;
    folder = folder_new();
    log_set_level(LOG_ERROR);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    folder_destroy(&folder);
    return 0;
}

static void
write_lines(int n)
{
    const audit_pair_t pairs[] = {{"key", "bob"}, {NULL, NULL}};
    audit_io_t *audit = NULL;
    buf_t why = {0};

    CHECK_OK(audit_io_open(path_in(folder, "audit.log"), &audit, &why));
    for (int i = 0; i < n; i++) {
        audit_io_put(audit, "submit", pairs);
    }
    audit_io_close(&audit);
    buf_fini(&why);
}

static errcode_t
verify(uint64_t *n)
{
    audit_chain_t chain;
    buf_t why = {0};
    errcode_t rc = audit_io_verify(path_in(folder, "audit.log"), &chain, &why);

    *n = chain.n;
    buf_fini(&why);
    return rc;
}

// Longer than the blocks in which it is read.
static void
test_the_chain_goes_on_after_a_restart(void **state)
{
    struct stat st;
    uint64_t n;

    (void)state;
    write_lines(400);
    write_lines(1);
    CHECK_OK(verify(&n));
    CHECK_U64(n, 403);
    assert_int_equal(stat(path_in(folder, "audit.log"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_a_line_that_a_crash_cut_off_is_taken_off(void **state)
{
    struct stat st;
    uint64_t n;

    (void)state;
    write_lines(2);
    assert_int_equal(stat(path_in(folder, "audit.log"), &st), 0);
    assert_int_equal(truncate(path_in(folder, "audit.log"), st.st_size - 5), 0);
    CHECK_ERR(verify(&n), ERR_TRUNCATED);
    CHECK_U64(n, 2);
    write_lines(0);
    CHECK_OK(verify(&n));
    CHECK_U64(n, 3);
}

static void
test_a_broken_file_is_kept_aside(void **state)
{
    uint64_t n;
    char *command = xasprintf("ls %s/audit.log.broken-* >/dev/null", folder);

    (void)state;
    write_lines(2);
    FILE *file = fopen(path_in(folder, "audit.log"), "r+");
    assert_int_equal(fseek(file, 100, SEEK_SET), 0);
    assert_int_equal(fputc('?', file), '?');
    fclose(file);
    CHECK_ERR(verify(&n), ERR_CORRUPT);
    CHECK_U64(n, 0);
    write_lines(1);
    CHECK_OK(verify(&n));
    CHECK_U64(n, 2);
    assert_int_equal(system(command), 0);
    free(command);
}

static void
test_what_is_no_audit_file_is_refused(void **state)
{
    uint64_t n;

    (void)state;
    CHECK_ERR(verify(&n), ERR_IO);
    put_text(folder, "audit.log", 0600, SPAN_LIT("hello\n"));
    CHECK_ERR(verify(&n), ERR_CORRUPT);
    buf_t zeros = {0};
    for (int i = 0; i < 100000; i++) {
        buf_put_u8(&zeros, 0);
    }
    put_text(folder, "audit.log", 0600, buf_span(&zeros));
    CHECK_ERR(verify(&n), ERR_CORRUPT);
    buf_fini(&zeros);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_chain_goes_on_after_a_restart),
        TEST(test_a_line_that_a_crash_cut_off_is_taken_off),
        TEST(test_a_broken_file_is_kept_aside),
        TEST(test_what_is_no_audit_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
