// SPDX-License-Identifier: Apache-2.0
// keys passphrase: on the machine of who has the key, not the coordinator's.
#include "coordinator/cli/keys_passphrase.h"

#include "certs/keyput_io.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/passphrase_io.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct options {
    common_options_t common;
    bool remove;
    char *file;
    char *old_file;
} options_t;

static const setting_t settings[] = {
    {.name = "remove",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, remove),
        .help = "leave the key without one",
        .command_line_only = true},
    {.name = "passphrase-file",
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, file),
        .value = "FILE",
        .help = "the new passphrase is its first line; /dev/fd/3 for a "
                "descriptor",
        .command_line_only = true},
    {.name = "old-passphrase-file",
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, old_file),
        .value = "FILE",
        .help = "the one that the key has now",
        .command_line_only = true},
    {
        .name = "help",
        .letter = 'h',
        .kind = SETTING_FLAG,
        .offset = offsetof(common_options_t, help),
        .help = "print this and exit",
        .command_line_only = true,
    },
};

static const command_t command = {
    .name = "keys passphrase",
    .operands = "FOLDER|FILE",
    .about =
        "Sets, changes or removes the passphrase of a client's key: FOLDER is "
        "the one that\n--keys names, FILE a secret key in it. Asks on the "
        "terminal, without echo.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = 1,
};

// A folder stands for the secret key in it.
static char *
key_file(const char *operand)
{
    struct stat st;

    return stat(operand, &st) == 0 && S_ISDIR(st.st_mode)
               ? xasprintf("%s/self_secret", operand)
               : xstrdup(operand);
}

static errcode_t
set(const options_t *o, const char *path, buf_t *why)
{
    const passphrase_source_t source = passphrase_source(o->old_file);
    uint8_t *passphrase = sodium_malloc(LIMIT_PASSPHRASE);
    keyseal_t seal = {{passphrase, 0}, &keylock_usual};

    if (passphrase == NULL) {
        buf_put_str(why, "no guarded memory for a passphrase");
        return ERR_IO;
    }
    errcode_t rc =
        passphrase_new(o->file, path, passphrase, &seal.passphrase.len, why);
    if (rc == ERR_OK) {
        rc = keyput_passphrase(path, &source, &seal, why);
    }
    sodium_free(passphrase);
    return rc;
}

static int
run(void *options, const settings_list_t *operands, buf_t *why)
{
    const options_t *o = options;

    if (o->remove && o->file != NULL) {
        buf_put_str(why, "--remove and --passphrase-file exclude each other");
        return EXIT_USAGE;
    }
    if (sodium_init() < 0) {
        buf_put_str(why, "cannot start libsodium");
        return EXIT_FAILED;
    }
    const passphrase_source_t source = passphrase_source(o->old_file);
    char *path = key_file(operands->items[0]);
    errcode_t rc = o->remove ? keyput_passphrase(path, &source, NULL, why)
                             : set(o, path, why);
    if (rc == ERR_OK) {
        printf("%s has %s passphrase now.\n", path, o->remove ? "no" : "a new");
    }
    free(path);
    return rc == ERR_OK       ? EXIT_DONE
           : rc == ERR_CONFIG ? EXIT_USAGE
                              : EXIT_FAILED;
}

int
keys_passphrase(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, run);
}
