// SPDX-License-Identifier: Apache-2.0
#include "common/confine/landlock.h"
#include "worker/sandbox/fences.h"

errcode_t
fence_landlock(bool files, int *abi)
{
    static const landlock_wish_t all = {true, true, true, true};
    landlock_t rules;
    errcode_t rc = landlock_open(&all, &rules);

    *abi = rules.abi;
    if (rc == ERR_OK && files) {
        rc = landlock_path(&rules, "/", LANDLOCK_READ);
    }
    if (rc == ERR_OK) {
        rc = landlock_enforce(&rules);
    }
    landlock_close(&rules);
    return rc == ERR_NOT_FOUND ? ERR_IO : rc;
}
