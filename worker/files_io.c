// SPDX-License-Identifier: Apache-2.0
#include "worker/files_io.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "worker/source/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EDGE 4096u

typedef struct root {
    char *path; // without a slash at its end
    int fd;
} root_t;

struct files {
    root_t *roots; // NULL: no bounds
    size_t n;
};

typedef struct names {
    char **items;
    size_t n, cap;
} names_t;

errcode_t
files_open(const char *const *roots, size_t n, files_t **out, buf_t *why)
{
    files_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    if (roots != NULL) {
        self->roots = xcalloc(n + 1, sizeof *self->roots);
    }
    for (size_t i = 0; roots != NULL && i < n; i++) {
        size_t len = strlen(roots[i]);
        int fd = roots[i][0] == '/'
                     ? open(roots[i], O_PATH | O_DIRECTORY | O_CLOEXEC)
                     : -1;
        if (fd == -1) {
            buf_printf(why, "root %s: %s", roots[i],
                roots[i][0] == '/' ? strerror(errno)
                                   : "must be an absolute path");
            files_destroy(&self);
            return ERR_NOT_FOUND;
        }
        while (len > 0 && roots[i][len - 1] == '/') {
            len--;
        }
        self->roots[self->n].path = xstrndup(roots[i], len);
        self->roots[self->n++].fd = fd;
    }
    *out = self;
    return ERR_OK;
}

void
files_destroy(files_t **self_p)
{
    files_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    for (size_t i = 0; i < self->n; i++) {
        close(self->roots[i].fd);
        free(self->roots[i].path);
    }
    free(self->roots);
    free(self);
    *self_p = NULL;
}

static errcode_t
of_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case ELOOP:
    case EXDEV:
        return ERR_DENIED;
    default:
        return ERR_IO;
    }
}

static int
open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
        .resolve =
            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

// The root a path lies in, and the rest of the path below it.
static const root_t *
root_of(const files_t *self, const char *path, const char **rest)
{
    for (size_t i = 0; i < self->n; i++) {
        size_t len = strlen(self->roots[i].path);
        if (strncmp(path, self->roots[i].path, len) == 0 && path[len] == '/') {
            *rest = path + len + strspn(path + len, "/");
            return **rest == '\0' ? NULL : &self->roots[i];
        }
    }
    return NULL;
}

static errcode_t
open_file(const files_t *self, const char *path, int *fd, struct stat *st)
{
    const char *rest = path;

    if (self->roots == NULL) {
        *fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    } else {
        const root_t *root = root_of(self, path, &rest);
        if (root == NULL) {
            return ERR_DENIED;
        }
        *fd = open_beneath(root->fd, rest, O_RDONLY | O_NONBLOCK);
    }
    if (*fd == -1) {
        return of_errno();
    }
    if (fstat(*fd, st) == 0 && S_ISREG(st->st_mode)) {
        return ERR_OK;
    }
    close(*fd);
    *fd = -1;
    return ERR_DENIED;
}

static errcode_t
read_edge(int fd, uint64_t at, size_t len, uint8_t *to)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)(at + done));
        if (n == -1 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n == 0 ? ERR_CHANGED : ERR_IO;
        }
        done += (size_t)n;
    }
    return ERR_OK;
}

static errcode_t
hash_edges(int fd, uint64_t size, uint8_t hash[16], uint8_t head[EDGE])
{
    uint8_t tail[EDGE];
    size_t len = size < EDGE ? (size_t)size : EDGE;
    crypto_generichash_state state;
    errcode_t rc = read_edge(fd, 0, len, head);

    if (rc == ERR_OK) {
        rc = read_edge(fd, size - len, len, tail);
    }
    if (rc == ERR_OK) {
        crypto_generichash_init(&state, NULL, 0, 16);
        crypto_generichash_update(&state, head, len);
        crypto_generichash_update(&state, tail, len);
        crypto_generichash_final(&state, hash, 16);
    }
    return rc;
}

static int64_t
mtime_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

// Growth is fine: the hash is of the planned size, so it covers what is read.
errcode_t
files_check(int fd, const shard_range_t *range)
{
    struct stat st;
    uint8_t hash[16], head[EDGE];
    errcode_t rc;

    if (range->stream) {
        return ERR_OK;
    }
    if (fstat(fd, &st) == -1) {
        return ERR_IO;
    }
    if (st.st_ino != range->inode || (uint64_t)st.st_size < range->size ||
        (!range->shared && st.st_dev != range->device) ||
        ((uint64_t)st.st_size == range->size &&
            mtime_of(&st) != range->mtime_ns)) {
        return ERR_CHANGED;
    }
    if ((rc = hash_edges(fd, range->size, hash, head)) != ERR_OK) {
        return rc;
    }
    return memcmp(hash, range->hash, sizeof hash) == 0 ? ERR_OK : ERR_CHANGED;
}

errcode_t
files_open_range(const files_t *self, const shard_range_t *range, int *fd)
{
    struct stat st;
    errcode_t rc = open_file(self, range->path, fd, &st);

    if (rc == ERR_OK && (rc = files_check(*fd, range)) != ERR_OK) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

static void
names_add(names_t *names, const char *dir, const char *name)
{
    names->items =
        xgrow(names->items, &names->cap, names->n + 1, sizeof *names->items);
    names->items[names->n++] = xasprintf("%s/%s", dir, name);
}

static errcode_t
match(int dir, const char *prefix, const char *rest, names_t *found)
{
    const char *slash = strchrnul(rest, '/');
    char *part = xstrndup(rest, (size_t)(slash - rest));
    const char *below = slash + strspn(slash, "/");
    int fd = open_beneath(dir, ".", O_RDONLY | O_DIRECTORY);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    errcode_t rc = ERR_OK;

    for (struct dirent *e; d != NULL && rc == ERR_OK && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fnmatch(part, e->d_name, FNM_PERIOD) != 0) {
            continue;
        }
        if (*below == '\0') {
            names_add(found, prefix, e->d_name);
            rc = found->n > LIMIT_JOB_FILES ? ERR_TOO_LARGE : ERR_OK;
            continue;
        }
        int sub = open_beneath(fd, e->d_name, O_PATH | O_DIRECTORY);
        if (sub != -1) {
            char *path = xasprintf("%s/%s", prefix, e->d_name);
            rc = match(sub, path, below, found);
            free(path);
            close(sub);
        }
    }
    if (d != NULL) {
        closedir(d);
    } else if (fd != -1) {
        close(fd);
    }
    free(part);
    return rc;
}

static errcode_t
collect(const files_t *self, const char *pattern, names_t *found)
{
    const char *rest;
    glob_t g = {0};

    if (self->roots != NULL) {
        const root_t *root = root_of(self, pattern, &rest);
        return root == NULL ? ERR_DENIED
                            : match(root->fd, root->path, rest, found);
    }
    if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0) {
        for (size_t i = 0; i < g.gl_pathc && i < LIMIT_JOB_FILES; i++) {
            found->items =
                xgrow(found->items, &found->cap, found->n + 1, sizeof(char *));
            found->items[found->n++] = xstrdup(g.gl_pathv[i]);
        }
    }
    globfree(&g);
    return ERR_OK;
}

static errcode_t
report(const files_t *self, const char *path, bool shared, files_found_fn found,
    void *ctx)
{
    struct stat st;
    uint8_t head[EDGE];
    listed_file_t file = {.path = path};
    int fd;
    errcode_t rc = open_file(self, path, &fd, &st);

    if (rc != ERR_OK) {
        return rc;
    }
    file.device = shared ? 0 : st.st_dev;
    file.inode = st.st_ino;
    file.size = (uint64_t)st.st_size;
    file.mtime_ns = mtime_of(&st);
    rc = hash_edges(fd, file.size, file.hash, head);
    close(fd);
    if (rc == ERR_OK) {
        size_t len = file.size < EDGE ? (size_t)file.size : EDGE;
        file.compression = (uint8_t)source_kind((span_t){head, len});
        found(ctx, &file);
    }
    return rc;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

errcode_t
files_list(const files_t *self, const char *pattern, bool shared,
    files_found_fn found, void *ctx, buf_t *why)
{
    names_t names = {0};
    size_t n = 0;
    errcode_t rc = report(self, pattern, shared, found, ctx);

    if (rc == ERR_OK) {
        return ERR_OK; // exists as written
    }
    if (strpbrk(pattern, "*?[") != NULL &&
        (rc = collect(self, pattern, &names)) == ERR_OK) {
        if (names.items != NULL) {
            qsort(names.items, names.n, sizeof(char *), by_bytes);
        }
        for (size_t i = 0; i < names.n; i++) {
            n += report(self, names.items[i], shared, found, ctx) == ERR_OK;
        }
        rc = n > 0 ? ERR_OK : ERR_NOT_FOUND;
    }
    for (size_t i = 0; i < names.n; i++) {
        free(names.items[i]);
    }
    free(names.items);
    if (rc == ERR_NOT_FOUND) {
        buf_printf(why, "no file matches %s", pattern);
    } else if (rc == ERR_DENIED) {
        buf_printf(why,
            "%s may not be read: it is no regular file, or outside the roots",
            pattern);
    } else if (rc != ERR_OK) {
        buf_printf(why, "%s: %s", pattern, err_text(rc));
    }
    return rc;
}
