// SPDX-License-Identifier: Apache-2.0
// What a fault is answered with is a system call and a flag: nothing that was
// going on has to be left, as it would be by a jump. A file system that
// cannot read a page, and memory that is broken, are told by SIGBUS too.
// The answer is in force only while a window is open.
//
// State of the process, because a signal has no other.
#include "worker/source/window.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    uint8_t *volatile p; // NULL: none is open
    volatile size_t len;
    volatile sig_atomic_t torn;
    struct sigaction before;
} window;

static bool
is_inside(const void *at)
{
    const uint8_t *p = at;

    return window.p != NULL && p >= window.p && p < window.p + window.len;
}

// The instruction runs again when this returns. Where nothing was mended it
// gets what it would have got without us.
static void
on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    (void)context;
    if (is_inside(info->si_addr) &&
        mmap(window.p, window.len, PROT_READ,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == window.p) {
        window.torn = 1;
    } else {
        sigaction(number, &window.before, NULL);
    }
    errno = saved;
}

static bool
guard(void)
{
    struct sigaction action = {
        .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &window.before) == 0;
}

bool
window_open(int fd, uint64_t at, size_t len, span_t *out)
{
    size_t lead = (size_t)(at % (uint64_t)sysconf(_SC_PAGESIZE));

    assert(window.p == NULL && len > 0);
    void *p =
        mmap(NULL, lead + len, PROT_READ, MAP_SHARED, fd, (off_t)(at - lead));
    if (p == MAP_FAILED) {
        return false;
    }
    if (!guard()) {
        munmap(p, lead + len);
        return false;
    }
    // Read ahead from the disk; best effort.
    (void)madvise(p, lead + len, MADV_SEQUENTIAL);
    window.torn = 0;
    window.len = lead + len;
    window.p = p;
    atomic_signal_fence(memory_order_seq_cst);
    *out = (span_t){window.p + lead, len};
    return true;
}

bool
window_close(void)
{
    uint8_t *p = window.p;

    assert(p != NULL);
    atomic_signal_fence(memory_order_seq_cst); // all looks are over
    window.p = NULL;
    sigaction(SIGBUS, &window.before, NULL);
    munmap(p, window.len);
    return window.torn == 0;
}
