// SPDX-License-Identifier: Apache-2.0
// What the coordinator says of itself and of the workers. Whatever stands in
// a command here was checked by the coordinator (names of hosts and keys), or
// is a constant: texts of workers are quoted to people alone.
#include "coordinator/cli/doctor_checks.h"

#include "common/base/xalloc.h"
#include "coordinator/cli/text.h"

#include <stdlib.h>
#include <string.h>

static bool
is(const char *state, const lt_WorkerInfo *w)
{
    return strcmp(w->state, state) == 0;
}

// "3.2 s behind"; yours.
static char *
clock_text(int64_t ms)
{
    buf_t text = {0};

    text_duration(ms < 0 ? -(uint64_t)ms : (uint64_t)ms, &text);
    buf_put_str(&text, ms < 0 ? " behind" : " ahead of");
    char *out = xstrndup((const char *)text.p, text.len);
    buf_fini(&text);
    return out;
}

static bool
clock_is_off(int64_t ms, int64_t slack_ms)
{
    return ms > DOCTOR_CLOCK_MS + slack_ms || ms < -DOCTOR_CLOCK_MS - slack_ms;
}

void
doctor_check_coordinator(doctor_t *self, const view_t *view)
{
    int64_t off;

    // The coordinator says any number.
    if (__builtin_sub_overflow(view->wall_ms, view->of.wall_ms, &off)) {
        off = INT64_MAX;
    }
    if (view->of.wall_ms != 0 && clock_is_off(off, view->slack_ms)) {
        char *text = clock_text(off);
        finding_t *f = doctor_find(self, "clock-differs",
            "the clock of this machine is %s the coordinator's", text);
        finding_command(f, NULL, "timedatectl set-ntp true");
        free(text);
    }
    if (view->of.software[0] != '\0' &&
        strcmp(view->of.software, "logtally " LOGTALLY_VERSION) != 0) {
        finding_t *f = doctor_find(self, "version-differs",
            "the coordinator is %s, this is logtally " LOGTALLY_VERSION,
            view->of.software);
        finding_advice(f, NULL, "install the same release on both");
    }
}

static void
check_clock(doctor_t *self, const lt_WorkerInfo *w)
{
    if (!w->clock_told || !clock_is_off(w->clock_ms, 0)) {
        return;
    }
    char *text = clock_text(w->clock_ms);
    finding_t *f = doctor_find(self, "clock-differs",
        "the clock of worker %s is %s the coordinator's", w->name, text);
    finding_command(f, w->name, "timedatectl set-ntp true");
    free(text);
}

static void
check_files(doctor_t *self, const lt_WorkerInfo *w)
{
    uint64_t wanted =
        DOCTOR_FILES_BASE + (uint64_t)DOCTOR_FILES_EACH * w->executors;

    if (w->open_files == 0 || w->open_files >= wanted) {
        return;
    }
    finding_t *f = doctor_find(self, "open-files-low",
        "worker %s may open %llu files, and with %u executors needs %llu",
        w->name, (unsigned long long)w->open_files, w->executors,
        (unsigned long long)wanted);
    finding_advice(f, w->name,
        "raise LimitNOFILE of the unit (systemctl edit logtally-worker) or "
        "`ulimit -n`, and restart it");
}

static void
check_version(doctor_t *self, const view_t *view, const lt_WorkerInfo *w)
{
    if (view->of.software[0] == '\0' ||
        strcmp(w->software, view->of.software) == 0) {
        return;
    }
    finding_t *f = doctor_find(self, "version-differs",
        "worker %s is %s, the coordinator %s", w->name, w->software,
        view->of.software);
    finding_advice(f, NULL, "install the same release on both");
}

static void
check_intake(doctor_t *self, const lt_WorkerInfo *w)
{
    static const char wrong[] = "unreachable: ";

    if (strncmp(w->intake, wrong, strlen(wrong)) != 0) {
        return;
    }
    finding_t *f = doctor_find(self, "intake-unreachable",
        "the coordinator has no connection to the intake of worker %s at %s, "
        "so it is lent nothing",
        w->name, w->intake + strlen(wrong));
    finding_advice(f, w->name,
        "open that port for the coordinator, or set `advertise` to where it "
        "reaches this host");
}

static void
check_lane(doctor_t *self, const lt_WorkerInfo *w)
{
    if (strcmp(w->intake, "not dialled") != 0) {
        return;
    }
    finding_t *f = doctor_find(self, "lane-not-dialled",
        "worker %s is to dial for its shards and has no connection to the "
        "coordinator's lane port, so it is lent nothing",
        w->name);
    finding_advice(f, DOCTOR_COORDINATOR,
        "open that port (lane-port) for this host, or take transport = dial "
        "out of its worker.conf");
}

static void
check_up(doctor_t *self, const view_t *view, const lt_WorkerInfo *w)
{
    finding_t *f;

    check_intake(self, w);
    check_lane(self, w);
    check_version(self, view, w);
    check_clock(self, w);
    check_files(self, w);
    if (w->sandbox[0] != '\0' && strcmp(w->sandbox, "full") != 0) {
        f = doctor_find(self, "sandbox-weak",
            "executors of worker %s are not fully confined: %s", w->name,
            w->sandbox);
        finding_command(f, w->name, "logtally-worker --sandbox-selftest");
    }
    if (w->trouble[0] != '\0') {
        f = doctor_find(self, "roots-unreadable",
            "worker %s cannot read all of its roots: %s", w->name, w->trouble);
        finding_advice(f, w->name,
            "let the worker's user list it (setfacl -m g:adm:rX FOLDER), show "
            "it to the unit (BindReadOnlyPaths), or take it out of "
            "worker.conf");
    }
}

static void
check_lost(doctor_t *self, const lt_WorkerInfo *w)
{
    buf_t ago = {0};

    text_duration(w->last_heard_ms, &ago);
    finding_t *f = doctor_find(self, "worker-lost",
        "worker %s is not connected, and was heard %.*s ago", w->name,
        (int)ago.len, (const char *)ago.p);
    finding_command(f, w->name, "systemctl start logtally-worker");
    buf_fini(&ago);
}

// Why it is told no is a sentence of the coordinator, with its cure.
static void
check_refused(doctor_t *self, const lt_WorkerInfo *w)
{
    buf_t text = {0};
    bool version = strstr(w->trouble, "version") != NULL;

    buf_printf(&text, "a worker with the key %s is refused at %s: %s", w->key,
        w->address, w->trouble);
    doctor_find_said(self, version ? "version-differs" : "worker-refused",
        buf_span(&text), "stop one of the two workers, or give one its name");
    buf_fini(&text);
}

static void
check_own_files(doctor_t *self, const view_t *view)
{
    uint64_t wanted = DOCTOR_FILES_BASE + (uint64_t)DOCTOR_FILES_EACH * view->n;

    if (view->of.open_files == 0 || view->of.open_files >= wanted) {
        return;
    }
    finding_t *f = doctor_find(self, "open-files-low",
        "the coordinator may open %llu files, and with %zu workers needs %llu",
        (unsigned long long)view->of.open_files, view->n,
        (unsigned long long)wanted);
    finding_advice(f, DOCTOR_COORDINATOR,
        "raise LimitNOFILE of the unit (systemctl edit logtally-coordinator) "
        "or `ulimit -n`, and restart it");
}

void
doctor_check_workers(doctor_t *self, const view_t *view)
{
    size_t n_up = 0;

    check_own_files(self, view);
    for (size_t i = 0; i < view->n; i++) {
        const lt_WorkerInfo *w = &view->workers[i];
        if (is("up", w)) {
            n_up++;
            check_up(self, view, w);
        } else if (is("refused", w)) {
            check_refused(self, w);
        } else if (is("lost", w)) {
            check_lost(self, w);
        }
    }
    if (n_up == 0) {
        finding_t *f = doctor_find(self, "no-workers",
            "no worker is connected, so nothing is counted");
        finding_advice(f, NULL,
            "start one on a host with logs; `logtally-enrol` makes many, and "
            "`logtally doctor worker` there says what keeps it away");
    }
}

void
doctor_check_registered(
    doctor_t *self, const view_t *view, const char *name, const char *start)
{
    for (size_t i = 0; i < view->n; i++) {
        const lt_WorkerInfo *w = &view->workers[i];
        if (is("refused", w)) {
            check_refused(self, w);
            return;
        }
        if (is("up", w) && strcmp(w->name, name) == 0) {
            check_up(self, view, w);
            return;
        }
    }
    finding_t *f = doctor_find(self, "worker-not-registered",
        "the coordinator has no worker %s: it does not run here, or cannot "
        "register",
        name);
    finding_command(f, NULL, "%s", start);
}

static bool
is_used(const view_t *view, const char *key)
{
    for (size_t i = 0; i < view->n; i++) {
        if (strcmp(view->workers[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

static void
check_unused(doctor_t *self, const view_t *view, const identity_t *key)
{
    if ((key->roles & ROLE_WORKER) == 0 || is_used(view, key->name)) {
        return;
    }
    finding_t *f = doctor_find(self, "worker-never-seen",
        "the key %s is allowed, and no worker speaks with it", key->name);
    finding_command(f, key->name, "systemctl start logtally-worker");
}

void
doctor_check_keys_used(
    doctor_t *self, const view_t *view, const allowlist_t *allowed)
{
    for (size_t i = 0; i < allowlist_count(allowed); i++) {
        check_unused(self, view, allowlist_at(allowed, i));
    }
}
