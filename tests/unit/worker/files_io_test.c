// SPDX-License-Identifier: Apache-2.0
#include "worker/files_io.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"

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

static errcode_t
list(const char *pattern, found_t *found)
{
    files_t *files = open_root();
    char *path = path_of(pattern);
    buf_t why = {0};
    errcode_t rc = files_list(files, path, false, on_found, found, &why);

    assert_true(rc == ERR_OK || why.len > 0);
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
        rc = file_id_check(fd, &id);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_glob_finds_what_is_below_the_root, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_outside_of_the_root_is_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_growth_is_fine_and_anything_else_has_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_match_says_so, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
