// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/coordinator/machine.h"

#include "tests/unit/cmocka_all.h"

#define MANY 400u

static const fake_file_t two[] = {{"/l/a", 10, 0, 0}, {"/l/b", 20, 0, 0}};

// How many workers are asked for their files by this source.
static size_t
count_asked(machine_t *m, const char *source)
{
    size_t n = 0;
    lt_List asked;

    machine_forget(m);
    assert_true(machine_submit(m, source, 0) != 0);
    for (size_t i = 0; i < m->n_workers; i++) {
        n += machine_heard(
            m, m->workers[i].peer, PROTO_LIST, lt_List_fields, &asked);
    }
    return n;
}

static void
test_source_names_who_is_asked(void **state)
{
    machine_t m;

    (void)state;
    machine_init(&m);
    (void)machine_worker(&m, "web1", 1);
    (void)machine_worker(&m, "web2", 1);
    fake_t *db = machine_worker(&m, "db1", 1);
    db->label = "eu";
    fake_register(&m, db);
    CHECK_U64(count_asked(&m, "web1:/l/*"), 1);
    CHECK_U64(count_asked(&m, "web*:/l/*"), 2);
    CHECK_U64(count_asked(&m, "*:/l/*"), 3);
    CHECK_U64(count_asked(&m, "@eu:/l/*"), 1);
    CHECK_U64(count_asked(&m, "shared:/l/*"), 1);
    machine_fini(&m);
}

static void
test_bad_sources_are_refused(void **state)
{
    static const char *const bad[] = {"", "/var/log/x", "web1",
        "web1:", "web1:x", ":/x", "@:/x", "we b:/x", "web1:../x"};
    machine_t m;
    lt_Refused no;

    (void)state;
    machine_init(&m);
    (void)machine_worker(&m, "web1", 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_U64(machine_submit(&m, bad[i], 0), 0);
        assert_true(machine_heard(
            &m, CLIENT_PEER, PROTO_REFUSED, lt_Refused_fields, &no));
        CHECK_U64(no.exit, EXIT_USAGE);
    }
    machine_fini(&m);
}

static void
test_source_that_no_worker_reads_is_refused(void **state)
{
    machine_t m;
    lt_Refused no;

    (void)state;
    machine_init(&m);
    (void)machine_worker(&m, "web1", 1);
    CHECK_U64(machine_submit(&m, "web7:/x", 0), 0);
    assert_true(
        machine_heard(&m, CLIENT_PEER, PROTO_REFUSED, lt_Refused_fields, &no));
    assert_string_equal(no.text, "no worker for 'web7:/x'; connected: web1");
    CHECK_U64(machine_submit(&m, "@none:/x", 0), 0);
    machine_fini(&m);
}

static void
test_source_without_a_file_fails_the_job(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "web1:/l/*", 0);
    assert_true(fake_list(&m, w, NULL, 0));
    lt_JobUpdate update = machine_status(&m, job);
    CHECK_U64(update.state, lt_JobState_JOB_FAILED);
    CHECK_U64(update.exit, EXIT_FAILED);
    assert_string_equal(update.text, "web1:/l/*: no file matches");
    machine_fini(&m);
}

static void
test_named_host_that_is_lost_is_asked_again_when_it_is_back(void **state)
{
    machine_t m;
    lt_List asked;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "web1:/l/*", 0);
    assert_true(fake_list_part(&m, w,
        (machine_heard(&m, w->peer, PROTO_LIST, lt_List_fields, &asked),
            &asked),
        two, 1, false));
    machine_pass(&m, 60000, NULL, NULL);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_PLANNING);
    fake_register(&m, w);
    assert_true(fake_list(&m, w, two, 2));
    CHECK_U64(fake_work(&m, w), 1);
    CHECK_U64(machine_count(&m, job), 30);
    machine_fini(&m);
}

static void
test_host_of_a_wildcard_that_is_lost_is_named_missing(void **state)
{
    machine_t m;

    (void)state;
    fake_t *a = machine_init_web1(&m, 1);
    (void)machine_worker(&m, "web2", 1);
    uint64_t job = machine_submit(&m, "web*:/l/*", 0);
    assert_true(fake_list(&m, a, two, 2));
    machine_pass(&m, 10000, a, NULL);
    CHECK_U64(fake_work(&m, a), 1);
    CHECK_U64(machine_count(&m, job), 30);
    CHECK_U64(machine_status(&m, job).exit, EXIT_PARTIAL);
    machine_check_missing(&m, job, "web2:/l/*: the worker is gone");
    machine_fini(&m);
}

static void
test_shared_source_is_listed_by_whoever_comes_first(void **state)
{
    machine_t m;

    (void)state;
    fake_t *a = machine_init_web1(&m, 1);
    uint64_t job = machine_submit(&m, "shared:/l/*", 0);
    machine_pass(&m, 60000, NULL, NULL);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_PLANNING);
    fake_t *b = machine_worker(&m, "web2", 1);
    assert_true(fake_list(&m, b, two, 2));
    CHECK_U64(fake_work(&m, b), 1);
    CHECK_U64(machine_count(&m, job), 30);
    (void)a;
    machine_fini(&m);
}

static void
test_shared_source_that_nobody_can_list_is_given_up(void **state)
{
    static const fake_file_t wrong = {"/elsewhere", 5, 0, 0};
    machine_t m;
    unsigned asked = 0;

    (void)state;
    fake_t *a = machine_init_web1(&m, 1);
    fake_t *b = machine_worker(&m, "web2", 1);
    uint64_t job = machine_submit(&m, "shared:/l/*", 0);
    while (asked < 20 &&
           (fake_list(&m, a, &wrong, 1) || fake_list(&m, b, &wrong, 1))) {
        asked++;
    }
    CHECK_U64(asked, LIMIT_ATTEMPTS);
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_PARTIAL);
    machine_fini(&m);
}

static void
test_deadline_names_what_was_not_counted(void **state)
{
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    const char *source = "web1:/l/*";
    lt_Submit *meta = submit_meta(&m, "count", 10);
    meta->deadline_ms = 2000;
    uint64_t job =
        machine_submit_as(&m, CLIENT_PEER, &m.client, meta, &source, 1);
    assert_true(fake_list(&m, w, two, 1));
    machine_pass(&m, 2000, w, NULL);
    lt_JobUpdate update = machine_status(&m, job);
    CHECK_U64(update.state, lt_JobState_JOB_PARTIAL);
    CHECK_U64(update.exit, EXIT_DEADLINE);
    machine_fini(&m);
}

static void
test_file_that_two_sources_name_is_counted_once(void **state)
{
    static const char *const sources[] = {"web1:/l/*", "web*:/l/a"};
    machine_t m;

    (void)state;
    fake_t *w = machine_init_web1(&m, 1);
    uint64_t job = machine_submit_as(
        &m, CLIENT_PEER, &m.client, submit_meta(&m, "count", 0), sources, 2);
    assert_true(fake_list(&m, w, two, 2));
    assert_true(fake_list(&m, w, two, 1));
    CHECK_U64(fake_work(&m, w), 1);
    CHECK_U64(machine_count(&m, job), 30);
    result_t *result = machine_result(&m, job);
    CHECK_U64(result->receipt.n_notes, 2); // that, and the format
    result_destroy(&result);
    machine_fini(&m);
}

// Lists the files, takes all shards, and checks that they cover every byte of
// every file once. The number of shards.
static size_t
check_cut(const fake_file_t *files, size_t n_files, uint64_t shard_bytes)
{
    machine_t m;
    uint64_t at[MANY] = {0}, total = 0;
    size_t shards = 0;
    lent_t *l = xmalloc(sizeof *l);

    machine_init(&m);
    fake_t *w = machine_worker(&m, "web1", LIMIT_EXECUTORS);
    uint64_t job = machine_submit(&m, "web1:/l/*", shard_bytes);
    assert_true(fake_list(&m, w, files, n_files));
    for (; fake_lent(&m, w, l); shards++) {
        assert_true(l->meta.n_ranges <= LIMIT_SHARD_RANGES);
        for (uint32_t i = 0; i < l->meta.n_ranges; i++) {
            CHECK_U64(l->begin[i], at[l->files[i]]);
            at[l->files[i]] = l->end[i];
            const fake_file_t *f = &files[l->files[i]];
            assert_true(f->compression == 0 || l->end[i] == f->size ||
                        (f->step > 0 && l->end[i] % f->step == 0));
            assert_true(f->compression == 0 || l->meta.n_ranges == 1 ||
                        l->begin[i] + f->size == l->end[i]);
        }
        CHECK_U64(fake_deliver(&m, w, l), lt_Verdict_VERDICT_COMMITTED);
        lent_fini(l);
    }
    for (size_t i = 0; i < n_files; i++) {
        CHECK_U64(at[i], files[i].size);
        total += files[i].size;
    }
    CHECK_U64(machine_count(&m, job), total);
    free(l);
    machine_fini(&m);
    return shards;
}

static void
test_files_are_cut_and_bundled(void **state)
{
    static const fake_file_t big = {"/l/a", 1001, 0, 0};
    static const fake_file_t zip = {"/l/a", 1001, 1, 0};
    static const fake_file_t tiny = {"/l/a", 30, 0, 0};
    static const fake_file_t mixed[] = {{"/l/a", 0, 0, 0}, {"/l/b", 5, 1, 0},
        {"/l/c", 250, 0, 0}, {"/l/d", 3, 0, 0}};
    fake_file_t small[MANY];
    static char names[MANY][16];

    (void)state;
    CHECK_U64(check_cut(&big, 1, 100), 11);
    CHECK_U64(check_cut(&big, 1, 0), 1);
    CHECK_U64(check_cut(&zip, 1, 100), 1);
    CHECK_U64(check_cut(&tiny, 1, 1), 30);
    (void)check_cut(mixed, 4, 100);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "/l/%03zu", i);
        small[i] = (fake_file_t){names[i], 1, 0, 0};
    }
    CHECK_U64(check_cut(small, MANY, 1000), 4); // 128 ranges at most
}

// Each shard is as large as was asked for, up to the next cut.
static void
test_archives_are_cut_where_frames_begin(void **state)
{
    static const fake_file_t fine = {"/l/a", 1000, 2, 1};
    static const fake_file_t coarse = {"/l/a", 1000, 1, 400};
    static const fake_file_t even = {"/l/a", 1000, 2, 100};
    static const fake_file_t mixed[] = {{"/l/a", 5, 0, 0}, {"/l/b", 90, 2, 9},
        {"/l/c", 5, 0, 0}, {"/l/d", 30, 2, 9}};

    (void)state;
    CHECK_U64(check_cut(&fine, 1, 100), 10);
    CHECK_U64(check_cut(&fine, 1, 999), 2);
    CHECK_U64(check_cut(&fine, 1, 1000), 1);
    CHECK_U64(check_cut(&coarse, 1, 100), 3);
    CHECK_U64(check_cut(&even, 1, 1), 10);
    CHECK_U64(check_cut(&even, 1, 0), 1);
    // Small files are bundled, but not with a part of an archive.
    CHECK_U64(check_cut(mixed, 4, 40), 5);
}

static void
check_refused(const fake_file_t *file, const char *why)
{
    machine_t m;

    machine_init(&m);
    fake_t *w = machine_worker(&m, "web1", 1);
    uint64_t job = machine_submit(&m, "web1:/l/*", 10);
    assert_true(fake_list(&m, w, file, 1));
    CHECK_U64(machine_status(&m, job).state, lt_JobState_JOB_PARTIAL);
    machine_check_missing(&m, job, why);
    machine_fini(&m);
}

static void
test_cuts_that_make_no_sense_are_refused(void **state)
{
    static const fake_file_t plain = {"/l/a", 1000, 0, 100};
    static const fake_file_t many = {"/l/a", LIMIT_CUTS + 2, 2, 1};

    (void)state;
    check_refused(&plain, "web1:/l/*: malformed bytes");
    check_refused(&many, "web1:/l/*: over the limit");
}

static void
test_random_files_are_covered_once(void **state)
{
    static char names[MANY][16];
    fake_file_t files[MANY];
    uint32_t rng = 1;

    (void)state;
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < 60; i++) {
            rng = rng * 1664525 + 1013904223;
            snprintf(names[i], sizeof names[i], "/l/%03zu", i);
            files[i] = (fake_file_t){names[i], (rng >> 8) % 500,
                (rng >> 24) % 4 == 0 ? 1 : 0,
                (rng >> 24) % 8 == 0 ? 40 + (rng >> 4) % 90 : 0};
        }
        (void)check_cut(files, 60, 1 + (rng >> 16) % 300);
    }
}

// However many sources a job has, no more is read for guesses.
static void
test_sources_share_what_is_read_for_guesses(void **state)
{
    static const char *const sources[] = {"web1:/l/a", "web1:/l/b"};

    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        machine_t m;
        lt_List asked;
        fake_t *w = machine_init_web1(&m, 1);
        assert_true(machine_submit_as(&m, CLIENT_PEER, &m.client,
                        submit_meta(&m, "count", 10), sources, n) != 0);
        for (size_t i = 0; i < n; i++) {
            assert_true(
                machine_heard(&m, w->peer, PROTO_LIST, lt_List_fields, &asked));
            CHECK_U64(asked.guess_bytes, LIMIT_GUESS_BYTES / n);
        }
        machine_fini(&m);
    }
}

// Guided: each shard is one executor's share of what was left.
static void
test_shards_of_a_local_run_get_smaller(void **state)
{
    static const fake_file_t files[] = {
        {"/l/a", 900ull << 20, 0, 0}, {"/l/b", 100ull << 20, 0, 0}};
    machine_t m = {0};
    coordinator_config_t config = machine_config(&m);
    uint64_t left = 1000ull << 20, of_file = files[0].size;
    size_t shards = 0;
    lent_t *l = xmalloc(sizeof *l);

    (void)state;
    config.local_host = "web1";
    machine_init_with(&m, &config);
    fake_t *w = machine_worker(&m, "web1", 4);
    assert_true(machine_submit(&m, "/l/*", 0) != 0);
    assert_true(fake_list(&m, w, files, 2));
    for (; left > 0 && fake_lent(&m, w, l); shards++) {
        uint64_t share = left / 4 > SHARD_MIN ? left / 4 : SHARD_MIN;
        uint64_t bytes = l->end[0] - l->begin[0];
        CHECK_U64(l->meta.n_ranges, 1);
        assert_true(bytes <= share);
        assert_true(bytes > share / 2 || bytes == of_file);
        of_file = bytes == of_file ? files[1].size : of_file - bytes;
        left -= bytes;
        CHECK_U64(fake_deliver(&m, w, l), lt_Verdict_VERDICT_COMMITTED);
        lent_fini(l);
    }
    CHECK_U64(left, 0);
    assert_in_range(shards, 12, 20);
    free(l);
    machine_fini(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_names_who_is_asked),
        cmocka_unit_test(test_bad_sources_are_refused),
        cmocka_unit_test(test_source_that_no_worker_reads_is_refused),
        cmocka_unit_test(test_source_without_a_file_fails_the_job),
        cmocka_unit_test(
            test_named_host_that_is_lost_is_asked_again_when_it_is_back),
        cmocka_unit_test(test_host_of_a_wildcard_that_is_lost_is_named_missing),
        cmocka_unit_test(test_shared_source_is_listed_by_whoever_comes_first),
        cmocka_unit_test(test_shared_source_that_nobody_can_list_is_given_up),
        cmocka_unit_test(test_deadline_names_what_was_not_counted),
        cmocka_unit_test(test_file_that_two_sources_name_is_counted_once),
        cmocka_unit_test(test_files_are_cut_and_bundled),
        cmocka_unit_test(test_archives_are_cut_where_frames_begin),
        cmocka_unit_test(test_cuts_that_make_no_sense_are_refused),
        cmocka_unit_test(test_random_files_are_covered_once),
        cmocka_unit_test(test_sources_share_what_is_read_for_guesses),
        cmocka_unit_test(test_shards_of_a_local_run_get_smaller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
