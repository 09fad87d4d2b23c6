// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/doctor_io.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(doctor_options_t, field)

static const setting_t settings[] = {
    {.name = "settings",
        .kind = SETTING_TEXT,
        .offset = AT(config),
        .value = "FILE",
        .help = "of the daemon, for PLACE coordinator or worker; else "
                "/etc/logtally/PLACE.conf",
        .command_line_only = true},
    {.name = "output",
        .letter = 'o',
        .kind = SETTING_TEXT,
        .offset = AT(output),
        .fallback = "text",
        .value = "KIND",
        .help = "text: a line for each finding; json: one object",
        .command_line_only = true},
    JSON_SETTING(doctor_options_t, "the same as -o json"),
    COMMON_SETTINGS,
};

static const command_t command = {
    .name = "doctor",
    .operands = "[PLACE]",
    .about =
        "Looks for what is wrong, and says what mends it. PLACE is what this "
        "machine is:\n"
        "\n"
        "  coordinator  settings, keys, state folder, ports; then its workers\n"
        "  worker       settings, keys, roots, sandbox, the way there and "
        "back\n"
        "  client       client.conf, key; then all that the coordinator says\n"
        "\n"
        "Without PLACE it looks at each that has its settings here. Nothing "
        "is changed.\n"
        "Run it as root on the machines of daemons. Exit codes: 0 nothing is "
        "wrong,\n"
        "1 something is, 2 there is nothing to look at.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .max_operands = 1,
};

typedef struct place {
    const char *name;
    void (*look)(doctor_t *, const doctor_options_t *);
} place_t;

static const place_t places[] = {
    {"coordinator", doctor_coordinator},
    {"worker", doctor_worker},
    {"client", doctor_client},
};
enum { COORDINATOR, WORKER, CLIENT, N_PLACES };

static bool
is_wanted(size_t place, const doctor_options_t *o, const char *named)
{
    if (named != NULL) {
        return strcmp(named, places[place].name) == 0;
    }
    return place == COORDINATOR ? doctor_has_coordinator()
           : place == WORKER    ? doctor_has_worker()
                                : doctor_has_client(o);
}

static int
print(const doctor_t *doctor, const char *const *names, size_t n, bool json)
{
    buf_t text = {0};

    if (json) {
        doctor_print_json(doctor, names, n, &text);
    } else {
        doctor_print(doctor, names, n, &text);
    }
    int code = print_out(&text);
    buf_fini(&text);
    for (size_t i = 0; !json && i < doctor->n_skipped; i++) {
        fprintf(stderr, "not looked at: %s\n", doctor->skipped[i]);
    }
    return code == EXIT_DONE && doctor->n > 0 ? EXIT_FAILED : code;
}

static int
check_usage(const doctor_options_t *o, const char *named, buf_t *why)
{
    if (strcmp(o->output, "text") != 0 && strcmp(o->output, "json") != 0) {
        buf_printf(why, "-o: text or json, not '%.60s'", o->output);
        return EXIT_USAGE;
    }
    if (named != NULL && strcmp(named, places[COORDINATOR].name) != 0 &&
        strcmp(named, places[WORKER].name) != 0 &&
        strcmp(named, places[CLIENT].name) != 0) {
        buf_printf(
            why, "'%.60s' is none of coordinator, worker, client", named);
        return EXIT_USAGE;
    }
    if (o->config != NULL &&
        (named == NULL || strcmp(named, places[CLIENT].name) == 0)) {
        buf_put_str(why, "--settings is for PLACE coordinator or worker");
        return EXIT_USAGE;
    }
    return COMMAND_GOES_ON;
}

static int
run(void *options, const settings_list_t *operands, buf_t *why)
{
    const doctor_options_t *o = options;
    const char *named = operands->n > 0 ? operands->items[0] : NULL;
    const char *names[N_PLACES];
    size_t n = 0;
    doctor_t doctor = {0};
    int code = check_usage(o, named, why);

    for (size_t i = 0; code == COMMAND_GOES_ON && i < N_PLACES; i++) {
        if (is_wanted(i, o, named)) {
            names[n++] = places[i].name;
            places[i].look(&doctor, o);
        }
    }
    if (code == COMMAND_GOES_ON && n == 0) {
        buf_put_str(why,
            "nothing is set up here: no /etc/logtally/coordinator.conf, no "
            "worker.conf, no client.conf; say what to look at: logtally "
            "doctor PLACE");
        code = EXIT_USAGE;
    } else if (code == COMMAND_GOES_ON) {
        code =
            print(&doctor, names, n, o->json || strcmp(o->output, "json") == 0);
    }
    doctor_fini(&doctor);
    return code;
}

int
cmd_doctor(int argc, char **argv)
{
    doctor_options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, run);
}
