// SPDX-License-Identifier: Apache-2.0
// logtally-worker: settings, keys, signals; the rest is worker_run.
#include "certs/keypath.h"
#include "common/base/log.h"
#include "common/base/private.h"
#include "common/base/settings.h"
#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"
#include "worker/files_io.h"
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

#define DEFAULT_FILE "/etc/logtally/worker.conf"
#define N_SETTINGS   (sizeof table / sizeof *table)

typedef struct values {
    char *coordinator;
    char *keys;
    char *name;
    settings_list_t roots;
    settings_list_t labels;
    char *listen;
    int64_t intake_port;
    char *transport;
    char *advertise;
    int64_t executors;
    int64_t memory;
    int64_t drain;
    char *executor_user;
    char *metrics;
    char *metrics_token;
    bool allow_weak;
    bool selftest;
    char *config;
    bool verbose;
    bool check_config;
    bool print_config;
    bool version;
    bool help;
} values_t;

#define AT(field) offsetof(values_t, field)

static const setting_t table[] = {
    {"coordinator", 0, SETTING_TEXT, AT(coordinator), NULL, 0, 0,
        "tcp://HOST:PORT", "the coordinator's control port", false},
    {"keys", 0, SETTING_TEXT, AT(keys), NULL, 0, 0, "FOLDER",
        "this worker's folder from DIR/issued of the coordinator; "
        "$CREDENTIALS_DIRECTORY when not given",
        false},
    {"name", 0, SETTING_TEXT, AT(name), NULL, 0, 0, "NAME",
        "name of this host in sources; the key's name when not given", false},
    {"root", 0, SETTING_LIST, AT(roots), NULL, 0, 0, "PATH",
        "logs below this folder may be read; may be repeated", false},
    {"label", 0, SETTING_LIST, AT(labels), NULL, 0, 0, "LABEL",
        "sources may say @LABEL:PATH; may be repeated", false},
    {"transport", 0, SETTING_TEXT, AT(transport), "push", 0, 0, "push|dial",
        "who dials for the shards: the coordinator dials this worker (push), "
        "or this worker the coordinator (dial), and listens nowhere",
        false},
    {"listen", 0, SETTING_TEXT, AT(listen), "*", 0, 0, "ADDRESS",
        "numeric address to take shards on, or * for all", false},
    {"intake-port", 0, SETTING_NUMBER, AT(intake_port), "7710", 0, 65535,
        "PORT", "port to take shards on; 0 for any free one", false},
    {"advertise", 0, SETTING_TEXT, AT(advertise), NULL, 0, 0, "ADDRESS",
        "where the coordinator reaches this worker, if not where it dials from",
        false},
    {"executors", 'j', SETTING_NUMBER, AT(executors), "0", 0, LIMIT_EXECUTORS,
        "N", "processes that count; 0 for one per CPU", false},
    {"memory", 0, SETTING_SIZE, AT(memory), "4GiB", 1 << 20, INT64_MAX, "SIZE",
        "most memory for the groups of one executor", false},
    {"drain", 0, SETTING_DURATION, AT(drain), "5s", 0, 3600000, "TIME",
        "how long running work may take to end after SIGTERM", false},
    {"executor-user", 0, SETTING_TEXT, AT(executor_user), "nobody", 0, 0,
        "USER", "who counts, when the worker is started as root", false},
    {"metrics", 0, SETTING_TEXT, AT(metrics), NULL, 0, 0, "ADDR:PORT",
        "metrics for Prometheus at http://ADDR:PORT/metrics, as in "
        "127.0.0.1:7781; none when left out",
        false},
    {"metrics-token", 0, SETTING_TEXT, AT(metrics_token), NULL, 0, 0, "FILE",
        "who asks for metrics has to bring what is in FILE; needed beyond "
        "loopback",
        false},
    {"allow-weak-sandbox", 0, SETTING_FLAG, AT(allow_weak), NULL, 0, 0, NULL,
        "count also where a fence around the executors is missing", false},
    {"sandbox-selftest", 0, SETTING_FLAG, AT(selftest), NULL, 0, 0, NULL,
        "try what an executor may not do, say what came of it, and stop", true},
    {"config", 0, SETTING_TEXT, AT(config), NULL, 0, 0, "FILE",
        "configuration file (default: " DEFAULT_FILE " if it exists)", true},
    {"verbose", 'v', SETTING_FLAG, AT(verbose), NULL, 0, 0, NULL, "log more",
        false},
    {"check-config", 0, SETTING_FLAG, AT(check_config), NULL, 0, 0, NULL,
        "check settings, keys and roots, and stop", true},
    {"print-config", 0, SETTING_FLAG, AT(print_config), NULL, 0, 0, NULL,
        "print the settings and stop", true},
    {"version", 'V', SETTING_FLAG, AT(version), NULL, 0, 0, NULL,
        "print the version and stop", true},
    {"help", 'h', SETTING_FLAG, AT(help), NULL, 0, 0, NULL,
        "print this and stop", true},
};

static int
print(const values_t *values)
{
    buf_t out = {0};

    if (values->help) {
        buf_put_str(&out,
            "usage: logtally-worker --coordinator tcp://HOST:7700 "
            "--keys FOLDER --root PATH... [--name NAME]\n\n"
            "Counts the logs of this host for a logtally coordinator.\n\n");
        settings_help(table, N_SETTINGS, &out);
    } else if (values->version) {
        buf_printf(&out, "logtally-worker %s\n", LOGTALLY_VERSION);
    } else {
        settings_print(table, N_SETTINGS, values, &out);
    }
    fwrite(out.p, 1, out.len, stdout);
    buf_fini(&out);
    return EXIT_DONE;
}

// The text for what is missing or cannot be, or NULL.
static const char *
fault(const values_t *v)
{
    if (v->coordinator == NULL) {
        return "--coordinator is missing: give the coordinator's address, "
               "such as tcp://HOST:7700";
    }
    if (v->keys == NULL) {
        return "--keys is missing: give this worker's key folder, made by "
               "`logtally keys new DIR NAME --role worker`";
    }
    if (strcmp(v->transport, "push") != 0 &&
        strcmp(v->transport, "dial") != 0) {
        return "--transport: push or dial";
    }
    if (strcmp(v->transport, "dial") == 0 && v->advertise != NULL) {
        return "--advertise: nobody dials a worker with transport = dial; "
               "leave one of the two out";
    }
    if (v->roots.n == 0) {
        return "--root is missing: name the folders whose logs may be read, "
               "such as /var/log";
    }
    if (v->labels.n > LIMIT_LABELS) {
        return "--label: too many labels";
    }
    for (size_t i = 0; i < v->labels.n; i++) {
        if (v->labels.items[i][0] == '\0' ||
            strlen(v->labels.items[i]) >= LIMIT_NAME) {
            return "--label: a label has 1 to 127 bytes";
        }
    }
    if (v->name != NULL &&
        (v->name[0] == '\0' || strlen(v->name) >= LIMIT_NAME)) {
        return "--name: a name has 1 to 127 bytes";
    }
    if (v->advertise != NULL && strlen(v->advertise) >= LIMIT_ENDPOINT) {
        return "--advertise: the address is too long";
    }
    return NULL;
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
executors_wanted(const values_t *v)
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
work(const values_t *v, const credentials_t *keys, buf_t *why)
{
    user_t user;

    if (!find_user(v->executor_user, &user)) {
        buf_printf(why, "--executor-user: %s is no user here, or root",
            v->executor_user);
        return ERR_CONFIG;
    }
    const worker_options_t options = {.coordinator = v->coordinator,
        .keys = keys,
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
        .metrics_token = v->metrics_token};

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
check_address(const values_t *v, buf_t *why)
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
run(const values_t *v)
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
check(const values_t *v)
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
decide(const values_t *v, const settings_list_t *operands)
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
        return selftest_run(v->allow_weak);
    }
    if ((text = fault(v)) != NULL) {
        return complain(text, strlen(text), EXIT_USAGE);
    }
    return v->check_config ? check(v) : run(v);
}

int
main(int argc, char **argv)
{
    values_t values = {0};
    settings_list_t operands = {0};
    buf_t why = {0};
    int code;

    private_or_die("logtally-worker");
    if (sodium_init() == -1) {
        return complain("cannot start libsodium", 22, EXIT_FAILED);
    }
    if (settings_parse(table, N_SETTINGS, argc, argv, DEFAULT_FILE, &values,
            &operands, &why) != ERR_OK) {
        code = complain((const char *)why.p, why.len, EXIT_USAGE);
        fputs("`logtally-worker --help` lists the options\n", stderr);
    } else {
        if (values.keys == NULL && keypath_credentials() != NULL) {
            values.keys = xstrdup(keypath_credentials());
        }
        code = decide(&values, &operands);
    }
    settings_free(table, N_SETTINGS, &values);
    settings_list_free(&operands);
    buf_fini(&why);
    return code;
}
