// SPDX-License-Identifier: Apache-2.0
#include "common/base/private.h"

#include "common/base/sanitized.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// The hard limit too: nothing in this process can raise it again.
static errcode_t
forbid_core(void)
{
    const struct rlimit none = {0, 0};

    return setrlimit(RLIMIT_CORE, &none) == 0 ? ERR_OK : ERR_IO;
}

errcode_t
private_process(void)
{
    errcode_t rc = forbid_core();

    if (rc == ERR_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        rc = ERR_IO;
    }
    return rc;
}

void
private_or_die(const char *program)
{
    errcode_t rc = BUILD_IS_SANITIZED ? forbid_core() : private_process();

    if (rc != ERR_OK) {
        fprintf(stderr, "%s: cannot keep its memory private: %s\n", program,
            strerror(errno));
        exit(1);
    }
}
