// SPDX-License-Identifier: Apache-2.0
// logtally-executor: counts what it is handed on descriptor 3 and returns
// sealed memory files. No keys, no network, confined before the first
// order. Started by a supervisor, never
// by hand.
#include "common/base/limits.h"
#include "worker/executor/serve.h"
#include "worker/executor/task.h"
#include "worker/sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCK      3
#define SPARE_FDS 16    // beside those of an order
#define NOBODY    65534 // where the supervisor names no other

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

// The supervisor's words; it is believed.
typedef struct arguments {
    bool allow_weak;
    sandbox_options_t sandbox;
} arguments_t;

static bool
parse(int argc, char **argv, arguments_t *out)
{
    for (int i = 1; i < argc; i++) {
        unsigned uid, gid;
        if (strcmp(argv[i], "--allow-weak-sandbox") == 0) {
            out->allow_weak = true;
        } else if (sscanf(argv[i], "--user=%u:%u", &uid, &gid) == 2) {
            out->sandbox.uid = uid;
            out->sandbox.gid = gid;
        } else if (sscanf(argv[i], "--memory=%" SCNu64, &out->sandbox.memory) !=
                   1) {
            return false;
        }
    }
    return true;
}

// False: it is not confined as it must be, and has said so.
static bool
confine(const arguments_t *arguments)
{
    sandbox_report_t report;

    sandbox_enter(&arguments->sandbox, &report);
    task_ready_t ready = {.level = report.level,
        .taken = sandbox_is_enough(&report, arguments->allow_weak)};
    memcpy(ready.text, report.text, sizeof ready.text);
    return task_send_ready(SOCK, &ready) == ERR_OK && ready.taken;
}

// Orders are taken off the socket and dropped until the supervisor, which
// may have sent some before it read the report, ends this process. A socket
// closed with orders in it would lose the report.
static void
take_nothing(void)
{
    static task_packet_t packet;

    while (task_receive(SOCK, 0, &packet) == ERR_OK) {
        task_packet_fini(&packet);
    }
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
main(int argc, char **argv)
{
    arguments_t arguments = {.sandbox = {.last_fd = SOCK,
                                 .max_fds = SOCK + TASK_FDS + SPARE_FDS,
                                 .file_size = LIMIT_PARTIAL,
                                 .uid = NOBODY,
                                 .gid = NOBODY}};

    if (!is_ours(SOCK) || !parse(argc, argv, &arguments)) {
        fputs("logtally-executor: is started by logtally and logtally-worker, "
              "not by hand\n",
            stderr);
        return EXIT_USAGE;
    }
    if (sodium_init() == -1) {
        return EXIT_FAILED;
    }
    be_the_first_to_go();
    if (!confine(&arguments)) {
        take_nothing();
        _exit(EXIT_FAILED);
    }
    // Not through exit(): nothing is left to flush, and the leak checker of
    // test builds may not look into a process that is not dumpable.
    _exit(executor_serve(SOCK) == ERR_TRUNCATED ? EXIT_DONE : EXIT_FAILED);
}
