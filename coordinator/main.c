// SPDX-License-Identifier: Apache-2.0
#include "common/base/log.h"
#include "common/base/private.h"
#include "common/confine/selftest.h"
#include "coordinator/coordinator_io.h"

#include <stdio.h>
#include <unistd.h>

static int
complain(const char *program, const buf_t *why, int code)
{
    fprintf(stderr, "%s: %.*s\n", program, (int)why->len, (const char *)why->p);
    return code;
}

static int
print(const buf_t *text)
{
    return fwrite(text->p, 1, text->len, stdout) == text->len &&
                   fflush(stdout) == 0
               ? EXIT_DONE
               : EXIT_FAILED;
}

static int
serve(const coordinator_options_t *options, buf_t *why)
{
    coordinator_io_t *io = NULL;
    errcode_t rc = coordinator_io_open(options, &io, why);

    if (rc != ERR_OK) {
        return complain("logtally-coordinator", why,
            rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED);
    }
    rc = coordinator_io_run(io);
    coordinator_io_close(&io);
    return rc == ERR_OK ? EXIT_DONE : EXIT_FAILED;
}

static int
run(const coordinator_options_t *options, buf_t *text)
{
    if (options->help) {
        coordinator_options_help(text);
        return print(text);
    }
    if (options->version) {
        buf_put_str(text, "logtally-coordinator " LOGTALLY_VERSION "\n");
        return print(text);
    }
    if (options->print_config) {
        settings_print(
            coordinator_settings, n_coordinator_settings, options, text);
        return print(text);
    }
    if (options->selftest) {
        return confine_selftest("coordinator", false);
    }
    errcode_t rc = coordinator_options_check(options, text);
    if (rc == ERR_OK && options->check_config) {
        rc = coordinator_io_check_keys(options->keys, text);
    }
    if (rc != ERR_OK) {
        return complain("logtally-coordinator", text, EXIT_USAGE);
    }
    if (options->check_config) {
        return EXIT_DONE;
    }
    log_find_journal();
    log_set_level(options->verbose ? LOG_DEBUG : LOG_INFO);
    return serve(options, text);
}

int
main(int argc, char **argv)
{
    coordinator_options_t options;
    buf_t text = {0};
    int code;

    private_or_die("logtally-coordinator");
    if (coordinator_options_parse(argc, argv, &options, &text) != ERR_OK) {
        code = complain("logtally-coordinator", &text, EXIT_USAGE);
        fputs("`logtally-coordinator --help` lists the options\n", stderr);
    } else {
        code = run(&options, &text);
    }
    coordinator_options_fini(&options);
    buf_fini(&text);
    // Not exit: what libzmq still holds is left to the kernel.
    fflush(NULL);
    _exit(code);
}
