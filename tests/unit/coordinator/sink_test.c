// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

#define SIZE 100u

// One worker with the only shard of a job, counted and granted.
static void
setup(single_t *g)
{
    lease_init(g, SIZE, SIZE);
    fake_offer(&g->m, g->w, &g->l);
    assert_true(fake_granted(&g->m, g->w));
}

// What was delivered is rejected; the shard is lent and counted anew.
static void
check_rejected(single_t *g, int verdict)
{
    CHECK_U64(verdict, lt_Verdict_VERDICT_REJECTED);
    CHECK_U64(coordinator_stats(g->m.c)->staging_bytes, 0);
    CHECK_U64(fake_work(&g->m, g->w), 1);
    CHECK_U64(machine_count(&g->m, g->job), SIZE);
}

// Nothing was counted yet, and what is offered again is, once.
static void
check_reoffer_counts(single_t *g)
{
    CHECK_U64(coordinator_stats(g->m.c)->commits, 0);
    CHECK_U64(fake_deliver(&g->m, g->w, &g->l), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&g->m, g->job), SIZE);
    CHECK_U64(coordinator_stats(g->m.c)->staging_bytes, 0);
}

static void
test_chunks_in_order_are_one_partial(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    for (size_t i = 0; i < g.l.partial.len; i++) {
        fake_chunk(&g.m, g.w, &g.l, i, i + 1);
    }
    CHECK_U64(fake_verdict(&g.m, g.w), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&g.m, g.job), SIZE);
    lease_fini(&g);
}

static void
test_lost_chunk_waits_for_the_next_offer(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    fake_chunk(&g.m, g.w, &g.l, 0, 3);
    fake_chunk(&g.m, g.w, &g.l, 5, g.l.partial.len);
    check_reoffer_counts(&g);
    lease_fini(&g);
}

static void
test_chunk_that_comes_twice_is_not_counted_twice(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    fake_chunk(&g.m, g.w, &g.l, 0, 3);
    fake_chunk(&g.m, g.w, &g.l, 3, 6);
    fake_chunk(&g.m, g.w, &g.l, 3, 6);
    fake_chunk(&g.m, g.w, &g.l, 6, g.l.partial.len);
    CHECK_U64(fake_verdict(&g.m, g.w), lt_Verdict_VERDICT_COMMITTED);
    fake_chunk(&g.m, g.w, &g.l, 0, g.l.partial.len);
    CHECK_U64(coordinator_stats(g.m.c)->commits, 1);
    CHECK_U64(machine_count(&g.m, g.job), SIZE);
    lease_fini(&g);
}

static void
test_chunks_out_of_order_wait_for_the_next_offer(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    fake_chunk(&g.m, g.w, &g.l, 4, g.l.partial.len);
    fake_chunk(&g.m, g.w, &g.l, 0, 4);
    check_reoffer_counts(&g);
    lease_fini(&g);
}

static void
test_chunk_past_the_end_is_refused(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    lt_Partial meta = {.incarnation = g.w->incarnation,
        .job = g.job,
        .shard = g.l.meta.shard,
        .attempt = 1,
        .offset = 0,
        .total = g.l.partial.len,
        .last = true};
    buf_t longer = {0};
    buf_put_span(&longer, buf_span(&g.l.partial));
    buf_put_u8(&longer, 0);
    fake_say(&g.m, g.w, LINK_SINK, PROTO_PARTIAL, lt_Partial_fields, &meta,
        buf_span(&longer));
    meta.offset = UINT64_MAX; // plus the length this is small
    fake_say(&g.m, g.w, LINK_SINK, PROTO_PARTIAL, lt_Partial_fields, &meta,
        buf_span(&longer));
    CHECK_U64(coordinator_stats(g.m.c)->messages_refused, 2);
    buf_fini(&longer);
    check_reoffer_counts(&g);
    lease_fini(&g);
}

static void
test_chunk_without_a_grant_is_refused(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, SIZE, SIZE);
    fake_chunk(&s.m, s.w, &s.l, 0, s.l.partial.len);
    CHECK_U64(coordinator_stats(s.m.c)->messages_refused, 1);
    CHECK_U64(coordinator_stats(s.m.c)->commits, 0);
    lease_fini(&s);
}

static void
test_wrong_hash_is_rejected_and_counted_anew(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    g.l.hash[0] ^= 1;
    check_rejected(&g, fake_deliver(&g.m, g.w, &g.l));
    CHECK_U64(coordinator_stats(g.m.c)->partials_rejected, 1);
    lease_fini(&g);
}

// Bytes of a range that was not lent, or fewer than were.
static void
test_totals_that_do_not_cover_the_ranges_are_rejected(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    g.l.end[0]--;
    g.l.bytes--;
    lent_count(&g.l, 0);
    check_rejected(&g, fake_deliver(&g.m, g.w, &g.l));
    lease_fini(&g);
}

static void
test_partial_of_no_file_is_rejected(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    g.l.meta.n_ranges = 0;
    g.l.bytes = 0;
    lent_count(&g.l, 0);
    check_rejected(&g, fake_deliver(&g.m, g.w, &g.l));
    lease_fini(&g);
}

static void
test_offer_of_an_impossible_size_is_rejected(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    buf_clear(&g.l.partial);
    fake_offer(&g.m, g.w, &g.l);
    check_rejected(&g, fake_verdict(&g.m, g.w));
    lease_fini(&g);
}

static void
test_second_grant_waits_until_the_first_is_merged(void **state)
{
    machine_t m = {0};
    lent_t l[2];

    (void)state;
    coordinator_config_t config = machine_config(&m);
    config.staging_bytes = 40;
    machine_init_with(&m, &config);
    fake_t *w = machine_worker(&m, "web1", 1);
    uint64_t job = machine_job(&m, w, 200, 100);
    assert_true(fake_lent(&m, w, &l[0]) && fake_lent(&m, w, &l[1]));
    assert_true(l[0].partial.len + l[1].partial.len > 40);
    fake_offer(&m, w, &l[0]);
    assert_true(fake_granted(&m, w));
    fake_offer(&m, w, &l[1]);
    assert_false(fake_granted(&m, w));
    fake_chunk(&m, w, &l[0], 0, l[0].partial.len);
    assert_true(fake_granted(&m, w));
    fake_chunk(&m, w, &l[1], 0, l[1].partial.len);
    CHECK_U64(machine_count(&m, job), 200);
    lent_fini(&l[0]);
    lent_fini(&l[1]);
    machine_fini(&m);
}

static void
test_grants_are_freed_when_the_worker_dies(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    assert_true(coordinator_stats(g.m.c)->staging_bytes > 0);
    fake_chunk(&g.m, g.w, &g.l, 0, 3);
    machine_pass(&g.m, WORKER_LOST_MS, NULL, NULL);
    CHECK_U64(coordinator_stats(g.m.c)->staging_bytes, 0);
    lease_fini(&g);
}

static void
test_corrupt_file_of_a_bundle_is_dropped_alone(void **state)
{
    static const fake_file_t files[] = {
        {"/l/a", 10, 0, 0}, {"/l/b", 20, 0, 0}, {"/l/c", 30, 0, 0}};
    machine_t m;
    lent_t l;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "web1:/l/*", 1000);
    assert_true(fake_list(&m, w, files, 3));
    assert_true(fake_lent(&m, w, &l));
    CHECK_U64(l.meta.n_ranges, 3);
    fake_failed(&m, w, &l, ERR_CORRUPT, 1, "not a gzip file");
    lent_fini(&l);
    CHECK_U64(fake_work(&m, w), 1);
    CHECK_U64(machine_count(&m, job), 40);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_PARTIAL);
    machine_check_missing(&m, job, "web1:/l/b: not a gzip file");
    machine_fini(&m);
}

static void
test_format_that_does_not_fit_fails_the_job(void **state)
{
    single_t g;

    (void)state;
    setup(&g);
    fake_failed(&g.m, g.w, &g.l, ERR_FORMAT, 0, "two formats fit");
    lt_JobUpdate update = machine_status(&g.m, g.job);
    CHECK_U64(update.state, lt_JobState_JOB_FAILED);
    CHECK_U64(update.exit, EXIT_NO_FIT);
    assert_string_equal(update.text, "two formats fit");
    CHECK_U64(fake_deliver(&g.m, g.w, &g.l), lt_Verdict_VERDICT_STALE);
    lease_fini(&g);
}

// Its partial quotes a line of the file.
static void
quote(lent_t *l, uint32_t file)
{
    totals_t totals = {0};
    query_t *query;
    query_error_t error;

    CHECK_OK(query_parse(l->meta.query, &query, &error));
    tally_t *tally = tally_new(query, 1 << 20);
    CHECK_OK(partial_merge(buf_span(&l->partial), 2, tally, &totals));
    totals_sample(&totals, file, 0, (reject_t)0, span_str("x"));
    buf_clear(&l->partial);
    CHECK_OK(partial_encode(tally, &totals, &l->partial));
    crypto_generichash(
        l->hash, sizeof l->hash, l->partial.p, l->partial.len, NULL, 0);
    totals_fini(&totals);
    tally_destroy(&tally);
    query_destroy(&query);
}

static void
test_lines_of_a_file_that_is_another_shard_are_refused(void **state)
{
    static const fake_file_t files[] = {
        {"/l/a", SIZE, 0, 0}, {"/l/b", SIZE, 0, 0}};

    (void)state;
    for (uint32_t file = 0; file < 2; file++) {
        machine_t m;
        lent_t l;
        machine_init(&m);
        fake_t *w = machine_worker(&m, "web1", 1);
        uint64_t job = machine_submit(&m, "web1:/l/*", SIZE);
        assert_true(fake_list(&m, w, files, 2));
        assert_true(fake_lent(&m, w, &l));
        quote(&l, file);
        CHECK_U64(fake_deliver(&m, w, &l), file == l.files[0]
                                               ? lt_Verdict_VERDICT_COMMITTED
                                               : lt_Verdict_VERDICT_REJECTED);
        (void)fake_work(&m, w);
        CHECK_U64(machine_count(&m, job), 2 * SIZE);
        lent_fini(&l);
        machine_fini(&m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_in_order_are_one_partial),
        cmocka_unit_test(test_lost_chunk_waits_for_the_next_offer),
        cmocka_unit_test(test_chunk_that_comes_twice_is_not_counted_twice),
        cmocka_unit_test(test_chunks_out_of_order_wait_for_the_next_offer),
        cmocka_unit_test(test_chunk_past_the_end_is_refused),
        cmocka_unit_test(test_chunk_without_a_grant_is_refused),
        cmocka_unit_test(test_wrong_hash_is_rejected_and_counted_anew),
        cmocka_unit_test(test_totals_that_do_not_cover_the_ranges_are_rejected),
        cmocka_unit_test(test_partial_of_no_file_is_rejected),
        cmocka_unit_test(
            test_lines_of_a_file_that_is_another_shard_are_refused),
        cmocka_unit_test(test_offer_of_an_impossible_size_is_rejected),
        cmocka_unit_test(test_second_grant_waits_until_the_first_is_merged),
        cmocka_unit_test(test_grants_are_freed_when_the_worker_dies),
        cmocka_unit_test(test_corrupt_file_of_a_bundle_is_dropped_alone),
        cmocka_unit_test(test_format_that_does_not_fit_fails_the_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
