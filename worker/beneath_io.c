// SPDX-License-Identifier: Apache-2.0
// openat2 does it in one call. Where there is none (before Linux 5.6, and in
// units with RestrictSUIDSGID, since a filter cannot look into its argument)
// the path is walked: each step opens one name in a folder that is open
// already and follows no link, so that an exchange of names cannot lead
// outside either.
#include "worker/beneath_io.h"

#include "common/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// One folder deeper, as openat2 has it: a link is told from a file.
static int
step(int dir, const char *name)
{
    struct stat st;
    int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1 && errno == ENOTDIR) {
        bool link = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISLNK(st.st_mode);
        errno = link ? ELOOP : ENOTDIR;
    }
    return fd;
}

// Closes `from`, unless that is the folder that was given.
static int
move_to(int dir, int from, int to)
{
    int error = errno;

    if (from != dir) {
        close(from);
    }
    errno = error;
    return to;
}

// The next name of the path, which it leaves behind; false: EXDEV for "..",
// ENAMETOOLONG.
static bool
next_name(const char **path, char name[LIMIT_PATH])
{
    size_t len = strcspn(*path, "/");

    if (len >= LIMIT_PATH) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(name, *path, len);
    name[len] = '\0';
    *path += len;
    *path += strspn(*path, "/");
    errno = EXDEV;
    return strcmp(name, "..") != 0;
}

static int
walk(int dir, const char *path, int flags)
{
    char name[LIMIT_PATH];
    int at = dir;

    while (at != -1) {
        if (!next_name(&path, name)) {
            return move_to(dir, at, -1);
        }
        if (*path == '\0') {
            return move_to(dir, at, openat(at, name, flags));
        }
        at = move_to(dir, at, step(at, name));
    }
    return -1;
}

int
beneath_open(int dir, const char *path, int flags)
{
    flags |= O_CLOEXEC | O_NOFOLLOW;
    struct open_how how = {.flags = (uint64_t)flags,
        .resolve =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);

    if (fd != -1 || errno != ENOSYS) {
        return fd;
    }
    if (path[0] == '/') {
        errno = EXDEV;
        return -1;
    }
    size_t len = strlen(path);
    if (len > 0 && path[len - 1] == '/') {
        flags |= O_DIRECTORY;
    }
    return walk(dir, path, flags);
}
