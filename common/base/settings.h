// SPDX-License-Identifier: Apache-2.0
// settings: one table row per setting; the row parses the command line and
// the configuration file, checks, fills, prints --help and --print-config.
//
// A configuration file has lines `name = value`; # begins a comment; a list
// is a line repeated. The command line wins over the file. An unknown name
// or a bad value is ERR_CONFIG with "FILE:LINE: ..." or "--name: ...".
#ifndef LOGTALLY_COMMON_BASE_SETTINGS_H
#define LOGTALLY_COMMON_BASE_SETTINGS_H

#include "common/base/bytes.h"

typedef enum {
    SETTING_TEXT,     // char *, owned by the settings
    SETTING_LIST,     // settings_list_t
    SETTING_FLAG,     // bool; in a file: yes or no
    SETTING_NUMBER,   // int64_t
    SETTING_SIZE,     // int64_t bytes: 10MB, 1GiB
    SETTING_DURATION, // int64_t ms: 500ms, 10s, 5m, 2h
} setting_kind_t;

typedef struct settings_list {
    char **items;
    size_t n;
} settings_list_t;

typedef struct setting {
    const char *name; // "control-port": --control-port, control-port = ...
    char letter;      // short form, or 0
    setting_kind_t kind;
    size_t offset;        // of the value in the struct that is filled
    const char *fallback; // default as text, or NULL
    int64_t min, max;     // numbers, sizes, durations
    const char *value;    // placeholder for help: "PORT"
    const char *help;
    bool command_line_only;
} setting_t;

// Fills *into (zeroed by the caller) from defaults, then from the file named
// by --config (a SETTING_TEXT row of that name) or default_file when it
// exists, then from argv. Operands are left in *operands in order ("--" ends
// options; "-" is an operand). *why: one line.
MUST_CHECK errcode_t settings_parse(const setting_t *table, size_t n, int argc,
    char **argv, const char *default_file, void *into,
    settings_list_t *operands, buf_t *why);
void settings_free(const setting_t *table, size_t n, void *into);
void settings_list_free(settings_list_t *list);
void settings_help(const setting_t *table, size_t n, buf_t *out);
void settings_print(
    const setting_t *table, size_t n, const void *values, buf_t *out);

#endif
