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

static errcode_t
read_file(const char *path, common_options_t *common, buf_t *why)
{
    static char program[] = "logtally";
    char *argv[] = {program, NULL};
    file_settings_t found = {0};
    settings_list_t none = {0};

    errcode_t rc =
        settings_parse(rows, N_ROWS, 1, argv, path, &found, &none, why);
    if (rc == ERR_OK) {
        take(&common->coordinator, found.coordinator);
        take(&common->keys, found.keys);
    }
    settings_free(rows, N_ROWS, &found);
    settings_list_free(&none);
    return rc;
}

static errcode_t
read_files(common_options_t *common, buf_t *why)
{
    char *own = user_file();
    const char *path =
        own[0] != '\0' && access(own, F_OK) == 0 ? own : SYSTEM_FILE;
    errcode_t rc =
        access(path, F_OK) == 0 ? read_file(path, common, why) : ERR_OK;

    free(own);
    return rc;
}

errcode_t
client_settings_find(common_options_t *common, buf_t *why)
{
    take(&common->coordinator, getenv("LOGTALLY_COORDINATOR"));
    take(&common->keys, getenv("LOGTALLY_KEYS"));
    take(&common->keys, keypath_credentials());
    if (common->coordinator == NULL || common->keys == NULL) {
        errcode_t rc = read_files(common, why);
        if (rc != ERR_OK) {
            return rc;
        }
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
