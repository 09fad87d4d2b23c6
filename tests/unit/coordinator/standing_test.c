// SPDX-License-Identifier: Apache-2.0
// The rows of a running job, as they stand.
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

static const identity_t bob = {.name = "bob", .roles = ROLE_CLIENT};
static const identity_t root = {.name = "root", .roles = ROLE_ADMIN};

typedef struct heard {
    lt_RowsNow meta;
    result_t *result; // NULL: none
} heard_t;

static void
heard_fini(heard_t *h)
{
    result_destroy(&h->result);
}

// False: it was refused.
static bool
ask_as(machine_t *m, const identity_t *who, uint64_t job, heard_t *out)
{
    const lt_JobRequest meta = {.job = job};
    buf_t bytes = {0};
    frame_t frame;

    *out = (heard_t){0};
    machine_say(m, LINK_CONTROL, 7, who, PROTO_ROWS, lt_JobRequest_fields,
        &meta, (span_t){0});
    (void)coordinator_tick(m->c, m->now); // as its driver does
    if (!machine_take(m, OUT_CONTROL, 7, PROTO_ROWS_NOW, &bytes, &frame)) {
        assert_true(machine_heard(m, 7, PROTO_REFUSED, NULL, NULL));
        return false;
    }
    CHECK_OK(frame_meta(&frame, lt_RowsNow_fields, &out->meta));
    assert_true(bytes.len <= LIMIT_CONTROL);
    if (frame.payload.len > 0) {
        CHECK_OK(result_decode(frame.payload, &out->result));
    }
    buf_fini(&bytes);
    return true;
}

static uint64_t
count_of(const result_t *result, size_t row)
{
    const cell_t *cell = &result->cells[(row + 1) * result->n_columns - 1];

    return (uint64_t)(cell->number / 1000000000);
}

// What "count" is so far, and of how many bytes.
static void
check_count(machine_t *m, uint64_t job, uint64_t want, uint64_t age_ms)
{
    heard_t h;

    assert_true(ask_as(m, &m->client, job, &h));
    CHECK_U64(h.meta.state, lt_JobState_JOB_RUNNING);
    CHECK_U64(h.meta.bytes_done, want);
    CHECK_U64(h.meta.age_ms, age_ms);
    CHECK_U64(h.meta.rows_count, 1);
    CHECK_U64(h.meta.rows[0], 1);
    assert_non_null(h.result);
    assert_false(h.result->receipt.complete);
    CHECK_U64(h.result->receipt.totals.lines, want);
    CHECK_U64(count_of(h.result, 0), want);
    heard_fini(&h);
}

static void
deliver_one(machine_t *m, const fake_t *w)
{
    lent_t *l = xmalloc(sizeof *l);

    assert_true(fake_lent(m, w, l));
    CHECK_U64(fake_deliver(m, w, l), lt_Verdict_VERDICT_COMMITTED);
    lent_fini(l);
    free(l);
}

static void
test_rows_have_what_is_committed_and_once_a_second(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 300, 100);
    check_count(&m, job, 0, 0);
    deliver_one(&m, w);
    m.now += 999;
    check_count(&m, job, 0, 999); // too early for others
    m.now += 1;
    check_count(&m, job, 100, 0);
    m.now += 1500;
    check_count(&m, job, 100, 1500); // nothing else is there
    deliver_one(&m, w);
    check_count(&m, job, 200, 0);
    machine_fini(&m);
}

static void
test_rows_change_nothing(void **state)
{
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 300, 100);
    for (int i = 0; i < 3; i++) {
        assert_true(ask_as(&m, &m.client, job, &h));
        heard_fini(&h);
        deliver_one(&m, w);
        m.now += 1000;
    }
    CHECK_U64(machine_count(&m, job), 300);
    machine_fini(&m);
}

static void
test_rows_are_for_the_owner_and_admins(void **state)
{
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    assert_false(ask_as(&m, &bob, job, &h));
    assert_false(ask_as(&m, &root, job + 1, &h));
    assert_true(ask_as(&m, &root, job, &h));
    heard_fini(&h);
    machine_fini(&m);
}

// Nothing that could be taken for the answer, before it runs or afterwards.
static void
test_a_job_that_does_not_run_has_no_rows(void **state)
{
    const fake_file_t file = {"/var/log/x", 100, 0, 0};
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "web1:/var/log/x", 0);
    assert_true(ask_as(&m, &m.client, job, &h));
    CHECK_U64(h.meta.state, lt_JobState_JOB_PLANNING);
    assert_true(h.result == NULL && h.meta.rows_count == 0);
    assert_true(fake_list(&m, w, &file, 1));
    assert_true(ask_as(&m, &m.client, job, &h));
    assert_non_null(h.result);
    heard_fini(&h);
    deliver_one(&m, w);
    assert_true(ask_as(&m, &m.client, job, &h));
    CHECK_U64(h.meta.state, lt_JobState_JOB_DONE);
    assert_true(h.result == NULL && h.meta.rows_count == 0);
    machine_fini(&m);
}

// ---- groups

// The shard as n groups, each of one line; those that are left have no path.
static void
count_groups(lent_t *l, size_t n, size_t len)
{
    query_t *query;
    query_error_t error;
    totals_t totals = {
        .bytes = l->bytes, .lines = l->bytes, .accepted = l->bytes};
    buf_t key = {0};
    char *path = xcalloc(1, len + 24);

    CHECK_OK(query_parse(l->meta.query, &query, &error));
    tally_t *tally = tally_new(query, 1 << 26);
    memset(path, 'x', len + 23);
    for (size_t i = 0; i <= n; i++) {
        agg_state_t *states;
        int used = snprintf(path, 24, "/%zu", i);
        path[used] = 'x';
        cell_t cell = {
            .kind = i < n ? CELL_TEXT : CELL_MISSING, .text = span_str(path)};
        buf_clear(&key);
        cell_encode(&cell, &key);
        CHECK_OK(tally_group(tally, buf_span(&key), &states));
        agg_add_lines(states, i < n ? 1 : l->bytes - n);
    }
    file_total_t *f = totals_file(&totals, l->files[0]);
    *f = (file_total_t){l->files[0], l->bytes, l->bytes, l->bytes, 0, 0};
    buf_clear(&l->partial);
    CHECK_OK(partial_encode(tally, &totals, &l->partial));
    crypto_generichash(
        l->hash, sizeof l->hash, l->partial.p, l->partial.len, NULL, 0);
    totals_fini(&totals);
    tally_destroy(&tally);
    query_destroy(&query);
    buf_fini(&key);
    free(path);
}

// A job of two shards of so many bytes, the first committed as n groups.
static uint64_t
job_of_groups(machine_t *m, fake_t *w, const char *query, size_t n, size_t len)
{
    const fake_file_t file = {"/x", 20000, 0, 0};
    const char *source = "web1:/x";
    lt_Submit *meta = submit_meta(m, "count", 10000);
    lent_t *l = xmalloc(sizeof *l);
    buf_t bytes = {0};
    frame_t frame;

    snprintf(meta->query, sizeof meta->query, "%s", query);
    uint64_t job =
        machine_submit_as(m, CLIENT_PEER, &m->client, meta, &source, 1);
    assert_true(job != 0 && fake_list(m, w, &file, 1));
    assert_true(
        machine_take(m, OUT_INTAKE, w->lane, PROTO_SHARD, &bytes, &frame));
    lent_decode(&frame, l);
    l->epoch = frame.epoch;
    count_groups(l, n, len);
    CHECK_U64(fake_deliver(m, w, l), lt_Verdict_VERDICT_COMMITTED);
    buf_fini(&bytes);
    lent_fini(l);
    free(l);
    return job;
}

static void
test_many_rows_are_cut_and_counted(void **state)
{
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = job_of_groups(&m, w, "count by path", 1500, 1);
    assert_true(ask_as(&m, &m.client, job, &h));
    CHECK_U64(h.meta.rows[0], 1501);
    CHECK_U64(h.meta.bytes_done, 10000);
    CHECK_U64(h.meta.bytes, 20000);
    CHECK_U64(h.result->n_rows, 1000);
    CHECK_U64(count_of(h.result, 0), 8500);
    CHECK_U64(count_of(h.result, 1), 1);
    heard_fini(&h);
    machine_fini(&m);
}

static void
test_later_stages_are_run(void **state)
{
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = job_of_groups(&m, w,
        "count by path | where count < 5 | let twice = count * 2 | head 3", 9,
        1);
    assert_true(ask_as(&m, &m.client, job, &h));
    CHECK_U64(h.result->n_rows, 3);
    CHECK_U64(h.meta.rows[0], 3);
    CHECK_U64(count_of(h.result, 0), 2);
    heard_fini(&h);
    machine_fini(&m);
}

// Long texts are cut, and what is left of many rows fits the frame.
static void
test_rows_fit_one_frame(void **state)
{
    machine_t m;
    heard_t h;

    (void)state;
    m = (machine_t){0};
    coordinator_config_t config = machine_config(&m);
    config.merge_budget = 64 << 20;
    machine_init_with(&m, &config);
    fake_t *w = machine_worker(&m, "web1", 1);
    uint64_t job = job_of_groups(&m, w, "count by path", 990, 900);
    assert_true(ask_as(&m, &m.client, job, &h));
    CHECK_U64(h.meta.rows[0], 991);
    assert_true(h.result->n_rows == 250);
    CHECK_U64(h.result->cells[2].text.len, 512);
    heard_fini(&h);
    machine_fini(&m);
}

// What would hold the loop up is not done, and said.
static void
test_too_many_groups_have_no_rows(void **state)
{
    machine_t m;
    heard_t h;
    char query[2048] = "count by path";

    (void)state;
    for (size_t i = 0; i < 60; i++) {
        strcat(query, " | where count > 0");
    }
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = job_of_groups(&m, w, query, 2100, 1);
    assert_true(ask_as(&m, &m.client, job, &h));
    assert_null(h.result);
    CHECK_U64(h.meta.rows_count, 0);
    CHECK_U64(h.meta.bytes_done, 10000);
    assert_non_null(strstr(h.meta.text, "2101 groups"));
    machine_fini(&m);
}

// Rows that took long are made seldom, whatever job they are of.
static void
test_what_rows_took_is_waited_for(void **state)
{
    const lt_JobRequest ask = {.job = 1};
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 300, 100);
    uint64_t other = machine_job(&m, w, 300, 100);
    machine_say(&m, LINK_CONTROL, 7, &m.client, PROTO_ROWS,
        lt_JobRequest_fields, &ask, (span_t){0});
    machine_tick(&m, 150); // so long
    int64_t made = m.now;
    deliver_one(&m, w);
    machine_forget(&m);
    m.now = made + 150 * 20 - 1;
    assert_true(ask_as(&m, &m.client, job, &h));
    CHECK_U64(h.meta.bytes_done, 0);
    heard_fini(&h);
    assert_true(ask_as(&m, &m.client, other, &h));
    assert_null(h.result);
    m.now = made + 150 * 20;
    assert_true(ask_as(&m, &m.client, other, &h));
    assert_non_null(h.result);
    heard_fini(&h);
    check_count(&m, job, 100, 0);
    machine_fini(&m);
}

static void
check_age(machine_t *m, uint64_t job, uint64_t age_ms)
{
    heard_t h;

    assert_true(ask_as(m, &m->client, job, &h));
    CHECK_U64(h.meta.age_ms, age_ms);
    heard_fini(&h);
}

// Two who ask as often as they may: neither gets all the turns.
static void
test_jobs_have_their_rows_in_turn(void **state)
{
    machine_t m;
    fake_t *w[2];
    uint64_t jobs[2];

    (void)state;
    machine_init(&m);
    for (size_t i = 0; i < 2; i++) {
        w[i] = machine_worker(&m, i == 0 ? "web1" : "web2", 1);
        jobs[i] = machine_job(&m, w[i], 300, 100);
        check_age(&m, jobs[i], 0);
        deliver_one(&m, w[i]);
        m.now += 100;
    }
    m.now += 900;
    // The second one asks first, and again.
    check_age(&m, jobs[1], 1000);
    check_age(&m, jobs[0], 0);
    m.now += 100;
    check_age(&m, jobs[1], 0);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_have_what_is_committed_and_once_a_second),
        cmocka_unit_test(test_rows_change_nothing),
        cmocka_unit_test(test_rows_are_for_the_owner_and_admins),
        cmocka_unit_test(test_a_job_that_does_not_run_has_no_rows),
        cmocka_unit_test(test_many_rows_are_cut_and_counted),
        cmocka_unit_test(test_later_stages_are_run),
        cmocka_unit_test(test_rows_fit_one_frame),
        cmocka_unit_test(test_too_many_groups_have_no_rows),
        cmocka_unit_test(test_what_rows_took_is_waited_for),
        cmocka_unit_test(test_jobs_have_their_rows_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
