// SPDX-License-Identifier: Apache-2.0
// logtally-executor: counts what it is handed on descriptor 3 and returns
// sealed memory files. No keys, no network. Started by a supervisor, never
// by hand.
#include "common/base/limits.h"
#include "worker/executor/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCK 3

// When memory runs out, the kernel shall take an executor, whose shard is
// lent again, and not the supervisor. Best effort.
static void
be_the_first_to_go(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd != -1) {
        if (write(fd, "500", 3) == -1) {
            errno = 0;
        }
        close(fd);
    }
}

// A supervisor that died before prctl closed the socket: the first read ends.
static void
harden(void)
{
    const struct rlimit no_core = {0, 0};
    const struct rlimit file = {LIMIT_PARTIAL, LIMIT_PARTIAL};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_FSIZE, &file);
    signal(SIGXFSZ, SIG_IGN); // EFBIG instead
}

static bool
is_ours(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_SEQPACKET;
}

int
main(void)
{
    if (!is_ours(SOCK)) {
        fputs("logtally-executor: is started by logtally and logtally-worker, "
              "not by hand\n",
            stderr);
        return EXIT_USAGE;
    }
    if (sodium_init() == -1) {
        return EXIT_FAILED;
    }
    be_the_first_to_go();
    harden();
    // Not through exit(): nothing is left to flush, and the leak checker of
    // test builds may not look into a process that is not dumpable.
    _exit(executor_serve(SOCK) == ERR_TRUNCATED ? EXIT_DONE : EXIT_FAILED);
}
