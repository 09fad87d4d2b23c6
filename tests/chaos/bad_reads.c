// SPDX-License-Identifier: Apache-2.0
// For LD_PRELOAD: BAD_READS=short gives a pread less than it asked for,
// BAD_READS=eio fails one of 50, BAD_READS=wrong says 418 where a block of a
// log says 200, as bad memory might. Executors inherit it from their worker;
// it makes no other system calls than pread, so their sandbox does not mind.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define FAILS_OF 50
#define WHOLE    64         // shorter reads are left alone
#define BLOCK    (64 << 10) // what is read to be counted, and not to identify

static enum { NO, SHORT, EIO_AT_TIMES, WRONG } how;
static unsigned long seed;

ssize_t pread(int fd, void *to, size_t len, off_t at);
ssize_t pread64(int fd, void *to, size_t len, off_t at);

__attribute__((constructor)) static void
set_up(void)
{
    const char *set = getenv("BAD_READS");

    if (set != NULL) {
        how = strcmp(set, "short") == 0   ? SHORT
              : strcmp(set, "wrong") == 0 ? WRONG
                                          : EIO_AT_TIMES;
    }
    seed = (unsigned long)getpid();
}

static unsigned long
next(void)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return seed >> 33;
}

static void
make_wrong(char *bytes, size_t len)
{
    char *at = memmem(bytes, len, "\" 200 ", 6);

    if (at != NULL) {
        memcpy(at, "\" 418 ", 6);
    }
}

ssize_t
pread64(int fd, void *to, size_t len, off_t at)
{
    if (how == EIO_AT_TIMES && next() % FAILS_OF == 0) {
        errno = EIO;
        return -1;
    }
    if (how == SHORT && len > WHOLE) {
        len = 1 + next() % len;
    }
    ssize_t got = syscall(SYS_pread64, fd, to, len, at);
    if (how == WRONG && got >= BLOCK) {
        make_wrong(to, (size_t)got);
    }
    return got;
}

ssize_t
pread(int fd, void *to, size_t len, off_t at)
{
    return pread64(fd, to, len, at);
}
