// SPDX-License-Identifier: Apache-2.0
// Somebody who may write below a root exchanges files and folders with links
// to the outside, again and again, while the worker opens them.
#include "worker/files_io.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"
#include "tests/unit/worker/without_openat2.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BARE_S 60    // for the race to be won
#define SWAPS  50000 // of a file, and as many of a folder

static char folder[64];
static unsigned wanted; // swaps of each
static atomic_uint swaps;
static atomic_bool over;
static atomic_bool enough; // no more of them, whatever is wanted

static char *
path_of(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static void
shell(const char *format)
{
    char *command = xasprintf("cd '%s' && %s", folder, format);

    assert_int_equal(system(command), 0);
    free(command);
}

// root/f and root/d/f are logs; out/f is the secret that two links lead to.
static int
setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/logtally-race-XXXXXX");
    assert_non_null(mkdtemp(folder));
    shell("mkdir root root/d out && echo log >root/f && echo log >root/d/f && "
          "echo secret >out/f && ln -s ../out/f root/flink && "
          "ln -s ../out root/dlink");
    atomic_store(&swaps, 0);
    atomic_store(&over, false);
    atomic_store(&enough, false);
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
open_files(bool bounded)
{
    char *root = path_of("root");
    const char *roots[] = {root};
    files_t *files;
    buf_t why = {0};

    CHECK_OK(files_open(bounded ? roots : NULL, bounded ? 1 : 0, &files, &why));
    free(root);
    buf_fini(&why);
    return files;
}

static void
swap(const char *a, const char *b)
{
    char *from = path_of(a);
    char *to = path_of(b);

    for (unsigned i = 0; i < wanted && !atomic_load(&enough); i++) {
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) != 0) {
            break;
        }
        atomic_fetch_add(&swaps, 1);
    }
    free(from);
    free(to);
}

static void *
swap_all(void *arg)
{
    (void)arg;
    swap("root/f", "root/flink");
    swap("root/d", "root/dlink");
    atomic_store(&over, true);
    return NULL;
}

static void
on_found(void *ctx, const listed_file_t *file)
{
    shard_range_t *range = ctx;

    *range = (shard_range_t){.inode = file->inode,
        .device = file->device,
        .size = file->size,
        .mtime_ns = file->mtime_ns,
        .end = file->size};
    memcpy(range->hash, file->hash, sizeof file->hash);
}

// A plan that asks for the secret under a name below the root.
static shard_range_t
secret_as(const char *name)
{
    shard_range_t range = {0};
    files_t *files = open_files(false);
    char *path = path_of("out/f");
    buf_t why = {0};

    CHECK_OK(files_list(
        files, &(files_asked_t){.pattern = path}, on_found, &range, &why));
    files_destroy(&files);
    free(path);
    buf_fini(&why);
    range.path = path_of(name);
    return range;
}

// How often the secret was opened, while swaps went on.
static unsigned
open_while_swapping(bool bounded, unsigned *tries)
{
    files_t *files = open_files(bounded);
    shard_range_t ranges[] = {secret_as("root/f"), secret_as("root/d/f")};
    unsigned escapes = 0;
    pthread_t thread;
    time_t until = time(NULL) + BARE_S;

    *tries = 0;
    wanted = bounded ? SWAPS : UINT_MAX;
    assert_int_equal(pthread_create(&thread, NULL, swap_all, NULL), 0);
    while (!atomic_load(&over)) {
        for (size_t i = 0; i < 2; i++) {
            int fd = -1;
            if (files_open_range(files, &ranges[i], &fd) == ERR_OK) {
                escapes++;
                close(fd);
            }
            ++*tries;
        }
        // On a machine with much to do nobody may look at the right moment for
        // a long time.
        atomic_store(&enough, !bounded && (escapes > 0 || time(NULL) > until));
    }
    pthread_join(thread, NULL);
    free(ranges[0].path);
    free(ranges[1].path);
    files_destroy(&files);
    return escapes;
}

static void
test_links_swapped_in_a_race_lead_nowhere(void **state)
{
    unsigned tries;

    (void)state;
    CHECK_U64(open_while_swapping(true, &tries), 0);
    assert_true(tries > 1000);
    CHECK_U64(atomic_load(&swaps), 2 * SWAPS);
}

// The same race is won at once where nothing guards against it.
static void
test_without_roots_the_race_is_won(void **state)
{
    unsigned tries;

    (void)state;
    assert_true(open_while_swapping(false, &tries) > 0);
}

static void
test_no_trick_of_a_path_leads_outside(void **state)
{
    static const char *const tricks[] = {"root/../out/f", "root/./../out/f",
        "root/flink", "root/dlink/f", "root//../out/f", "out/f",
        "root/proc/self/root/etc/passwd", "root/self", "root/fd/0",
        "root/../../../../../../../../etc/passwd", "root/fifo", "root/null",
        "root/d", "root/d/", "root/f/", "root/f/.", "root/dev/null", "root/",
        "root", ""};
    files_t *files = open_files(true);

    (void)state;
    shell("ln -s /proc root/proc && ln -s /proc/self/root/etc/passwd root/self "
          "&& ln -s /proc/self/fd root/fd && mkfifo root/fifo && "
          "ln -s /dev root/dev && (mknod root/null c 1 3 || "
          "ln -s /dev/null root/null)");
    for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++) {
        shard_range_t range = secret_as(tricks[i]);
        shard_range_t found = {0};
        buf_t why = {0};
        int fd = -1;
        errcode_t rc = files_open_range(files, &range, &fd);
        errcode_t listed = files_list(files,
            &(files_asked_t){.pattern = range.path}, on_found, &found, &why);
        if (rc == ERR_OK || listed == ERR_OK || found.inode != 0) {
            fail_msg("'%s' was opened or listed", tricks[i]);
        }
        buf_fini(&why);
        free(range.path);
    }
    files_destroy(&files);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_links_swapped_in_a_race_lead_nowhere),
        TEST(test_without_roots_the_race_is_won),
        TEST(test_no_trick_of_a_path_leads_outside),
    };
    alarm(110);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    without_openat2();
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
