// SPDX-License-Identifier: Apache-2.0
// logtally-worker: settings, keys, signals; the rest is worker_run.
#include "certs/keypath.h"
#include "common/base/log.h"
#include "common/base/private.h"
#include "common/base/settings.h"
#include "common/base/xalloc.h"
#include "common/confine/selftest.h"
#include "common/net/curve_socket.h"
#include "worker/files_io.h"
#include "worker/options.h"
#include "worker/sandbox/selftest.h"
#include "worker/supervisor_io.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int
print(const worker_settings_t *values)
{
    buf_t out = {0};

    if (values->help) {
        buf_put_str(&out,
            "usage: logtally-worker --coordinator tcp://HOST:7700 "
            "--keys FOLDER --root PATH... [--name NAME]\n\n"
            "Counts the logs of this host for a logtally coordinator.\n\n");
        settings_help(worker_settings, n_worker_settings, &out);
    } else if (values->version) {
        buf_printf(&out, "logtally-worker %s\n", LOGTALLY_VERSION);
    } else {
        settings_print(worker_settings, n_worker_settings, values, &out);
    }
    fwrite(out.p, 1, out.len, stdout);
    buf_fini(&out);
    return EXIT_DONE;
}

static int
complain(const char *text, size_t len, int code)
{
    fprintf(stderr, "logtally-worker: %.*s\n", (int)len, text);
    return code;
}

// Blocked before any thread exists, so that all of them inherit it.
static int
open_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1) {
        return -1;
    }
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static uint32_t
executors_wanted(const worker_settings_t *v)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    if (v->executors > 0) {
        return (uint32_t)v->executors;
    }
    if (online < 1) {
        return 1;
    }
    return online > (long)LIMIT_EXECUTORS ? LIMIT_EXECUTORS : (uint32_t)online;
}

typedef struct user {
    uint32_t uid, gid;
} user_t;

static bool
find_user(const char *name, user_t *out)
{
    *out = (user_t){0};
    if (geteuid() != 0) {
        return true;
    }
    const struct passwd *p = getpwnam(name);
    if (p != NULL) {
        *out = (user_t){p->pw_uid, p->pw_gid};
    }
    return out->uid != 0;
}

static errcode_t
work(const worker_settings_t *v, const credentials_t *keys, buf_t *why)
{
    user_t user;

    if (!find_user(v->executor_user, &user)) {
        buf_printf(why, "--executor-user: %s is no user here, or root",
            v->executor_user);
        return ERR_CONFIG;
    }
    const worker_options_t options = {.coordinator = v->coordinator,
        .keys = keys,
        .keys_dir = v->keys,
        .name = v->name != NULL ? v->name : keys->self.name,
        .roots = (const char *const *)v->roots.items,
        .n_roots = v->roots.n,
        .labels = (const char *const *)v->labels.items,
        .n_labels = v->labels.n,
        .listen = v->listen,
        .intake_port = (uint16_t)v->intake_port,
        .dials = strcmp(v->transport, "dial") == 0,
        .advertise = v->advertise,
        .executors = executors_wanted(v),
        .memory = (size_t)v->memory,
        .allow_weak_sandbox = v->allow_weak,
        .uid = user.uid,
        .gid = user.gid,
        .signal_fd = open_signals(),
        .drain_ms = v->drain,
        .metrics = v->metrics,
        .metrics_token = v->metrics_token,
        .confine = v->confine};

    if (options.signal_fd == -1) {
        buf_printf(why, "cannot take signals: %s", strerror(errno));
        return ERR_IO;
    }
    errcode_t rc = worker_run(&options, why);
    close(options.signal_fd);
    return rc;
}

// An address that can never be one; a name that is not found may be found
// later.
static errcode_t
check_address(const worker_settings_t *v, buf_t *why)
{
    char endpoint[LIMIT_ENDPOINT];
    errcode_t rc =
        endpoint_resolve(v->coordinator, CONTROL_PORT, endpoint, why);

    if (rc == ERR_CONFIG) {
        return rc;
    }
    buf_clear(why);
    return ERR_OK;
}

static int
run(const worker_settings_t *v)
{
    credentials_t keys = {0};
    buf_t why = {0};
    int code = EXIT_DONE;
    log_find_journal();
    log_set_level(v->verbose ? LOG_DEBUG : LOG_INFO);
    errcode_t rc = credentials_load(v->keys, &keys, &why);

    if (rc == ERR_OK) {
        rc = check_address(v, &why);
    }
    if (rc == ERR_OK) {
        rc = work(v, &keys, &why);
    }
    credentials_fini(&keys);
    if (rc != ERR_OK) {
        code = complain((const char *)why.p, why.len,
            rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED);
    }
    buf_fini(&why);
    return code;
}

// What would keep it from starting, as far as that can be seen.
static int
check(const worker_settings_t *v)
{
    credentials_t keys = {0};
    files_t *files = NULL;
    buf_t why = {0};
    int code = EXIT_DONE;

    if (credentials_load(v->keys, &keys, &why) != ERR_OK ||
        check_address(v, &why) != ERR_OK ||
        files_open((const char *const *)v->roots.items, v->roots.n, &files,
            &why) != ERR_OK) {
        code = complain((const char *)why.p, why.len, EXIT_USAGE);
    }
    files_destroy(&files);
    credentials_fini(&keys);
    buf_fini(&why);
    return code;
}

static int
decide(const worker_settings_t *v, const settings_list_t *operands)
{
    const char *text;

    if (v->help || v->version || v->print_config) {
        return print(v);
    }
    if (operands->n > 0) {
        fprintf(stderr, "logtally-worker: %s is no option; see --help\n",
            operands->items[0]);
        return EXIT_USAGE;
    }
    if (v->selftest) {
        int executor = selftest_run(v->allow_weak);
        int supervisor = confine_selftest("supervisor", true);
        return executor != EXIT_DONE ? executor : supervisor;
    }
    if ((text = worker_settings_fault(v)) != NULL) {
        return complain(text, strlen(text), EXIT_USAGE);
    }
    return v->check_config ? check(v) : run(v);
}

int
main(int argc, char **argv)
{
    worker_settings_t values = {0};
    settings_list_t operands = {0};
    buf_t why = {0};
    int code;

    private_or_die("logtally-worker");
    if (sodium_init() == -1) {
        return complain("cannot start libsodium", 22, EXIT_FAILED);
    }
    if (settings_parse(worker_settings, n_worker_settings, argc, argv,
            WORKER_CONFIG, &values, &operands, &why) != ERR_OK) {
        code = complain((const char *)why.p, why.len, EXIT_USAGE);
        fputs("`logtally-worker --help` lists the options\n", stderr);
    } else {
        if (values.keys == NULL && keypath_credentials() != NULL) {
            values.keys = xstrdup(keypath_credentials());
        }
        code = decide(&values, &operands);
    }
    settings_free(worker_settings, n_worker_settings, &values);
    settings_list_free(&operands);
    buf_fini(&why);
    return code;
}
