// SPDX-License-Identifier: Apache-2.0
#include "certs/keypath.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static errcode_t
check_one(const char *folder, buf_t *why)
{
    struct stat st;

    if (lstat(folder, &st) != 0) {
        buf_printf(why, "cannot look at %s: %s", folder, strerror(errno));
        return ERR_IO;
    }
    if (st.st_uid != 0 && st.st_uid != geteuid()) {
        buf_printf(why,
            "%s belongs to user %u, who could exchange the keys below it; "
            "keep them elsewhere",
            folder, (unsigned)st.st_uid);
        return ERR_DENIED;
    }
    if ((st.st_mode & 022) != 0 && (st.st_mode & S_ISVTX) == 0) {
        buf_printf(why,
            "others may write in %s and exchange the keys below it; mend "
            "with: chmod go-w %s",
            folder, folder);
        return ERR_DENIED;
    }
    return ERR_OK;
}

errcode_t
keypath_check(const char *folder, buf_t *why)
{
    char path[PATH_MAX];

    if (realpath(folder, path) == NULL) {
        buf_printf(why, "cannot open %s: %s", folder, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    for (;;) {
        errcode_t rc = check_one(path, why);
        if (rc != ERR_OK || strcmp(path, "/") == 0) {
            return rc;
        }
        char *slash = strrchr(path, '/');
        slash[slash == path ? 1 : 0] = '\0';
    }
}

const char *
keypath_credentials(void)
{
    const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");

    return folder != NULL && folder[0] == '/' ? folder : NULL;
}

bool
keypath_is_credential(const char *path)
{
    const char *folder = keypath_credentials();
    size_t len = folder != NULL ? strlen(folder) : 0;

    return folder != NULL && strncmp(path, folder, len) == 0 &&
           path[len] == '/' && strchr(path + len + 1, '/') == NULL;
}
