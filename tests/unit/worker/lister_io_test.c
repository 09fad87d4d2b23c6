// SPDX-License-Identifier: Apache-2.0
#include "worker/lister_io.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/clock.h"
#include "common/base/xalloc.h"

#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES    700 // several batches
#define PATIENCE 20000
#define REQUESTS 40

typedef struct fixture {
    char folder[64];
    char pattern[80];
    files_t *files;
    lister_t *lister;
} fixture_t;

static int
setup(void **state)
{
    fixture_t *f = xcalloc(1, sizeof *f);
    const char *roots[] = {f->folder};
    buf_t why = {0};
    char path[96];

    strcpy(f->folder, "/tmp/logtally-lister-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/%04d.log", f->folder, i);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    snprintf(f->pattern, sizeof f->pattern, "%s/*.log", f->folder);
    CHECK_OK(files_open(roots, 1, &f->files, &why));
    CHECK_OK(lister_start(f->files, &f->lister));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_t *f = *state;
    char command[96];

    assert_true(lister_stop(&f->lister));
    files_destroy(&f->files);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void
next(fixture_t *f, listed_t *out)
{
    struct pollfd p = {lister_fd(f->lister), POLLIN, 0};

    do {
        assert_int_equal(poll(&p, 1, PATIENCE), 1);
    } while (!lister_take(f->lister, out));
}

static void
test_a_big_folder_comes_in_batches_in_order(void **state)
{
    fixture_t *f = *state;
    char last[128] = "";
    size_t n = 0;
    bool more = true;

    lister_ask(f->lister, 7, &(files_asked_t){f->pattern, false, 0, 0});
    while (more) {
        listed_t l;
        next(f, &l);
        CHECK_U64(l.request, 7);
        for (size_t i = 0; i < l.n; i++) {
            assert_true(strcmp(last, l.files[i].path) < 0);
            snprintf(last, sizeof last, "%s", l.files[i].path);
        }
        n += l.n;
        more = !l.last;
        CHECK_OK(l.rc);
        listed_fini(&l);
    }
    CHECK_U64(n, FILES);
}

static void
test_requests_do_not_wait_for_each_other_for_ever(void **state)
{
    fixture_t *f = *state;
    size_t counts[REQUESTS] = {0};
    int ended = 0;

    for (uint64_t i = 0; i < REQUESTS; i++) {
        lister_ask(f->lister, i, &(files_asked_t){f->pattern, true, 0, 0});
    }
    while (ended < REQUESTS) {
        listed_t l;
        next(f, &l);
        assert_true(l.request < REQUESTS);
        counts[l.request] += l.n;
        ended += l.last;
        listed_fini(&l);
    }
    for (int i = 0; i < REQUESTS; i++) {
        CHECK_U64(counts[i], FILES);
    }
}

static void
test_what_is_wrong_is_said_with_the_last_batch(void **state)
{
    fixture_t *f = *state;
    listed_t l;

    lister_ask(f->lister, 1, &(files_asked_t){"/nowhere/x", false, 0, 0});
    next(f, &l);
    assert_true(l.last);
    CHECK_ERR(l.rc, ERR_DENIED);
    assert_non_null(strstr(l.text, "/nowhere/x"));
    listed_fini(&l);
}

// Batches that nobody takes, requests that nobody began.
static void
test_it_stops_in_the_middle(void **state)
{
    fixture_t *f = *state;
    listed_t l;

    for (uint64_t i = 0; i < REQUESTS; i++) {
        lister_ask(f->lister, i, &(files_asked_t){f->pattern, false, 0, 0});
    }
    next(f, &l);
    listed_fini(&l);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void
wait_for_trouble(lister_t *lister, bool there)
{
    char text[LISTER_TROUBLE];
    int64_t until_ms = clock_mono_ms() + PATIENCE;

    do {
        (void)poll(NULL, 0, 20);
        lister_trouble(lister, text);
    } while ((text[0] != '\0') != there && clock_mono_ms() < until_ms);
    assert_int_equal(text[0] != '\0', there);
}

// Somebody moved the root away, and back.
static void
test_roots_are_looked_at_again_and_again(void **state)
{
    fixture_t *f = *state;
    char aside[80];

    snprintf(aside, sizeof aside, "%s-aside", f->folder);
    wait_for_trouble(f->lister, false);
    assert_int_equal(rename(f->folder, aside), 0);
    wait_for_trouble(f->lister, true);
    assert_int_equal(rename(aside, f->folder), 0);
    wait_for_trouble(f->lister, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_big_folder_comes_in_batches_in_order),
        TEST(test_requests_do_not_wait_for_each_other_for_ever),
        TEST(test_what_is_wrong_is_said_with_the_last_batch),
        TEST(test_it_stops_in_the_middle),
        TEST(test_roots_are_looked_at_again_and_again),
    };
    return sodium_init() == -1 || cmocka_run_group_tests(tests, NULL, NULL);
}
