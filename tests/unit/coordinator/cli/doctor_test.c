// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/doctor.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

static void
check_said(
    const char *sentence, const char *text, const char *cure, bool is_command)
{
    doctor_t d = {.place = "worker"};
    const finding_t *f =
        doctor_find_said(&d, "x", span_str(sentence), "ask somebody");

    assert_string_equal(f->text, text);
    assert_string_equal(f->cure, cure);
    assert_int_equal(f->command, is_command);
    doctor_fini(&d);
}

static void
test_a_sentence_ends_with_its_cure(void **state)
{
    (void)state;
    check_said("others may use /k; mend with: chmod 600 /k",
        "others may use /k", "chmod 600 /k", true);
    check_said("a; b; rename the file", "a; b", "rename the file", false);
    check_said("cannot open /k", "cannot open /k", "ask somebody", false);
    check_said("", "", "ask somebody", false);
}

static void
test_a_line_says_where_what_and_how(void **state)
{
    static const char *const places[] = {"worker", "client"};
    doctor_t d = {.place = "worker"};
    buf_t out = {0};

    (void)state;
    finding_command(doctor_find(&d, "a", "one"), NULL, "chmod %d x", 600);
    finding_command(doctor_find(&d, "b", "two"), "web1", "reboot");
    finding_advice(doctor_find(&d, "c", "three"), "web1", "look");
    finding_advice(doctor_find(&d, "d", "four"), NULL, "wait");
    doctor_print(&d, places, 2, &out);
    CHECK_SPAN(buf_span(&out), "worker: a: one; mend with: chmod 600 x\n"
                               "worker: b: two; on web1 mend with: reboot\n"
                               "worker: c: three; on web1: look\n"
                               "worker: d: four; wait\n"
                               "client: nothing is wrong\n");
    buf_fini(&out);
    doctor_fini(&d);
}

// Texts of peers come to a terminal.
static void
test_a_text_stays_on_its_line(void **state)
{
    doctor_t d = {.place = "client"};
    buf_t out = {0};

    (void)state;
    finding_advice(
        doctor_find(&d, "a", "x\nclient: nothing is wrong\x1b[2J"), "w\n", "y");
    doctor_print(&d, NULL, 0, &out);
    assert_ptr_equal(memchr(out.p, '\n', out.len), out.p + out.len - 1);
    assert_null(memchr(out.p, 0x1b, out.len));
    buf_fini(&out);
    doctor_fini(&d);
}

static void
test_json_has_all_of_it(void **state)
{
    static const char *const places[] = {"worker"};
    doctor_t d = {.place = "worker"};
    buf_t out = {0};

    (void)state;
    doctor_skip(&d, "the \"moon\"");
    finding_command(doctor_find(&d, "a", "one"), "web1", "x");
    doctor_print_json(&d, places, 1, &out);
    CHECK_SPAN(buf_span(&out),
        "{\"findings\":[{\"place\":\"worker\",\"id\":\"a\",\"text\":\"one\","
        "\"cure\":\"x\",\"command\":true,\"where\":\"web1\"}],"
        "\"places\":[\"worker\"],\"skipped\":[\"the \\\"moon\\\"\"]}\n");
    buf_fini(&out);
    doctor_fini(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sentence_ends_with_its_cure),
        cmocka_unit_test(test_a_line_says_where_what_and_how),
        cmocka_unit_test(test_a_text_stays_on_its_line),
        cmocka_unit_test(test_json_has_all_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
