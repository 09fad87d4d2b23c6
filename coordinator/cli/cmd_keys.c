// SPDX-License-Identifier: Apache-2.0
// keys: the key folder of a coordinator. Works on files alone, but for
// `reload`: a running coordinator notices by itself.
#include "coordinator/cli/cli.h"

#include "certs/expiry.h"
#include "certs/keyfile.h"
#include "certs/keymaker_io.h"
#include "certs/keytext.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/keys_list.h"
#include "coordinator/cli/keys_passphrase.h"
#include "coordinator/cli/keys_reload.h"
#include "coordinator/cli/keys_rotate.h"
#include "coordinator/cli/passphrase_io.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSPHRASE_FILE 256 // an option without a letter

typedef struct args {
    char *dir;
    const char *name; // NULL for init and list
    identity_t who;   // of --role and --host
    bool passphrase;
    const char *passphrase_file;
    bool help;
} args_t;

typedef struct command {
    const char *name;
    size_t n_operands; // DIR, NAME
    bool has_options;
    int (*run)(args_t *args);
} command_t;

static const char help_text[] =
    "usage: logtally keys init DIR\n"
    "       logtally keys new DIR NAME --role worker|client|admin\n"
    "                                  [--host NAME-OR-PATTERN]...\n"
    "                                  [--expires DATE] [--passphrase]\n"
    "       logtally keys list DIR\n"
    "       logtally keys show DIR NAME\n"
    "       logtally keys revoke DIR NAME\n"
    "       logtally keys rotate DIR [NAME] [--switch|--back|--finish]\n"
    "       logtally keys passphrase FOLDER [--remove]\n"
    "       logtally keys reload [--coordinator ADDR] [--keys FOLDER]\n"
    "\n"
    "  init    make DIR with the coordinator's key, and a key named admin\n"
    "          to submit jobs with, in DIR/issued/admin\n"
    "  new     make a key: DIR/issued/NAME is all that NAME needs, and is\n"
    "          copied to its host alone; DIR/allowed/NAME lets it in\n"
    "  list    name, role, hosts, end, fingerprint and state of every key\n"
    "  show    one key, with its fingerprint in words to compare by voice\n"
    "  revoke  refuse a key from now on, on open connections too\n"
    "  rotate  another key for the coordinator, or for NAME, with a time in\n"
    "          which old and new are good; its --help says more\n"
    "  passphrase  set, change or remove the passphrase of a client's key; "
    "its\n"
    "          --help says more\n"
    "  reload  let a running coordinator read its keys now, and say what it\n"
    "          made of them\n"
    "\n"
    "  -r, --role ROLE  worker: reads and counts logs; client: submits jobs\n"
    "                   and sees its own; admin: a client that may read and\n"
    "                   cancel the jobs of all\n"
    "  -H, --host HOST  of a worker, may be given again: a host that it may\n"
    "                   speak for, or a pattern ('web*'); default: NAME\n"
    "  -e, --expires D  last day of the key, UTC, like 2027-01-31, or its "
    "last\n"
    "                   moment, like 2027-01-31T18:00:00Z; default: never\n"
    "  -p, --passphrase  of a client or admin: asks, on the terminal, for a\n"
    "                   passphrase that its secret key is to be sealed with\n"
    "      --passphrase-file FILE  the same from the first line of FILE, such "
    "as\n"
    "                   /dev/fd/3\n"
    "  -h, --help       this text\n"
    "\n"
    "Run it as the user who runs the coordinator. A running coordinator\n"
    "notices what was changed; it needs no restart.\n";

static int
usage_error(const char *command, const char *what, const char *which)
{
    fprintf(stderr, "logtally keys%s%s: %s%s\n", *command != '\0' ? " " : "",
        command, what, which);
    fputs("usage and examples: logtally keys --help\n", stderr);
    return EXIT_USAGE;
}

static int
tell(const char *command, errcode_t rc, const buf_t *why)
{
    fprintf(stderr, "logtally keys %s: %.*s\n", command, (int)why->len,
        (const char *)why->p);
    return rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

// What a coordinator sees of the folder now: a file that it cannot read
// makes it keep its old list.
static int
check_folder(const char *command, const char *dir)
{
    allowlist_t *list = NULL;
    buf_t why = {0};
    int code = EXIT_DONE;
    errcode_t rc = allowlist_load(dir, &list, &why);

    if (rc == ERR_NOT_FOUND) {
        printf("No key is allowed any more; nobody can reach the "
               "coordinator.\n");
    } else if (rc != ERR_OK) {
        code = tell(command, rc, &why);
        fputs("A running coordinator keeps its old list until that is "
              "mended.\n",
            stderr);
    }
    allowlist_destroy(&list);
    buf_fini(&why);
    return code;
}

static int
keys_init(args_t *args)
{
    identity_t coordinator;
    identity_t admin;
    char fingerprint[20];
    buf_t why = {0};
    errcode_t rc = keymaker_init(args->dir, &coordinator, &admin, &why);

    if (rc != ERR_OK) {
        int code = tell("init", rc, &why);
        buf_fini(&why);
        return code;
    }
    key_fingerprint(coordinator.key, fingerprint);
    printf("Made %s with the coordinator's key (fingerprint %s).\n\n"
           "Next, a key for each host with logs:\n"
           "    logtally keys new %s web1 --role worker\n"
           "start the coordinator:\n"
           "    logtally-coordinator --keys %s --state STATE_DIR\n"
           "and submit with the admin's key:\n"
           "    export LOGTALLY_COORDINATOR=tcp://HOST:7700\n"
           "    export LOGTALLY_KEYS=%s/issued/" KEYMAKER_ADMIN "\n"
           "    logtally workers\n",
        args->dir, fingerprint, args->dir, args->dir, args->dir);
    return EXIT_DONE;
}

static void
print_hosts(const identity_t *who)
{
    for (size_t i = 0; i < who->n_hosts; i++) {
        printf("%s%s", i > 0 ? "," : "", who->hosts[i]);
    }
}

static void
print_worker_steps(const char *dir, const identity_t *who)
{
    const char *host = who->hosts[0];
    bool plain = key_name_is_valid(span_str(host));

    printf("Next: copy %s/issued/%s to %s and start there:\n"
           "    logtally-worker --coordinator tcp://HOST:7700 --keys FOLDER "
           "--name %s --root /var/log\n",
        dir, who->name, plain ? host : "each such host",
        plain ? host : "\"$(hostname)\"");
}

static void
print_client_steps(const char *dir, const identity_t *who)
{
    printf("Next: give %s/issued/%s to %s, who sets:\n"
           "    export LOGTALLY_COORDINATOR=tcp://HOST:7700\n"
           "    export LOGTALLY_KEYS=FOLDER\n"
           "and looks with: logtally workers\n",
        dir, who->name, who->name);
}

static void
print_new(const char *dir, const identity_t *who)
{
    char fingerprint[20];

    key_fingerprint(who->key, fingerprint);
    printf("Made a key for %s: %s", who->name, role_name(who->roles));
    if (who->n_hosts > 0) {
        printf(" of ");
        print_hosts(who);
    }
    printf(", fingerprint %s. It is allowed from now on.\n\n", fingerprint);
    if (who->roles == ROLE_WORKER) {
        print_worker_steps(dir, who);
    } else {
        print_client_steps(dir, who);
    }
    printf("That folder holds the secret key; let nobody else read it.\n");
}

static errcode_t
make_sealed(args_t *args, buf_t *why)
{
    uint8_t *passphrase =
        sodium_init() >= 0 ? sodium_malloc(LIMIT_PASSPHRASE) : NULL;
    keyseal_t seal = {{passphrase, 0}, &keylock_usual};

    if (passphrase == NULL) {
        buf_put_str(why, "no guarded memory for a passphrase");
        return ERR_IO;
    }
    errcode_t rc = passphrase_new(args->passphrase_file, args->name, passphrase,
        &seal.passphrase.len, why);
    if (rc == ERR_OK) {
        rc = keymaker_new_sealed(args->dir, &args->who, &seal, why);
    }
    sodium_free(passphrase);
    return rc;
}

static int
keys_new(args_t *args)
{
    identity_t *who = &args->who;
    buf_t why = {0};

    if (who->roles == 0) {
        return usage_error(
            "new", "--role is missing: worker, client or admin", "");
    }
    if (strlen(args->name) >= sizeof who->name) {
        return usage_error("new", "the name is too long", "");
    }
    strcpy(who->name, args->name);
    if (who->roles == ROLE_WORKER && who->n_hosts == 0) {
        strcpy(who->hosts[who->n_hosts++], args->name);
    }
    errcode_t rc = args->passphrase ? make_sealed(args, &why)
                                    : keymaker_new(args->dir, who, &why);
    int code = rc == ERR_OK ? EXIT_DONE : tell("new", rc, &why);
    buf_fini(&why);
    if (rc == ERR_OK) {
        print_new(args->dir, who);
    }
    return code;
}

static int
keys_revoke(args_t *args)
{
    buf_t why = {0};
    errcode_t rc = keymaker_revoke(args->dir, args->name, &why);

    if (rc != ERR_OK) {
        int code = tell("revoke", rc, &why);
        buf_fini(&why);
        return code;
    }
    buf_fini(&why);
    printf("Revoked the key of %s: %s/allowed/%s is %s/revoked/%s now.\n"
           "A running coordinator refuses it within a second, on open "
           "connections too.\n"
           "The folder %s/issued/%s was left; it opens nothing any more, "
           "here or on its host.\n",
        args->name, args->dir, args->name, args->dir, args->name, args->dir,
        args->name);
    return check_folder("revoke", args->dir);
}

// The coordinator's own key is in DIR itself.
static errcode_t
load_shown(const args_t *args, identity_t *out, const char **state, buf_t *why)
{
    static const char *const states[] = {"allowed", "revoked", "."};
    errcode_t rc = ERR_NOT_FOUND;

    for (size_t i = 0;
         i < sizeof states / sizeof *states && rc == ERR_NOT_FOUND; i++) {
        char *path = xasprintf("%s/%s/%s", args->dir, states[i], args->name);
        buf_clear(why);
        rc = keyfile_load_public(path, out, why);
        *state = i < 2 ? states[i] : "the coordinator's";
        free(path);
    }
    return rc;
}

// Another key of that name, that is to take over.
static void
print_next(const args_t *args)
{
    char *path = xasprintf("%s/next/%s", args->dir, args->name);
    identity_t next;
    buf_t ignored = {0};
    char fingerprint[20];

    if (keyfile_load_public(path, &next, &ignored) == ERR_OK) {
        key_fingerprint(next.key, fingerprint);
        printf("next key     %s; to end the old one: logtally keys rotate %s "
               "%s --finish\n",
            fingerprint, args->dir, args->name);
    }
    buf_fini(&ignored);
    free(path);
}

static int
keys_show(args_t *args)
{
    identity_t who;
    const char *state;
    char fingerprint[20], words[KEY_WORDS], expires[EXPIRY_TEXT] = "never";
    buf_t why = {0};

    if (!key_name_is_valid(span_str(args->name))) {
        return usage_error("show", "no name of a key: ", args->name);
    }
    errcode_t rc = load_shown(args, &who, &state, &why);
    int code = rc == ERR_OK ? EXIT_DONE : tell("show", rc, &why);
    buf_fini(&why);
    if (rc != ERR_OK) {
        return code;
    }
    if (who.expires != 0) {
        expiry_print(who.expires, expires);
    }
    key_fingerprint(who.key, fingerprint);
    key_words(who.key, words);
    printf("name         %s\nstate        %s\nrole         %s\nhosts        ",
        who.name, state, who.roles != 0 ? role_name(who.roles) : "-");
    print_hosts(&who);
    printf("\nexpires      %s\nfingerprint  %s\nin words     %s\n", expires,
        fingerprint, words);
    print_next(args);
    if (strncmp(args->name, "coordinator", 11) == 0) {
        keys_rotate_tell(args->dir);
    }
    return EXIT_DONE;
}

static int
run_list(args_t *args)
{
    if (!keys_list(args->dir)) {
        return EXIT_FAILED;
    }
    keys_rotate_tell(args->dir);
    return check_folder("list", args->dir);
}

static const command_t commands[] = {
    {"init", 1, false, keys_init},
    {"new", 2, true, keys_new},
    {"list", 1, false, run_list},
    {"show", 2, false, keys_show},
    {"revoke", 2, false, keys_revoke},
};

static int
take_role(args_t *args, const char *value)
{
    if (args->who.roles != 0) {
        return usage_error("new", "--role is given twice", "");
    }
    args->who.roles = role_parse(value);
    return args->who.roles != 0
               ? EXIT_DONE
               : usage_error("new",
                     "the role must be worker, client or admin, not ", value);
}

static int
take_host(args_t *args, const char *value)
{
    identity_t *who = &args->who;

    if (!host_pattern_is_valid(span_str(value))) {
        return usage_error("new", "no host name or pattern: ", value);
    }
    if (who->n_hosts == LIMIT_HOSTS) {
        return usage_error("new", "too many hosts; give a pattern", "");
    }
    strcpy(who->hosts[who->n_hosts++], value);
    return EXIT_DONE;
}

static int
take_expires(args_t *args, const char *value)
{
    return expiry_parse(span_str(value), &args->who.expires) == ERR_OK
               ? EXIT_DONE
               : usage_error("new",
                     "a date is like 2027-01-31 or 2027-01-31T18:00:00Z, not ",
                     value);
}

static int
take_option(const command_t *command, args_t *args, int option, char **argv)
{
    if (option == 'h') {
        args->help = true;
        return EXIT_DONE;
    }
    if (option == '?') {
        return usage_error(command->name, "unknown option ", argv[optind - 1]);
    }
    if (option == ':') {
        return usage_error(
            command->name, "a value is missing behind ", argv[optind - 1]);
    }
    if (!command->has_options) {
        return usage_error(
            command->name, "takes no ", "--role, --host or --expires");
    }
    if (option == 'p' || option == PASSPHRASE_FILE) {
        args->passphrase = true;
        args->passphrase_file = option == 'p' ? NULL : optarg;
        return EXIT_DONE;
    }
    if (option == 'e') {
        return take_expires(args, optarg);
    }
    return option == 'r' ? take_role(args, optarg) : take_host(args, optarg);
}

static int
take_operands(const command_t *command, args_t *args, int n, char **operands)
{
    if ((size_t)n != command->n_operands) {
        return usage_error(command->name, "wants ",
            command->n_operands == 2 ? "DIR and NAME" : "DIR");
    }
    if (operands[0][0] == '\0') {
        return usage_error(command->name, "DIR is empty", "");
    }
    args->dir = xstrdup(operands[0]);
    size_t len = strlen(args->dir);
    while (len > 1 && args->dir[len - 1] == '/') {
        args->dir[--len] = '\0';
    }
    args->name = n > 1 ? operands[1] : NULL;
    return EXIT_DONE;
}

static int
parse_args(const command_t *command, int argc, char **argv, args_t *args)
{
    static const struct option options[] = {
        {"role", required_argument, NULL, 'r'},
        {"host", required_argument, NULL, 'H'},
        {"expires", required_argument, NULL, 'e'},
        {"passphrase", no_argument, NULL, 'p'},
        {"passphrase-file", required_argument, NULL, PASSPHRASE_FILE},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    optind = 0; // start over, in glibc
    opterr = 0;
    while (
        (option = getopt_long(argc, argv, ":r:H:e:ph", options, NULL)) != -1) {
        int code = take_option(command, args, option, argv);
        if (code != EXIT_DONE || args->help) {
            return code;
        }
    }
    return take_operands(command, args, argc - optind, argv + optind);
}

static int
run_command(const command_t *command, int argc, char **argv)
{
    args_t args = {0};
    int code = parse_args(command, argc, argv, &args);

    if (code == EXIT_DONE && args.help) {
        fputs(help_text, stdout);
    } else if (code == EXIT_DONE) {
        code = command->run(&args);
    }
    free(args.dir);
    if (code == EXIT_DONE && fflush(stdout) != 0) {
        perror("logtally keys");
        code = EXIT_FAILED;
    }
    return code;
}

int
cmd_keys(int argc, char **argv)
{
    if (argc < 2) {
        return usage_error("",
            "wants init, new, list, show, revoke, rotate, passphrase or reload",
            "");
    }
    if (strcmp(argv[1], "reload") == 0) {
        return keys_reload(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "rotate") == 0) {
        return keys_rotate(argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "passphrase") == 0) {
        return keys_passphrase(argc - 1, argv + 1);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, argv[1]) == 0) {
            return run_command(&commands[i], argc - 1, argv + 1);
        }
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(help_text, stdout);
        return EXIT_DONE;
    }
    return usage_error("", "there is no ", argv[1]);
}
