// SPDX-License-Identifier: Apache-2.0
#include "worker/options.h"

#include "common/base/limits.h"
#include "common/confine/confine.h"

#include <string.h>

#define AT(field) offsetof(worker_settings_t, field)

const setting_t worker_settings[] = {
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
    {"confine", 0, SETTING_TEXT, AT(confine), "yes", 0, 0, "HOW", CONFINE_HELP,
        false},
    {"allow-weak-sandbox", 0, SETTING_FLAG, AT(allow_weak), NULL, 0, 0, NULL,
        "count also where a fence around the executors is missing", false},
    {"sandbox-selftest", 0, SETTING_FLAG, AT(selftest), NULL, 0, 0, NULL,
        "try what executor and supervisor may not do, say what came of it, "
        "and stop",
        true},
    {"config", 0, SETTING_TEXT, AT(config), NULL, 0, 0, "FILE",
        "configuration file (default: " WORKER_CONFIG " if it exists)", true},
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
const size_t n_worker_settings =
    sizeof worker_settings / sizeof *worker_settings;

const char *
worker_settings_fault(const worker_settings_t *v)
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
    if (!confine_is_setting(v->confine)) {
        return "--confine is yes, must or no";
    }
    if (v->advertise != NULL && strlen(v->advertise) >= LIMIT_ENDPOINT) {
        return "--advertise: the address is too long";
    }
    return NULL;
}
