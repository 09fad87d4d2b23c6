// SPDX-License-Identifier: Apache-2.0
// One job over one worker, message by message. Before each message comes a
// damaged copy of it, in every way that one bit or one cut can damage: the
// machine must not fall over, and must not tell another answer as complete.
#include "common/result/result.h"
#include "common/tally/partial.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "coordinator/coordinator.h"

#include "tests/unit/cmocka_all.h"

#include "common/base/xalloc.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH       77u
#define INCARNATION 4711u
#define FILE_BYTES  1000u

enum { PEER_WORKER = 1, PEER_CLIENT = 2 };

typedef struct fixture {
    coordinator_t *c;
    identity_t worker;
    identity_t client;
    buf_t kept;
    uint64_t job;
    uint64_t request;
    lt_JobUpdate last; // what the client heard
    lt_Refused refused;
    unsigned grants, acks, shards, chunks, refusals;
} fixture_t;

static errcode_t
keep(void *ctx, uint64_t job, span_t bytes)
{
    fixture_t *f = ctx;

    (void)job;
    buf_clear(&f->kept);
    buf_put_span(&f->kept, bytes);
    return ERR_OK;
}

static errcode_t
kept(void *ctx, uint64_t job, buf_t *out)
{
    fixture_t *f = ctx;

    (void)job;
    buf_put_span(out, buf_span(&f->kept));
    return ERR_OK;
}

static void
hear(fixture_t *f, span_t bytes)
{
    static lt_List list;
    frame_t frame;

    CHECK_OK(frame_decode(bytes, &frame));
    f->grants += frame.type == PROTO_GRANT;
    f->acks += frame.type == PROTO_RESULT_ACK;
    f->shards += frame.type == PROTO_SHARD;
    f->chunks += frame.type == PROTO_RESULT_CHUNK;
    f->refusals += frame.type == PROTO_REFUSED;
    if (frame.type == PROTO_LIST) {
        CHECK_OK(frame_meta(&frame, lt_List_fields, &list));
        f->request = list.request;
        f->job = list.job;
    } else if (frame.type == PROTO_REFUSED) {
        CHECK_OK(frame_meta(&frame, lt_Refused_fields, &f->refused));
    } else if (frame.type == PROTO_JOB_UPDATE) {
        CHECK_OK(frame_meta(&frame, lt_JobUpdate_fields, &f->last));
    }
}

static void
drain(fixture_t *f)
{
    output_t out;

    while (coordinator_next(f->c, &out)) {
        if (out.kind == OUT_CONTROL || out.kind == OUT_INTAKE) {
            hear(f, buf_span(&out.frame));
        }
        buf_fini(&out.frame);
    }
}

static void
open_fixture(fixture_t *f)
{
    coordinator_config_t config = {.epoch = EPOCH,
        .first_job = 1,
        .sink_port = 7701,
        .staging_bytes = 1 << 20,
        .merge_budget = 1 << 24,
        .deadline_ms = 60000,
        .store = {keep, kept, f, NULL}};

    memset(f, 0, sizeof *f);
    f->worker = (identity_t){.name = "web1", .roles = ROLE_WORKER};
    f->client = (identity_t){.name = "admin", .roles = ROLE_ADMIN};
    f->c = coordinator_new(&config, 0);
}

static void
close_fixture(fixture_t *f)
{
    coordinator_destroy(&f->c);
    buf_fini(&f->kept);
}

// ---- the messages of the story

static buf_t
make_partial(void)
{
    query_error_t error;
    query_t *query;
    agg_state_t *states;
    totals_t totals = {.bytes = FILE_BYTES, .lines = 3, .accepted = 3};
    cell_t status = {.kind = CELL_NUMBER, .number = DEC_INT(200)};
    buf_t key = {0}, out = {0};

    CHECK_OK(query_parse("count by status", &query, &error));
    tally_t *tally = tally_new(query, 1 << 20);
    cell_encode(&status, &key);
    CHECK_OK(tally_group(tally, buf_span(&key), &states));
    agg_add_lines(states, 3);
    file_total_t *file = totals_file(&totals, 0);
    file->bytes = FILE_BYTES;
    file->lines = file->accepted = 3;
    CHECK_OK(partial_encode(tally, &totals, &out));
    totals_fini(&totals);
    tally_destroy(&tally);
    query_destroy(&query);
    buf_fini(&key);
    return out;
}

static void
register_frame(fixture_t *f, buf_t *out)
{
    lt_Register meta = {.version_min = 1,
        .version_max = 1,
        .incarnation = INCARNATION,
        .software = "test",
        .partial = PARTIAL_VERSION,
        .name = "web1",
        .executors = 2,
        .intake_port = 7710,
        .n_labels = 1};
    lt_Label label = {.label = "eu"};
    buf_t labels = {0};

    (void)f;
    record_put(&labels, lt_Label_fields, &label);
    frame_encode(
        out, PROTO_REGISTER, 0, lt_Register_fields, &meta, buf_span(&labels));
    buf_fini(&labels);
}

static void
submit_frame(fixture_t *f, buf_t *out)
{
    static lt_Submit meta;
    static lt_Source source;
    buf_t sources = {0};

    (void)f;
    meta = (lt_Submit){.version_min = 1,
        .version_max = 1,
        .query = "count by status",
        .format = "combined",
        .n_sources = 1,
        .follow = true};
    strcpy(source.text, "web1:/x");
    record_put(&sources, lt_Source_fields, &source);
    frame_encode(
        out, PROTO_SUBMIT, 0, lt_Submit_fields, &meta, buf_span(&sources));
    buf_fini(&sources);
}

static void
files_frame(fixture_t *f, buf_t *out)
{
    static lt_File file;
    lt_Files meta = {.incarnation = INCARNATION,
        .job = f->job,
        .request = f->request,
        .n = 1,
        .last = true};
    buf_t files = {0};

    file = (lt_File){.path = "/x", .inode = 5, .size = FILE_BYTES};
    record_put(&files, lt_File_fields, &file);
    frame_encode(
        out, PROTO_FILES, EPOCH, lt_Files_fields, &meta, buf_span(&files));
    buf_fini(&files);
}

static void
heartbeat_frame(fixture_t *f, buf_t *out)
{
    lt_Heartbeat meta = {.incarnation = INCARNATION, .seq = 1, .n_held = 1};
    lt_Held held = {.job = f->job,
        .attempt = 1,
        .bytes_done = 10,
        .running = true,
        .epoch = EPOCH};
    buf_t records = {0};

    record_put(&records, lt_Held_fields, &held);
    frame_encode(out, PROTO_HEARTBEAT, EPOCH, lt_Heartbeat_fields, &meta,
        buf_span(&records));
    buf_fini(&records);
}

static void
offer_frame(fixture_t *f, buf_t *out)
{
    buf_t partial = make_partial();
    lt_OfferMessage meta = {.incarnation = INCARNATION,
        .has_offer = true,
        .offer = {
            .job = f->job, .attempt = 1, .bytes = partial.len, .epoch = EPOCH}};

    crypto_generichash(meta.offer.hash, 32, partial.p, partial.len, NULL, 0);
    frame_encode(
        out, PROTO_OFFER, EPOCH, lt_OfferMessage_fields, &meta, (span_t){0});
    buf_fini(&partial);
}

static void
partial_frame(fixture_t *f, buf_t *out)
{
    buf_t partial = make_partial();
    lt_Partial meta = {.incarnation = INCARNATION,
        .job = f->job,
        .attempt = 1,
        .total = partial.len,
        .last = true};

    meta.hash.size = 32;
    crypto_generichash(meta.hash.bytes, 32, partial.p, partial.len, NULL, 0);
    frame_encode(out, PROTO_PARTIAL, EPOCH, lt_Partial_fields, &meta,
        buf_span(&partial));
    buf_fini(&partial);
}

static void
result_frame(fixture_t *f, buf_t *out)
{
    lt_ResultRequest meta = {.job = f->job};

    frame_encode(
        out, PROTO_RESULT, 0, lt_ResultRequest_fields, &meta, (span_t){0});
}

static void
status_frame(fixture_t *f, buf_t *out)
{
    lt_JobRequest meta = {.job = f->job};

    frame_encode(
        out, PROTO_STATUS, 0, lt_JobRequest_fields, &meta, (span_t){0});
}

static void
jobs_frame(fixture_t *f, buf_t *out)
{
    lt_Empty meta = {0};

    (void)f;
    frame_encode(out, PROTO_JOBS, 0, lt_Empty_fields, &meta, (span_t){0});
}

static const struct step {
    void (*make)(fixture_t *, buf_t *);
    link_t link;
    bool client;
} steps[] = {
    {register_frame, LINK_CONTROL, false},
    {submit_frame, LINK_CONTROL, true},
    {files_frame, LINK_CONTROL, false},
    {heartbeat_frame, LINK_CONTROL, false},
    {offer_frame, LINK_CONTROL, false},
    {status_frame, LINK_CONTROL, true},
    {partial_frame, LINK_SINK, false},
    {jobs_frame, LINK_CONTROL, true},
    {result_frame, LINK_CONTROL, true},
};

#define N_STEPS (sizeof steps / sizeof *steps)

static void
say(fixture_t *f, const struct step *step, span_t bytes)
{
    coordinator_message(f->c, step->link,
        step->client ? PEER_CLIENT : PEER_WORKER,
        step->client ? &f->client : &f->worker, "127.0.0.1", bytes, 100);
    drain(f);
}

// Returns the length of the damaged message; len past it plays it whole.
static size_t
play(fixture_t *f, size_t damaged, size_t len, size_t bit)
{
    size_t full = 0;

    open_fixture(f);
    for (size_t i = 0; i < N_STEPS; i++) {
        buf_t frame = {0};
        steps[i].make(f, &frame);
        if (i == damaged) {
            buf_t copy = {0};
            full = frame.len;
            buf_put(&copy, frame.p, len < full ? len : full);
            if (bit < copy.len * 8) {
                copy.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            say(f, &steps[i], buf_span(&copy));
            buf_fini(&copy);
        }
        say(f, &steps[i], buf_span(&frame));
        buf_fini(&frame);
    }
    coordinator_tick(f->c, 200);
    drain(f);
    return full;
}

static void
check_rows(const fixture_t *f)
{
    result_t *result;

    CHECK_OK(result_decode(buf_span(&f->kept), &result));
    CHECK_U64(result->n_rows, 1);
    assert_true(result->cells[0].number == DEC_INT(200));
    assert_true(result->cells[1].number == DEC_INT(3));
    assert_true(result->receipt.complete);
    CHECK_U64(result->receipt.totals.lines, 3);
    result_destroy(&result);
}

static void
test_the_story_ends_with_the_answer(void **state)
{
    fixture_t f;

    (void)state;
    play(&f, N_STEPS, 0, 0);
    assert_int_equal(f.last.state, lt_JobState_JOB_DONE);
    check_rows(&f);
    CHECK_U64(f.shards, 1);
    CHECK_U64(f.grants, 1);
    CHECK_U64(f.acks, 1);
    CHECK_U64(f.chunks, 1);
    CHECK_U64(coordinator_stats(f.c)->commits, 1);
    CHECK_U64(coordinator_stats(f.c)->messages_refused, 0);
    CHECK_U64(coordinator_stats(f.c)->staging_bytes, 0);
    close_fixture(&f);
}

// A damaged SUBMIT or FILES may be a good one of something else: another
// query, an empty file. All others leave the answer as it is.
static void
check_after(const fixture_t *f, size_t damaged)
{
    bool another = steps[damaged].make == submit_frame ||
                   steps[damaged].make == files_frame;

    if (!another && f->last.state == lt_JobState_JOB_DONE) {
        check_rows(f);
    }
    assert_true(coordinator_stats(f->c)->commits <= 2);
}

// What cannot be read of a list of files is named as missing.
static void
check_cut(const fixture_t *f, size_t cut)
{
    if (steps[cut].make == files_frame &&
        f->last.state == lt_JobState_JOB_PARTIAL) {
        return;
    }
    assert_int_equal(f->last.state, lt_JobState_JOB_DONE);
    check_rows(f);
}

static void
test_every_cut_leaves_the_answer_alone(void **state)
{
    fixture_t f;

    (void)state;
    for (size_t i = 0; i < N_STEPS; i++) {
        size_t full = SIZE_MAX;
        for (size_t len = 0; len < full; len++) {
            full = play(&f, i, len, SIZE_MAX);
            check_cut(&f, i);
            close_fixture(&f);
        }
    }
}

static void
test_every_flipped_bit_is_survived(void **state)
{
    fixture_t f;

    (void)state;
    for (size_t i = 0; i < N_STEPS; i++) {
        size_t full = 1;
        for (size_t bit = 0; bit < full * 8; bit++) {
            full = play(&f, i, SIZE_MAX, bit);
            check_after(&f, i);
            close_fixture(&f);
        }
    }
}

// Nobody counts for a shard that was lent to another.
static void
test_a_partial_of_another_worker_is_not_counted(void **state)
{
    fixture_t f;
    identity_t other = {.name = "web2", .roles = ROLE_WORKER};
    buf_t frame = {0};

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < 5; i++) {
        buf_clear(&frame);
        steps[i].make(&f, &frame);
        say(&f, &steps[i], buf_span(&frame));
    }
    buf_clear(&frame);
    partial_frame(&f, &frame);
    coordinator_message(
        f.c, LINK_SINK, 9, &other, "127.0.0.1", buf_span(&frame), 100);
    drain(&f);
    CHECK_U64(coordinator_stats(f.c)->commits, 0);
    CHECK_U64(coordinator_stats(f.c)->messages_refused, 1);
    say(&f, &steps[6], buf_span(&frame));
    CHECK_U64(coordinator_stats(f.c)->commits, 1);
    buf_fini(&frame);
    close_fixture(&f);
}

static void
test_roles_are_kept_apart(void **state)
{
    fixture_t f;
    buf_t frame = {0};

    (void)state;
    open_fixture(&f);
    submit_frame(&f, &frame);
    coordinator_message(f.c, LINK_CONTROL, PEER_WORKER, &f.worker, "127.0.0.1",
        buf_span(&frame), 0);
    buf_clear(&frame);
    register_frame(&f, &frame);
    coordinator_message(f.c, LINK_CONTROL, PEER_CLIENT, &f.client, "127.0.0.1",
        buf_span(&frame), 0);
    drain(&f);
    CHECK_U64(f.refusals, 2);
    CHECK_U64(coordinator_stats(f.c)->jobs, 0);
    buf_fini(&frame);
    close_fixture(&f);
}

static void
check_version_refused(fixture_t *f, span_t frame, const struct step *step)
{
    unsigned before = f->refusals;

    say(f, step, frame);
    CHECK_U64(f->refusals, before + 1);
    assert_int_equal(f->refused.error, ERR_VERSION);
    assert_int_equal(f->refused.exit, EXIT_UNREACHABLE);
    assert_non_null(strstr(f->refused.text, "version 1 of the protocol"));
}

// Frames of another version, and peers that offer other versions.
static void
test_another_version_is_told_both(void **state)
{
    fixture_t f;
    buf_t frame = {0};
    lt_Register other = {.version_min = 2,
        .version_max = 3,
        .incarnation = INCARNATION,
        .name = "web1",
        .executors = 1};

    (void)state;
    open_fixture(&f);
    submit_frame(&f, &frame);
    frame.p[2] = 2; // behind the magic
    check_version_refused(&f, buf_span(&frame), &steps[1]);
    assert_non_null(strstr(f.refused.text, "version 2"));
    buf_clear(&frame);
    frame_encode(
        &frame, PROTO_REGISTER, 0, lt_Register_fields, &other, (span_t){0});
    check_version_refused(&f, buf_span(&frame), &steps[0]);
    assert_non_null(strstr(f.refused.text, "2 to 3"));
    buf_fini(&frame);
    close_fixture(&f);
}

// The second partial of a shard is answered, and not counted again.
static void
test_a_partial_that_comes_twice_counts_once(void **state)
{
    fixture_t f;
    buf_t frame = {0};

    (void)state;
    play(&f, N_STEPS, 0, 0);
    partial_frame(&f, &frame);
    say(&f, &steps[6], buf_span(&frame));
    CHECK_U64(coordinator_stats(f.c)->commits, 1);
    CHECK_U64(f.acks, 2);
    check_rows(&f);
    buf_fini(&frame);
    close_fixture(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_story_ends_with_the_answer),
        cmocka_unit_test(test_every_cut_leaves_the_answer_alone),
        cmocka_unit_test(test_every_flipped_bit_is_survived),
        cmocka_unit_test(test_a_partial_of_another_worker_is_not_counted),
        cmocka_unit_test(test_roles_are_kept_apart),
        cmocka_unit_test(test_another_version_is_told_both),
        cmocka_unit_test(test_a_partial_that_comes_twice_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
