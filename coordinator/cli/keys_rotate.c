// SPDX-License-Identifier: Apache-2.0
// keys rotate: another key in the place of one, without a time in which
// neither is good.
#include "coordinator/cli/keys_rotate.h"

#include "certs/expiry.h"
#include "certs/keyfile.h"
#include "certs/keyrenew_io.h"
#include "certs/keytext.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/passphrase_io.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct options {
    common_options_t common;
    bool do_switch;
    bool back;
    bool finish;
    int64_t grace_ms;
    char *expires;
    bool passphrase;
    char *passphrase_file;
} options_t;

static const setting_t settings[] = {
    {.name = "switch",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, do_switch),
        .help = "the coordinator serves with its next key from its next start "
                "on",
        .command_line_only = true},
    {.name = "back",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, back),
        .help = "undo --switch: back to the key before it",
        .command_line_only = true},
    {.name = "finish",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, finish),
        .help = "the old key is good no longer",
        .command_line_only = true},
    {.name = "grace",
        .kind = SETTING_DURATION,
        .offset = offsetof(options_t, grace_ms),
        .fallback = "7d",
        .min = 1000,
        .max = 366ll * 86400 * 1000,
        .value = "TIME",
        .help = "of NAME: how long the old key is good at most",
        .command_line_only = true},
    {.name = "expires",
        .letter = 'e',
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, expires),
        .value = "DATE",
        .help = "of NAME: last day of the new key; as the old one's when left "
                "out",
        .command_line_only = true},
    {.name = "passphrase",
        .letter = 'p',
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, passphrase),
        .help = "of NAME, a client: seal the new key with one that is asked "
                "for",
        .command_line_only = true},
    {.name = "passphrase-file",
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, passphrase_file),
        .value = "FILE",
        .help = "the same with the first line of FILE",
        .command_line_only = true},
    {.name = "help",
        .letter = 'h',
        .kind = SETTING_FLAG,
        .offset = offsetof(common_options_t, help),
        .help = "print this and exit",
        .command_line_only = true},
};

static const command_t command = {
    .name = "keys rotate",
    .operands = "DIR [NAME]",
    .about =
        "Without NAME, another key for the coordinator, in three steps:\n"
        "  keys rotate DIR           makes it; copy DIR/coordinator_next into "
        "the key\n"
        "                            folder of every host and client\n"
        "  keys rotate DIR --switch  then start the coordinator again\n"
        "  keys rotate DIR --finish  copy DIR/coordinator over the one in "
        "every folder\n"
        "With NAME, another key for that name, in DIR/issued/NAME; the old one "
        "is good\nbeside it until `keys rotate DIR NAME --finish`, or until "
        "the time of --grace\nis over.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 1,
    .max_operands = 2,
};

void
keys_rotate_tell(const char *dir)
{
    static const struct {
        const char *when, *step;
    } next[] = {
        [ROTATION_ANNOUNCED] = {"when every folder of keys has "
                                "coordinator_next",
            "--switch"},
        [ROTATION_HALFWAY] = {"once more", "--switch"},
        [ROTATION_SWITCHED] = {"when the coordinator runs with it and all are "
                               "back",
            "--finish"},
    };
    rotation_t phase = keyrotate_phase(dir);

    if (phase != ROTATION_NONE) {
        printf("\nThe coordinator's key is being rotated (%s). Next, %s: "
               "logtally keys rotate %s %s\n",
            rotation_name(phase), next[phase].when, dir, next[phase].step);
    }
}

// ---- the coordinator's

static int
announce(const char *dir, buf_t *why)
{
    identity_t next;
    char fingerprint[20];
    errcode_t rc = keyrotate_announce(dir, &next, why);

    if (rc != ERR_OK) {
        return EXIT_FAILED;
    }
    key_fingerprint(next.key, fingerprint);
    printf("Made the coordinator's next key (fingerprint %s). Nothing uses it "
           "yet.\n\n"
           "Next: put %s/coordinator_next beside `coordinator` in the key "
           "folder of every\nhost and client; it is in %s/issued/* too. A "
           "worker notices within seconds; one\nunder systemd is started "
           "again. Then:\n"
           "    logtally keys rotate %s --switch\n",
        fingerprint, dir, dir, dir);
    return EXIT_DONE;
}

static int
do_switch(const char *dir, buf_t *why)
{
    if (keyrotate_switch(dir, why) != ERR_OK) {
        return EXIT_FAILED;
    }
    printf("The next key is the coordinator's key now. Start the coordinator "
           "again; jobs go on.\nWho has no coordinator_next is shut out: `"
           "logtally keys rotate %s --back` and\nanother start let them in "
           "again. When all are there (logtally workers):\n"
           "    logtally keys rotate %s --finish\n",
        dir, dir);
    return EXIT_DONE;
}

static int
back(const char *dir, buf_t *why)
{
    if (keyrotate_back(dir, why) != ERR_OK) {
        return EXIT_FAILED;
    }
    puts("The coordinator's key is the one before again. Start the "
         "coordinator again.");
    return EXIT_DONE;
}

static int
finish(const char *dir, buf_t *why)
{
    if (keyrotate_finish(dir, why) != ERR_OK) {
        return EXIT_FAILED;
    }
    printf("The old key is gone from %s. Put %s/coordinator over the one in "
           "the key folder of\nevery host and client (it is in %s/issued/* "
           "too): until then a host still takes\nwho has the old secret for "
           "the coordinator.\n",
        dir, dir, dir);
    return EXIT_DONE;
}

static int
rotate_coordinator(const options_t *o, const char *dir, buf_t *why)
{
    if (o->passphrase || o->passphrase_file != NULL || o->expires != NULL) {
        buf_put_str(why, "the coordinator's key has neither a passphrase nor "
                         "an end");
        return EXIT_USAGE;
    }
    return o->do_switch ? do_switch(dir, why)
           : o->back    ? back(dir, why)
           : o->finish  ? finish(dir, why)
                        : announce(dir, why);
}

// ---- of a name

static errcode_t
begin(const options_t *o, const char *dir, keyrenew_t *what, identity_t *who,
    buf_t *why)
{
    if (!o->passphrase && o->passphrase_file == NULL) {
        return keyrenew_begin(dir, what, who, why);
    }
    uint8_t *passphrase =
        sodium_init() >= 0 ? sodium_malloc(LIMIT_PASSPHRASE) : NULL;
    keyseal_t seal = {{passphrase, 0}, &keylock_usual};
    if (passphrase == NULL) {
        buf_put_str(why, "no guarded memory for a passphrase");
        return ERR_IO;
    }
    errcode_t rc = passphrase_new(
        o->passphrase_file, what->name, passphrase, &seal.passphrase.len, why);
    if (rc == ERR_OK) {
        what->seal = &seal;
        rc = keyrenew_begin(dir, what, who, why);
    }
    sodium_free(passphrase);
    return rc;
}

static int
code_of(errcode_t rc)
{
    return rc == ERR_OK       ? EXIT_DONE
           : rc == ERR_CONFIG ? EXIT_USAGE
                              : EXIT_FAILED;
}

static int
rotate_name(const options_t *o, const char *dir, const char *name, buf_t *why)
{
    keyrenew_t what = {
        .name = name, .old_until = time(NULL) + o->grace_ms / 1000};
    identity_t who;
    char fingerprint[20], until[EXPIRY_TEXT];

    if (o->expires != NULL &&
        expiry_parse(span_str(o->expires), &what.expires) != ERR_OK) {
        buf_put_str(why, "a date is like 2027-01-31 or 2027-01-31T18:00:00Z");
        return EXIT_USAGE;
    }
    errcode_t rc = begin(o, dir, &what, &who, why);
    if (rc != ERR_OK) {
        return code_of(rc);
    }
    key_fingerprint(who.key, fingerprint);
    expiry_print(what.old_until, until);
    printf("Made another key for %s, fingerprint %s, in %s/issued/%s. It is "
           "allowed from now on,\nand the old one until %s at most.\n\n"
           "Next: copy that folder over the one that is in use, start the "
           "worker again, and:\n"
           "    logtally keys rotate %s %s --finish\n",
        name, fingerprint, dir, name, until, dir, name);
    return EXIT_DONE;
}

static int
finish_name(const char *dir, const char *name, buf_t *why)
{
    errcode_t rc = keyrenew_finish(dir, name, why);

    if (rc != ERR_OK) {
        return code_of(rc);
    }
    printf("The old key of %s is refused within a second, on open connections "
           "too.\n",
        name);
    return EXIT_DONE;
}

static int
run(void *options, const settings_list_t *operands, buf_t *why)
{
    const options_t *o = options;
    const char *dir = operands->items[0];

    if (o->do_switch + o->back + o->finish > 1) {
        buf_put_str(why, "--switch, --back and --finish are steps of their "
                         "own; give one");
        return EXIT_USAGE;
    }
    if (operands->n == 1) {
        return rotate_coordinator(o, dir, why);
    }
    if (o->do_switch || o->back) {
        buf_put_str(why, "--switch and --back are for the coordinator's key, "
                         "without NAME");
        return EXIT_USAGE;
    }
    return o->finish ? finish_name(dir, operands->items[1], why)
                     : rotate_name(o, dir, operands->items[1], why);
}

int
keys_rotate(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, run);
}
