// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program, ends it at the n-th call that changes a file, as
// a machine that loses its power there. For tests; no program links it.
//
//   CRASH_AT    n, from 1; unset or 0: never
//   CRASH_HOW   before: the call is not made; after: it is made, and nothing
//               after it; half: of the calls that write, which alone count
//               then, the first half of the bytes is written
//   CRASH_NAMES a file that gets a line for each call counted, and shows how
//               many there are
//
// What was handed to the kernel stays, unlike after a loss of power; that
// fsync comes where it must is another question (SQLite's own tests).
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define DIED 99

typedef enum how { BEFORE, AFTER, HALF } how_t;

static struct {
    long at;
    how_t how;
    int names;
    atomic_long n;
} plan = {.names = -1};

__attribute__((constructor)) static void
read_plan(void)
{
    const char *at = getenv("CRASH_AT");
    const char *how = getenv("CRASH_HOW");
    const char *names = getenv("CRASH_NAMES");

    plan.at = at != NULL ? strtol(at, NULL, 10) : 0;
    plan.how = how == NULL                 ? BEFORE
               : strcmp(how, "after") == 0 ? AFTER
               : strcmp(how, "half") == 0  ? HALF
                                           : BEFORE;
    if (names != NULL) {
        plan.names = (int)syscall(SYS_openat, AT_FDCWD, names,
            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
}

// The next definition of a function, found at its first call.
#define REAL(name)                                                             \
    static __typeof__(&name) real;                                             \
    if (real == NULL) {                                                        \
        real = (__typeof__(real))dlsym(RTLD_NEXT, #name);                      \
    }

static bool
is_file(int fd)
{
    struct stat st;

    return fd > STDERR_FILENO && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void
say(long n, const char *call, const char *path)
{
    char line[512];
    int len = snprintf(line, sizeof line, "%ld %s %s\n", n, call, path);

    if (plan.names != -1 && len > 0) {
        (void)!syscall(SYS_write, plan.names, line,
            (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
    }
}

// Counts a call. True: it is the one to die at.
static bool
count(const char *call, const char *path)
{
    long n = atomic_fetch_add(&plan.n, 1) + 1;

    say(n, call, path);
    if (n == plan.at && plan.how == BEFORE) {
        _exit(DIED);
    }
    return n == plan.at;
}

static bool
count_path(const char *call, const char *path)
{
    return plan.how != HALF && count(call, path);
}

static bool
count_fd(const char *call, int fd)
{
    char link[64], path[256];

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return count(call, path);
}

static bool
count_write(const char *call, int fd)
{
    return is_file(fd) && count_fd(call, fd);
}

static bool
count_sync(const char *call, int fd)
{
    return plan.how != HALF && count_fd(call, fd);
}

// What a call gives back, unless the program ends behind it.
static long
then(bool die, long result)
{
    if (die) {
        _exit(DIED);
    }
    return result;
}

static size_t
part(bool die, size_t len)
{
    return die && plan.how == HALF ? len / 2 : len;
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
    REAL(write)
    bool die = count_write("write", fd);
    return then(die, real(fd, bytes, part(die, len)));
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    REAL(pwrite)
    bool die = count_write("pwrite", fd);
    return then(die, real(fd, bytes, part(die, len), at));
}

ssize_t
pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    REAL(pwrite64)
    bool die = count_write("pwrite64", fd);
    return then(die, real(fd, bytes, part(die, len), at));
}

// Half of it: the first half of the pieces.
ssize_t
writev(int fd, const struct iovec *pieces, int n)
{
    REAL(writev)
    bool die = count_write("writev", fd);
    return then(die, real(fd, pieces, (int)part(die, (size_t)n)));
}

int
fsync(int fd)
{
    REAL(fsync)
    bool die = count_sync("fsync", fd);
    return (int)then(die, real(fd));
}

int
fdatasync(int fd)
{
    REAL(fdatasync)
    bool die = count_sync("fdatasync", fd);
    return (int)then(die, real(fd));
}

int
ftruncate(int fd, off_t len)
{
    REAL(ftruncate)
    bool die = count_sync("ftruncate", fd);
    return (int)then(die, real(fd, len));
}

int
ftruncate64(int fd, off64_t len)
{
    REAL(ftruncate64)
    bool die = count_sync("ftruncate64", fd);
    return (int)then(die, real(fd, len));
}

int
fallocate(int fd, int mode, off_t at, off_t len)
{
    REAL(fallocate)
    bool die = count_sync("fallocate", fd);
    return (int)then(die, real(fd, mode, at, len));
}

int
fallocate64(int fd, int mode, off64_t at, off64_t len)
{
    REAL(fallocate64)
    bool die = count_sync("fallocate64", fd);
    return (int)then(die, real(fd, mode, at, len));
}

int
posix_fallocate(int fd, off_t at, off_t len)
{
    REAL(posix_fallocate)
    bool die = count_sync("posix_fallocate", fd);
    return (int)then(die, real(fd, at, len));
}

int
posix_fallocate64(int fd, off64_t at, off64_t len)
{
    REAL(posix_fallocate64)
    bool die = count_sync("posix_fallocate64", fd);
    return (int)then(die, real(fd, at, len));
}

int
rename(const char *from, const char *to)
{
    REAL(rename)
    bool die = count_path("rename", to);
    return (int)then(die, real(from, to));
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    REAL(renameat)
    bool die = count_path("renameat", to);
    return (int)then(die, real(from_dir, from, to_dir, to));
}

int
unlink(const char *path)
{
    REAL(unlink)
    bool die = count_path("unlink", path);
    return (int)then(die, real(path));
}

int
unlinkat(int dir, const char *path, int flags)
{
    REAL(unlinkat)
    bool die = count_path("unlinkat", path);
    return (int)then(die, real(dir, path, flags));
}

int
mkdir(const char *path, mode_t mode)
{
    REAL(mkdir)
    bool die = count_path("mkdir", path);
    return (int)then(die, real(path, mode));
}

int
mkdirat(int dir, const char *path, mode_t mode)
{
    REAL(mkdirat)
    bool die = count_path("mkdirat", path);
    return (int)then(die, real(dir, path, mode));
}

static bool
count_open(const char *call, const char *path, int flags)
{
    return (flags & (O_CREAT | O_TRUNC)) != 0 && count_path(call, path);
}

static mode_t
mode_of(int flags, va_list *rest)
{
    bool has = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;

    return has ? va_arg(*rest, mode_t) : 0;
}

#define OPEN(name)                                                             \
    int name(const char *path, int flags, ...)                                 \
    {                                                                          \
        va_list rest;                                                          \
        REAL(name)                                                             \
        va_start(rest, flags);                                                 \
        mode_t mode = mode_of(flags, &rest);                                   \
        va_end(rest);                                                          \
        bool die = count_open(#name, path, flags);                             \
        return (int)then(die, real(path, flags, mode));                        \
    }

#define OPENAT(name)                                                           \
    int name(int dir, const char *path, int flags, ...)                        \
    {                                                                          \
        va_list rest;                                                          \
        REAL(name)                                                             \
        va_start(rest, flags);                                                 \
        mode_t mode = mode_of(flags, &rest);                                   \
        va_end(rest);                                                          \
        bool die = count_open(#name, path, flags);                             \
        return (int)then(die, real(dir, path, flags, mode));                   \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
