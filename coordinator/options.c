// SPDX-License-Identifier: Apache-2.0
#include "coordinator/options.h"

#include "common/confine/confine.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(coordinator_options_t, field)
#define DAY_MS    INT64_C(86400000)

const setting_t coordinator_settings[] = {
    {.name = "keys",
        .kind = SETTING_TEXT,
        .offset = AT(keys),
        .value = "DIR",
        .help = "key folder, made by `logtally keys init DIR`"},
    {.name = "state",
        .kind = SETTING_TEXT,
        .offset = AT(state),
        .value = "DIR",
        .help = "folder for results and the start counter; made if missing"},
    {.name = "listen",
        .kind = SETTING_TEXT,
        .offset = AT(listen),
        .fallback = "*",
        .value = "ADDR",
        .help = "address to listen on; * is all of this host"},
    {.name = "control-port",
        .kind = SETTING_NUMBER,
        .offset = AT(control_port),
        .fallback = "7700",
        .min = 0,
        .max = 65535,
        .value = "PORT",
        .help = "for workers and clients; 0 takes any free port"},
    {.name = "sink-port",
        .kind = SETTING_NUMBER,
        .offset = AT(sink_port),
        .fallback = "7701",
        .min = 0,
        .max = 65535,
        .value = "PORT",
        .help = "for what workers counted; 0 takes any free port"},
    {.name = "lane-port",
        .kind = SETTING_NUMBER,
        .offset = AT(lane_port),
        .fallback = "7702",
        .min = 0,
        .max = 65535,
        .value = "PORT",
        .help = "for workers with transport = dial, which get their shards "
                "there; opened when the first one comes, 0 takes any free "
                "port"},
    {.name = "deadline",
        .kind = SETTING_DURATION,
        .offset = AT(deadline_ms),
        .fallback = "1h",
        .min = 1,
        .max = 30 * DAY_MS,
        .value = "TIME",
        .help = "for jobs that name no deadline of their own"},
    {.name = "staging",
        .kind = SETTING_SIZE,
        .offset = AT(staging_bytes),
        .fallback = "1GiB",
        .min = INT64_C(1) << 20,
        .max = INT64_C(1) << 40,
        .value = "SIZE",
        .help = "memory for counts that are on their way in"},
    {.name = "merge-memory",
        .kind = SETTING_SIZE,
        .offset = AT(merge_bytes),
        .fallback = "4GiB",
        .min = INT64_C(1) << 20,
        .max = INT64_C(1) << 40,
        .value = "SIZE",
        .help = "memory for the merged groups of one job"},
    {.name = "memory",
        .kind = SETTING_SIZE,
        .offset = AT(memory_bytes),
        .fallback = "8GiB",
        .min = INT64_C(1) << 20,
        .max = INT64_C(1) << 40,
        .value = "SIZE",
        .help = "memory for the plans and merged groups of all jobs together"},
    {.name = "merge-threads",
        .kind = SETTING_NUMBER,
        .offset = AT(merge_threads),
        .fallback = "0",
        .min = 0,
        .max = 16,
        .value = "N",
        .help = "threads that merge; 0: as many as cores, at most 16"},
    {.name = "keep-results",
        .kind = SETTING_NUMBER,
        .offset = AT(keep_results),
        .fallback = "1000",
        .min = 1,
        .max = 1000000,
        .value = "N",
        .help = "results kept in the state folder, the newest"},
    {.name = "keep",
        .kind = SETTING_DURATION,
        .offset = AT(keep_ms),
        .fallback = "720h",
        .min = 1000,
        .max = INT64_C(100) * 366 * 86400 * 1000,
        .value = "TIME",
        .help = "how long ended jobs and their results are kept"},
    {.name = "metrics",
        .kind = SETTING_TEXT,
        .offset = AT(metrics),
        .value = "ADDR:PORT",
        .help = "metrics for Prometheus at http://ADDR:PORT/metrics, as in "
                "127.0.0.1:7780; none when left out"},
    {.name = "metrics-token",
        .kind = SETTING_TEXT,
        .offset = AT(metrics_token),
        .value = "FILE",
        .help = "who asks for metrics has to bring what is in FILE; needed "
                "beyond loopback"},
    {.name = "dashboard",
        .kind = SETTING_TEXT,
        .offset = AT(dashboard),
        .value = "ADDR:PORT",
        .help = "pages for a browser at http://ADDR:PORT/, as in "
                "127.0.0.1:7780, which may be where the metrics are; none "
                "when left out"},
    {.name = "dashboard-token",
        .kind = SETTING_TEXT,
        .offset = AT(dashboard_token),
        .value = "FILE",
        .help = "who opens the dashboard has to bring what is in FILE; needed "
                "beyond loopback"},
    {.name = "dashboard-host",
        .kind = SETTING_TEXT,
        .offset = AT(dashboard_host),
        .value = "NAME,...",
        .help = "names other than localhost by which the dashboard is opened"},
    {.name = "confine",
        .kind = SETTING_TEXT,
        .offset = AT(confine),
        .fallback = "yes",
        .value = "HOW",
        .help = CONFINE_HELP},
    {.name = "sandbox-selftest",
        .kind = SETTING_FLAG,
        .offset = AT(selftest),
        .help = "try what a coordinator may not do, say what came of it, and "
                "exit",
        .command_line_only = true},
    {.name = "verbose",
        .letter = 'v',
        .kind = SETTING_FLAG,
        .offset = AT(verbose),
        .help = "log more"},
    {.name = "config",
        .kind = SETTING_TEXT,
        .offset = AT(config),
        .value = "FILE",
        .help =
            "configuration file; " COORDINATOR_CONFIG " is read when it exists",
        .command_line_only = true},
    {.name = "check-config",
        .kind = SETTING_FLAG,
        .offset = AT(check_config),
        .help = "check settings and keys, then exit with 0 or 2",
        .command_line_only = true},
    {.name = "print-config",
        .kind = SETTING_FLAG,
        .offset = AT(print_config),
        .help = "print the settings as a configuration file and exit",
        .command_line_only = true},
    {.name = "version",
        .kind = SETTING_FLAG,
        .offset = AT(version),
        .help = "print the version and exit",
        .command_line_only = true},
    {.name = "help",
        .letter = 'h',
        .kind = SETTING_FLAG,
        .offset = AT(help),
        .help = "print this and exit",
        .command_line_only = true},
};
const size_t n_coordinator_settings =
    sizeof coordinator_settings / sizeof *coordinator_settings;

errcode_t
coordinator_options_parse(
    int argc, char **argv, coordinator_options_t *out, buf_t *why)
{
    settings_list_t operands = {0};

    memset(out, 0, sizeof *out);
    errcode_t rc = settings_parse(coordinator_settings, n_coordinator_settings,
        argc, argv, COORDINATOR_CONFIG, out, &operands, why);
    if (rc == ERR_OK && operands.n > 0) {
        buf_printf(why, "unexpected argument '%s'", operands.items[0]);
        rc = ERR_CONFIG;
    }
    settings_list_free(&operands);
    return rc;
}

void
coordinator_options_fini(coordinator_options_t *self)
{
    settings_free(coordinator_settings, n_coordinator_settings, self);
}

errcode_t
coordinator_options_check(const coordinator_options_t *self, buf_t *why)
{
    if (self->keys == NULL) {
        buf_put_str(why,
            "--keys is missing: name the key folder; `logtally keys init DIR` "
            "makes one");
        return ERR_CONFIG;
    }
    if (self->state == NULL) {
        buf_put_str(
            why, "--state is missing: name a folder that results are kept in");
        return ERR_CONFIG;
    }
    if (!confine_is_setting(self->confine)) {
        buf_put_str(why, "--confine is yes, must or no");
        return ERR_CONFIG;
    }
    if (self->control_port == self->sink_port && self->sink_port != 0) {
        buf_put_str(why, "--control-port and --sink-port must differ");
        return ERR_CONFIG;
    }
    return ERR_OK;
}

void
coordinator_options_help(buf_t *out)
{
    buf_put_str(out,
        "usage: logtally-coordinator --keys DIR --state DIR [OPTIONS]\n"
        "\n"
        "Takes jobs from clients, lends shards of log to the workers, merges "
        "what they\n"
        "counted and keeps the results. Runs until SIGTERM; SIGHUP reads the "
        "allowed\n"
        "keys again (which also happens by itself).\n"
        "\n"
        "Each option is also a line `name = value` of the configuration "
        "file.\n"
        "\n");
    settings_help(coordinator_settings, n_coordinator_settings, out);
    buf_put_str(out,
        "\n"
        "Exit codes: 0 ended by a signal, 1 failed, 2 wrong settings.\n");
}

// By the names of the settings, so that a port that is added is not forgotten.
static bool
is_port(const setting_t *row)
{
    static const char end[] = "-port";
    size_t len = strlen(row->name);

    return row->kind == SETTING_NUMBER && len > sizeof end - 1 &&
           strcmp(row->name + len - (sizeof end - 1), end) == 0;
}

// The number behind the last colon, where there is one.
static size_t
port_behind(const char *address, uint16_t *out)
{
    const char *colon = address != NULL ? strrchr(address, ':') : NULL;

    if (colon == NULL) {
        return 0;
    }
    *out = (uint16_t)strtoul(colon + 1, NULL, 10);
    return 1;
}

size_t
coordinator_options_ports(
    const coordinator_options_t *self, uint16_t *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < n_coordinator_settings && n + 2 < max; i++) {
        const setting_t *row = &coordinator_settings[i];
        if (is_port(row)) {
            int64_t port;
            memcpy(&port, (const uint8_t *)self + row->offset, sizeof port);
            out[n++] = (uint16_t)port;
        }
    }
    n += port_behind(self->metrics, &out[n]);
    return n + port_behind(self->dashboard, &out[n]);
}
