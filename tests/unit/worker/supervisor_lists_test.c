// SPDX-License-Identifier: Apache-2.0
// What a coordinator asks of files, and how it is answered.
#include "worker/supervisor.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"

#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#define EPOCH   7u
#define REQUEST 5u

static void
tell(supervisor_t *s, proto_type_t type, const pb_msgdesc_t *fields,
    const void *meta)
{
    buf_t frame = {0};

    frame_encode(&frame, type, EPOCH, fields, meta, (span_t){0});
    supervisor_message(s, SUP_LINK_CONTROL, buf_span(&frame), 0);
    buf_fini(&frame);
}

static void
expect(supervisor_t *s, sup_kind_t kind, sup_output_t *out)
{
    while (supervisor_next(s, out)) {
        if (out->kind == kind) {
            return;
        }
        buf_fini(&out->frame);
    }
    fail_msg("it says nothing of the kind %d", (int)kind);
}

static supervisor_t *
start(void)
{
    const supervisor_config_t config = {.name = "web1",
        .executors = 1,
        .incarnation = 42,
        .intake_port = 7710,
        .intake_address = ""};
    const lt_Registered meta = {.version = 1,
        .epoch = EPOCH,
        .heartbeat_ms = 1000,
        .sink_port = 7701,
        .staging_bytes = 1 << 30};
    supervisor_t *s = supervisor_new(&config, 0);
    sup_output_t out;

    supervisor_connected(s, 0);
    expect(s, SUP_CONTROL, &out);
    buf_fini(&out.frame);
    tell(s, PROTO_REGISTERED, lt_Registered_fields, &meta);
    return s;
}

static sup_output_t
ask(supervisor_t *s, uint64_t guess_bytes)
{
    lt_List *meta = xcalloc(1, sizeof *meta);
    sup_output_t out;

    meta->job = 1;
    meta->request = REQUEST;
    meta->cuts_from = 77;
    meta->guess_bytes = guess_bytes;
    strcpy(meta->pattern, "/l/*");
    tell(s, PROTO_LIST, lt_List_fields, meta);
    free(meta);
    expect(s, SUP_LIST, &out);
    return out;
}

static bool
guesses_with(uint64_t bytes)
{
    supervisor_t *s = start();
    sup_output_t out = ask(s, bytes);

    assert_true(out.guess_bytes <= LIMIT_GUESS_BYTES);
    CHECK_U64(out.cuts_from, 77);
    CHECK_U64(out.request, REQUEST);
    assert_string_equal(out.pattern, "/l/*");
    supervisor_destroy(&s);
    return out.guess_bytes == bytes;
}

// Whatever a coordinator says, a worker reads no more than that.
static void
test_no_more_is_read_for_guesses_than_may_be(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_GUESS_BYTES, guesses_with);
    assert_true(guesses_with(0) && guesses_with(1));
    assert_true(guesses_with(LIMIT_GUESS_BYTES - 1));
    assert_false(guesses_with(UINT64_MAX));
}

static void
check_cuts(rd_t *r, uint32_t file, bool guessed)
{
    lt_Cuts *cuts = xcalloc(1, sizeof *cuts);

    CHECK_OK(record_get(r, lt_Cuts_fields, cuts));
    CHECK_U64(cuts->file, file);
    CHECK_U64(cuts->guessed, guessed);
    CHECK_U64(cuts->at.size, 1);
    CHECK_U64(cuts->at.bytes[0], 100);
    free(cuts);
}

static void
test_a_guess_is_called_one(void **state)
{
    static const uint8_t at[] = {100};
    const listed_file_t files[] = {
        {.path = "/l/a", .size = 200, .cuts = {at, 1}},
        {.path = "/l/b", .size = 200},
        {.path = "/l/c", .size = 200, .cuts = {at, 1}, .guessed = true}};
    supervisor_t *s = start();
    lt_File *file = xcalloc(1, sizeof *file);
    lt_Files *meta = xcalloc(1, sizeof *meta);
    sup_output_t out = ask(s, 1);
    frame_t frame;

    (void)state;
    supervisor_listed(s, REQUEST, files, 3, true, ERR_OK, "", 0);
    expect(s, SUP_CONTROL, &out);
    CHECK_OK(frame_decode(buf_span(&out.frame), &frame));
    CHECK_OK(frame_meta(&frame, lt_Files_fields, meta));
    CHECK_U64(meta->n, 3);
    CHECK_U64(meta->n_cuts, 2);
    rd_t r = rd_init(frame.payload);
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(record_get(&r, lt_File_fields, file));
    }
    check_cuts(&r, 0, false);
    check_cuts(&r, 2, true);
    CHECK_OK(rd_end(&r));
    buf_fini(&out.frame);
    free(file);
    free(meta);
    supervisor_destroy(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_more_is_read_for_guesses_than_may_be),
        cmocka_unit_test(test_a_guess_is_called_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
