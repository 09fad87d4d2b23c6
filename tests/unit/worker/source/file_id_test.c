// SPDX-License-Identifier: Apache-2.0
#include "worker/source/file_id.h"

#include "tests/unit/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 20000u // more than both edges

static int
made_file(file_id_t *id)
{
    uint8_t bytes[SIZE], head[FILE_ID_EDGE];
    size_t len;
    int fd = memfd_create("log", MFD_CLOEXEC);

    memset(bytes, 'x', sizeof bytes);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
    CHECK_OK(file_id_of(fd, id, head, &len));
    CHECK_U64(len, FILE_ID_EDGE);
    return fd;
}

static void
put_at(int fd, off_t at, const char *text)
{
    size_t len = strlen(text);

    assert_int_equal(pwrite(fd, text, len, at), len);
}

// As a tool leaves it that copies times, too.
static void
restore_time(int fd, const file_id_t *id)
{
    struct timespec t = {.tv_sec = id->mtime_ns / 1000000000,
        .tv_nsec = id->mtime_ns % 1000000000};
    const struct timespec times[2] = {t, t};

    assert_int_equal(futimens(fd, times), 0);
}

static void
test_the_same_file_is_the_same(void **state)
{
    file_id_t id;
    int fd = made_file(&id);

    (void)state;
    CHECK_OK(file_id_check(fd, &id, NULL));
    close(fd);
}

static void
test_a_file_that_grew_is_the_same(void **state)
{
    file_id_t id;
    int fd = made_file(&id);

    (void)state;
    put_at(fd, SIZE, "and more");
    CHECK_OK(file_id_check(fd, &id, NULL));
    close(fd);
}

static void
test_a_file_that_shrank_has_changed(void **state)
{
    file_id_t id;
    int fd = made_file(&id);

    (void)state;
    assert_int_equal(ftruncate(fd, SIZE - 1), 0);
    CHECK_ERR(file_id_glance(fd, &id), ERR_CHANGED);
    close(fd);
}

// copytruncate, then as many new lines as there were: it looks as if the file
// had grown.
static void
test_a_file_that_was_written_anew_has_changed(void **state)
{
    const off_t edges[] = {0, FILE_ID_EDGE - 1, SIZE - 1};

    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        file_id_t id;
        int fd = made_file(&id);
        put_at(fd, SIZE, "and more");
        put_at(fd, edges[i], "y");
        CHECK_ERR(file_id_check(fd, &id, NULL), ERR_CHANGED);
        close(fd);
    }
}

static void
test_one_of_equal_size_and_time_has_changed(void **state)
{
    file_id_t id;
    int fd = made_file(&id);

    (void)state;
    put_at(fd, SIZE / 2, "y");
    CHECK_ERR(file_id_check(fd, &id, NULL), ERR_CHANGED); // by its time
    put_at(fd, 0, "y");
    restore_time(fd, &id);
    CHECK_OK(file_id_glance(fd, &id));
    CHECK_ERR(file_id_check(fd, &id, NULL), ERR_CHANGED);
    close(fd);
}

static void *
add_soon(void *ctx)
{
    const int *fd = ctx;

    usleep(20000);
    put_at(*fd, SIZE, "and more");
    return NULL;
}

// In the middle of a write its time is new, and its size not yet.
static void
test_a_file_that_is_being_added_to_is_the_same(void **state)
{
    pthread_t thread;
    file_id_t id;
    int fd = made_file(&id);

    (void)state;
    id.mtime_ns--;
    assert_int_equal(pthread_create(&thread, NULL, add_soon, &fd), 0);
    CHECK_OK(file_id_check(fd, &id, NULL));
    pthread_join(thread, NULL);
    close(fd);
}

static void
test_another_file_has_changed(void **state)
{
    file_id_t id, other_id;
    int fd = made_file(&id);
    int other = made_file(&other_id);

    (void)state;
    CHECK_ERR(file_id_check(other, &id, NULL), ERR_CHANGED);
    id.inode = other_id.inode;
    id.mtime_ns = other_id.mtime_ns;
    id.device++;
    CHECK_ERR(file_id_check(other, &id, NULL), ERR_CHANGED);
    id.shared = true; // two hosts may number the devices differently
    CHECK_OK(file_id_check(other, &id, NULL));
    close(fd);
    close(other);
}

// What is known of an earlier check changes no answer.
static void
test_known_edges_hide_no_change(void **state)
{
    const off_t edges[] = {0, FILE_ID_EDGE - 1, SIZE - 1};
    file_edges_t known = {0};
    file_id_t id;
    int fd = made_file(&id);

    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        CHECK_OK(file_id_check(fd, &id, &known));
        put_at(fd, edges[i], "y");
        restore_time(fd, &id);
        CHECK_ERR(file_id_check(fd, &id, &known), ERR_CHANGED);
        put_at(fd, edges[i], "x");
        restore_time(fd, &id);
        CHECK_OK(file_id_check(fd, &id, &known));
    }
    id.hash[0] ^= 1;
    CHECK_ERR(file_id_check(fd, &id, &known), ERR_CHANGED);
    close(fd);
}

// Nothing is known at first, and a file without bytes has a hash as well.
static void
test_known_edges_of_nothing_are_not_taken_for_a_hash(void **state)
{
    file_edges_t known = {0};
    uint8_t head[FILE_ID_EDGE];
    size_t len;
    file_id_t id;
    int fd = memfd_create("log", MFD_CLOEXEC);

    (void)state;
    CHECK_OK(file_id_of(fd, &id, head, &len));
    CHECK_OK(file_id_check(fd, &id, &known));
    memset(id.hash, 0, sizeof id.hash);
    CHECK_ERR(file_id_check(fd, &id, &known), ERR_CHANGED);
    close(fd);
}

static void
test_only_regular_files_have_an_identity(void **state)
{
    file_id_t id;
    uint8_t head[FILE_ID_EDGE];
    size_t len;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    CHECK_ERR(file_id_of(ends[0], &id, head, &len), ERR_DENIED);
    close(ends[0]);
    close(ends[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_file_is_the_same),
        cmocka_unit_test(test_a_file_that_grew_is_the_same),
        cmocka_unit_test(test_a_file_that_shrank_has_changed),
        cmocka_unit_test(test_a_file_that_was_written_anew_has_changed),
        cmocka_unit_test(test_one_of_equal_size_and_time_has_changed),
        cmocka_unit_test(test_a_file_that_is_being_added_to_is_the_same),
        cmocka_unit_test(test_another_file_has_changed),
        cmocka_unit_test(test_known_edges_hide_no_change),
        cmocka_unit_test(test_known_edges_of_nothing_are_not_taken_for_a_hash),
        cmocka_unit_test(test_only_regular_files_have_an_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
