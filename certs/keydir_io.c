// SPDX-License-Identifier: Apache-2.0
#include "certs/keydir_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_FOLDER 0700
#define MODE_DRAFT  0600

rel_t
rel(const char *fmt, ...)
{
    rel_t out;
    va_list args;

    va_start(args, fmt);
    vsnprintf(out.text, sizeof out.text, fmt, args);
    va_end(args);
    return out;
}

errcode_t
keydir_failed(keydir_t *self, const char *what, const char *path)
{
    int error = errno;

    buf_printf(self->why, "cannot %s %s/%s: %s", what, self->dir, path,
        strerror(error));
    return error == EACCES || error == EPERM ? ERR_DENIED : ERR_IO;
}

bool
keydir_has(const keydir_t *self, const char *path)
{
    struct stat st;

    return fstatat(self->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static errcode_t
sync_folder(keydir_t *self, const char *path)
{
    int fd = openat(self->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    errcode_t rc = fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_IO;

    if (rc != ERR_OK) {
        rc = keydir_failed(self, "write to disk", path);
    }
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

errcode_t
keydir_mkdir(keydir_t *self, const char *path)
{
    if (mkdirat(self->fd, path, MODE_FOLDER) != 0 && errno != EEXIST) {
        return keydir_failed(self, "make", path);
    }
    return ERR_OK;
}

static bool
write_all(int fd, span_t text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.p, text.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        text.p += n;
        text.len -= (size_t)n;
    }
    return true;
}

// The mode is set on the descriptor: it must not hang on the umask.
static errcode_t
write_file(keydir_t *self, const char *path, mode_t mode, span_t text)
{
    int fd = openat(self->fd, path,
        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE_DRAFT);

    if (fd < 0) {
        return keydir_failed(self, "make", path);
    }
    bool good = fchmod(fd, mode) == 0 && write_all(fd, text) && fsync(fd) == 0;
    errcode_t rc = good ? ERR_OK : keydir_failed(self, "write", path);
    if (close(fd) != 0 && rc == ERR_OK) {
        rc = keydir_failed(self, "write", path);
    }
    return rc;
}

static rel_t
draft_of(const char *folder, const char *name)
{
    return rel("%s/.%s.new", folder, name);
}

errcode_t
keydir_put(keydir_t *self, const char *folder, const char *name, mode_t mode,
    span_t text)
{
    rel_t draft = draft_of(folder, name);
    rel_t path = rel("%s/%s", folder, name);

    (void)unlinkat(self->fd, draft.text, 0);
    errcode_t rc = write_file(self, draft.text, mode, text);
    if (rc == ERR_OK &&
        renameat(self->fd, draft.text, self->fd, path.text) != 0) {
        rc = keydir_failed(self, "make", path.text);
    }
    if (rc != ERR_OK) {
        (void)unlinkat(self->fd, draft.text, 0);
        return rc;
    }
    return sync_folder(self, folder);
}

void
keydir_close(keydir_t *self)
{
    if (self->fd >= 0) {
        close(self->fd);
        self->fd = -1;
    }
}

errcode_t
keydir_open(keydir_t *self, const char *dir, buf_t *why)
{
    *self = (keydir_t){.dir = dir, .fd = -1, .why = why};
    self->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->fd < 0) {
        int error = errno;
        buf_printf(why, "cannot open %s: %s%s%s", dir, strerror(error),
            error == ENOENT ? "; make it with: logtally keys init " : "",
            error == ENOENT ? dir : "");
        return error == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    // Some file systems have no locks; readers see whole files all the same.
    while (flock(self->fd, LOCK_EX) != 0 && errno == EINTR) {
    }
    return ERR_OK;
}

errcode_t
keydir_move(keydir_t *self, const char *from_folder, const char *from,
    const char *to_folder, const char *to)
{
    rel_t old = rel("%s/%s", from_folder, from);
    rel_t new = rel("%s/%s", to_folder, to);

    if (renameat(self->fd, old.text, self->fd, new.text) != 0) {
        return keydir_failed(self, "move", old.text);
    }
    errcode_t rc = sync_folder(self, to_folder);
    return rc == ERR_OK ? sync_folder(self, from_folder) : rc;
}

errcode_t
keydir_unlink(keydir_t *self, const char *folder, const char *name)
{
    rel_t path = rel("%s/%s", folder, name);

    if (unlinkat(self->fd, path.text, 0) != 0) {
        return errno == ENOENT ? ERR_OK
                               : keydir_failed(self, "remove", path.text);
    }
    return sync_folder(self, folder);
}

errcode_t
keydir_link(keydir_t *self, const char *from, const char *to)
{
    if (unlinkat(self->fd, to, 0) != 0 && errno != ENOENT) {
        return keydir_failed(self, "remove", to);
    }
    return linkat(self->fd, from, self->fd, to, 0) == 0
               ? sync_folder(self, ".")
               : keydir_failed(self, "make", to);
}

errcode_t
keydir_exchange(keydir_t *self, const char *from, const char *to)
{
    return renameat2(self->fd, from, self->fd, to, RENAME_EXCHANGE) == 0
               ? ERR_OK
               : keydir_failed(self, "exchange", to);
}

static int
is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

errcode_t
keydir_each(keydir_t *self, const char *folder, keydir_each_t *each, void *ctx)
{
    struct dirent **entries = NULL;
    int n = scandirat(self->fd, folder, &entries, is_shown, alphasort);
    errcode_t rc = ERR_OK;

    if (n < 0) {
        return errno == ENOENT ? ERR_OK : keydir_failed(self, "read", folder);
    }
    for (int i = 0; i < n; i++) {
        if (rc == ERR_OK && key_name_is_valid(span_str(entries[i]->d_name))) {
            rc = each(self, entries[i]->d_name, ctx);
        }
        free(entries[i]);
    }
    free(entries);
    return rc;
}

void
keydir_remove(
    keydir_t *self, const char *path, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rel_t file = rel("%s/%s", path, names[i]);
        rel_t draft = draft_of(path, names[i]);
        (void)unlinkat(self->fd, file.text, 0);
        (void)unlinkat(self->fd, draft.text, 0);
    }
    (void)unlinkat(self->fd, path, AT_REMOVEDIR);
}

static bool
is_empty(const keydir_t *self)
{
    int fd = openat(self->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry = NULL;

    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    do {
        entry = readdir(dir);
    } while (entry != NULL && (strcmp(entry->d_name, ".") == 0 ||
                                  strcmp(entry->d_name, "..") == 0));
    closedir(dir);
    return entry == NULL;
}

// An empty folder that somebody made for us is closed to others; one with
// other things in it may be shared, so that is his to decide.
errcode_t
keydir_make_private(keydir_t *self)
{
    struct stat st;

    if (fstat(self->fd, &st) != 0) {
        return keydir_failed(self, "look at", ".");
    }
    if (st.st_uid != geteuid()) {
        buf_printf(self->why,
            "%s belongs to user %u; run this as the user who runs the "
            "coordinator, in a folder of his own",
            self->dir, (unsigned)st.st_uid);
        return ERR_DENIED;
    }
    if ((st.st_mode & 077) == 0) {
        return ERR_OK;
    }
    if (!is_empty(self)) {
        buf_printf(self->why,
            "%s is open to others; give a new folder, or mend with: "
            "chmod 700 %s",
            self->dir, self->dir);
        return ERR_DENIED;
    }
    return fchmod(self->fd, MODE_FOLDER) == 0
               ? ERR_OK
               : keydir_failed(self, "change mode of", ".");
}
