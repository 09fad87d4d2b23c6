// SPDX-License-Identifier: Apache-2.0
// keys reload: the only `keys` command that talks to a coordinator. It
// notices a change by itself as well; this one waits for it and says what
// came of it, which a script that allows or revokes a key wants to know.
#include "coordinator/cli/keys_reload.h"

#include "coordinator/cli/client_io.h"

#include <stdio.h>

static const setting_t settings[] = {COMMON_SETTINGS};

static const command_t command = {
    .name = "keys reload",
    .operands = "",
    .about = "Lets the coordinator read its allowed keys again, and says what "
             "came of it.\nFor keys with the role admin.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
};

static int
ask(client_t *client, lt_KeysReloaded *out, buf_t *why)
{
    lt_Empty empty = {0};
    buf_t request = {0};
    frame_t answer;

    frame_encode(
        &request, PROTO_RELOAD_KEYS, 0, lt_Empty_fields, &empty, (span_t){0});
    int code = client_ask(
        client, buf_span(&request), PROTO_KEYS_RELOADED, &answer, why);
    if (code == EXIT_DONE &&
        frame_meta(&answer, lt_KeysReloaded_fields, out) != ERR_OK) {
        code = client_nonsense(client, &answer, why);
    }
    buf_fini(&request);
    return code;
}

static int
reload(void *options, const settings_list_t *operands, buf_t *why)
{
    client_t *client = NULL;
    lt_KeysReloaded said = {0};

    (void)operands;
    int code = client_open(options, &client, why);
    if (code == EXIT_DONE) {
        code = ask(client, &said, why);
    }
    client_close(&client);
    if (code != EXIT_DONE) {
        return code;
    }
    if (said.fault[0] != '\0') {
        buf_printf(why, "the coordinator keeps its old list of %u keys: %s",
            (unsigned)said.allowed, said.fault);
        return EXIT_FAILED;
    }
    printf("%u keys are allowed%s.\n", (unsigned)said.allowed,
        said.changed ? "; the list has changed" : ", as before");
    return EXIT_DONE;
}

int
keys_reload(int argc, char **argv)
{
    common_options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, reload);
}
