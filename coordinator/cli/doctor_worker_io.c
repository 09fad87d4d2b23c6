// SPDX-License-Identifier: Apache-2.0
// A host with logs: settings, keys, roots, sandbox, the way to the
// coordinator, and what that says of this host's worker.
#include "certs/keypath.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/doctor_io.h"
#include "worker/executor_io.h"
#include "worker/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSTALLED_KEYS "/etc/logtally/worker-keys"
#define EXECUTOR_MS    20000

bool
doctor_has_worker(void)
{
    return access(WORKER_CONFIG, F_OK) == 0;
}

static void
set_text(char **into, const char *text)
{
    free(*into);
    *into = xstrdup(text);
}

// Where the keys are: command line, file, systemd, the place that the
// packages use.
static void
find_keys(worker_settings_t *v, const common_options_t *given)
{
    if (given->keys != NULL) {
        set_text(&v->keys, given->keys);
    } else if (v->keys == NULL && keypath_credentials() != NULL) {
        set_text(&v->keys, keypath_credentials());
    } else if (v->keys == NULL && access(INSTALLED_KEYS, F_OK) == 0) {
        set_text(&v->keys, INSTALLED_KEYS);
    }
    if (given->coordinator != NULL) {
        set_text(&v->coordinator, given->coordinator);
    }
}

static bool
read_settings(doctor_t *self, const doctor_options_t *options,
    const char *config, worker_settings_t *out)
{
    char program[] = "logtally-worker";
    char option[] = "--config";
    char *file = xstrdup(config);
    char *argv[] = {program, option, file, NULL};
    settings_list_t operands = {0};
    const char *fault = NULL;
    buf_t why = {0};
    errcode_t rc = settings_parse(worker_settings, n_worker_settings, 3, argv,
        NULL, out, &operands, &why);

    if (rc == ERR_OK) {
        find_keys(out, &options->common);
        fault = worker_settings_fault(out);
    }
    if (fault != NULL) {
        buf_put_str(&why, fault);
        rc = ERR_CONFIG;
    }
    const read_fact_t fact = {.path = config, .rc = rc, .why = buf_span(&why)};
    doctor_check_config(self, program, &fact);
    settings_list_free(&operands);
    buf_fini(&why);
    free(file);
    return rc == ERR_OK;
}

static void
check_roots(doctor_t *self, const settings_list_t *roots)
{
    for (size_t i = 0; i < roots->n; i++) {
        root_fact_t fact = {.path = roots->items[i]};
        int fd = open(fact.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fact.error = fd == -1 ? errno : 0;
        if (fd != -1) {
            close(fd);
        }
        doctor_check_root(self, &fact);
    }
}

// The daemon's own way to an executor.
static void
check_executor(doctor_t *self)
{
    const executors_options_t options = {
        .n = 1, .budget = 1 << 20, .allow_weak_sandbox = true};
    executors_t *executors = NULL;
    buf_t why = {0};
    errcode_t rc = executors_open(&options, &executors, &why);

    rc = rc == ERR_OK ? executors_wait(executors, EXECUTOR_MS, &why) : rc;
    doctor_check_sandbox(self, rc, buf_span(&why),
        rc == ERR_OK ? executors_sandbox(executors) : "");
    executors_stop(&executors);
    buf_fini(&why);
}

static bool
is_up(const view_t *view, const char *name)
{
    for (size_t i = 0; i < view->n; i++) {
        if (strcmp(view->workers[i].name, name) == 0 &&
            strcmp(view->workers[i].state, "up") == 0) {
            return true;
        }
    }
    return false;
}

// Its port is its own while it runs.
static void
check_port(doctor_t *self, const worker_settings_t *v)
{
    const port_fact_t port = {"intake-port", v->listen,
        (uint16_t)v->intake_port,
        doctor_try_port(v->listen, (uint16_t)v->intake_port)};

    doctor_check_port(self, &port);
}

// Its own half of the key names the hosts, where it was copied.
static void
check_name(doctor_t *self, const identity_t *own, const char *name)
{
    if (own->n_hosts == 0 || identity_speaks_for(own, name)) {
        return;
    }
    finding_t *f = doctor_find(self, "name-not-allowed",
        "the key %s may not speak for host %s", own->name, name);
    finding_command(f, DOCTOR_COORDINATOR,
        "logtally keys new /etc/logtally/keys %s-new --role worker --host %s",
        own->name, name);
}

// True: its worker is there, so its port and its executors are as they should
// be.
static bool
ask(doctor_t *self, const worker_settings_t *v, const credentials_t *keys,
    const char *name, const char *start)
{
    const doctor_peer_t peer = {
        .address = v->coordinator, .folder = v->keys, .keys = keys};
    view_t view = {0};
    bool answered = doctor_ask(self, &peer, &view);

    if (answered) {
        doctor_check_coordinator(self, &view);
        doctor_check_registered(self, &view, name, start);
        doctor_dial_sink(self, &peer, (uint16_t)view.of.sink_port);
    } else {
        doctor_skip(self, "whether the intake of this host can be reached: "
                          "the coordinator has to say that");
    }
    bool up = answered && is_up(&view, name);
    view_fini(&view);
    return up;
}

static void
look(doctor_t *self, const worker_settings_t *v, const char *config)
{
    bool installed = strcmp(config, WORKER_CONFIG) == 0;
    char *start = installed ? xstrdup("systemctl restart logtally-worker")
                            : xasprintf("logtally-worker --config %s", config);
    credentials_t keys = {0};
    identity_t own;
    bool up = false;

    check_roots(self, &v->roots);
    if (doctor_load_keys(self, v->keys, NULL, &keys, &own)) {
        const char *name = v->name != NULL ? v->name : keys.self.name;
        check_name(self, &own, name);
        up = ask(self, v, &keys, name, start);
    }
    if (!up) {
        check_executor(self);
        if (strcmp(v->transport, "dial") != 0) {
            check_port(self, v);
        }
    }
    credentials_fini(&keys);
    free(start);
}

void
doctor_worker(doctor_t *self, const doctor_options_t *options)
{
    const char *config =
        options->config != NULL ? options->config : WORKER_CONFIG;
    worker_settings_t v = {0};

    self->place = "worker";
    if (read_settings(self, options, config, &v)) {
        look(self, &v, config);
    }
    settings_free(worker_settings, n_worker_settings, &v);
}
