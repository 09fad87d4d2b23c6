// SPDX-License-Identifier: Apache-2.0
// options: what logtally-coordinator can be told, on its command line or in
// its configuration file.
#ifndef LOGTALLY_COORDINATOR_OPTIONS_H
#define LOGTALLY_COORDINATOR_OPTIONS_H

#include "common/base/settings.h"

#define COORDINATOR_CONFIG "/etc/logtally/coordinator.conf"

typedef struct coordinator_options {
    char *keys;
    char *state;
    char *listen;
    int64_t control_port;
    int64_t sink_port;
    int64_t lane_port; // may be another's as long as nobody dials it
    char *config;
    int64_t deadline_ms;
    int64_t staging_bytes;
    int64_t merge_bytes;
    int64_t memory_bytes;
    int64_t merge_threads;
    int64_t keep_results;
    int64_t keep_ms;
    char *metrics;
    char *metrics_token;
    char *dashboard;
    char *dashboard_token;
    char *dashboard_host;
    char *confine;
    bool selftest;
    bool verbose;
    bool check_config;
    bool print_config;
    bool version;
    bool help;
} coordinator_options_t;

extern const setting_t coordinator_settings[];
extern const size_t n_coordinator_settings;

// From command line and file. *why: one line.
MUST_CHECK errcode_t coordinator_options_parse(
    int argc, char **argv, coordinator_options_t *out, buf_t *why);
void coordinator_options_fini(coordinator_options_t *self);
// What must be there to start: keys and state. *why says which is not.
MUST_CHECK errcode_t coordinator_options_check(
    const coordinator_options_t *self, buf_t *why);
void coordinator_options_help(buf_t *out);
// The ports that the settings name, at most `max`; 0: any free one.
size_t coordinator_options_ports(
    const coordinator_options_t *self, uint16_t *out, size_t max);

#endif
