// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

// Registers as `name`; the error of the refusal, ERR_OK when it was taken and
// ERR_COUNT when there was no answer.
static unsigned
try_register(machine_t *m, const fake_t *w, const lt_Register *meta)
{
    lt_Refused no;

    machine_forget(m);
    fake_say(m, w, LINK_CONTROL, PROTO_REGISTER, lt_Register_fields, meta,
        (span_t){0});
    if (machine_heard(m, w->peer, PROTO_REGISTERED, NULL, NULL)) {
        return ERR_OK;
    }
    return machine_heard(m, w->peer, PROTO_REFUSED, lt_Refused_fields, &no)
               ? no.error
               : ERR_COUNT;
}

static unsigned
try_name(machine_t *m, const fake_t *w, const char *name)
{
    lt_Register meta = fake_register_meta(w);

    snprintf(meta.name, sizeof meta.name, "%s", name);
    return try_register(m, w, &meta);
}

static void
test_key_speaks_for_its_hosts_alone(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    w->incarnation = 5;
    CHECK_U64(try_name(&m, w, "web2"), ERR_DENIED);
    CHECK_U64(try_name(&m, w, ""), ERR_DENIED);
    CHECK_U64(try_name(&m, w, "web1"), ERR_OK);
    machine_fini(&m);
}

// A worker that does not tell is one of the third version.
static void
test_partials_of_another_version_are_refused_beforehand(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    lt_Register meta = fake_register_meta(w);
    meta.incarnation = 5;
    meta.partial = PARTIAL_VERSION + 1;
    CHECK_U64(try_register(&m, w, &meta), ERR_VERSION);
    meta.partial = PARTIAL_VERSION - 1;
    CHECK_U64(try_register(&m, w, &meta), ERR_VERSION);
    meta.partial = 0;
    CHECK_U64(try_register(&m, w, &meta),
        PARTIAL_VERSION == 3 ? ERR_OK : ERR_VERSION);
    meta.partial = PARTIAL_VERSION;
    CHECK_U64(try_register(&m, w, &meta), ERR_OK);
    machine_fini(&m);
}

static void
test_host_named_shared_is_refused(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    snprintf(w->who.hosts[0], LIMIT_NAME, "*");
    CHECK_U64(try_name(&m, w, "shared"), ERR_DENIED);
    CHECK_U64(try_name(&m, w, "a b"), ERR_DENIED);
    CHECK_U64(try_name(&m, w, "a*"), ERR_DENIED);
    machine_fini(&m);
}

static void
test_other_versions_are_told_ours(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    lt_Register meta = fake_register_meta(w);
    meta.version_min = meta.version_max = PROTOCOL_VERSION + 1;
    CHECK_U64(try_register(&m, w, &meta), ERR_VERSION);
    meta.version_min = meta.version_max = 0;
    CHECK_U64(try_register(&m, w, &meta), ERR_VERSION);
    meta.version_max = PROTOCOL_VERSION + 7;
    CHECK_U64(try_register(&m, w, &meta), ERR_OK);
    machine_fini(&m);
}

static void
test_impossible_numbers_are_refused(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    lt_Register meta = fake_register_meta(w);
    meta.executors = 0;
    CHECK_U64(try_register(&m, w, &meta), ERR_COUNT);
    meta.executors = LIMIT_EXECUTORS + 1;
    CHECK_U64(try_register(&m, w, &meta), ERR_COUNT);
    meta = fake_register_meta(w);
    meta.incarnation = 0;
    CHECK_U64(try_register(&m, w, &meta), ERR_COUNT);
    meta = fake_register_meta(w);
    meta.intake_port = 65536;
    CHECK_U64(try_register(&m, w, &meta), ERR_COUNT);
    meta = fake_register_meta(w);
    meta.n_labels = LIMIT_LABELS + 1;
    CHECK_U64(try_register(&m, w, &meta), ERR_COUNT);
    meta.n_labels = 1; // and no record of it
    CHECK_U64(try_register(&m, w, &meta), ERR_COUNT);
    CHECK_U64(coordinator_stats(m.c)->messages_refused, 6);
    machine_fini(&m);
}

// Three machines made from one image: each start of one ends the one before,
// and none of those that were ended comes back to quarrel.
static void
test_superseded_incarnations_are_refused_for_good(void **state)
{
    machine_t m;
    lt_Bye bye;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    fake_t first = *w, second = *w, third = *w;
    second.incarnation = 2;
    second.peer = 202;
    third.incarnation = 3;
    third.peer = 203;
    fake_register(&m, &second);
    assert_true(machine_heard(&m, first.peer, PROTO_BYE, lt_Bye_fields, &bye));
    CHECK_U64(bye.incarnation, first.incarnation);
    fake_register(&m, &third);
    CHECK_U64(try_name(&m, &second, "web1"), ERR_STALE);
    CHECK_U64(try_name(&m, &first, "web1"), ERR_STALE);
    fake_beat(&m, &first, NULL);
    assert_false(machine_heard(&m, first.peer, PROTO_UNKNOWN, NULL, NULL));
    assert_true(machine_heard(&m, first.peer, PROTO_REFUSED, NULL, NULL));
    machine_forget(&m);
    fake_beat(&m, &third, NULL);
    assert_true(machine_heard(&m, third.peer, PROTO_HEARTBEAT_ACK, NULL, NULL));
    machine_fini(&m);
}

// The registration of a dead process may be read after that of the one that
// came next; it must not shut that one out for good.
static void
test_a_superseded_worker_may_come_back_to_an_empty_place(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    fake_t dead = *w;
    dead.incarnation = 2;
    dead.peer = 202;
    fake_register(&m, &dead);
    CHECK_U64(try_name(&m, w, "web1"), ERR_STALE);
    machine_tick(&m, WORKER_LOST_MS);
    machine_forget(&m);
    fake_beat(&m, w, NULL);
    assert_true(machine_heard(&m, w->peer, PROTO_UNKNOWN, NULL, NULL));
    fake_register(&m, w);
    assert_true(machine_heard(&m, w->peer, PROTO_REGISTERED, NULL, NULL));
    machine_fini(&m);
}

static void
test_registering_again_keeps_the_leases(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    s.w->peer = 300;
    fake_register(&s.m, s.w);
    CHECK_U64(coordinator_stats(s.m.c)->workers_lost, 0);
    CHECK_U64(fake_deliver(&s.m, s.w, &s.l), lt_Verdict_VERDICT_COMMITTED);
    CHECK_U64(machine_count(&s.m, s.job), 100);
    CHECK_U64(coordinator_stats(s.m.c)->leases, 1);
    lease_fini(&s);
}

static void
test_goodbye_gives_the_shards_to_others_at_once(void **state)
{
    pair_t p;

    (void)state;
    pair_init(&p, 400, 100);
    lt_Bye bye = {.incarnation = p.a->incarnation};
    CHECK_U64(fake_work(&p.m, p.b), 2);
    fake_say(
        &p.m, p.a, LINK_CONTROL, PROTO_BYE, lt_Bye_fields, &bye, (span_t){0});
    CHECK_U64(fake_work(&p.m, p.b), 2);
    CHECK_U64(machine_count(&p.m, p.job), 400);
    machine_fini(&p.m);
}

static void
test_worker_whose_key_was_revoked_is_lost(void **state)
{
    pair_t p;

    (void)state;
    pair_init(&p, 400, 100);
    CHECK_U64(fake_work(&p.m, p.b), 2);
    coordinator_revoked(p.m.c, "key-web1", p.m.now);
    machine_tick(&p.m, 1);
    CHECK_U64(coordinator_stats(p.m.c)->workers_lost, 1);
    CHECK_U64(fake_work(&p.m, p.b), 2);
    CHECK_U64(machine_count(&p.m, p.job), 400);
    machine_fini(&p.m);
}

static void
test_another_key_cannot_speak_with_an_incarnation(void **state)
{
    single_t s;

    (void)state;
    lease_init(&s, 100, 100);
    fake_t thief = *s.w;
    snprintf(thief.who.name, LIMIT_NAME, "thief");
    thief.peer = 666;
    lent_count(&s.l, 5);
    CHECK_U64(fake_deliver(&s.m, &thief, &s.l), -1);
    fake_chunk(&s.m, &thief, &s.l, 0, s.l.partial.len);
    fake_beat(&s.m, &thief, NULL);
    assert_true(machine_heard(&s.m, 666, PROTO_UNKNOWN, NULL, NULL));
    CHECK_U64(try_name(&s.m, &thief, "web1"), ERR_DENIED);
    CHECK_U64(coordinator_stats(s.m.c)->commits, 0);
    lease_fini(&s);
}

static void
test_heartbeat_of_a_stranger_is_answered_with_unknown(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    w->incarnation = 4711;
    fake_beat(&m, w, NULL);
    assert_true(machine_heard(&m, w->peer, PROTO_UNKNOWN, NULL, NULL));
    machine_fini(&m);
}

static void
test_frame_of_a_past_epoch_is_stale(void **state)
{
    machine_t m;
    buf_t bytes = {0};
    lt_Heartbeat meta = {.incarnation = 1001};

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    frame_encode(&bytes, PROTO_HEARTBEAT, EPOCH - 1, lt_Heartbeat_fields, &meta,
        (span_t){0});
    machine_bytes(&m, LINK_CONTROL, w->peer, &w->who, buf_span(&bytes));
    assert_false(machine_heard(&m, w->peer, PROTO_HEARTBEAT_ACK, NULL, NULL));
    CHECK_U64(coordinator_stats(m.c)->stale, 1);
    buf_fini(&bytes);
    machine_fini(&m);
}

static void
check_status(const coordinator_t *c, const char *want)
{
    buf_t text = {0};

    coordinator_status_text(c, &text);
    buf_put_u8(&text, '\0');
    assert_string_equal((const char *)text.p, want);
    buf_fini(&text);
}

static void
test_its_status_counts_workers_and_jobs(void **state)
{
    pair_t p;

    (void)state;
    pair_init(&p, 400, 100);
    check_status(p.m.c, "2 workers, 1 job under way");
    p.m.now += 1000; // silent, and without its connections
    coordinator_lane_down(p.m.c, p.a->lane, p.m.now);
    machine_tick(&p.m, 1);
    check_status(p.m.c, "1 worker (1 lost), 1 job under way");
    coordinator_journal_stuck(p.m.c, "the disk is full", p.m.now);
    check_status(
        p.m.c, "1 worker (1 lost), 1 job under way; waits: the disk is full");
    coordinator_journal_stuck(p.m.c, NULL, p.m.now);
    CHECK_U64(fake_work(&p.m, p.b), 4);
    CHECK_U64(machine_count(&p.m, p.job), 400);
    check_status(p.m.c, "1 worker (1 lost), 0 jobs under way");
    machine_fini(&p.m);
}

// ---- workers that dial for their shards

static uint16_t
port_of(void *ctx)
{
    return *(const uint16_t *)ctx;
}

// A coordinator with that lane port, and what web1 would say to register.
static fake_t *
init_dialled(machine_t *m, uint16_t *port, lt_Register *meta)
{
    *m = (machine_t){0};
    coordinator_config_t config = machine_config(m);
    config.lane_port = port_of;
    config.lane_ctx = port;
    machine_init_with(m, &config);
    fake_t *w = machine_worker(m, "web1", 1);
    w->incarnation = 77;
    *meta = fake_register_meta(w);
    meta->dials = true;
    meta->intake_port = 0;
    return w;
}

static void
say_lane(machine_t *m, const fake_t *w, uint64_t connection)
{
    const lt_Lane meta = {.incarnation = w->incarnation};

    machine_forget(m);
    machine_say(m, LINK_LANE, connection, &w->who, PROTO_LANE, lt_Lane_fields,
        &meta, (span_t){0});
}

// The connection that its lane was given, 0 for none.
static uint64_t
led_to(const machine_t *m, const fake_t *w)
{
    for (size_t i = 0; i < m->n_seen; i++) {
        if (m->seen[i].kind == OUT_LANE_HERE && m->seen[i].peer == w->lane) {
            return m->seen[i].connection;
        }
    }
    return 0;
}

static void
test_a_lane_leads_to_who_registered_for_it(void **state)
{
    machine_t m;
    lt_Register meta;
    uint16_t port = 7702;
    fake_t *w = init_dialled(&m, &port, &meta);

    (void)state;
    CHECK_U64(try_register(&m, w, &meta), ERR_OK);
    say_lane(&m, w, 5);
    CHECK_U64(led_to(&m, w), 5);
    say_lane(&m, w, 6); // dialled again
    CHECK_U64(led_to(&m, w), 6);
    CHECK_U64(coordinator_stats(m.c)->messages_refused, 0);
    fake_t thief = *w;
    snprintf(thief.who.name, LIMIT_NAME, "thief");
    say_lane(&m, &thief, 666);
    CHECK_U64(led_to(&m, w), 0);
    thief = *w;
    thief.incarnation = 78;
    say_lane(&m, &thief, 666);
    CHECK_U64(led_to(&m, w), 0);
    CHECK_U64(coordinator_stats(m.c)->messages_refused, 2);
    machine_fini(&m);
}

static void
test_a_lane_of_who_is_dialled_or_gone_leads_nowhere(void **state)
{
    machine_t m;
    lt_Register meta;
    lt_Bye bye;
    uint16_t port = 7702;
    fake_t *w = init_dialled(&m, &port, &meta);
    fake_t first = *w;

    (void)state;
    first.incarnation = 1001; // pushed to
    say_lane(&m, &first, 5);
    CHECK_U64(led_to(&m, &first), 0);
    CHECK_U64(try_register(&m, w, &meta), ERR_OK);
    machine_tick(&m, WORKER_LOST_MS);
    say_lane(&m, w, 5); // its next heartbeat tells it to register again
    CHECK_U64(led_to(&m, w), 0);
    CHECK_U64(try_register(&m, w, &meta), ERR_OK);
    fake_t next = *w;
    next.incarnation = meta.incarnation = 79;
    next.peer = 303;
    CHECK_U64(try_register(&m, &next, &meta), ERR_OK);
    assert_false(machine_heard(&m, 303, PROTO_BYE, lt_Bye_fields, &bye));
    say_lane(&m, w, 5);
    CHECK_U64(led_to(&m, w), 0);
    say_lane(&m, &next, 6);
    CHECK_U64(led_to(&m, w), 6); // the lane of the name
    machine_fini(&m);
}

static void
test_who_dials_needs_a_port_to_dial(void **state)
{
    machine_t m;
    lt_Register meta;
    lt_Registered yes;
    uint16_t port = 0;
    fake_t *w = init_dialled(&m, &port, &meta);

    (void)state;
    CHECK_U64(try_register(&m, w, &meta), ERR_UNREACHABLE);
    CHECK_U64(coordinator_stats(m.c)->refusals, 1);
    port = 7702;
    machine_forget(&m);
    fake_say(&m, w, LINK_CONTROL, PROTO_REGISTER, lt_Register_fields, &meta,
        (span_t){0});
    assert_true(machine_heard(
        &m, w->peer, PROTO_REGISTERED, lt_Registered_fields, &yes));
    CHECK_U64(yes.lane_port, 7702);
    bool opened = false;
    for (size_t i = 0; i < m.n_seen; i++) {
        opened = opened || (m.seen[i].kind == OUT_LANE_OPEN &&
                               m.seen[i].endpoint[0] == '\0');
    }
    assert_true(opened);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_speaks_for_its_hosts_alone),
        cmocka_unit_test(
            test_partials_of_another_version_are_refused_beforehand),
        cmocka_unit_test(test_host_named_shared_is_refused),
        cmocka_unit_test(test_other_versions_are_told_ours),
        cmocka_unit_test(test_impossible_numbers_are_refused),
        cmocka_unit_test(test_superseded_incarnations_are_refused_for_good),
        cmocka_unit_test(
            test_a_superseded_worker_may_come_back_to_an_empty_place),
        cmocka_unit_test(test_registering_again_keeps_the_leases),
        cmocka_unit_test(test_goodbye_gives_the_shards_to_others_at_once),
        cmocka_unit_test(test_worker_whose_key_was_revoked_is_lost),
        cmocka_unit_test(test_another_key_cannot_speak_with_an_incarnation),
        cmocka_unit_test(test_heartbeat_of_a_stranger_is_answered_with_unknown),
        cmocka_unit_test(test_frame_of_a_past_epoch_is_stale),
        cmocka_unit_test(test_its_status_counts_workers_and_jobs),
        cmocka_unit_test(test_a_lane_leads_to_who_registered_for_it),
        cmocka_unit_test(test_a_lane_of_who_is_dialled_or_gone_leads_nowhere),
        cmocka_unit_test(test_who_dials_needs_a_port_to_dial),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
