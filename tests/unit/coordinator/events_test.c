// SPDX-License-Identifier: Apache-2.0
#include "coordinator/events.h"

#include "common/base/utf8.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void
put(events_t *events, const char *id, int64_t at, const char *text)
{
    const event_t e = {.at = at, .level = LOG_WARN, .id = id, .job = 7};

    events_put(events, &e, text);
}

static void
test_nothing_happened(void **state)
{
    events_t *events = events_new(9);

    (void)state;
    assert_null(events_next(events, 0));
    assert_null(events_next(events, UINT64_MAX));
    events_destroy(&events);
    assert_null(events);
}

static void
test_events_come_in_order_and_once(void **state)
{
    events_t *events = events_new(9);

    (void)state;
    put(events, "worker-up", 1, "one");
    put(events, "worker-lost", 2, "two");
    const event_t *e = events_next(events, 0);
    assert_string_equal(e->text, "one");
    assert_string_equal(e->id, "worker-up");
    CHECK_U64(e->job, 7);
    e = events_next(events, e->number);
    assert_string_equal(e->text, "two");
    assert_null(events_next(events, e->number));
    assert_null(events_next(events, UINT64_MAX));
    events_destroy(&events);
}

// Who asks on with a number of the coordinator before gets all that is new.
static void
test_numbers_rise_from_one_coordinator_to_the_next(void **state)
{
    events_t *before = events_new(1800000000);
    events_t *after = events_new(1800000001);
    uint64_t last = 0;

    (void)state;
    for (int64_t at = 0; at < 100; at++) {
        put(before, "worker-up", at * 1000, "");
    }
    for (const event_t *e; (e = events_next(before, last)) != NULL;) {
        last = e->number;
    }
    put(after, "worker-up", 0, "first");
    assert_true(events_next(after, last) != NULL);
    assert_string_equal(events_next(after, last)->text, "first");
    assert_true(last < (UINT64_C(1) << 53));
    events_destroy(&before);
    events_destroy(&after);
}

static void
test_only_the_newest_are_kept(void **state)
{
    events_t *events = events_new(9);
    uint64_t n = 0, last = 0;

    (void)state;
    for (int64_t i = 0; i < 3 * EVENTS_KEPT; i++) {
        put(events, "worker-up", i * 1000, "");
    }
    for (const event_t *e; (e = events_next(events, last)) != NULL; n++) {
        assert_true(last == 0 || e->number == last + 1);
        last = e->number;
        CHECK_U64((uint64_t)e->at / 1000, 2 * EVENTS_KEPT + n);
    }
    CHECK_U64(n, EVENTS_KEPT);
    events_destroy(&events);
}

static void
test_a_flood_of_one_kind_leaves_the_others(void **state)
{
    events_t *events = events_new(9);
    uint64_t n = 0, last = 0;
    const event_t *e;

    (void)state;
    put(events, "job-taken", 0, "seldom");
    for (int i = 0; i < 5000; i++) {
        put(events, "attempt-failed", 100, "again");
    }
    put(events, "attempt-failed", 1100, "later");
    assert_string_equal(events_next(events, 0)->text, "seldom");
    for (; (e = events_next(events, last)) != NULL; n++) {
        last = e->number;
    }
    CHECK_U64(n, 1 + EVENTS_A_SECOND + 1);
    e = events_next(events, last - 1);
    assert_string_equal(e->text, "later (and 4990 more)");
    events_destroy(&events);
}

static void
test_a_long_text_is_cut_between_characters(void **state)
{
    events_t *events = events_new(9);
    char text[3 * EVENT_TEXT];

    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) {
            memcpy(text + i, "\xe2\x82\xac", 4);
        }
        put(events, "job-ended", (int64_t)shift * 1000, text);
        const event_t *e = events_next(events, (9u << 20) + shift);
        assert_in_range(strlen(e->text), EVENT_TEXT - 4, EVENT_TEXT - 1);
        assert_true(utf8_is_valid(span_str(e->text)));
    }
    events_destroy(&events);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_happened),
        cmocka_unit_test(test_events_come_in_order_and_once),
        cmocka_unit_test(test_numbers_rise_from_one_coordinator_to_the_next),
        cmocka_unit_test(test_only_the_newest_are_kept),
        cmocka_unit_test(test_a_flood_of_one_kind_leaves_the_others),
        cmocka_unit_test(test_a_long_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
