// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/doctor_checks.h"

#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OURS "logtally " LOGTALLY_VERSION

// The ids that were found, in order, "a b c".
static void
check_ids(doctor_t *d, const char *ids)
{
    char found[512] = "";

    for (size_t i = 0; i < d->n; i++) {
        size_t len = strlen(found);
        snprintf(found + len, sizeof found - len, "%s%s", i > 0 ? " " : "",
            d->findings[i].id);
        assert_non_null(d->findings[i].cure);
    }
    assert_string_equal(found, ids);
    doctor_fini(d);
    d->place = "client";
}

static lt_WorkerInfo
good_worker(const char *name)
{
    lt_WorkerInfo w = {.executors = 4, .open_files = 1024, .clock_told = true};

    snprintf(w.name, sizeof w.name, "%s", name);
    snprintf(w.key, sizeof w.key, "%s", name);
    strcpy(w.state, "up");
    strcpy(w.software, OURS);
    strcpy(w.sandbox, "full");
    strcpy(w.intake, "up");
    return w;
}

static void
check_worker(lt_WorkerInfo w, const char *ids)
{
    doctor_t d = {.place = "client"};
    lt_WorkerInfo workers[] = {good_worker("web0"), w};
    view_t view = {.workers = workers, .n = 2};

    strcpy(view.of.software, OURS);
    doctor_check_workers(&d, &view);
    check_ids(&d, ids);
}

static void
test_what_is_wrong_with_a_worker(void **state)
{
    lt_WorkerInfo w = good_worker("web1");

    (void)state;
    check_worker(w, "");
    strcpy(w.intake, "connecting");
    check_worker(w, "");
    strcpy(w.intake, "unreachable: tcp://1.2.3.4:7710");
    check_worker(w, "intake-unreachable");
    strcpy(w.intake, "not dialled");
    check_worker(w, "lane-not-dialled");
    w = good_worker("web1");
    strcpy(w.sandbox, "weak: no Landlock");
    check_worker(w, "sandbox-weak");
    strcpy(w.sandbox, ""); // an older one does not tell
    check_worker(w, "");
    strcpy(w.software, "logtally 0.0.9");
    check_worker(w, "version-differs");
    w = good_worker("web1");
    strcpy(w.trouble, "root /srv: Permission denied");
    check_worker(w, "roots-unreadable");
    w = good_worker("web1");
    strcpy(w.state, "lost");
    strcpy(w.intake, "");
    check_worker(w, "worker-lost");
    strcpy(w.state, "forgotten");
    check_worker(w, "");
    strcpy(w.state, "refused");
    strcpy(w.trouble, "another worker registered as 'web1' after this one");
    check_worker(w, "worker-refused");
    strcpy(w.trouble, "it writes another version; install the same release");
    check_worker(w, "version-differs");
}

static void
test_a_clock_may_be_off_by_some_seconds(void **state)
{
    lt_WorkerInfo w = good_worker("web1");

    (void)state;
    w.clock_ms = DOCTOR_CLOCK_MS;
    check_worker(w, "");
    w.clock_ms = -DOCTOR_CLOCK_MS;
    check_worker(w, "");
    w.clock_ms = DOCTOR_CLOCK_MS + 1;
    check_worker(w, "clock-differs");
    w.clock_ms = INT64_MIN;
    check_worker(w, "clock-differs");
    w.clock_told = false;
    check_worker(w, "");
}

// What the question took is no difference of clocks.
static void
test_own_clock_is_compared_with_the_coordinators(void **state)
{
    doctor_t d = {.place = "client"};
    view_t view = {.wall_ms = 1000000, .slack_ms = 700};

    (void)state;
    doctor_check_coordinator(&d, &view); // one that does not tell
    check_ids(&d, "");
    view.of.wall_ms = 1000000 - DOCTOR_CLOCK_MS - 700;
    doctor_check_coordinator(&d, &view);
    check_ids(&d, "");
    view.of.wall_ms--;
    doctor_check_coordinator(&d, &view);
    check_ids(&d, "clock-differs");
    view.of.wall_ms = INT64_MIN;
    doctor_check_coordinator(&d, &view);
    check_ids(&d, "clock-differs");
    view.of.wall_ms = INT64_MAX;
    doctor_check_coordinator(&d, &view);
    check_ids(&d, "clock-differs");
    view.of.wall_ms = view.wall_ms;
    strcpy(view.of.software, "logtally 9.9");
    doctor_check_coordinator(&d, &view);
    check_ids(&d, "version-differs");
}

static void
test_open_files_are_reckoned_by_executors_and_workers(void **state)
{
    lt_WorkerInfo w = good_worker("web1");
    doctor_t d = {.place = "client"};
    view_t view = {.of.open_files = DOCTOR_FILES_BASE};

    (void)state;
    w.open_files = DOCTOR_FILES_BASE + 4 * DOCTOR_FILES_EACH;
    check_worker(w, "");
    w.open_files--;
    check_worker(w, "open-files-low");
    w.open_files = 0; // not told
    check_worker(w, "");
    doctor_check_workers(&d, &view);
    check_ids(&d, "no-workers");
    view.of.open_files--;
    doctor_check_workers(&d, &view);
    check_ids(&d, "open-files-low no-workers");
}

static void
test_a_host_that_looks_for_its_own_worker(void **state)
{
    lt_WorkerInfo w = good_worker("web1");
    doctor_t d = {.place = "client"};
    view_t view = {.workers = &w, .n = 1};

    (void)state;
    doctor_check_registered(&d, &view, "web1", "start it");
    check_ids(&d, "");
    doctor_check_registered(&d, &view, "web2", "start it");
    check_ids(&d, "worker-not-registered");
    strcpy(w.state, "lost");
    doctor_check_registered(&d, &view, "web1", "start it");
    assert_string_equal(d.findings[0].cure, "start it");
    check_ids(&d, "worker-not-registered");
    strcpy(w.state, "refused");
    doctor_check_registered(&d, &view, "web1", "start it");
    check_ids(&d, "worker-refused");
}

static void
test_allowed_keys_that_nobody_uses(void **state)
{
    lt_WorkerInfo w = good_worker("web1");
    view_t view = {.workers = &w, .n = 1};
    doctor_t d = {.place = "coordinator"};
    identity_t key = {.name = "web1", .roles = ROLE_WORKER};

    (void)state;
    for (int i = 0; i < 3; i++) {
        allowlist_t *allowed = allowlist_of(&key);
        doctor_check_keys_used(&d, &view, allowed);
        check_ids(&d, i == 1 ? "worker-never-seen" : "");
        allowlist_destroy(&allowed);
        strcpy(key.name, "web2");
        key.roles = i == 1 ? ROLE_CLIENT : ROLE_WORKER;
    }
}

static void
test_every_end_of_a_dial_has_its_finding(void **state)
{
    static const struct {
        dial_state_t state;
        bool is_zeromq;
        const char *id;
    } rows[] = {
        {DIAL_UP, true, ""},
        {DIAL_NO_ANSWER, false, "coordinator-unreachable"},
        {DIAL_CONNECTING, false, "coordinator-unreachable"},
        {DIAL_LOST, false, "coordinator-unreachable"},
        {DIAL_REFUSED, true, "key-refused"},
        {DIAL_CLOSED, true, "coordinator-other-key"},
        {DIAL_CLOSED, false, "coordinator-not-it"},
        {DIAL_SILENT, false, "coordinator-not-it"},
    };
    doctor_t d = {.place = "client"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const dial_fact_t dial = {.endpoint = "tcp://1.2.3.4:7700",
            .key = "web1",
            .fingerprint = "f",
            .state = rows[i].state,
            .is_zeromq = rows[i].is_zeromq};
        doctor_check_dial(&d, &dial);
        check_ids(&d, rows[i].id);
        doctor_check_sink(&d, &dial);
        check_ids(&d, i == 0 ? "" : "sink-unreachable");
    }
}

static void
test_keys_that_end(void **state)
{
    identity_t key = {.name = "web1", .roles = ROLE_WORKER};
    doctor_t d = {.place = "coordinator"};

    (void)state;
    doctor_check_expiry(&d, &key, 1000, "/k");
    check_ids(&d, "");
    key.expires = 1000 + DOCTOR_EXPIRY_S + 1;
    doctor_check_expiry(&d, &key, 1000, "/k");
    check_ids(&d, "");
    key.expires--;
    doctor_check_expiry(&d, &key, 1000, "/k");
    check_ids(&d, "key-expires-soon");
    key.expires = 1000;
    key.n_hosts = 1;
    strcpy(key.hosts[0], "web*");
    doctor_check_expiry(&d, &key, 1000, "/k");
    assert_string_equal(d.findings[0].cure,
        "logtally keys new /k web1-new --role worker --host 'web*'");
    check_ids(&d, "key-expired");
}

static void
check_state(state_facts_t facts, const char *ids)
{
    doctor_t d = {.place = "coordinator"};

    facts.path = "/s";
    facts.user = "logtally";
    doctor_check_state(&d, &facts, "start it");
    check_ids(&d, ids);
}

static void
test_the_state_folder(void **state)
{
    const state_facts_t good = {.room = UINT64_MAX, .running = true};
    state_facts_t s = good;

    (void)state;
    check_state(good, "");
    s.room = DOCTOR_ROOM - 1;
    check_state(s, "state-full");
    s.error = ENOSPC;
    check_state(s, "state-full");
    s = good;
    s.error = EACCES;
    check_state(s, "state-unwritable");
    s.error = EROFS;
    check_state(s, "state-unwritable");
    s.error = ENOENT;
    check_state(s, "state-missing");
    s = good;
    s.broken = "epoch";
    check_state(s, "state-broken");
    s.running = false;
    check_state(s, "state-broken coordinator-down");
}

static void
test_ports_and_roots(void **state)
{
    doctor_t d = {.place = "worker"};
    port_fact_t port = {.what = "sink-port", .address = "*", .port = 7701};
    root_fact_t root = {.path = "/var/log"};

    (void)state;
    doctor_check_port(&d, &port);
    doctor_check_root(&d, &root);
    check_ids(&d, "");
    port.error = EADDRINUSE;
    doctor_check_port(&d, &port);
    port.error = EADDRNOTAVAIL;
    doctor_check_port(&d, &port);
    check_ids(&d, "port-taken port-impossible");
    root.error = ENOENT;
    doctor_check_root(&d, &root);
    root.error = EACCES;
    doctor_check_root(&d, &root);
    root.path = "log";
    doctor_check_root(&d, &root);
    check_ids(&d, "root-missing root-unreadable root-relative");
}

static void
test_an_executor_of_this_host(void **state)
{
    doctor_t d = {.place = "worker"};

    (void)state;
    doctor_check_sandbox(&d, ERR_OK, (span_t){0}, "full");
    check_ids(&d, "");
    doctor_check_sandbox(&d, ERR_OK, (span_t){0}, "none: no seccomp");
    doctor_check_sandbox(&d, ERR_IO, span_str("no logtally-executor"), "");
    check_ids(&d, "sandbox-weak executor-fails");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_with_a_worker),
        cmocka_unit_test(test_a_clock_may_be_off_by_some_seconds),
        cmocka_unit_test(test_own_clock_is_compared_with_the_coordinators),
        cmocka_unit_test(test_open_files_are_reckoned_by_executors_and_workers),
        cmocka_unit_test(test_a_host_that_looks_for_its_own_worker),
        cmocka_unit_test(test_allowed_keys_that_nobody_uses),
        cmocka_unit_test(test_every_end_of_a_dial_has_its_finding),
        cmocka_unit_test(test_keys_that_end),
        cmocka_unit_test(test_the_state_folder),
        cmocka_unit_test(test_ports_and_roots),
        cmocka_unit_test(test_an_executor_of_this_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
