// SPDX-License-Identifier: Apache-2.0
// options: what logtally-worker can be told, on its command line or in its
// configuration file.
#ifndef LOGTALLY_WORKER_OPTIONS_H
#define LOGTALLY_WORKER_OPTIONS_H

#include "common/base/settings.h"

#define WORKER_CONFIG "/etc/logtally/worker.conf"

typedef struct worker_settings {
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
    char *confine;
    bool allow_weak;
    bool selftest;
    char *config;
    bool verbose;
    bool check_config;
    bool print_config;
    bool version;
    bool help;
} worker_settings_t;

extern const setting_t worker_settings[];
extern const size_t n_worker_settings;

// The text for what is missing or cannot be, or NULL.
const char *worker_settings_fault(const worker_settings_t *v);

#endif
