// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/client_settings.h"

#include "certs/keypath.h"
#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/logtally/client.conf"

typedef struct file_settings {
    char *coordinator;
    char *keys;
    char *passphrase_file;
    settings_list_t formats;
} file_settings_t;

static const setting_t rows[] = {
    {.name = "coordinator",
        .kind = SETTING_TEXT,
        .offset = offsetof(file_settings_t, coordinator),
        .value = "ADDR",
        .help = "tcp://HOST:7700"},
    {.name = "keys",
        .kind = SETTING_TEXT,
        .offset = offsetof(file_settings_t, keys),
        .value = "FOLDER",
        .help = "folder with this client's keys"},
    {.name = "passphrase-file",
        .kind = SETTING_TEXT,
        .offset = offsetof(file_settings_t, passphrase_file),
        .value = "FILE",
        .help = "its first line unseals the key"},
    {.name = "format",
        .kind = SETTING_LIST,
        .offset = offsetof(file_settings_t, formats),
        .value = "NAME TEXT",
        .help = "a format for -f NAME"},
};
#define N_ROWS (sizeof rows / sizeof *rows)

static void
take(char **into, const char *value)
{
    if (*into == NULL && value != NULL && value[0] != '\0') {
        *into = xstrdup(value);
    }
}

static char *
user_file(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config != NULL && config[0] == '/') {
        return xasprintf("%s/logtally/client.conf", config);
    }
    return home != NULL && home[0] == '/'
               ? xasprintf("%s/.config/logtally/client.conf", home)
               : xstrdup("");
}

// The first file there is, into a zeroed *found.
static errcode_t
read_file(file_settings_t *found, buf_t *why)
{
    static char program[] = "logtally";
    char *argv[] = {program, NULL};
    settings_list_t none = {0};
    char *own = user_file();
    const char *path =
        own[0] != '\0' && access(own, F_OK) == 0 ? own : SYSTEM_FILE;
    errcode_t rc = ERR_OK;

    if (access(path, F_OK) == 0) {
        rc = settings_parse(rows, N_ROWS, 1, argv, path, found, &none, why);
    }
    settings_list_free(&none);
    free(own);
    return rc;
}

static errcode_t
read_files(common_options_t *common, buf_t *why)
{
    file_settings_t found = {0};
    errcode_t rc = read_file(&found, why);

    if (rc == ERR_OK) {
        take(&common->coordinator, found.coordinator);
        // Another key has another passphrase.
        if (common->keys == NULL) {
            take(&common->passphrase_file, found.passphrase_file);
        }
        take(&common->keys, found.keys);
    }
    settings_free(rows, N_ROWS, &found);
    return rc;
}

// The text behind a name and spaces; NULL: another name.
static const char *
behind_name(const char *item, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(item, name, len) != 0 || item[len] != ' ') {
        return NULL;
    }
    return item + len + strspn(item + len, " \t");
}

errcode_t
client_settings_format(const char *name, char **out, buf_t *why)
{
    file_settings_t found = {0};
    errcode_t rc = read_file(&found, why);

    *out = NULL;
    for (size_t i = 0; rc == ERR_OK && i < found.formats.n; i++) {
        const char *text = behind_name(found.formats.items[i], name);
        if (text != NULL && *out == NULL) {
            *out = xstrdup(text);
        }
    }
    settings_free(rows, N_ROWS, &found);
    return rc;
}

errcode_t
client_settings_look(common_options_t *common, buf_t *why)
{
    take(&common->coordinator, getenv("LOGTALLY_COORDINATOR"));
    take(&common->keys, getenv("LOGTALLY_KEYS"));
    take(&common->keys, keypath_credentials());
    take(&common->passphrase_file, getenv("LOGTALLY_PASSPHRASE_FILE"));
    return common->coordinator == NULL || common->keys == NULL
               ? read_files(common, why)
               : ERR_OK;
}

errcode_t
client_settings_find(common_options_t *common, buf_t *why)
{
    errcode_t rc = client_settings_look(common, why);

    if (rc != ERR_OK) {
        return rc;
    }
    if (common->coordinator == NULL) {
        buf_put_str(why,
            "which coordinator? Give --coordinator tcp://HOST:7700, set "
            "LOGTALLY_COORDINATOR, or write `coordinator = tcp://HOST:7700` "
            "into ~/.config/logtally/client.conf. To count files of this "
            "machine use `logtally run`.");
        return ERR_CONFIG;
    }
    if (common->keys == NULL) {
        buf_put_str(why,
            "which key? Give --keys FOLDER, set LOGTALLY_KEYS, or write "
            "`keys = FOLDER` into ~/.config/logtally/client.conf. `logtally "
            "keys new` on the coordinator's machine makes such a folder.");
        return ERR_CONFIG;
    }
    return ERR_OK;
}
