// SPDX-License-Identifier: Apache-2.0
// For LD_PRELOAD: ends the process at its n-th call that changes a file.
// CRASH_AT=n; CRASH_HOW=before, after, or half (a write gets half of its
// bytes out). Without CRASH_AT, CRASH_COUNT=FILE gets the number of calls.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define CRASHED 99

static long calls;

static long
limit(void)
{
    const char *at = getenv("CRASH_AT");

    return at != NULL ? strtol(at, NULL, 10) : -1;
}

static int
how(const char *name)
{
    const char *set = getenv("CRASH_HOW");

    return strcmp(set != NULL ? set : "before", name) == 0;
}

static int
is_last(void)
{
    return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == limit();
}

static int
is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

// A call without bytes: half of it is none of it.
#define CALL(expression)                                                       \
    do {                                                                       \
        int last = is_last();                                                  \
        if (last && !how("after")) {                                           \
            _exit(CRASHED);                                                    \
        }                                                                      \
        int rc = (expression);                                                 \
        if (last) {                                                            \
            _exit(CRASHED);                                                    \
        }                                                                      \
        return rc;                                                             \
    } while (0)

#define WRITE(fd, size, expression)                                            \
    do {                                                                       \
        int last = is_file(fd) && is_last();                                   \
        if (last && how("before")) {                                           \
            _exit(CRASHED);                                                    \
        }                                                                      \
        size = last && how("half") ? size / 2 : size;                          \
        ssize_t n = (expression);                                              \
        if (last) {                                                            \
            _exit(CRASHED);                                                    \
        }                                                                      \
        return n;                                                              \
    } while (0)

ssize_t
write(int fd, const void *p, size_t size)
{
    WRITE(fd, size,
        REAL("write", ssize_t(*)(int, const void *, size_t))(fd, p, size));
}

ssize_t
pwrite64(int fd, const void *p, size_t size, off64_t at)
{
    WRITE(fd, size,
        REAL("pwrite64", ssize_t(*)(int, const void *, size_t, off64_t))(
            fd, p, size, at));
}

ssize_t
pwrite(int fd, const void *p, size_t size, off_t at)
{
    return pwrite64(fd, p, size, at);
}

int
fsync(int fd)
{
    CALL(REAL("fsync", int (*)(int))(fd));
}

int
fdatasync(int fd)
{
    CALL(REAL("fdatasync", int (*)(int))(fd));
}

int
ftruncate64(int fd, off64_t size)
{
    CALL(REAL("ftruncate64", int (*)(int, off64_t))(fd, size));
}

int
ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    CALL(REAL("renameat", int (*)(int, const char *, int, const char *))(
        from_dir, from, to_dir, to));
}

int
rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int
unlinkat(int dir, const char *name, int flags)
{
    CALL(REAL("unlinkat", int (*)(int, const char *, int))(dir, name, flags));
}

int
unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

// The coordinator leaves by this door.
void
_exit(int code)
{
    const char *path = getenv("CRASH_COUNT");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;

    if (file != NULL) {
        fprintf(file, "%ld\n", calls);
        fclose(file);
    }
    syscall(SYS_exit_group, code);
    __builtin_unreachable();
}
