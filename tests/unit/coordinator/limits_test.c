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

static bool
takes_workers(uint64_t n)
{
    machine_t m;
    bool all = true;

    machine_init(&m);
    for (unsigned i = 0; i < n; i++) {
        all = all && registers(&m, i);
    }
    assert_true(
        all || machine_heard(&m, 100000 + n - 1, PROTO_REFUSED, NULL, NULL));
    assert_true(registers(&m, 7)); // who is known comes in
    machine_fini(&m);
    return all;
}

// A worker that says what it is.
static bool
takes_worker(uint32_t executors, uint32_t n_labels)
{
    machine_t m;
    buf_t payload = {0};

    fake_t *w = machine_init_web1(&m, 1);
    lt_Register meta = fake_register_meta(w);
    meta.executors = executors;
    meta.n_labels = n_labels;
    for (uint32_t i = 0; i < n_labels; i++) {
        const lt_Label label = {.label = "eu"};
        record_put(&payload, lt_Label_fields, &label);
    }
    machine_forget(&m);
    fake_say(&m, w, LINK_CONTROL, PROTO_REGISTER, lt_Register_fields, &meta,
        buf_span(&payload));
    bool taken = machine_heard(&m, w->peer, PROTO_REGISTERED, NULL, NULL);
    assert_true(taken || coordinator_stats(m.c)->messages_refused == 1);
    buf_fini(&payload);
    machine_fini(&m);
    return taken;
}

static bool
takes_executors(uint64_t n)
{
    return takes_worker((uint32_t)n, 0);
}

static bool
takes_labels(uint64_t n)
{
    return takes_worker(1, (uint32_t)n);
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

static bool
takes_jobs(uint64_t n)
{
    const char *source = "web1:/x";
    machine_t m;
    bool all = true;

    (void)machine_init_web1(&m, 1);
    for (unsigned i = 0; i < n; i++) {
        all = all && submit(&m, i, &source, 1) != 0;
    }
    assert_true(
        all || machine_heard(&m, CLIENT_PEER, PROTO_REFUSED, NULL, NULL));
    machine_fini(&m);
    return all;
}

static bool
takes_sources(uint64_t n)
{
    const char *sources[LIMIT_SOURCES + 1];
    machine_t m;

    (void)machine_init_web1(&m, 1);
    for (size_t i = 0; i < n; i++) {
        sources[i] = "web1:/x";
    }
    bool taken = submit(&m, 0, sources, n) != 0;
    machine_fini(&m);
    return taken;
}

// Files of so many names, of which each is there `times` times.
static uint64_t
list_files(machine_t *m, fake_t *w, uint64_t n, uint64_t times)
{
    const fake_file_t file = {"/l/00000000", 1, 0, 0};
    lt_Files meta = {.incarnation = w->incarnation};
    lt_List asked;
    buf_t one = {0}, payload = {0};
    char digits[9];

    uint64_t job = machine_submit(m, "web1:/l/*", 1u << 20);
    assert_true(machine_heard(m, w->peer, PROTO_LIST, lt_List_fields, &asked));
    meta.job = asked.job;
    meta.request = asked.request;
    fake_put_file(&one, &file);
    uint8_t *name = memmem(one.p, one.len, "00000000", 8);
    for (uint64_t i = 0; i < n; i++) {
        snprintf(digits, sizeof digits, "%08u", (unsigned)(i / times));
        memcpy(name, digits, 8);
        buf_put_span(&payload, buf_span(&one));
        meta.last = i + 1 == n;
        if (++meta.n == 1000 || meta.last) {
            fake_say(m, w, LINK_CONTROL, PROTO_FILES, lt_Files_fields, &meta,
                buf_span(&payload));
            buf_clear(&payload);
            meta.n = 0;
        }
    }
    buf_fini(&one);
    buf_fini(&payload);
    return job;
}

static bool
takes_files(uint64_t n)
{
    machine_t m;

    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = list_files(&m, w, n, 1);
    bool runs = machine_status(&m, job).state == lt_JobState_JOB_RUNNING;
    if (!runs) {
        machine_check_missing(&m, job, "web1:/l/*: over the limit");
    }
    machine_fini(&m);
    return runs;
}

// As a worker could, who means no good: a note each would be as many.
static void
test_files_that_are_named_again_and_again(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = list_files(&m, w, 1000, 5);
    CHECK_U64(fake_work(&m, w), 2);
    CHECK_U64(machine_count(&m, job), 200);
    result_t *result = machine_result(&m, job);
    assert_in_range(result->receipt.n_notes, 101, 105);
    assert_string_equal(result->receipt.notes[0],
        "/l/00000000 is named twice and counted once");
    assert_string_equal(result->receipt.notes[100], "so are 700 more");
    result_destroy(&result);
    machine_fini(&m);
}

// Of one file, a byte each.
static bool
takes_shards(uint64_t n)
{
    machine_t m;

    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, n, 1);
    bool runs = machine_status(&m, job).state == lt_JobState_JOB_RUNNING;
    machine_fini(&m);
    return runs;
}

// Places where an archive can be cut.
static bool
takes_cuts(uint64_t n)
{
    const fake_file_t file = {"/x", n + 1, lt_Compression_COMPRESSION_ZSTD, 1};
    machine_t m;

    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "web1:/x", 1);
    assert_true(fake_list(&m, w, &file, 1));
    bool runs = machine_status(&m, job).state == lt_JobState_JOB_RUNNING;
    machine_fini(&m);
    return runs;
}

// The first of them failed.
static bool
makes_attempts(uint64_t n)
{
    single_t s;
    bool lent = true;

    lease_init(&s, 100, 100);
    for (uint64_t i = 1; i < n && lent; i++) {
        fake_failed(&s.m, s.w, &s.l, ERR_IO, UINT32_MAX, "no such luck");
        lent_fini(&s.l);
        lent = fake_lent(&s.m, s.w, &s.l);
    }
    assert_true(
        lent || machine_status(&s.m, s.job).state == lt_JobState_JOB_PARTIAL);
    lease_fini(&s);
    return lent;
}

static void
offer(machine_t *m, const fake_t *w, const lent_t *l, uint64_t bytes)
{
    lt_OfferMessage meta = {.incarnation = w->incarnation,
        .has_offer = true,
        .offer = {.job = l->meta.job,
            .shard = l->meta.shard,
            .attempt = l->meta.attempt,
            .bytes = bytes,
            .epoch = l->epoch}};

    fake_say(m, w, LINK_CONTROL, PROTO_OFFER, lt_OfferMessage_fields, &meta,
        (span_t){0});
}

static bool
takes_partial(uint64_t len)
{
    single_t s;

    lease_init(&s, 100, 100);
    offer(&s.m, s.w, &s.l, len);
    bool granted = fake_granted(&s.m, s.w);
    assert_true(
        granted || fake_verdict(&s.m, s.w) == lt_Verdict_VERDICT_REJECTED);
    lease_fini(&s);
    return granted;
}

// Two partials of so many bytes in all: is there room for the second beside
// the first?
static bool
stages(uint64_t bytes)
{
    single_t s;
    lent_t second;

    lease_init(&s, 100, 50);
    assert_true(fake_lent(&s.m, s.w, &second));
    offer(&s.m, s.w, &s.l, bytes - 1000);
    assert_true(fake_granted(&s.m, s.w));
    offer(&s.m, s.w, &second, 1000);
    bool granted = fake_granted(&s.m, s.w);
    lent_fini(&second);
    lease_fini(&s);
    return granted;
}

static bool
takes_chunk(uint64_t len)
{
    uint8_t *bytes = xcalloc(1, len);
    lt_Partial meta = {.total = 2 * LIMIT_CHUNK};
    single_t s;

    lease_init(&s, 100, 100);
    meta.incarnation = s.w->incarnation;
    meta.job = s.l.meta.job;
    meta.shard = s.l.meta.shard;
    meta.attempt = s.l.meta.attempt;
    offer(&s.m, s.w, &s.l, meta.total);
    assert_true(fake_granted(&s.m, s.w));
    fake_say(&s.m, s.w, LINK_SINK, PROTO_PARTIAL, lt_Partial_fields, &meta,
        (span_t){bytes, len});
    bool taken = coordinator_stats(s.m.c)->messages_refused == 0;
    lease_fini(&s);
    free(bytes);
    return taken;
}

// Does a result of so many bytes come in one piece?
static bool
comes_whole(uint64_t total)
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
    assert_true(frame.payload.len <= LIMIT_RESULT_CHUNK);
    bool whole = frame.payload.len == total;
    buf_fini(&bytes);
    machine_fini(&m);
    return whole;
}

static void
test_who_and_what_is_asked(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_WORKERS, takes_workers);
    CHECK_LIMIT(LIMIT_EXECUTORS, takes_executors);
    CHECK_LIMIT(LIMIT_LABELS, takes_labels);
    CHECK_LIMIT(LIMIT_JOBS, takes_jobs);
    CHECK_LIMIT(LIMIT_SOURCES, takes_sources);
}

static void
test_what_is_planned(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_JOB_FILES, takes_files);
    CHECK_LIMIT(LIMIT_CUTS, takes_cuts);
    CHECK_LIMIT(LIMIT_ATTEMPTS, makes_attempts);
}

static void
test_shards(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); // ten million take 1.2 GiB as it is, and there is one thread
#endif
    CHECK_LIMIT(LIMIT_JOB_SHARDS, takes_shards);
}

static void
test_what_is_sent(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_PARTIAL, takes_partial);
    CHECK_LIMIT(LIMIT_STAGING, stages);
    CHECK_LIMIT(LIMIT_CHUNK, takes_chunk);
    CHECK_LIMIT(LIMIT_RESULT_CHUNK, comes_whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_and_what_is_asked),
        cmocka_unit_test(test_what_is_planned),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_files_that_are_named_again_and_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
