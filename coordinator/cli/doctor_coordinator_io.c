// SPDX-License-Identifier: Apache-2.0
// The coordinator's machine: settings, keys, who is allowed, state folder,
// ports, and what the coordinator itself says when an admin asks.
#include "certs/keypath.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/doctor_io.h"
#include "coordinator/cli/passphrase_io.h"
#include "coordinator/options.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define NUMBER_MAX 20 // digits of a u64

bool
doctor_has_coordinator(void)
{
    return access(COORDINATOR_CONFIG, F_OK) == 0;
}

static bool
read_settings(doctor_t *self, const char *config, coordinator_options_t *out)
{
    char program[] = "logtally-coordinator";
    char option[] = "--config";
    char *file = xstrdup(config);
    char *argv[] = {program, option, file, NULL};
    buf_t why = {0};
    errcode_t rc = coordinator_options_parse(3, argv, out, &why);

    rc = rc == ERR_OK ? coordinator_options_check(out, &why) : rc;
    const read_fact_t fact = {.path = config, .rc = rc, .why = buf_span(&why)};
    doctor_check_config(self, program, &fact);
    buf_fini(&why);
    free(file);
    return rc == ERR_OK;
}

// ---- keys

static void
check_own_key(doctor_t *self, const char *keys)
{
    char *path = xasprintf("%s/coordinator_secret", keys);
    keypair_t own = {0};

    (void)doctor_load_secret(self, path, NULL, &own);
    keypair_fini(&own);
    free(path);
}

static void
advise_empty(doctor_t *self, const char *keys)
{
    finding_t *f = doctor_find(self, "allowlist-empty",
        "%s/allowed names nobody, so the coordinator does not start", keys);

    finding_command(f, NULL, "logtally keys new %s admin-2 --role admin", keys);
}

static allowlist_t *
load_allowed(doctor_t *self, const char *keys)
{
    allowlist_t *allowed = NULL;
    buf_t why = {0};
    errcode_t rc = allowlist_load(keys, &allowed, &why);

    if (rc == ERR_NOT_FOUND) {
        advise_empty(self, keys);
    } else if (rc == ERR_DENIED) {
        doctor_find_said(self, "key-unsafe", buf_span(&why), "");
    } else if (rc != ERR_OK) {
        doctor_find_said(self, "allowlist-broken", buf_span(&why),
            "mend that file, or take it out of the folder: until then the old "
            "list stays in force, and a coordinator does not start");
    }
    buf_fini(&why);
    for (size_t i = 0; allowed != NULL && i < allowlist_count(allowed); i++) {
        doctor_check_expiry(self, allowlist_at(allowed, i), time(NULL), keys);
    }
    return allowed;
}

// ---- the state folder

static int
try_to_write(const char *path)
{
    uint8_t page[4096] = {0};
    int fd = open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd == -1) {
        return errno == EOPNOTSUPP || errno == EISDIR
                   ? (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0 ? 0
                                                                       : errno)
                   : errno;
    }
    ssize_t n = write(fd, page, sizeof page);
    int error = n == -1 ? errno : n < (ssize_t)sizeof page ? ENOSPC : 0;
    if (error == 0 && fsync(fd) != 0) {
        error = errno;
    }
    close(fd);
    return error;
}

// The daemon holds it (flock) for as long as it runs.
static bool
is_locked(const char *folder)
{
    char *path = xasprintf("%s/lock", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool locked =
        fd != -1 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    if (fd != -1) {
        close(fd); // and with it the lock, if it was free
    }
    free(path);
    return locked;
}

// The daemon takes a file that is missing for a number of zero.
static bool
holds_number(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    char text[NUMBER_MAX + 2] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    bool good = fd == -1;

    if (fd != -1) {
        ssize_t n = read(fd, text, sizeof text);
        size_t digits = strspn(text, "0123456789");
        good = n > 0 && n < (ssize_t)sizeof text && digits > 0 &&
               (text[digits] == '\0' || text[digits] == '\n');
        close(fd);
    }
    free(path);
    return good;
}

static bool
check_state(doctor_t *self, const char *path, const char *start)
{
    struct statvfs disk;
    struct stat st;
    const struct passwd *user = getpwuid(geteuid());
    state_facts_t facts = {.path = path,
        .owned = stat(path, &st) == 0 && st.st_uid == geteuid(),
        .user = user != NULL ? user->pw_name : "logtally",
        .error = try_to_write(path),
        .running = is_locked(path),
        .room = UINT64_MAX,
        .broken = !holds_number(path, "epoch")      ? "epoch"
                  : !holds_number(path, "next_job") ? "next_job"
                                                    : NULL};

    if (statvfs(path, &disk) == 0) {
        facts.room = (uint64_t)disk.f_bavail * disk.f_frsize;
    }
    doctor_check_state(self, &facts, start);
    return facts.running;
}

// ---- ports and the running daemon

static void
check_ports(doctor_t *self, const coordinator_options_t *o)
{
    const port_fact_t ports[] = {
        {"control-port", o->listen, (uint16_t)o->control_port,
            doctor_try_port(o->listen, (uint16_t)o->control_port)},
        {"sink-port", o->listen, (uint16_t)o->sink_port,
            doctor_try_port(o->listen, (uint16_t)o->sink_port)},
    };

    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        doctor_check_port(self, &ports[i]);
    }
}

// "control_port=7700", as the running daemon wrote it.
static unsigned
control_port(const coordinator_options_t *o)
{
    char *path = xasprintf("%s/ports", o->state);
    FILE *file = fopen(path, "re");
    unsigned port = 0;

    if (file == NULL || fscanf(file, "control_port=%5u", &port) != 1) {
        port = (unsigned)o->control_port;
    }
    if (file != NULL) {
        fclose(file);
    }
    free(path);
    return port;
}

static char *
own_address(const coordinator_options_t *o)
{
    bool all = strcmp(o->listen, "*") == 0;
    bool v6 = strchr(o->listen, ':') != NULL && o->listen[0] != '[';

    return xasprintf("tcp://%s%s%s:%u", v6 ? "[" : "",
        all ? "127.0.0.1" : o->listen, v6 ? "]" : "", control_port(o));
}

static void
ask_as_admin(doctor_t *self, const doctor_options_t *options,
    const coordinator_options_t *o, const allowlist_t *allowed)
{
    char *folder = options->common.keys != NULL
                       ? xstrdup(options->common.keys)
                       : xasprintf("%s/issued/admin", o->keys);
    char *address = own_address(o);
    const passphrase_source_t source =
        passphrase_source(options->common.passphrase_file);
    credentials_t keys = {0};
    identity_t own;
    view_t view = {0};
    const doctor_peer_t peer = {
        .address = address, .folder = folder, .keys = &keys};

    if (access(folder, F_OK) != 0) {
        doctor_skip(self,
            "what the coordinator says of its workers: there is no %s; give "
            "--keys with the folder of an admin",
            folder);
    } else if (doctor_load_keys(self, folder, &source, &keys, &own) &&
               doctor_ask(self, &peer, &view)) {
        doctor_check_workers(self, &view);
        if (allowed != NULL) {
            doctor_check_keys_used(self, &view, allowed);
        }
    }
    view_fini(&view);
    credentials_fini(&keys);
    free(address);
    free(folder);
}

static void
look(doctor_t *self, const doctor_options_t *options,
    const coordinator_options_t *o, const char *config)
{
    bool installed = strcmp(config, COORDINATOR_CONFIG) == 0;
    char *start = installed
                      ? xstrdup("systemctl start logtally-coordinator")
                      : xasprintf("logtally-coordinator --config %s", config);

    doctor_be_owner(o->keys);
    check_own_key(self, o->keys);
    allowlist_t *allowed = load_allowed(self, o->keys);
    if (check_state(self, o->state, start)) {
        ask_as_admin(self, options, o, allowed);
    } else {
        check_ports(self, o);
    }
    doctor_be_myself();
    allowlist_destroy(&allowed);
    free(start);
}

void
doctor_coordinator(doctor_t *self, const doctor_options_t *options)
{
    const char *config =
        options->config != NULL ? options->config : COORDINATOR_CONFIG;
    coordinator_options_t o;

    self->place = "coordinator";
    if (read_settings(self, config, &o)) {
        look(self, options, &o, config);
    }
    coordinator_options_fini(&o);
}
