// SPDX-License-Identifier: Apache-2.0
#include "common/confine/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS _LINUX_CAPABILITY_U32S_3

typedef struct __user_cap_header_struct head_t;
typedef struct __user_cap_data_struct data_t;

static bool
read_rights(uint64_t *permitted)
{
    head_t head = {.version = _LINUX_CAPABILITY_VERSION_3};
    data_t data[WORDS];

    if (syscall(SYS_capget, &head, data) != 0) {
        return false;
    }
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    return true;
}

// The bounding set limits what a program has that is started as root. Only
// who may lower it needs to (EPERM).
static bool
lower_bounds(uint64_t wanted)
{
    for (unsigned long cap = 0; cap < 64; cap++) {
        if ((wanted & RIGHT(cap)) == 0 &&
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1) {
            return errno == EINVAL || errno == EPERM;
        }
    }
    return true;
}

static bool
write_rights(uint64_t rights)
{
    head_t head = {.version = _LINUX_CAPABILITY_VERSION_3};
    data_t data[WORDS] = {0};

    for (unsigned i = 0; i < WORDS; i++) {
        data[i].permitted = (uint32_t)(rights >> (32 * i));
        data[i].effective = data[i].permitted;
    }
    return syscall(SYS_capset, &head, data) == 0;
}

// A unit may forbid capset: what counts is that no more is left.
errcode_t
rights_keep(uint64_t wanted, uint64_t *kept)
{
    *kept = 0;
    if (!read_rights(kept)) {
        return ERR_IO;
    }
    const uint64_t some = *kept & wanted;
    if (!lower_bounds(wanted) ||
        (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
            errno != EINVAL)) {
        return ERR_IO;
    }
    if (some == *kept && some == 0) {
        return ERR_OK;
    }
    if (!write_rights(some) || !read_rights(kept)) {
        return ERR_IO;
    }
    return *kept == some ? ERR_OK : ERR_IO;
}
