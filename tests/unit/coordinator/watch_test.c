// SPDX-License-Identifier: Apache-2.0
// What those who watch are told: events and rates.
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"
#include "tests/unit/coordinator/memory_journal.h"

static const identity_t bob = {.name = "bob", .roles = ROLE_CLIENT};
static const identity_t root = {.name = "root", .roles = ROLE_ADMIN};

#define HEARD 64

typedef struct heard {
    lt_Event list[HEARD];
    size_t n;
} heard_t;

// Asks for events; in *out all of them, of however many frames.
static void
ask(machine_t *m, const identity_t *who, uint64_t after, uint64_t job,
    heard_t *out)
{
    const lt_EventsRequest meta = {.after = after, .job = job};
    lt_Records records = {0};
    buf_t bytes = {0};
    frame_t frame;

    out->n = 0;
    machine_say(m, LINK_CONTROL, 7, who, PROTO_EVENTS, lt_EventsRequest_fields,
        &meta, (span_t){0});
    while (!records.last) {
        assert_true(
            machine_take(m, OUT_CONTROL, 7, PROTO_EVENT_LIST, &bytes, &frame));
        CHECK_OK(frame_meta(&frame, lt_Records_fields, &records));
        rd_t r = rd_init(frame.payload);
        for (uint32_t i = 0; i < records.n; i++) {
            assert_true(out->n < HEARD);
            CHECK_OK(record_get(&r, lt_Event_fields, &out->list[out->n++]));
        }
        CHECK_OK(rd_end(&r));
        buf_fini(&bytes);
    }
}

static bool
has(const heard_t *heard, const char *id)
{
    for (size_t i = 0; i < heard->n; i++) {
        if (strcmp(heard->list[i].event, id) == 0) {
            return true;
        }
    }
    return false;
}

static void
test_life_of_a_job_and_its_worker_is_told(void **state)
{
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    ask(&m, &root, 0, 0, &h);
    CHECK_U64(h.n, 2);
    assert_string_equal(h.list[0].event, "worker-up");
    assert_string_equal(h.list[0].worker, "web1");
    assert_string_equal(h.list[1].event, "job-taken");
    CHECK_U64(h.list[1].job, job);
    uint64_t seen = h.list[1].number;
    CHECK_U64(fake_work(&m, w), 1);
    machine_tick(&m, WORKER_LOST_MS + 1);
    ask(&m, &root, seen, 0, &h);
    CHECK_U64(h.n, 2);
    assert_string_equal(h.list[0].event, "job-ended");
    assert_string_equal(h.list[0].text, "done");
    assert_string_equal(h.list[1].event, "worker-lost");
    assert_string_equal(h.list[1].text, "it is silent");
    assert_string_equal(h.list[1].level, "warn");
    CHECK_U64(h.list[0].ago_ms, WORKER_LOST_MS + 1);
    machine_fini(&m);
}

static void
test_client_is_told_of_its_own_jobs_alone(void **state)
{
    const char *source = "web1:/x";
    machine_t m;
    heard_t h;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 100, 100);
    uint64_t other =
        machine_submit_as(&m, 7, &bob, submit_meta(&m, "count", 0), &source, 1);
    ask(&m, &bob, 0, 0, &h);
    CHECK_U64(h.n, 1);
    CHECK_U64(h.list[0].job, other);
    ask(&m, &bob, 0, job, &h);
    CHECK_U64(h.n, 0);
    ask(&m, &root, 0, job, &h);
    CHECK_U64(h.n, 1);
    CHECK_U64(h.list[0].job, job);
    machine_fini(&m);
}

static void
test_worker_may_not_ask(void **state)
{
    const lt_EventsRequest meta = {0};
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    fake_say(&m, w, LINK_CONTROL, PROTO_EVENTS, lt_EventsRequest_fields, &meta,
        (span_t){0});
    assert_false(machine_heard(&m, w->peer, PROTO_EVENT_LIST, NULL, NULL));
    assert_true(machine_heard(&m, w->peer, PROTO_REFUSED, NULL, NULL));
    machine_fini(&m);
}

static void
test_failures_and_troubles_are_told(void **state)
{
    single_t s;
    heard_t h;

    (void)state;
    lease_init(&s, 100, 100);
    fake_failed(&s.m, s.w, &s.l, ERR_IO, 0, "disk \xff broken");
    coordinator_journal_stuck(s.m.c, "no space left", s.m.now);
    coordinator_journal_stuck(s.m.c, NULL, s.m.now);
    coordinator_revoked(s.m.c, s.w->who.name, s.m.now);
    coordinator_event(
        s.m.c, LOG_WARN, "intake-unreachable", "web1", "why", s.m.now);
    ask(&s.m, &root, 0, 0, &h);
    assert_true(has(&h, "attempt-failed"));
    assert_true(has(&h, "journal-stuck"));
    assert_true(has(&h, "journal-goes-on"));
    assert_true(has(&h, "key-revoked"));
    assert_true(has(&h, "worker-lost"));
    assert_true(has(&h, "worker-forgotten"));
    assert_true(has(&h, "intake-unreachable"));
    lease_fini(&s);
}

// Nobody hears of a job before it is durable.
static void
test_job_is_told_when_the_journal_has_it(void **state)
{
    memory_journal_t journal = {0};
    machine_t m = {.journal = &journal};
    heard_t h;

    (void)state;
    coordinator_config_t config = memory_config(&m);
    machine_init_with(&m, &config);
    (void)machine_worker(&m, "web1", 1);
    (void)machine_submit(&m, "web1:/x", 0);
    ask(&m, &root, 0, 0, &h);
    assert_false(has(&h, "job-taken"));
    memory_sync(&m);
    ask(&m, &root, 0, 0, &h);
    assert_true(has(&h, "job-taken"));
    memory_fini(&m);
}

static lt_WorkerInfo
first_worker(machine_t *m)
{
    lt_WorkerInfo info = {0};
    buf_t bytes = {0};
    frame_t frame;

    machine_say(m, LINK_CONTROL, 7, &root, PROTO_WORKERS, lt_Empty_fields,
        &(lt_Empty){0}, (span_t){0});
    assert_true(
        machine_take(m, OUT_CONTROL, 7, PROTO_WORKER_LIST, &bytes, &frame));
    rd_t r = rd_init(frame.payload);
    CHECK_OK(record_get(&r, lt_WorkerInfo_fields, &info));
    buf_fini(&bytes);
    return info;
}

static void
beat(single_t *s, uint64_t bytes_done)
{
    lt_Heartbeat meta = {.incarnation = s->w->incarnation, .n_held = 1};
    lt_Held held = {.job = s->l.meta.job,
        .shard = s->l.meta.shard,
        .attempt = s->l.meta.attempt,
        .running = true,
        .bytes_done = bytes_done,
        .epoch = EPOCH};
    buf_t payload = {0};

    record_put(&payload, lt_Held_fields, &held);
    fake_say(&s->m, s->w, LINK_CONTROL, PROTO_HEARTBEAT, lt_Heartbeat_fields,
        &meta, buf_span(&payload));
    machine_tick(&s->m, 1000);
    buf_fini(&payload);
}

static void
test_rate_of_a_worker_is_what_its_shards_come_forward(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100000, 100000);
    CHECK_U64(first_worker(&s.m).bytes_a_second, 0);
    for (uint64_t done = 0; done <= 20000; done += 1000) {
        beat(&s, done);
    }
    CHECK_U64(first_worker(&s.m).bytes_a_second, 1000);
    CHECK_U64(first_worker(&s.m).bytes_read, 20000);
    beat(&s, 500); // it began anew: nothing is counted twice
    CHECK_U64(first_worker(&s.m).bytes_read, 20000);
    beat(&s, UINT64_MAX); // more than there is
    CHECK_U64(first_worker(&s.m).bytes_read, 100000);
    fake_offer(&s.m, s.w, &s.l);
    CHECK_U64(first_worker(&s.m).bytes_read, 100000);
    machine_tick(&s.m, WORKER_LOST_MS + 1);
    CHECK_U64(first_worker(&s.m).bytes_a_second, 0);
    lease_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_of_a_job_and_its_worker_is_told),
        cmocka_unit_test(test_client_is_told_of_its_own_jobs_alone),
        cmocka_unit_test(test_worker_may_not_ask),
        cmocka_unit_test(test_failures_and_troubles_are_told),
        cmocka_unit_test(test_job_is_told_when_the_journal_has_it),
        cmocka_unit_test(test_rate_of_a_worker_is_what_its_shards_come_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
