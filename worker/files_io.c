// SPDX-License-Identifier: Apache-2.0
#include "worker/files_io.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "worker/beneath_io.h"
#include "worker/source/frames.h"
#include "worker/source/members.h"
#include "worker/source/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUESS_LEAST (4u << 20) // with less of a file it is not worth it

typedef struct root {
    char *path; // without a slash at its end
    int fd;
} root_t;

struct files {
    root_t *roots; // NULL: no bounds
    size_t n;
};

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
        bool absolute = roots[i][0] == '/';
        int fd =
            absolute ? open(roots[i], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        if (fd == -1) {
            buf_printf(why, "root %s: %s", roots[i],
                absolute ? strerror(errno) : "must be an absolute path");
            files_destroy(&self);
            return absolute ? ERR_NOT_FOUND : ERR_CONFIG;
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

// Why a root cannot be listed, or NULL.
static const char *
root_trouble(const root_t *root)
{
    struct stat there, held;
    const char *path = root->path[0] != '\0' ? root->path : "/";
    int fd = openat(root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) {
        return strerror(errno);
    }
    bool same = fstat(fd, &held) == 0 && stat(path, &there) == 0;
    int error = errno;
    close(fd);
    if (!same) {
        return strerror(error);
    }
    return there.st_dev == held.st_dev && there.st_ino == held.st_ino
               ? NULL
               : "another folder is there since the worker started; restart it";
}

void
files_trouble(const files_t *self, buf_t *out)
{
    for (size_t i = 0; i < self->n; i++) {
        const root_t *root = &self->roots[i];
        const char *why = root_trouble(root);
        if (why != NULL) {
            buf_printf(out, "%sroot %s: %s", out->len > 0 ? "; " : "",
                root->path[0] != '\0' ? root->path : "/", why);
        }
    }
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

// Why a file cannot be read, for the code and for the sentence.
typedef struct reason {
    errcode_t rc;
    const char *text; // static or of strerror
    mode_t type;      // of what is there instead of a regular file, or 0
} reason_t;

static const reason_t a_link = {
    .rc = ERR_DENIED, .text = "symbolic links are not followed here"};

static reason_t
of_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return (reason_t){.rc = ERR_NOT_FOUND, .text = "no such file"};
    case ELOOP:
        return (reason_t){
            .rc = ERR_DENIED, .text = "symbolic links are not followed here"};
    case EXDEV:
        return (reason_t){.rc = ERR_DENIED, .text = "outside of the roots"};
    case EACCES:
    case EPERM:
        return (reason_t){.rc = ERR_DENIED, .text = "permission denied"};
    default:
        return (reason_t){.rc = ERR_IO, .text = strerror(errno)};
    }
}

static reason_t
open_file(const files_t *self, const char *path, int *fd)
{
    const char *rest = path;
    struct stat st;

    if (self->roots == NULL) {
        *fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    } else {
        const root_t *root = root_of(self, path, &rest);
        if (root == NULL) {
            return (reason_t){.rc = ERR_DENIED, .text = "outside of the roots"};
        }
        *fd = beneath_open(root->fd, rest, O_RDONLY | O_NONBLOCK);
    }
    if (*fd == -1) {
        return of_errno();
    }
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
        return (reason_t){.rc = ERR_OK};
    }
    close(*fd);
    *fd = -1;
    return (reason_t){.rc = ERR_DENIED,
        .text = "no regular file",
        .type = st.st_mode & S_IFMT};
}

errcode_t
files_open_range(const files_t *self, const shard_range_t *range, int *fd)
{
    file_id_t id = shard_range_id(range);
    errcode_t rc;

    *fd = -1;
    if (range->stream) {
        if (self->roots != NULL) {
            return ERR_DENIED;
        }
        *fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return *fd == -1 ? ERR_IO : ERR_OK;
    }
    rc = open_file(self, range->path, fd).rc;
    if (rc == ERR_OK && (rc = file_id_glance(*fd, &id)) != ERR_OK) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

// One listing: the names that match, and what could not be looked at.
typedef struct listing {
    const files_t *files;
    const files_asked_t *asked;
    files_found_fn found;
    void *ctx;
    char **names;
    size_t n, cap;
    size_t n_found;
    uint64_t guess_bytes; // that are left
    size_t n_failed;
    errcode_t rc; // of the first that failed
    buf_t first;  // "PATH: reason"
} listing_t;

static void
note_failed(listing_t *self, const char *path, const reason_t *reason)
{
    if (self->n_failed++ == 0) {
        self->rc = reason->rc;
        buf_printf(&self->first, "%s: %s", path, reason->text);
    }
}

static errcode_t
add_name(listing_t *self, char *path)
{
    self->names =
        xgrow(self->names, &self->cap, self->n + 1, sizeof *self->names);
    self->names[self->n++] = path;
    return self->n > LIMIT_JOB_FILES ? ERR_TOO_LARGE : ERR_OK;
}

// A folder that is a link hides files; a link to a file is no folder and
// does not matter half-way down a pattern.
static bool
is_folder_link(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static errcode_t match(
    listing_t *self, int dir, const char *prefix, const char *rest);

static errcode_t
descend(listing_t *self, int dir, const char *prefix, const char *name,
    const char *below)
{
    char *path = xasprintf("%s/%s", prefix, name);
    int sub = beneath_open(dir, name, O_PATH | O_DIRECTORY);
    errcode_t rc = ERR_OK;

    if (sub != -1) {
        rc = match(self, sub, path, below);
        close(sub);
    } else if (errno == ENOTDIR || errno == ELOOP) {
        if (is_folder_link(dir, name)) {
            note_failed(self, path, &a_link);
        }
    } else if (errno != ENOENT) {
        reason_t reason = of_errno();
        note_failed(self, path, &reason);
    }
    free(path);
    return rc;
}

static errcode_t
match_entries(listing_t *self, DIR *d, const char *prefix, const char *part,
    const char *below)
{
    errcode_t rc = ERR_OK;
    struct dirent *e;

    while (rc == ERR_OK && (errno = 0, e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fnmatch(part, e->d_name, FNM_PERIOD) != 0) {
            continue;
        }
        if (*below == '\0') {
            rc = add_name(self, xasprintf("%s/%s", prefix, e->d_name));
        } else {
            rc = descend(self, dirfd(d), prefix, e->d_name, below);
        }
    }
    if (rc == ERR_OK && errno != 0) {
        reason_t reason = of_errno();
        note_failed(self, prefix, &reason);
    }
    return rc;
}

static errcode_t
match(listing_t *self, int dir, const char *prefix, const char *rest)
{
    const char *slash = strchrnul(rest, '/');
    const char *below = slash + strspn(slash, "/");
    char *part = xstrndup(rest, (size_t)(slash - rest));
    errcode_t rc = ERR_OK;

    if (*below != '\0' && strpbrk(part, "*?[\\") == NULL) {
        rc = descend(self, dir, prefix, part, below); // need not be readable
        free(part);
        return rc;
    }
    int fd = beneath_open(dir, ".", O_RDONLY | O_DIRECTORY);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    if (d != NULL) {
        rc = match_entries(self, d, prefix, part, below);
        closedir(d);
    } else {
        reason_t reason = of_errno();
        note_failed(self, prefix, &reason);
        if (fd != -1) {
            close(fd);
        }
    }
    free(part);
    return rc;
}

static errcode_t
glob_names(listing_t *self, const char *pattern)
{
    glob_t g = {0};
    errcode_t rc = ERR_OK;
    int error = glob(pattern, GLOB_NOSORT | GLOB_ERR, NULL, &g);

    // Stopped by a folder it may not read: what can be read is listed.
    if (error == GLOB_ABORTED) {
        reason_t reason = of_errno();
        note_failed(self, pattern, &reason);
        globfree(&g);
        error = glob(pattern, GLOB_NOSORT, NULL, &g);
    }
    for (size_t i = 0; error == 0 && rc == ERR_OK && i < g.gl_pathc; i++) {
        rc = add_name(self, xstrdup(g.gl_pathv[i]));
    }
    globfree(&g);
    return error == GLOB_NOSPACE ? ERR_TOO_LARGE : rc;
}

static bool
part_matches(const char *pattern, size_t len, const char *name, size_t name_len)
{
    if (len == name_len && memcmp(pattern, name, len) == 0) {
        return true; // as written, whatever it holds
    }
    char *p = xstrndup(pattern, len);
    char *n = xstrndup(name, name_len);
    bool same = fnmatch(p, n, FNM_PERIOD) == 0;
    free(p);
    free(n);
    return same;
}

// The part of a pattern that is for below the root, or NULL when it does not
// lead into it: /srv/*/a* is for root /srv/x, part a*.
static const char *
part_below(const char *root, const char *pattern)
{
    for (;;) {
        root += strspn(root, "/");
        pattern += strspn(pattern, "/");
        if (*root == '\0' || *pattern == '\0') {
            return *root == '\0' && *pattern != '\0' ? pattern : NULL;
        }
        size_t root_len = strcspn(root, "/");
        size_t len = strcspn(pattern, "/");
        if (!part_matches(pattern, len, root, root_len)) {
            return NULL;
        }
        root += root_len;
        pattern += len;
    }
}

static errcode_t
collect(listing_t *self, const char *pattern)
{
    const files_t *files = self->files;
    errcode_t rc = ERR_OK;
    bool inside = false;

    if (files->roots == NULL) {
        return glob_names(self, pattern);
    }
    for (size_t i = 0; i < files->n && rc == ERR_OK && *pattern == '/'; i++) {
        const root_t *root = &files->roots[i];
        const char *rest = part_below(root->path, pattern);
        if (rest != NULL) {
            inside = true;
            rc = match(self, root->fd, root->path, rest);
        }
    }
    if (!inside) {
        const reason_t reason = {
            .rc = ERR_DENIED, .text = "outside of the roots"};
        note_failed(self, pattern, &reason);
    }
    return rc;
}

// Each archive may take half of what is left: of one or two much is looked at,
// and many, which keep all executors busy as they are, cost as little.
static bool
guess(listing_t *self, int fd, uint64_t size, buf_t *cuts)
{
    uint64_t bytes = self->guess_bytes / 2;

    if (bytes < GUESS_LEAST) {
        return false;
    }
    self->guess_bytes -= size < bytes ? size : bytes;
    members_guess(fd, size, bytes, cuts);
    return cuts->len > 0;
}

// Of a file that is open.
static errcode_t
tell(listing_t *self, const char *path, int fd)
{
    uint8_t head[FILE_ID_EDGE];
    size_t len;
    file_id_t id;
    buf_t cuts = {0};
    bool guessed = false;
    errcode_t rc = file_id_of(fd, &id, head, &len);

    if (rc != ERR_OK) {
        return rc;
    }
    source_kind_t kind = source_kind((span_t){head, len});
    if (self->asked->cuts_from > 0 && id.size > self->asked->cuts_from) {
        frames_find(fd, kind, id.size, &cuts);
        guessed = kind == SOURCE_GZIP && cuts.len == 0 &&
                  guess(self, fd, id.size, &cuts);
    }
    listed_file_t file = {.path = path,
        .device = self->asked->shared ? 0 : id.device,
        .inode = id.inode,
        .size = id.size,
        .mtime_ns = id.mtime_ns,
        .compression = (uint8_t)kind,
        .cuts = buf_span(&cuts),
        .guessed = guessed};
    memcpy(file.hash, id.hash, sizeof file.hash);
    self->found(self->ctx, &file);
    self->n_found++;
    buf_fini(&cuts);
    return ERR_OK;
}

static reason_t
report(listing_t *self, const char *path)
{
    int fd;
    reason_t reason = open_file(self->files, path, &fd);

    if (reason.rc != ERR_OK) {
        return reason;
    }
    errcode_t rc = tell(self, path, fd);
    if (rc != ERR_OK) {
        reason = (reason_t){
            .rc = rc, .text = rc == ERR_IO ? strerror(errno) : err_text(rc)};
    }
    close(fd);
    return reason;
}

static int
by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static errcode_t
report_matches(listing_t *self, const char *pattern)
{
    errcode_t rc = collect(self, pattern);

    if (self->names != NULL) {
        qsort(self->names, self->n, sizeof *self->names, by_bytes);
    }
    for (size_t i = 0; i < self->n; i++) {
        // A root within a root lists a file twice.
        bool again =
            i + 1 < self->n && strcmp(self->names[i], self->names[i + 1]) == 0;
        if (rc == ERR_OK && !again) {
            reason_t reason = report(self, self->names[i]);
            if (reason.rc == ERR_NOT_FOUND) {
                reason = (reason_t){.rc = ERR_CHANGED, .text = "is gone"};
            }
            if (reason.rc != ERR_OK && reason.type == 0) {
                note_failed(self, self->names[i], &reason);
            }
        }
        free(self->names[i]);
    }
    free(self->names);
    return rc;
}

static errcode_t
conclude(const listing_t *self, const char *pattern, errcode_t rc, buf_t *why)
{
    if (rc == ERR_TOO_LARGE) {
        buf_printf(
            why, "%s matches more than %u files", pattern, LIMIT_JOB_FILES);
        return rc;
    }
    if (self->n_failed > 0) {
        buf_printf(why, "cannot read %.*s", (int)self->first.len,
            (const char *)self->first.p);
        if (self->n_failed > 1) {
            buf_printf(why, " (and %zu more that match %s)", self->n_failed - 1,
                pattern);
        }
        return self->rc;
    }
    if (self->n_found == 0) {
        buf_printf(why, "no file matches %s", pattern);
        return ERR_NOT_FOUND;
    }
    return rc;
}

errcode_t
files_list(const files_t *self, const files_asked_t *asked,
    files_found_fn found, void *ctx, buf_t *why)
{
    const char *pattern = asked->pattern;
    listing_t list = {.files = self,
        .asked = asked,
        .found = found,
        .ctx = ctx,
        .guess_bytes = asked->guess_bytes};
    reason_t reason = report(&list, pattern);
    errcode_t rc = ERR_OK;

    if (reason.rc == ERR_OK) {
        return ERR_OK; // exists as written
    }
    if (reason.type == S_IFDIR) {
        size_t len = strlen(pattern);
        while (len > 1 && pattern[len - 1] == '/') {
            len--;
        }
        buf_printf(why, "%s is a directory; name its files: %.*s/*", pattern,
            len == 1 && pattern[0] == '/' ? 0 : (int)len, pattern);
        return ERR_NOT_FOUND;
    }
    if (strpbrk(pattern, "*?[") != NULL) {
        rc = report_matches(&list, pattern);
    } else if (reason.rc != ERR_NOT_FOUND) {
        note_failed(&list, pattern, &reason);
    }
    rc = conclude(&list, pattern, rc, why);
    buf_fini(&list.first);
    return rc;
}
