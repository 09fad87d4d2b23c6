// SPDX-License-Identifier: Apache-2.0
// The limits of a coordinator: at their value, and one past.
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

// Registers as host number i; was it taken?
static bool
registers(machine_t *m, unsigned i)
{
    fake_t w = {.who = {.roles = ROLE_WORKER, .n_hosts = 1, .hosts = {"*"}},
        .incarnation = 5000 + i,
        .peer = 100000 + i,
        .executors = 1};

    snprintf(w.who.name, sizeof w.who.name, "key%u", i);
    snprintf(w.name, sizeof w.name, "host%u", i);
    machine_forget(m);
    fake_register(m, &w);
    return machine_heard(m, w.peer, PROTO_REGISTERED, NULL, NULL);
}

static void
test_workers(void **state)
{
    machine_t m;

    (void)state;
    machine_init(&m);
    for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
        assert_true(registers(&m, i));
    }
    assert_false(registers(&m, LIMIT_WORKERS));
    assert_true(
        machine_heard(&m, 100000 + LIMIT_WORKERS, PROTO_REFUSED, NULL, NULL));
    assert_true(registers(&m, 7)); // who is known comes in
    machine_fini(&m);
}

// The number of the job, or 0 when it was refused. It waits for its host.
static uint64_t
submit(machine_t *m, unsigned i, const char *const *sources, size_t n)
{
    lt_Submit *meta = submit_meta(m, "count", 0);

    machine_forget(m);
    meta->request[1] = (uint8_t)(i >> 8);
    return machine_submit_as(m, CLIENT_PEER, &m->client, meta, sources, n);
}

static void
test_jobs(void **state)
{
    const char *source = "web1:/x";
    machine_t m;

    (void)state;
    (void)machine_init_web1(&m, 1);
    for (unsigned i = 0; i < LIMIT_JOBS; i++) {
        assert_true(submit(&m, i, &source, 1) != 0);
    }
    CHECK_U64(submit(&m, LIMIT_JOBS, &source, 1), 0);
    assert_true(machine_heard(&m, CLIENT_PEER, PROTO_REFUSED, NULL, NULL));
    machine_fini(&m);
}

static void
test_sources(void **state)
{
    const char *sources[LIMIT_SOURCES + 1];
    machine_t m;

    (void)state;
    (void)machine_init_web1(&m, 1);
    for (size_t i = 0; i <= LIMIT_SOURCES; i++) {
        sources[i] = "web1:/x";
    }
    assert_true(submit(&m, 0, sources, LIMIT_SOURCES) != 0);
    CHECK_U64(submit(&m, 1, sources, LIMIT_SOURCES + 1), 0);
    machine_fini(&m);
}

// LIMIT_JOB_SHARDS, ten million, takes a gigabyte to have; one more takes
// nothing, since it is known beforehand.
static void
test_shards(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, LIMIT_JOB_SHARDS + 1ull, 1);
    assert_int_not_equal(
        machine_status(&m, job).state, lt_JobState_JOB_RUNNING);
    machine_fini(&m);
    w = machine_init_web1(&m, 1);
    job = machine_job(&m, w, 10000, 1);
    assert_int_equal(machine_status(&m, job).state, lt_JobState_JOB_RUNNING);
    machine_fini(&m);
}

// How much of a result that has so many bytes comes in the first piece.
static size_t
first_piece(size_t total)
{
    machine_t m;
    buf_t bytes = {0};
    frame_t frame;

    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    CHECK_U64(fake_work(&m, w), 1);
    while (m.stored[0].bytes.len < total) {
        buf_put_u8(&m.stored[0].bytes, 0);
    }
    const lt_ResultRequest meta = {.job = job};
    machine_say(&m, LINK_CONTROL, 7, &m.client, PROTO_RESULT,
        lt_ResultRequest_fields, &meta, (span_t){0});
    assert_true(
        machine_take(&m, OUT_CONTROL, 7, PROTO_RESULT_CHUNK, &bytes, &frame));
    size_t len = frame.payload.len;
    buf_fini(&bytes);
    machine_fini(&m);
    return len;
}

static void
test_a_piece_of_a_result(void **state)
{
    (void)state;
    CHECK_U64(first_piece(LIMIT_RESULT_CHUNK - 1), LIMIT_RESULT_CHUNK - 1);
    CHECK_U64(first_piece(LIMIT_RESULT_CHUNK), LIMIT_RESULT_CHUNK);
    CHECK_U64(first_piece(LIMIT_RESULT_CHUNK + 1), LIMIT_RESULT_CHUNK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers),
        cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_a_piece_of_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
