// SPDX-License-Identifier: Apache-2.0
#include "coordinator/dashboard/board.h"

#include "coordinator/dashboard/stream.h"

#include "tests/unit/cmocka_all.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static void
put(board_t *board, uint64_t topic, bool all, const char *text)
{
    document_t doc = {.all = all};

    buf_put_str(&doc.json, text);
    board_put(board, topic, &doc, false);
}

static bool
was_woken(const board_t *board)
{
    uint64_t n;

    return read(board_fd(board), &n, sizeof n) == sizeof n;
}

static void
test_nobody_looks_and_nothing_is_kept(void **state)
{
    board_t *board = board_new();
    board_want_t wants[BOARD_TOPICS];

    (void)state;
    CHECK_U64(board_wants(board, wants), 0);
    put(board, 7, true, "unasked");
    CHECK_U64(board_wants(board, wants), 0);
    assert_false(was_woken(board));
    board_destroy(&board);
    assert_null(board);
}

static void
test_who_comes_first_wakes_the_loop(void **state)
{
    board_t *board = board_new();
    board_want_t wants[BOARD_TOPICS];

    (void)state;
    assert_true(board_join(board, 7));
    assert_null(board_wait(board, 7, 0, 1));
    assert_true(was_woken(board));
    CHECK_U64(board_wants(board, wants), 1);
    CHECK_U64(wants[0].topic, 7);
    assert_true(wants[0].all);
    put(board, 7, true, "one");
    document_t *doc = board_wait(board, 7, 0, 1);
    CHECK_U64(doc->number, 1);
    assert_true(span_is(buf_span(&doc->json), "one"));
    assert_null(board_wait(board, 7, 1, 1)); // it has seen that
    CHECK_U64(board_wants(board, wants), 1);
    assert_false(wants[0].all);
    board_let_go(board, &doc);
    board_leave(board, 7);
    CHECK_U64(board_wants(board, wants), 0);
    board_destroy(&board);
}

// It lags behind what has changed, and is given all of it again.
static void
test_a_slow_one_gets_all_again(void **state)
{
    board_t *board = board_new();
    board_want_t wants[BOARD_TOPICS];

    (void)state;
    assert_true(board_join(board, OVERVIEW));
    put(board, OVERVIEW, true, "all");
    put(board, OVERVIEW, false, "changes");
    document_t *doc = board_wait(board, OVERVIEW, 1, 1);
    CHECK_U64(doc->number, 2);
    board_let_go(board, &doc);
    put(board, OVERVIEW, false, "more");
    assert_null(board_wait(board, OVERVIEW, 1, 1));
    assert_null(board_wait(board, OVERVIEW, 0, 1));
    CHECK_U64(board_wants(board, wants), 1);
    assert_true(wants[0].all);
    put(board, OVERVIEW, true, "all again");
    doc = board_wait(board, OVERVIEW, 1, 1);
    CHECK_U64(doc->number, 4);
    board_let_go(board, &doc);
    CHECK_U64(board_wants(board, wants), 1);
    assert_false(wants[0].all);
    board_leave(board, OVERVIEW);
    board_destroy(&board);
}

static void
test_a_document_outlives_its_place(void **state)
{
    board_t *board = board_new();

    (void)state;
    assert_true(board_join(board, 7));
    put(board, 7, true, "old");
    document_t *old = board_wait(board, 7, 0, 1);
    put(board, 7, true, "new");
    board_leave(board, 7);
    assert_true(span_is(buf_span(&old->json), "old"));
    board_let_go(board, &old);
    assert_null(old);
    board_let_go(board, &old);
    board_destroy(&board);
}

static void
test_rows_that_are_the_same_stay(void **state)
{
    board_t *board = board_new();
    document_t doc = {.all = true, .made = 5};

    (void)state;
    assert_true(board_join(board, 7));
    buf_put_str(&doc.rows, "rows");
    board_put(board, 7, &doc, false);
    doc = (document_t){.all = true, .made = 5};
    board_put(board, 7, &doc, true);
    document_t *got = board_wait(board, 7, 1, 1);
    assert_true(span_is(buf_span(&got->rows), "rows"));
    board_let_go(board, &got);
    board_leave(board, 7);
    board_destroy(&board);
}

static void
test_there_is_room_for_so_many(void **state)
{
    board_t *board = board_new();
    unsigned n = 0;

    (void)state;
    for (uint64_t job = 1; job <= BOARD_TOPICS; job++) {
        n += board_join(board, job);
    }
    assert_int_equal(n, BOARD_TOPICS);
    assert_false(board_join(board, 1000)); // a topic too many
    while (board_join(board, 1)) {
        n++;
    }
    assert_int_equal(n, WATCHERS_MOST);
    board_leave(board, 1);
    assert_true(board_join(board, 2));
    for (uint64_t job = 2; job <= BOARD_TOPICS; job++) {
        board_leave(board, job);
    }
    assert_true(board_join(board, 1000));
    board_destroy(&board);
}

static void *
wait_long(void *ctx)
{
    document_t *doc = board_wait(ctx, 7, 0, 60000);

    return doc;
}

static void
test_the_end_wakes_who_waits(void **state)
{
    board_t *board = board_new();
    pthread_t thread;
    void *got = board;

    (void)state;
    assert_true(board_join(board, 7));
    assert_int_equal(pthread_create(&thread, NULL, wait_long, board), 0);
    board_end(board);
    assert_int_equal(pthread_join(thread, &got), 0);
    assert_null(got);
    assert_true(board_has_ended(board));
    assert_null(board_wait(board, 7, 0, 60000));
    assert_false(board_join(board, 8));
    board_leave(board, 7);
    board_destroy(&board);
}

// ---- threads that come and go while the loop puts

static void *
look(void *ctx)
{
    for (int i = 0; i < 200; i++) {
        uint64_t topic = (uint64_t)i % 3, seen = 0;
        if (!board_join(ctx, topic)) {
            continue;
        }
        for (int k = 0; k < 3; k++) {
            document_t *doc = board_wait(ctx, topic, seen, 1);
            if (doc != NULL) {
                assert_true(doc->all || doc->number == seen + 1);
                seen = doc->number;
            }
            board_let_go(ctx, &doc);
        }
        board_leave(ctx, topic);
    }
    return NULL;
}

static void
test_many_come_and_go(void **state)
{
    board_t *board = board_new();
    board_want_t wants[BOARD_TOPICS];
    pthread_t threads[8];

    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, look, board), 0);
    }
    for (int i = 0; i < 2000; i++) {
        size_t n = board_wants(board, wants);
        for (size_t k = 0; k < n; k++) {
            put(board, wants[k].topic, wants[k].all, "text");
        }
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    CHECK_U64(board_wants(board, wants), 0);
    board_destroy(&board);
}

// ---- events

static void
test_each_line_is_data(void **state)
{
    buf_t out = {0};

    (void)state;
    stream_put("overview", SPAN_LIT("{\"a\":[\n1,\n2]}"), &out);
    stream_put("gone", SPAN_LIT("{}"), &out);
    stream_put_quiet(&out);
    assert_true(span_is(buf_span(&out),
        "event: overview\ndata: {\"a\":[\ndata: 1,\ndata: 2]}\n\n"
        "event: gone\ndata: {}\n\n:\n\n"));
    buf_fini(&out);
}

static void
test_rows_that_make_no_sense(void **state)
{
    buf_t out = {0};

    (void)state;
    stream_rows(SPAN_LIT("no result"), &out);
    assert_true(
        span_is(buf_span(&out), "{\"text\":\"the rows cannot be read\"}"));
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_looks_and_nothing_is_kept),
        cmocka_unit_test(test_who_comes_first_wakes_the_loop),
        cmocka_unit_test(test_a_slow_one_gets_all_again),
        cmocka_unit_test(test_a_document_outlives_its_place),
        cmocka_unit_test(test_rows_that_are_the_same_stay),
        cmocka_unit_test(test_there_is_room_for_so_many),
        cmocka_unit_test(test_the_end_wakes_who_waits),
        cmocka_unit_test(test_many_come_and_go),
        cmocka_unit_test(test_each_line_is_data),
        cmocka_unit_test(test_rows_that_make_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
