// SPDX-License-Identifier: Apache-2.0
#include "worker/files_io.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"
#include "tests/unit/worker/without_openat2.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A fresh folder with root/ (the only root) and secret (outside it).
static char folder[64];

static char *
path_of(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static void
write_file(const char *name, const char *mode, const char *text)
{
    char *path = path_of(name);
    FILE *f = fopen(path, mode);

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
    free(path);
}

static int
setup(void **state)
{
    char *root;

    (void)state;
    strcpy(folder, "/tmp/logtally-files-XXXXXX");
    assert_non_null(mkdtemp(folder));
    root = path_of("root");
    assert_int_equal(mkdir(root, 0700), 0);
    free(root);
    write_file("secret", "w", "secret\n");
    write_file("root/a.log", "w", "one\ntwo\n");
    write_file("root/b.log", "w", "three\n");
    return 0;
}

static int
teardown(void **state)
{
    char *command = xasprintf("rm -rf '%s'", folder);

    (void)state;
    assert_int_equal(system(command), 0);
    free(command);
    return 0;
}

static files_t *
open_root(void)
{
    char *root = path_of("root");
    const char *roots[] = {root};
    files_t *files;
    buf_t why = {0};

    CHECK_OK(files_open(roots, 1, &files, &why));
    free(root);
    buf_fini(&why);
    return files;
}

typedef struct found {
    size_t n;
    shard_range_t last;
} found_t;

static void
on_found(void *ctx, const listed_file_t *file)
{
    found_t *found = ctx;

    found->n++;
    free(found->last.path);
    found->last = (shard_range_t){.path = xstrdup(file->path),
        .device = file->device,
        .inode = file->inode,
        .size = file->size,
        .mtime_ns = file->mtime_ns,
        .compression = file->compression,
        .end = file->size};
    memcpy(found->last.hash, file->hash, sizeof file->hash);
}

static char said[2048];

static errcode_t
list(const char *pattern, found_t *found)
{
    files_t *files = open_root();
    char *path = path_of(pattern);
    buf_t why = {0};
    errcode_t rc = files_list(
        files, &(files_asked_t){.pattern = path}, on_found, found, &why);

    assert_true((rc == ERR_OK) == (why.len == 0));
    snprintf(said, sizeof said, "%.*s", (int)why.len, (const char *)why.p);
    buf_fini(&why);
    free(path);
    files_destroy(&files);
    return rc;
}

static errcode_t
open_again(const shard_range_t *range)
{
    files_t *files = open_root();
    int fd = -1;
    errcode_t rc = files_open_range(files, range, &fd);

    if (rc == ERR_OK) {
        file_id_t id = shard_range_id(range);
        rc = file_id_check(fd, &id, NULL);
        close(fd);
    }
    files_destroy(&files);
    return rc;
}

static void
test_glob_finds_what_is_below_the_root(void **state)
{
    found_t found = {0};

    (void)state;
    CHECK_OK(list("root/*.log", &found));
    CHECK_U64(found.n, 2);
    assert_non_null(strstr(found.last.path, "b.log"));
    CHECK_U64(found.last.size, 6);
    CHECK_OK(open_again(&found.last));
    free(found.last.path);
}

// One source for hosts whose roots have different names.
static void
test_a_wildcard_may_stand_for_the_root(void **state)
{
    found_t found = {0};

    (void)state;
    CHECK_OK(list("r*t/a.log", &found));
    CHECK_U64(found.n, 1);
    assert_non_null(strstr(found.last.path, "root/a.log"));
    free(found.last.path);
    assert_int_equal(list("x*t/a.log", &found), ERR_DENIED);
    assert_int_equal(list("*", &found), ERR_DENIED);
}

static void
test_outside_of_the_root_is_denied(void **state)
{
    char *link = path_of("root/link.log");
    char *target = path_of("secret");
    found_t found = {0};

    (void)state;
    assert_int_equal(symlink(target, link), 0);
    assert_int_not_equal(list("secret", &found), ERR_OK);
    assert_int_not_equal(list("root/../secret", &found), ERR_OK);
    assert_int_not_equal(list("root/link.log", &found), ERR_OK);
    CHECK_U64(found.n, 0);
    free(link);
    free(target);
}

static void
test_growth_is_fine_and_anything_else_has_changed(void **state)
{
    found_t found = {0};

    (void)state;
    CHECK_OK(list("root/a.log", &found));
    write_file("root/a.log", "a", "more\n");
    CHECK_OK(open_again(&found.last));
    write_file("root/a.log", "w", "ONE\ntwo\nmore\n");
    CHECK_ERR(open_again(&found.last), ERR_CHANGED);
    write_file("root/a.log", "w", "one\n");
    CHECK_ERR(open_again(&found.last), ERR_CHANGED);
    assert_int_equal(unlink(found.last.path), 0);
    CHECK_ERR(open_again(&found.last), ERR_NOT_FOUND);
    free(found.last.path);
}

static void
test_no_match_says_so(void **state)
{
    found_t found = {0};

    (void)state;
    CHECK_ERR(list("root/*.txt", &found), ERR_NOT_FOUND);
}

static void
test_a_directory_is_told_from_a_missing_file(void **state)
{
    found_t found = {0};
    char *want = xasprintf(
        "%s/root is a directory; name its files: %s/root/*", folder, folder);

    (void)state;
    char *outer = path_of("root");
    char *inner = path_of("root/inner");
    assert_int_equal(mkdir(inner, 0700), 0);
    CHECK_ERR(list("root/inner/", &found), ERR_NOT_FOUND);
    assert_non_null(strstr(said, "inner/ is a directory"));
    assert_non_null(strstr(said, "root/inner/*"));
    files_t *files;
    buf_t why = {0};
    CHECK_OK(files_open(NULL, 0, &files, &why));
    CHECK_ERR(files_list(files, &(files_asked_t){.pattern = outer}, on_found,
                  &found, &why),
        ERR_NOT_FOUND);
    CHECK_U64(why.len, strlen(want));
    assert_memory_equal(why.p, want, why.len);
    files_destroy(&files);
    buf_fini(&why);
    free(outer);
    free(inner);
    free(want);
}

// A folder among the matches is nothing; a file that cannot be read is.
static void
test_a_match_that_cannot_be_read_is_named(void **state)
{
    char *link = path_of("root/c.log");
    char *dir = path_of("root/d.log");
    found_t found = {0};

    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    CHECK_OK(list("root/*.log", &found));
    CHECK_U64(found.n, 2);
    assert_int_equal(symlink("a.log", link), 0);
    CHECK_ERR(list("root/*.log", &found), ERR_DENIED);
    CHECK_U64(found.n, 4);
    assert_non_null(strstr(said, link));
    assert_non_null(strstr(said, "symbolic"));
    free(found.last.path);
    free(link);
    free(dir);
}

static void
test_a_folder_that_is_a_link_is_named(void **state)
{
    char *real = path_of("root/real");
    char *link = path_of("root/link");
    found_t found = {0};

    (void)state;
    assert_int_equal(mkdir(real, 0700), 0);
    write_file("root/real/x.log", "w", "x\n");
    CHECK_OK(list("root/r*/x.log", &found));
    CHECK_OK(list("root/real/x*", &found));
    assert_int_equal(symlink("real", link), 0);
    CHECK_ERR(list("root/l*/x.log", &found), ERR_DENIED);
    assert_non_null(strstr(said, link));
    CHECK_ERR(list("root/link/x*", &found), ERR_DENIED);
    CHECK_ERR(list("root/*/x.log", &found), ERR_DENIED);
    CHECK_U64(found.n, 3);
    free(found.last.path);
    free(real);
    free(link);
}

static void
test_a_pattern_may_begin_above_the_roots(void **state)
{
    char *outer = path_of("root");
    char *inner = path_of("root/inner");
    char *pattern = path_of("r*/*/*.log");
    const char *roots[] = {outer, inner};
    found_t found = {0};
    files_t *files;
    buf_t why = {0};

    (void)state;
    CHECK_OK(list("r*/*.log", &found));
    CHECK_U64(found.n, 2);
    CHECK_ERR(list("s*/*.log", &found), ERR_DENIED);
    CHECK_ERR(list("*", &found), ERR_DENIED);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_file("root/inner/c.log", "w", "c\n");
    CHECK_OK(files_open(roots, 2, &files, &why));
    CHECK_OK(files_list(
        files, &(files_asked_t){.pattern = pattern}, on_found, &found, &why));
    CHECK_U64(found.n, 3); // once, though it is below both
    files_destroy(&files);
    free(found.last.path);
    free(outer);
    free(inner);
    free(pattern);
}

// Two members, neither of which says how long it is.
static void
write_members(const char *name)
{
    static const char member[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03"
                                 "\x03\0\0\0\0\0\0\0\0";
    char *path = path_of(name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fwrite(member, sizeof member, 1, f), 1);
    }
    fclose(f);
    free(path);
}

static void
count_guessed(void *ctx, const listed_file_t *file)
{
    size_t *n = ctx;

    assert_int_equal(file->guessed, file->cuts.len > 0);
    *n += file->guessed;
}

// Each takes half of what is left, or what it has, where that is 4 MiB.
static void
test_archives_share_what_may_be_read_for_guesses(void **state)
{
    static const struct {
        uint64_t bytes;
        size_t guessed;
    } cases[] = {{0, 0}, {(8 << 20) - 1, 0}, {8 << 20, 1}, {(8 << 20) + 39, 1},
        {(8 << 20) + 40, 2}};
    files_t *files = open_root();
    char *pattern = path_of("root/*.gz");

    (void)state;
    write_members("root/a.gz");
    write_members("root/b.gz");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = 0;
        buf_t why = {0};
        const files_asked_t asked = {
            .pattern = pattern, .cuts_from = 1, .guess_bytes = cases[i].bytes};
        CHECK_OK(files_list(files, &asked, count_guessed, &n, &why));
        CHECK_U64(n, cases[i].guessed);
    }
    files_destroy(&files);
    free(pattern);
}

static void
test_files_without_permission_are_named(void **state)
{
    found_t found = {0};

    (void)state;
    if (geteuid() == 0) {
        skip(); // root may read everything
    }
    char *dir = path_of("root/closed");
    char *file = path_of("root/a.log");
    assert_int_equal(mkdir(dir, 0000), 0);
    CHECK_ERR(list("root/closed/*.log", &found), ERR_DENIED);
    assert_int_equal(chmod(file, 0000), 0);
    CHECK_ERR(list("root/*.log", &found), ERR_DENIED);
    assert_non_null(strstr(said, "permission"));
    CHECK_U64(found.n, 1);
    free(found.last.path);
    free(dir);
    free(file);
}

static void
test_standard_input_is_for_the_local_run(void **state)
{
    files_t *files = open_root();
    shard_range_t range = {.stream = true};
    buf_t why = {0};
    int fd;

    (void)state;
    CHECK_ERR(files_open_range(files, &range, &fd), ERR_DENIED);
    files_destroy(&files);
    CHECK_OK(files_open(NULL, 0, &files, &why));
    CHECK_OK(files_open_range(files, &range, &fd));
    assert_true(fd > 2);
    close(fd);
    files_destroy(&files);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_glob_finds_what_is_below_the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_wildcard_may_stand_for_the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_outside_of_the_root_is_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_growth_is_fine_and_anything_else_has_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_match_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_directory_is_told_from_a_missing_file, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_match_that_cannot_be_read_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_folder_that_is_a_link_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_pattern_may_begin_above_the_roots, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_archives_share_what_may_be_read_for_guesses, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_files_without_permission_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_standard_input_is_for_the_local_run, setup, teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    without_openat2();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
