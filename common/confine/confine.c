// SPDX-License-Identifier: Apache-2.0
// The order matters: capabilities while they may be given up, the filter
// last, since it may refuse what comes before.
#include "common/confine/confine.h"

#include "common/base/log.h"
#include "common/base/sanitized.h"
#include "common/base/xalloc.h"
#include "common/confine/calls.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

// What any program of this machine reads: libraries (the name service loads
// some late), settings of the resolver, processors. /proc is not among them.
static const confine_path_t common[] = {
    {"/usr", LANDLOCK_READ},
    {"/lib", LANDLOCK_READ},
    {"/lib64", LANDLOCK_READ},
    {"/etc", LANDLOCK_READ},
    {"/run/systemd/resolve", LANDLOCK_READ},
    {"/run/nscd", LANDLOCK_READ},
    {"/sys/devices/system/cpu", LANDLOCK_READ},
    {"/dev/urandom", LANDLOCK_READ},
    {"/dev/null", LANDLOCK_READ | LANDLOCK_WRITE},
};

const char *
confine_name(confine_level_t level)
{
    static const char *const names[] = {"none", "weak", "full"};

    return names[level];
}

static void
miss(confine_report_t *out, const char *what, const char *path)
{
    size_t len = strlen(out->text);

    out->level = CONFINE_WEAK;
    snprintf(out->text + len, sizeof out->text - len, "%s%s%s: %s",
        len > 0 ? "; " : "", what, path, strerror(errno));
}

static void
add_path(
    landlock_t *rules, const char *path, unsigned access, confine_report_t *out)
{
    if (path != NULL && path[0] != '\0' &&
        landlock_path(rules, path, access) == ERR_IO) {
        miss(out, "cannot leave open ", path);
    }
}

// /etc/resolv.conf may be a link to a file that is replaced whole, so it is
// its folder.
static void
add_resolver(landlock_t *rules, confine_report_t *out)
{
    char path[PATH_MAX];

    if (realpath("/etc/resolv.conf", path) == NULL) {
        return;
    }
    char *slash = strrchr(path, '/');
    if (slash != path && slash != NULL) {
        *slash = '\0';
        add_path(rules, path, LANDLOCK_READ, out);
    }
}

// What the loader was told to load before the daemon's own (tests do that)
// it is told for what the daemon starts as well.
static void
add_list(landlock_t *rules, const char *variable, confine_report_t *out)
{
    const char *list = getenv(variable);
    char *rest, *copy = xstrdup(list != NULL ? list : "");

    for (char *p = strtok_r(copy, ": ", &rest); p != NULL;
         p = strtok_r(NULL, ": ", &rest)) {
        if (p[0] == '/') {
            add_path(rules, p, LANDLOCK_READ, out);
        }
    }
    free(copy);
}

static void
add_paths(landlock_t *rules, const confine_options_t *o, confine_report_t *out)
{
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        add_path(rules, common[i].path, common[i].access, out);
    }
    for (size_t i = 0; i < o->n_paths; i++) {
        add_path(rules, o->paths[i].path, o->paths[i].access, out);
    }
    add_resolver(rules, out);
    add_list(rules, "LD_PRELOAD", out);
    add_list(rules, "LD_LIBRARY_PATH", out);
    if (BUILD_IS_SANITIZED) { // to report what it found
        add_path(rules, "/", LANDLOCK_READ, out);
    }
}

static bool
any_port(const confine_options_t *o)
{
    for (size_t i = 0; i < o->n_ports; i++) {
        if (o->ports[i] == 0) {
            return true;
        }
    }
    return false;
}

// A service manager may listen on a socket without a path, and be told there
// how it goes.
static landlock_wish_t
wish_of(const confine_options_t *o)
{
    const char *notify = getenv("NOTIFY_SOCKET");

    return (landlock_wish_t){.bind = !any_port(o),
        .sockets = notify == NULL || notify[0] != '@',
        .signals = true};
}

static void
fence_files(const confine_options_t *o, confine_report_t *out)
{
    const landlock_wish_t wish = wish_of(o);
    landlock_t rules;
    errcode_t rc = landlock_open(&wish, &rules);

    out->landlock = rules.abi;
    out->bind = rules.bind;
    if (rc == ERR_OK) {
        add_paths(&rules, o, out);
    }
    for (size_t i = 0; i < o->n_ports && rc == ERR_OK; i++) {
        rc = landlock_port(&rules, o->ports[i]);
    }
    if (rc == ERR_OK) {
        rc = landlock_enforce(&rules);
    }
    landlock_close(&rules);
    if (rc == ERR_UNSUPPORTED) {
        errno = ENOSYS;
        miss(out, "this kernel has no Landlock", "");
    } else if (rc != ERR_OK) {
        miss(out, "Landlock could not be put in force", "");
    }
}

void
confine_enter(const confine_options_t *o, confine_report_t *out)
{
    uint64_t kept;

    *out = (confine_report_t){.level = CONFINE_FULL};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        miss(out, "no_new_privs is not there", "");
        out->level = CONFINE_NONE;
        return;
    }
    if (rights_keep(o->rights, &kept) != ERR_OK) {
        miss(out, "capabilities are left", "");
    }
    fence_files(o, out);
    if (calls_refuse(o->programs) != ERR_OK) {
        miss(out, "the system call filter (seccomp) could not be loaded", "");
    }
    if (BUILD_IS_SANITIZED && out->level == CONFINE_FULL) {
        out->level = CONFINE_WEAK;
        snprintf(out->text, sizeof out->text,
            "a build with sanitizers, files can be read");
    }
}

bool
confine_is_setting(const char *text)
{
    return strcmp(text, "yes") == 0 || strcmp(text, "must") == 0 ||
           strcmp(text, "no") == 0;
}

errcode_t
confine_as_set(const char *setting, const confine_options_t *options,
    confine_report_t *out, buf_t *why)
{
    *out = (confine_report_t){.level = CONFINE_NONE};
    if (strcmp(setting, "no") == 0) {
        snprintf(out->text, sizeof out->text, "not wanted");
        log_event(LOG_WARN, "daemon-confined", "level", "none", "text",
            out->text, NULL);
        return ERR_OK;
    }
    confine_enter(options, out);
    bool enough = out->level == CONFINE_FULL || BUILD_IS_SANITIZED;
    log_event(enough ? LOG_INFO : LOG_WARN, "daemon-confined", "level",
        confine_name(out->level), "text", out->text, NULL);
    if (!enough && strcmp(setting, "must") == 0) {
        buf_printf(why,
            "it cannot be confined as `confine = must` wants it: %s",
            out->text);
        return ERR_UNSUPPORTED;
    }
    return ERR_OK;
}
