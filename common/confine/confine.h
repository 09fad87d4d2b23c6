// SPDX-License-Identifier: Apache-2.0
// confine: the fences of a daemon around itself, beside those that systemd
// puts up: files by Landlock, system calls by seccomp, capabilities, no new
// privileges. Early, while there is one thread; there is no way back, and
// what the daemon starts is inside as well. docs/architecture.md, "The fences
// around the daemons".
#ifndef LOGTALLY_COMMON_CONFINE_CONFINE_H
#define LOGTALLY_COMMON_CONFINE_CONFINE_H

#include "common/base/bytes.h"
#include "common/confine/landlock.h"
#include "common/confine/rights.h"

#include <stddef.h>

#define CONFINE_TEXT  256u
#define CONFINE_PORTS 8u

// A file or folder, beside those that every program reads (libraries, /etc,
// the resolver). One that is not there, or NULL, is left out.
typedef struct confine_path {
    const char *path;
    unsigned access; // LANDLOCK_READ, ...
} confine_path_t;

typedef struct confine_options {
    const confine_path_t *paths;
    size_t n_paths;
    const uint16_t *ports; // that may be bound; one of them 0: any may
    size_t n_ports;
    bool programs; // starts some
    uint64_t rights;
} confine_options_t;

typedef enum { CONFINE_NONE, CONFINE_WEAK, CONFINE_FULL } confine_level_t;
typedef struct confine_report {
    confine_level_t level;
    int landlock;
    bool bind;               // ports are ruled
    char text[CONFINE_TEXT]; // what is missing; "" with CONFINE_FULL
} confine_report_t;

void confine_enter(const confine_options_t *options, confine_report_t *out);
const char *confine_name(confine_level_t level); // "full"

// The setting `confine`: yes (as far as the kernel can), must (or not start),
// no.
#define CONFINE_HELP                                                           \
    "yes: give up what the daemon does not need, as far as the kernel can; "   \
    "must: do not start without all of it; no: do not"
bool confine_is_setting(const char *text);
// confine_enter as the setting says, told in the log. ERR_UNSUPPORTED with
// *why: something is missing, and must not be.
MUST_CHECK errcode_t confine_as_set(const char *setting,
    const confine_options_t *options, confine_report_t *out, buf_t *why);

#endif
