// SPDX-License-Identifier: Apache-2.0
#include "coordinator/state_io.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int
setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/logtally-state-XXXXXX");
    assert_non_null(mkdtemp(folder));
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

static state_t *
open_state(size_t keep)
{
    state_t *self = NULL;
    buf_t why = {0};

    CHECK_OK(state_open(folder, keep, &self, &why));
    assert_int_equal(why.len, 0);
    return self;
}

static uint64_t
raise_epoch(state_t *self, uint64_t least)
{
    uint64_t epoch = 0;
    buf_t why = {0};

    CHECK_OK(state_raise_epoch(self, least, &epoch, &why));
    return epoch;
}

static void
write_text(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder, name);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(path);
}

static bool
there_is(const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    bool found = access(path, F_OK) == 0;

    free(path);
    return found;
}

static void
test_epoch_rises_with_every_start(void **state)
{
    (void)state;
    state_t *self = open_state(10);
    assert_int_equal(raise_epoch(self, 1000), 1000);
    state_close(&self);
    self = open_state(10);
    assert_int_equal(raise_epoch(self, 1000), 1001);
    assert_int_equal(raise_epoch(self, 5), 1002);
    assert_int_equal(raise_epoch(self, 5000), 5000);
    state_close(&self);
}

static void
test_folder_is_for_its_owner_alone(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(chmod(folder, 0755), 0);
    state_t *self = open_state(10);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    state_close(&self);
}

static void
test_two_daemons_cannot_share_it(void **state)
{
    state_t *second = NULL;
    buf_t why = {0};
    char pid[32];

    (void)state;
    state_t *first = open_state(10);
    CHECK_ERR(state_open(folder, 10, &second, &why), ERR_BUSY);
    assert_null(second);
    buf_put_u8(&why, '\0');
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr((const char *)why.p, pid));
    buf_fini(&why);
    state_close(&first);
    second = open_state(10);
    state_close(&second);
}

static void
test_job_ids_are_never_given_twice(void **state)
{
    (void)state;
    state_t *self = open_state(10);
    assert_int_equal(state_first_job(self), 1);
    (void)raise_epoch(self, 1);
    CHECK_OK(state_reserve_job(self, 70));
    state_close(&self); // as after a crash: nothing was released
    self = open_state(10);
    assert_true(state_first_job(self) > 70);
    state_close(&self);
}

static void
test_a_clean_end_wastes_no_ids(void **state)
{
    (void)state;
    state_t *self = open_state(10);
    (void)raise_epoch(self, 1);
    CHECK_OK(state_reserve_job(self, 6));
    state_release_jobs(self, 6);
    state_close(&self);
    self = open_state(10);
    assert_int_equal(state_first_job(self), 6);
    state_close(&self);
}

static void
test_ids_stay_above_kept_results(void **state)
{
    (void)state;
    state_t *self = open_state(10);
    result_store_t store = state_results(self);
    CHECK_OK(store.put(store.ctx, 41, SPAN_LIT("x")));
    state_close(&self);
    self = open_state(10);
    assert_int_equal(state_first_job(self), 42);
    state_close(&self);
}

static void
test_results_come_back_after_a_restart(void **state)
{
    buf_t got = {0};

    (void)state;
    state_t *self = open_state(10);
    result_store_t store = state_results(self);
    CHECK_OK(store.put(store.ctx, 1, SPAN_LIT("old")));
    CHECK_OK(store.put(store.ctx, 1, SPAN_LIT("rows")));
    state_close(&self);
    self = open_state(10);
    store = state_results(self);
    CHECK_OK(store.get(store.ctx, 1, &got));
    CHECK_SPAN(got, "rows");
    buf_clear(&got);
    CHECK_ERR(store.get(store.ctx, 2, &got), ERR_NOT_FOUND);
    buf_fini(&got);
    state_close(&self);
}

static void
test_the_oldest_results_make_room(void **state)
{
    buf_t got = {0};

    (void)state;
    state_t *self = open_state(2);
    result_store_t store = state_results(self);
    for (uint64_t job = 1; job <= 5; job++) {
        CHECK_OK(store.put(store.ctx, job, SPAN_LIT("x")));
    }
    CHECK_ERR(store.get(store.ctx, 3, &got), ERR_NOT_FOUND);
    CHECK_OK(store.get(store.ctx, 4, &got));
    CHECK_OK(store.get(store.ctx, 5, &got));
    buf_fini(&got);
    state_close(&self);
}

static void
test_a_broken_epoch_stops_the_start(void **state)
{
    static const char *const bad[] = {
        "", "x\n", "12x\n", "-1\n", "99999999999999999999\n", "1\n2\n"};
    uint64_t epoch;

    (void)state;
    state_t *self = open_state(10);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        buf_t why = {0};
        write_text("epoch", bad[i]);
        assert_true(state_raise_epoch(self, 1, &epoch, &why) != ERR_OK);
        assert_true(why.len > 0);
        buf_fini(&why);
    }
    state_close(&self);
}

static void
test_ports_go_with_the_daemon(void **state)
{
    (void)state;
    write_text("ports", "control_port=1\n"); // left behind by a crash
    state_t *self = open_state(10);
    assert_false(there_is("ports"));
    (void)raise_epoch(self, 1);
    CHECK_OK(state_write_ports(self, 7700, 7701));
    assert_true(there_is("ports"));
    state_close(&self);
    assert_false(there_is("ports"));
}

static void
test_foreign_files_among_results_are_left_alone(void **state)
{
    (void)state;
    state_t *self = open_state(1);
    state_close(&self);
    write_text("results/notes.txt", "x");
    write_text("results/12.result.bak", "x");
    write_text("results/99999999999999999999.result", "x");
    self = open_state(1);
    assert_int_equal(state_first_job(self), 1);
    assert_true(there_is("results/notes.txt"));
    assert_true(there_is("results/12.result.bak"));
    state_close(&self);
}

int
main(void)
{
#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        STATE_TEST(test_epoch_rises_with_every_start),
        STATE_TEST(test_folder_is_for_its_owner_alone),
        STATE_TEST(test_two_daemons_cannot_share_it),
        STATE_TEST(test_job_ids_are_never_given_twice),
        STATE_TEST(test_a_clean_end_wastes_no_ids),
        STATE_TEST(test_ids_stay_above_kept_results),
        STATE_TEST(test_results_come_back_after_a_restart),
        STATE_TEST(test_the_oldest_results_make_room),
        STATE_TEST(test_a_broken_epoch_stops_the_start),
        STATE_TEST(test_ports_go_with_the_daemon),
        STATE_TEST(test_foreign_files_among_results_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
