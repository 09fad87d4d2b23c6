// SPDX-License-Identifier: Apache-2.0
// top without a terminal: messages and keys in, a screen as text out.
#include "coordinator/cli/top.h"

#include "common/query/query.h"
#include "common/result/result.h"
#include "common/tally/tally.h"
#include "common/wire/control.pb.h"
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

typedef struct fixture {
    top_t *top;
    int64_t now;
    buf_t text; // the screen as it was drawn last
    canvas_charset_t charset;
} fixture_t;

static void
init(fixture_t *f)
{
    const top_options_t options = {.endpoint = "tcp://c:7700",
        .interval_ms = 1000,
        .charset = {true, NULL}};

    *f = (fixture_t){.now = 100000};
    f->top = top_new(&options);
}

static void
fini(fixture_t *f)
{
    top_destroy(&f->top);
    buf_fini(&f->text);
}

static void
hear(fixture_t *f, proto_type_t type, const pb_msgdesc_t *fields,
    const void *meta, span_t payload)
{
    buf_t bytes = {0};
    frame_t frame;

    frame_encode(&bytes, type, 1, fields, meta, payload);
    CHECK_OK(frame_decode(buf_span(&bytes), &frame));
    top_take(f->top, &frame, f->now);
    buf_fini(&bytes);
}

static void
hear_list(fixture_t *f, proto_type_t type, buf_t *records, uint32_t n)
{
    const lt_Records meta = {.n = n, .last = true};

    hear(f, type, lt_Records_fields, &meta, buf_span(records));
    buf_fini(records);
}

static void
put_worker(buf_t *out, const char *name, const char *state, uint64_t rate)
{
    lt_WorkerInfo w = {.executors = 4,
        .held = 3,
        .last_heard_ms = 400,
        .bytes_a_second = rate,
        .bytes_read = 5000000000};

    snprintf(w.name, sizeof w.name, "%s", name);
    snprintf(w.state, sizeof w.state, "%s", state);
    snprintf(w.labels, sizeof w.labels, "eu");
    record_put(out, lt_WorkerInfo_fields, &w);
}

static lt_JobUpdate
a_job(uint64_t number, lt_JobState state, const char *query)
{
    lt_JobUpdate j = {.job = number,
        .state = state,
        .bytes = 4000000000,
        .bytes_done =
            state == lt_JobState_JOB_RUNNING ? 1000000000 : 4000000000,
        .shards = 40,
        .shards_done = 10,
        .age_ms = 65000,
        .result_bytes = state == lt_JobState_JOB_DONE ? 100 : 0};

    snprintf(j.owner, sizeof j.owner, "alice");
    snprintf(j.query, sizeof j.query, "%s", query);
    return j;
}

static void
put_job(buf_t *out, uint64_t number, lt_JobState state, const char *query)
{
    lt_JobUpdate j = a_job(number, state, query);

    record_put(out, lt_JobUpdate_fields, &j);
}

static void
put_event(buf_t *out, uint64_t number, const char *level, const char *event,
    uint64_t job, const char *worker, const char *text)
{
    lt_Event e = {.number = number, .ago_ms = 3000, .job = job};

    snprintf(e.level, sizeof e.level, "%s", level);
    snprintf(e.event, sizeof e.event, "%s", event);
    snprintf(e.worker, sizeof e.worker, "%s", worker);
    snprintf(e.text, sizeof e.text, "%s", text);
    record_put(out, lt_Event_fields, &e);
}

static void
hear_workers(fixture_t *f)
{
    buf_t records = {0};

    put_worker(&records, "web2", "lost", 0);
    put_worker(&records, "web1", "up", 1200000000);
    hear_list(f, PROTO_WORKER_LIST, &records, 2);
}

static void
hear_jobs(fixture_t *f)
{
    buf_t records = {0};

    put_job(&records, 16, lt_JobState_JOB_RUNNING, "count by path");
    put_job(&records, 17, lt_JobState_JOB_DONE, "top ip");
    hear_list(f, PROTO_JOB_LIST, &records, 2);
}

static void
hear_events(fixture_t *f)
{
    buf_t records = {0};

    put_event(&records, 7, "info", "worker-registered", 0, "web1", "");
    put_event(&records, 9, "warn", "worker-lost", 0, "web2", "silent");
    hear_list(f, PROTO_EVENT_LIST, &records, 2);
}

static void
hear_all(fixture_t *f)
{
    hear_workers(f);
    hear_jobs(f);
    hear_events(f);
    assert_true(top_is_whole(f->top));
}

static const char *
draw(fixture_t *f, size_t columns, size_t lines)
{
    canvas_t canvas;

    top_draw(f->top, columns, lines, f->now, &canvas);
    CHECK_U64(canvas.columns, columns);
    CHECK_U64(canvas.lines, lines);
    buf_clear(&f->text);
    for (size_t i = 0; i < lines; i++) {
        canvas_line(&canvas, i, &f->text);
        buf_put_u8(&f->text, '\n');
    }
    buf_put_u8(&f->text, '\0');
    canvas_fini(&canvas);
    return (const char *)f->text.p;
}

static void
check_has(fixture_t *f, const char *text)
{
    const char *screen = draw(f, 80, 24);

    if (strstr(screen, text) == NULL) {
        fail_msg("no '%s' in\n%s", text, screen);
    }
}

static void
check_has_not(fixture_t *f, const char *text)
{
    const char *screen = draw(f, 80, 24);

    if (strstr(screen, text) != NULL) {
        fail_msg("'%s' in\n%s", text, screen);
    }
}

static void
type(fixture_t *f, const char *keys)
{
    for (; *keys != '\0'; keys++) {
        assert_true(top_key(f->top, (uint32_t)*keys, f->now));
    }
}

static void
press(fixture_t *f, uint32_t key)
{
    assert_true(top_key(f->top, key, f->now));
}

// The type of the next request, 0 for none.
static unsigned
asked(fixture_t *f, uint64_t *job)
{
    buf_t bytes = {0};
    frame_t frame = {0};
    lt_JobRequest meta = {0};

    if (top_asks(f->top, f->now, &bytes)) {
        CHECK_OK(frame_decode(buf_span(&bytes), &frame));
        if (frame.type == PROTO_ROWS || frame.type == PROTO_CANCEL_JOB) {
            CHECK_OK(frame_meta(&frame, lt_JobRequest_fields, &meta));
        }
    }
    if (job != NULL) {
        *job = meta.job;
    }
    unsigned type_of_it = frame.type;
    buf_fini(&bytes);
    return type_of_it;
}

static void
ask_all(fixture_t *f)
{
    CHECK_U64(asked(f, NULL), PROTO_WORKERS);
    CHECK_U64(asked(f, NULL), PROTO_JOBS);
    CHECK_U64(asked(f, NULL), PROTO_EVENTS);
    CHECK_U64(asked(f, NULL), 0);
}

static void
test_a_small_screen(void **state)
{
    fixture_t f;

    (void)state;
    init(&f);
    hear_all(&f);
    assert_string_equal(draw(&f, 80, 24),
        "tcp://c:7700: 1 worker up, 1 lost; 4 executors; 1.2 GB/s; 1 job "
        "running\n"
        "  WORKER           STATE EXEC       RATE SHARDS     READ      HEARD "
        "LABELS\n"
        "  web1             up       4   1.2 GB/s      3   5.0 GB        0 s "
        "eu\n"
        "  web2             lost     4          -      3   5.0 GB        0 s "
        "eu\n"
        "\n"
        "*    JOB STATE     DONE     SIZE         AGE OWNER      QUERY\n"
        ">     16 running    25%   4.0 GB   1 min 5 s alice      count by "
        "path\n"
        "      17 done      100%   4.0 GB   1 min 5 s alice      top ip\n"
        "\n"
        "          AGO LEVEL EVENT                JOB WORKER       TEXT\n"
        "          3 s warn  worker-lost              web2         silent\n"
        "          3 s info  worker-registered        web1\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "\n"
        "Tab list  Enter open job  c cancel  s sort  r reverse  / filter  ? "
        "help  q quit\n");
    fini(&f);
}

// Nothing is put outside, and nothing is lost of what matters.
static void
test_every_size_can_be_drawn(void **state)
{
    fixture_t f;

    (void)state;
    init(&f);
    (void)draw(&f, 80, 24);
    hear_all(&f);
    for (size_t columns = 1; columns < 240; columns += 7) {
        for (size_t lines = 1; lines < 70; lines += 3) {
            (void)draw(&f, columns, lines);
        }
    }
    press(&f, TOP_ENTER);
    for (size_t columns = 1; columns < 240; columns += 17) {
        (void)draw(&f, columns, 1 + columns % 30);
    }
    fini(&f);
}

static void
test_lists_are_asked_for_one_by_one_and_again_later(void **state)
{
    fixture_t f;

    (void)state;
    init(&f);
    assert_false(top_is_whole(f.top));
    ask_all(&f);
    hear_all(&f);
    f.now += 999;
    CHECK_U64(asked(&f, NULL), 0);
    CHECK_U64(top_wakes(f.top, f.now), f.now + 1);
    f.now += 1;
    ask_all(&f);
    f.now += 5000; // not answered yet
    CHECK_U64(asked(&f, NULL), 0);
    fini(&f);
}

static void
test_a_lost_connection_is_said_and_asked_again_after(void **state)
{
    fixture_t f;

    (void)state;
    init(&f);
    ask_all(&f);
    hear_all(&f);
    f.now += 1000;
    ask_all(&f);
    top_lost(f.top, f.now);
    f.now += 4000;
    CHECK_U64(asked(&f, NULL), 0);
    check_has(
        &f, "tcp://c:7700: not connected, retrying; what is shown is 4 s");
    check_has(&f, "web1");
    top_back(f.top);
    ask_all(&f);
    check_has(&f, "1 worker up, 1 lost");
    fini(&f);
}

static void
test_a_list_in_pieces_is_shown_when_it_is_whole(void **state)
{
    const lt_Records first = {.n = 1};
    fixture_t f;
    buf_t records = {0};

    (void)state;
    init(&f);
    hear_all(&f);
    put_worker(&records, "web8", "up", 0);
    hear(&f, PROTO_WORKER_LIST, lt_Records_fields, &first, buf_span(&records));
    check_has_not(&f, "web8");
    check_has(&f, "web1");
    buf_clear(&records);
    put_worker(&records, "web9", "up", 0);
    hear_list(&f, PROTO_WORKER_LIST, &records, 1);
    check_has(&f, "web8");
    check_has(&f, "web9");
    check_has_not(&f, "web1 ");
    fini(&f);
}

static void
test_nonsense_changes_nothing(void **state)
{
    const lt_Records two = {.n = 2, .last = true};
    fixture_t f;
    buf_t records = {0};

    (void)state;
    init(&f);
    hear_all(&f);
    put_worker(&records, "web7", "up", 0);
    hear(&f, PROTO_WORKER_LIST, lt_Records_fields, &two, buf_span(&records));
    hear(&f, PROTO_ROWS_NOW, NULL, NULL, buf_span(&records));
    hear(&f, PROTO_JOB_LIST, NULL, NULL, buf_span(&records));
    check_has_not(&f, "web7");
    check_has(&f, "web1");
    buf_fini(&records);
    fini(&f);
}

static void
test_what_others_wrote_is_harmless(void **state)
{
    fixture_t f;
    buf_t records = {0};

    (void)state;
    init(&f);
    hear_all(&f);
    put_worker(&records, "\033]0;x\a\nweb", "up", 0);
    hear_list(&f, PROTO_WORKER_LIST, &records, 1);
    put_job(&records, 1, lt_JobState_JOB_RUNNING, "\033[2J\xe2\x80\xae\xff");
    hear_list(&f, PROTO_JOB_LIST, &records, 1);
    put_event(&records, 99, "in\rfo", "a\tb", 1,
        "\x9b"
        "1m",
        "\033[31m");
    hear_list(&f, PROTO_EVENT_LIST, &records, 1);
    for (int open = 0; open < 2; open++) {
        const char *screen = draw(&f, 120, 40);
        for (const char *c = screen; *c != '\0'; c++) {
            assert_true(*c == '\n' || (*c >= ' ' && *c < 0x7f));
        }
        assert_non_null(strstr(screen, "\\x1b[2J"));
        press(&f, TOP_ENTER);
    }
    fini(&f);
}

static int
twice(wchar_t code)
{
    return code >= 0x1100 ? 2 : 1;
}

static void
test_ascii_and_wide_characters(void **state)
{
    const canvas_charset_t ascii = {false, NULL}, wide = {true, twice};
    canvas_t c;
    buf_t line = {0};

    (void)state;
    canvas_init(&c, 8, 1, &ascii);
    CHECK_U64(
        canvas_put(&c, 0, 0, 8, span_str("a\u00fc\u2026"), STYLE_PLAIN), 3);
    canvas_line(&c, 0, &line);
    CHECK_SPAN(buf_span(&line), "a?~");
    canvas_fini(&c);
    buf_clear(&line);
    canvas_init(&c, 8, 1, &wide);
    CHECK_U64(
        canvas_put(&c, 0, 0, 4, span_str("\u4e00\u4e00\u4e00"), STYLE_PLAIN),
        3);
    canvas_put_right(&c, 0, 3, 5, span_str("\u4e00b"), STYLE_PLAIN);
    canvas_line(&c, 0, &line);
    CHECK_SPAN(buf_span(&line), "\u4e00~  \u4e00b");
    canvas_fini(&c);
    buf_fini(&line);
}

// ---- keys

static void
test_order_and_filter(void **state)
{
    fixture_t f;

    (void)state;
    init(&f);
    hear_all(&f);
    const char *screen = draw(&f, 80, 24);
    assert_true(strstr(screen, "web1") < strstr(screen, "web2"));
    type(&f, "wr");
    screen = draw(&f, 80, 24);
    assert_true(strstr(screen, "web1") > strstr(screen, "web2"));
    check_has(&f, "by name, reversed");
    type(&f, "rss");
    check_has(&f, "by rate");
    type(&f, "/TOP");
    check_has(&f, "filter: TOP_");
    check_has(&f, "0 of 2 workers");
    check_has_not(&f, "count by path");
    press(&f, TOP_BACKSPACE);
    press(&f, TOP_ENTER);
    check_has(&f, "filter: TO (Esc clears it)");
    press(&f, TOP_ESCAPE);
    check_has(&f, "count by path");
    check_has_not(&f, "filter: ");
    fini(&f);
}

static void
test_what_is_selected_stays_selected(void **state)
{
    fixture_t f;
    buf_t records = {0};

    (void)state;
    init(&f);
    hear_all(&f);
    press(&f, TOP_DOWN);
    check_has(&f, ">     17");
    put_job(&records, 17, lt_JobState_JOB_DONE, "top ip");
    put_job(&records, 18, lt_JobState_JOB_RUNNING, "count");
    put_job(&records, 19, lt_JobState_JOB_DONE, "count");
    hear_list(&f, PROTO_JOB_LIST, &records, 3);
    check_has(&f, ">     17");
    press(&f, TOP_HOME);
    check_has(&f, ">     18");
    fini(&f);
}

static void
test_many_jobs_scroll(void **state)
{
    fixture_t f;
    buf_t records = {0};

    (void)state;
    init(&f);
    hear_all(&f);
    for (uint64_t i = 0; i < 100; i++) {
        put_job(&records, 1000 + i, lt_JobState_JOB_DONE, "count");
    }
    hear_list(&f, PROTO_JOB_LIST, &records, 100);
    check_has(&f, "100 jobs");
    check_has(&f, "   1099 ");
    press(&f, TOP_END);
    check_has(&f, ">   1000 ");
    check_has_not(&f, "   1099 ");
    press(&f, TOP_PAGE_UP);
    check_has_not(&f, ">   1000 ");
    for (int i = 0; i < 120; i++) {
        press(&f, TOP_UP);
    }
    check_has(&f, ">   1099 ");
    fini(&f);
}

static void
hear_ended(fixture_t *f, uint64_t number)
{
    lt_JobUpdate j = a_job(number, lt_JobState_JOB_CANCELLED, "count");

    hear(f, PROTO_JOB_UPDATE, lt_JobUpdate_fields, &j, (span_t){0});
}

static void
test_cancel_asks_first(void **state)
{
    fixture_t f;
    uint64_t job;

    (void)state;
    init(&f);
    ask_all(&f);
    hear_all(&f);
    type(&f, "c");
    check_has(&f, "cancel job 16 of alice? y: yes, any other key: no");
    type(&f, "n");
    CHECK_U64(asked(&f, NULL), 0);
    type(&f, "c");
    type(&f, "y");
    CHECK_U64(asked(&f, &job), PROTO_CANCEL_JOB);
    CHECK_U64(job, 16);
    CHECK_U64(asked(&f, NULL), 0);
    hear_ended(&f, 16);
    check_has(&f, "job 16 is cancelled");
    CHECK_U64(asked(&f, NULL), PROTO_JOBS); // at once
    fini(&f);
}

static void
test_what_cannot_be_cancelled_is_said(void **state)
{
    const lt_Refused no = {.error = ERR_DENIED, .text = "it belongs to bob"};
    fixture_t f;

    (void)state;
    init(&f);
    ask_all(&f);
    hear_all(&f);
    press(&f, TOP_DOWN);
    type(&f, "c");
    check_has(&f, "job 17 is done already");
    press(&f, TOP_UP);
    type(&f, "cy");
    CHECK_U64(asked(&f, NULL), PROTO_CANCEL_JOB);
    hear(&f, PROTO_REFUSED, lt_Refused_fields, &no, (span_t){0});
    check_has(&f, "it belongs to bob");
    type(&f, "cy");
    top_lost(f.top, f.now);
    check_has(&f, "did not confirm that job 16 is cancelled");
    type(&f, "c");
    check_has(&f, "not connected: nothing can be cancelled now");
    fini(&f);
}

// ---- a job

static void
hear_rows(fixture_t *f, size_t n)
{
    lt_RowsNow meta = {.job = 16,
        .bytes = 4000000000,
        .bytes_done = 800000000,
        .shards_done = 10,
        .rows_count = 1,
        .rows = {n}};
    query_t *query;
    query_error_t error;
    result_t *result;
    buf_t key = {0};
    buf_t bytes = {0};

    CHECK_OK(query_parse("count by path", &query, &error));
    tally_t *tally = tally_new(query, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        char path[24];
        agg_state_t *states;
        snprintf(path, sizeof path, "/p%02zu", i);
        buf_clear(&key);
        cell_encode(&(cell_t){.kind = CELL_TEXT, .text = span_str(path)}, &key);
        CHECK_OK(tally_group(tally, buf_span(&key), &states));
        agg_add_lines(states, 100);
    }
    CHECK_OK(result_build(query, &tally, 1, &result));
    result_encode(result, &bytes);
    hear(f, PROTO_ROWS_NOW, lt_RowsNow_fields, &meta, buf_span(&bytes));
    result_destroy(&result);
    tally_destroy(&tally);
    query_destroy(&query);
    buf_fini(&key);
    buf_fini(&bytes);
}

static void
test_an_open_job_shows_its_rows_as_they_stand(void **state)
{
    fixture_t f;
    uint64_t job;

    (void)state;
    init(&f);
    ask_all(&f);
    hear_all(&f);
    press(&f, TOP_ENTER);
    CHECK_U64(asked(&f, &job), PROTO_ROWS);
    CHECK_U64(job, 16);
    check_has(&f, "no rows yet");
    hear_rows(&f, 50);
    check_has(&f, "job 16 of alice: running");
    check_has(&f, "so far, not final: these rows are of 20% of the bytes");
    check_has(&f, "/p00");
    check_has_not(&f, "/p30");
    press(&f, TOP_END);
    check_has(&f, "/p49");
    check_has_not(&f, "/p00");
    press(&f, TOP_ESCAPE);
    check_has(&f, "web1");
    CHECK_U64(asked(&f, NULL), 0);
    fini(&f);
}

static void
test_an_ended_job_says_where_its_rows_are(void **state)
{
    fixture_t f;

    (void)state;
    init(&f);
    ask_all(&f);
    hear_all(&f);
    press(&f, TOP_DOWN);
    press(&f, TOP_ENTER);
    CHECK_U64(asked(&f, NULL), 0);
    check_has(&f, "job 17 is done");
    check_has(&f, "`logtally result 17` prints its rows");
    check_has_not(&f, "so far");
    fini(&f);
}

static void
test_help_and_the_end(void **state)
{
    fixture_t f;

    (void)state;
    init(&f);
    hear_all(&f);
    type(&f, "?");
    check_has(&f, "Any key goes back.");
    type(&f, "q");
    check_has(&f, "web1");
    type(&f, "/q");
    press(&f, TOP_ESCAPE);
    assert_false(top_key(f.top, 'q', f.now));
    fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_small_screen),
        cmocka_unit_test(test_every_size_can_be_drawn),
        cmocka_unit_test(test_lists_are_asked_for_one_by_one_and_again_later),
        cmocka_unit_test(test_a_lost_connection_is_said_and_asked_again_after),
        cmocka_unit_test(test_a_list_in_pieces_is_shown_when_it_is_whole),
        cmocka_unit_test(test_nonsense_changes_nothing),
        cmocka_unit_test(test_what_others_wrote_is_harmless),
        cmocka_unit_test(test_ascii_and_wide_characters),
        cmocka_unit_test(test_order_and_filter),
        cmocka_unit_test(test_what_is_selected_stays_selected),
        cmocka_unit_test(test_many_jobs_scroll),
        cmocka_unit_test(test_cancel_asks_first),
        cmocka_unit_test(test_what_cannot_be_cancelled_is_said),
        cmocka_unit_test(test_an_open_job_shows_its_rows_as_they_stand),
        cmocka_unit_test(test_an_ended_job_says_where_its_rows_are),
        cmocka_unit_test(test_help_and_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
