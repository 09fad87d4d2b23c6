// SPDX-License-Identifier: Apache-2.0
// What can be seen from one machine: its files, its ports, its connections.
#include "coordinator/cli/doctor_checks.h"

#include "certs/expiry.h"

#include <errno.h>
#include <string.h>

static bool
begins_with(span_t text, const char *word)
{
    return text.len >= strlen(word) && memcmp(text.p, word, strlen(word)) == 0;
}

// "FILE:LINE: what", "cannot read FILE: why", or "--name is missing: ...".
void
doctor_check_config(
    doctor_t *self, const char *program, const read_fact_t *file)
{
    if (file->rc == ERR_OK) {
        return;
    }
    bool missing = begins_with(file->why, "cannot read ") ||
                   begins_with(file->why, "cannot open ");
    bool wrong = begins_with(file->why, file->path);
    finding_t *f = doctor_find(self,
        missing ? "config-missing"
        : wrong ? "config-wrong"
                : "setting-missing",
        "%.*s", (int)file->why.len, (const char *)file->why.p);
    if (missing) {
        finding_advice(f, NULL,
            "install the package, or name the file with --settings FILE");
    } else if (wrong) {
        finding_advice(f, NULL,
            "correct that line; `%s --help` lists the settings", program);
    } else {
        finding_advice(f, NULL, "add it to %s", file->path);
    }
}

static const char *
key_fault(errcode_t rc)
{
    if (rc == ERR_NOT_FOUND) {
        return "key-missing";
    }
    if (rc == ERR_DENIED) {
        return "key-unsafe";
    }
    return rc == ERR_IO ? "key-unreadable" : "key-broken";
}

void
doctor_check_key(doctor_t *self, const read_fact_t *file)
{
    if (file->rc != ERR_OK) {
        doctor_find_said(self, key_fault(file->rc), file->why,
            "copy the folder keys/issued/NAME of the coordinator's machine "
            "again; `logtally keys new` there makes it");
    }
}

static void
advise_new_key(finding_t *f, const identity_t *key, const char *dir)
{
    unsigned role = (key->roles & ROLE_WORKER) != 0  ? ROLE_WORKER
                    : (key->roles & ROLE_ADMIN) != 0 ? ROLE_ADMIN
                                                     : ROLE_CLIENT;
    const char *host =
        role == ROLE_WORKER && key->n_hosts > 0 ? key->hosts[0] : NULL;

    finding_command(f, dir != NULL ? NULL : DOCTOR_COORDINATOR,
        "logtally keys new %s %s-new --role %s%s%s%s",
        dir != NULL ? dir : "/etc/logtally/keys", key->name, role_name(role),
        host != NULL ? " --host '" : "", host != NULL ? host : "",
        host != NULL ? "'" : "");
}

void
doctor_check_expiry(
    doctor_t *self, const identity_t *key, int64_t wall_s, const char *dir)
{
    char day[EXPIRY_TEXT];

    if (key->expires == 0 || key->expires - wall_s > DOCTOR_EXPIRY_S) {
        return;
    }
    bool over = !identity_is_current(key, wall_s);
    expiry_print(key->expires, day);
    finding_t *f = doctor_find(self, over ? "key-expired" : "key-expires-soon",
        "the key %s %s at %s", key->name, over ? "ended" : "ends", day);
    advise_new_key(f, key, dir);
}

// ---- connections

static void
explain_closed(doctor_t *self, const dial_fact_t *dial)
{
    finding_t *f;

    if (!dial->is_zeromq) {
        f = doctor_find(self, "coordinator-not-it",
            "who listens at %s is another program", dial->endpoint);
        finding_advice(f, DOCTOR_COORDINATOR,
            "`ss -ltnp` says who has that port; then start the coordinator, "
            "or correct the address here");
        return;
    }
    f = doctor_find(self, "coordinator-other-key",
        "the coordinator at %s has another key than the file `coordinator` of "
        "this key folder",
        dial->endpoint);
    finding_advice(f, NULL,
        "copy keys/issued/%s of the coordinator's machine here again; if that "
        "was done, somebody else answers at that address",
        dial->key);
}

static void
explain_refused(doctor_t *self, const dial_fact_t *dial)
{
    finding_t *f = doctor_find(self, "key-refused",
        "the coordinator at %s does not allow the key %s (fingerprint %s): it "
        "was revoked, has ended, or is of another key folder",
        dial->endpoint, dial->key, dial->fingerprint);

    finding_command(
        f, DOCTOR_COORDINATOR, "logtally keys list /etc/logtally/keys");
}

void
doctor_check_dial(doctor_t *self, const dial_fact_t *dial)
{
    finding_t *f;

    switch (dial->state) {
    case DIAL_UP:
        break;
    case DIAL_REFUSED:
        explain_refused(self, dial);
        break;
    case DIAL_CLOSED:
    case DIAL_SILENT:
        explain_closed(self, dial);
        break;
    case DIAL_CONNECTING:
    case DIAL_NO_ANSWER:
    case DIAL_LOST:
        f = doctor_find(self, "coordinator-unreachable",
            "nobody answers at %s: the coordinator does not run there, or a "
            "firewall is between",
            dial->endpoint);
        finding_command(
            f, DOCTOR_COORDINATOR, "systemctl start logtally-coordinator");
        break;
    }
}

void
doctor_check_sink(doctor_t *self, const dial_fact_t *dial)
{
    if (dial->state != DIAL_UP) {
        finding_t *f = doctor_find(self, "sink-unreachable",
            "the coordinator answers, but its sink at %s does not: what is "
            "counted here cannot be brought in",
            dial->endpoint);
        finding_advice(
            f, DOCTOR_COORDINATOR, "open that port (sink-port) for this host");
    }
}

// ---- this machine

static void
check_room(doctor_t *self, const state_facts_t *state)
{
    if (state->error == ENOSPC || state->error == EDQUOT ||
        (state->error == 0 && state->room < DOCTOR_ROOM)) {
        finding_t *f = doctor_find(self, "state-full",
            "the disk of %s has %llu MiB left, and jobs wait for room",
            state->path, (unsigned long long)(state->room >> 20));
        finding_advice(f, NULL,
            "make room there, or lower keep and keep-results in the "
            "configuration");
    }
}

void
doctor_check_state(
    doctor_t *self, const state_facts_t *state, const char *start)
{
    finding_t *f;

    check_room(self, state);
    if (state->error == ENOENT || state->error == ENOTDIR) {
        f = doctor_find(self, "state-missing", "the state folder %s: %s",
            state->path, strerror(state->error));
        finding_command(
            f, NULL, "install -d -m 0700 -o %s %s", state->user, state->path);
    } else if (state->error != 0 && state->error != ENOSPC &&
               state->error != EDQUOT) {
        f = doctor_find(self, "state-unwritable",
            "the coordinator cannot write in its state folder %s: %s",
            state->path, strerror(state->error));
        if (state->error == EROFS) {
            finding_advice(f, NULL, "mount it writable");
        } else if (state->owned) {
            finding_command(f, NULL, "chmod u+rwx %s", state->path);
        } else {
            finding_command(
                f, NULL, "chown -R %s: %s", state->user, state->path);
        }
    }
    if (state->broken != NULL) {
        f = doctor_find(self, "state-broken",
            "%s/%s should hold one number and does not", state->path,
            state->broken);
        finding_command(
            f, NULL, "date +%%s >%s/%s", state->path, state->broken);
    }
    if (!state->running) {
        f = doctor_find(self, "coordinator-down",
            "no coordinator runs with the state folder %s", state->path);
        finding_command(f, NULL, "%s", start);
    }
}

void
doctor_check_port(doctor_t *self, const port_fact_t *port)
{
    finding_t *f;

    if (port->error == 0) {
        return;
    }
    if (port->error == EADDRINUSE) {
        f = doctor_find(self, "port-taken",
            "another program listens on port %u (%s)", port->port, port->what);
        finding_command(f, NULL, "ss -ltnp 'sport = :%u'", port->port);
        return;
    }
    f = doctor_find(self, "port-impossible",
        "cannot listen on %s port %u (%s): %s", port->address, port->port,
        port->what, strerror(port->error));
    finding_advice(
        f, NULL, "correct listen and %s in the configuration", port->what);
}

void
doctor_check_root(doctor_t *self, const root_fact_t *root)
{
    finding_t *f;

    if (root->path[0] != '/') {
        f = doctor_find(
            self, "root-relative", "root %s is no absolute path", root->path);
        finding_advice(f, NULL, "write the whole path into the configuration");
    } else if (root->error == ENOENT || root->error == ENOTDIR) {
        f = doctor_find(self, "root-missing", "root %s: %s", root->path,
            strerror(root->error));
        finding_command(f, NULL, "mkdir -p %s", root->path);
    } else if (root->error != 0) {
        f = doctor_find(self, "root-unreadable", "root %s: %s", root->path,
            strerror(root->error));
        finding_command(f, NULL, "setfacl -m g:adm:rX %s", root->path);
    }
}

void
doctor_check_sandbox(
    doctor_t *self, errcode_t rc, span_t why, const char *level)
{
    finding_t *f;

    if (rc != ERR_OK) {
        doctor_find_said(self, "executor-fails", why,
            "install the package logtally of the worker's version again");
    } else if (strcmp(level, "full") != 0) {
        f = doctor_find(self, "sandbox-weak",
            "executors are not fully confined here: %s", level);
        finding_command(f, NULL, "logtally-worker --sandbox-selftest");
    }
}
