// SPDX-License-Identifier: Apache-2.0
// The machine as JSON: all of it, and what has changed.
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

#define WALL 1700000000000

static char *
overview(machine_t *m, bool all)
{
    buf_t out = {0};

    coordinator_overview(m->c, all, WALL, &out);
    buf_put_u8(&out, '\0');
    return (char *)out.p;
}

// Whether it has that text; the overview is made for it.
static bool
says(machine_t *m, bool all, const char *text)
{
    char *json = overview(m, all);
    bool found = strstr(json, text) != NULL;

    free(json);
    return found;
}

static void
test_a_coordinator_without_anybody(void **state)
{
    machine_t m;

    (void)state;
    machine_init(&m);
    char *json = overview(&m, true);
    assert_non_null(strstr(json, "\"all\":true"));
    assert_non_null(strstr(json, "\"workers\":[]"));
    assert_non_null(strstr(json, "\"jobs\":[]"));
    assert_non_null(strstr(json, "\"events\":[]"));
    assert_non_null(strstr(json, "\"bytes\":[]"));
    free(json);
    machine_fini(&m);
}

static void
test_what_stays_is_told_once(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    (void)machine_job(&m, w, 100, 100);
    CHECK_U64(fake_work(&m, w), 1);
    char *json = overview(&m, true);
    assert_non_null(strstr(json, "\"name\":\"web1\""));
    assert_non_null(strstr(json, "\"state\":\"done\""));
    assert_non_null(strstr(json, "\"event\":\"job-ended\""));
    free(json);
    machine_tick(&m, 500);
    fake_beat(&m, w, NULL);
    json = overview(&m, false);
    assert_non_null(strstr(json, "\"workers\":[],\"workers_up\":1"));
    assert_non_null(strstr(json, "\"jobs\":[],\"jobs_running\":0"));
    assert_non_null(strstr(json, "\"jobs_shown\":1"));
    assert_non_null(strstr(json, "\"events\":[]"));
    free(json);
    assert_true(says(&m, true, "\"name\":\"web1\""));
    machine_fini(&m);
}

static void
test_what_changes_is_told(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    (void)machine_worker(&m, "web2", 1);
    free(overview(&m, true));
    (void)machine_job(&m, w, 100, 100);
    char *json = overview(&m, false);
    assert_non_null(strstr(json, "\"state\":\"running\""));
    assert_non_null(strstr(json, "\"name\":\"web1\""));
    assert_null(strstr(json, "\"name\":\"web2\""));
    assert_non_null(strstr(json, "\"event\":\"job-taken\""));
    free(json);
    machine_tick(&m, WORKER_LOST_MS + 1);
    json = overview(&m, false);
    assert_non_null(strstr(json, "\"state\":\"lost\""));
    assert_non_null(strstr(json, "\"workers_lost\":2"));
    assert_non_null(strstr(json, "\"event\":\"worker-lost\""));
    free(json);
    machine_fini(&m);
}

// A key that is revoked takes its worker out of the list.
static void
test_who_is_forgotten_is_not_shown(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    coordinator_revoked(m.c, w->who.name, m.now);
    assert_true(says(&m, true, "\"workers\":[],\"workers_up\":0"));
    machine_fini(&m);
}

static void
test_hostile_texts_stay_in_their_strings(void **state)
{
    const char *source = "web1:/x";
    machine_t m;

    (void)state;
    (void)machine_init_web1(&m, 1);
    assert_true(
        machine_submit_as(&m, CLIENT_PEER, &m.client,
            submit_meta(&m, "path = \"'</script>\xe2\x80\xae\" | count", 0),
            &source, 1) != 0);
    char *json = overview(&m, true);
    for (const char *c = json; *c != '\0'; c++) {
        assert_true(*c == '\n' || (uint8_t)*c >= 0x20);
    }
    assert_null(strstr(json, "\xe2\x80\xae"));
    assert_non_null(strstr(json, "\\\"'</script>"));
    free(json);
    machine_fini(&m);
}

static void
test_only_the_newest_ended_jobs_are_told(void **state)
{
    const char *source = "web1:/x";
    machine_t m;
    size_t n = 0;

    (void)state;
    (void)machine_init_web1(&m, 1);
    for (int i = 0; i < 230; i++) {
        lt_Submit *meta = submit_meta(&m, "count", 0);
        memcpy(meta->request, &i, sizeof i); // a request of its own
        meta->request[15] = 1;
        uint64_t job =
            machine_submit_as(&m, CLIENT_PEER, &m.client, meta, &source, 1);
        const lt_JobRequest cancel = {.job = job};
        machine_say(&m, LINK_CONTROL, CLIENT_PEER, &m.client, PROTO_CANCEL_JOB,
            lt_JobRequest_fields, &cancel, (span_t){0});
        machine_forget(&m);
    }
    char *json = overview(&m, true);
    for (const char *at = json; (at = strstr(at, "\"state\":\"cancelled\""));
         at++) {
        n++;
    }
    CHECK_U64(n, 200);
    assert_non_null(strstr(json, "{\"job\":230,"));
    assert_null(strstr(json, "{\"job\":30,"));
    assert_non_null(strstr(json, "\"jobs_shown\":200"));
    free(json);
    machine_fini(&m);
}

static void
test_one_job_with_its_rows(void **state)
{
    machine_t m;
    job_view_t rows = {0};
    buf_t json = {0};
    result_t *result = NULL;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_job(&m, w, 300, 100);
    lent_t l;
    assert_true(fake_lent(&m, w, &l));
    (void)fake_deliver(&m, w, &l);
    assert_true(coordinator_job_view(m.c, job, WALL, &json, &rows));
    assert_false(rows.over);
    assert_true(rows.made != 0);
    CHECK_OK(result_decode(buf_span(&rows.bytes), &result));
    CHECK_U64(result->n_rows, 1);
    result_destroy(&result);
    uint64_t made = rows.made;
    buf_clear(&rows.bytes); // the same rows are not given again
    assert_true(coordinator_job_view(m.c, job, WALL, &json, &rows));
    CHECK_U64(rows.made, made);
    CHECK_U64(rows.bytes.len, 0);
    assert_false(coordinator_job_view(m.c, 4711, WALL, &json, &rows));
    lent_fini(&l);
    buf_fini(&json);
    buf_fini(&rows.bytes);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_coordinator_without_anybody),
        cmocka_unit_test(test_what_stays_is_told_once),
        cmocka_unit_test(test_what_changes_is_told),
        cmocka_unit_test(test_who_is_forgotten_is_not_shown),
        cmocka_unit_test(test_hostile_texts_stay_in_their_strings),
        cmocka_unit_test(test_only_the_newest_ended_jobs_are_told),
        cmocka_unit_test(test_one_job_with_its_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
