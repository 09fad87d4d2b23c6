// SPDX-License-Identifier: Apache-2.0
// Preloaded by test_doctor.py: a host whose clock is CLOCK_SHIFT seconds off.
// The monotonic clock is as it is.
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t
shift(void)
{
    const char *text = getenv("CLOCK_SHIFT");

    return text != NULL ? atol(text) : 0;
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, out);

    if (rc == 0 && clock == CLOCK_REALTIME) {
        out->tv_sec += shift();
    }
    return rc;
}

time_t
time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out != NULL) {
        *out = t.tv_sec;
    }
    return t.tv_sec;
}
