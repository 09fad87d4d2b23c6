// SPDX-License-Identifier: Apache-2.0
#include "worker/executor_spawn_io.h"

#include "common/base/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHILD_SOCK  3
#define MEMORY_BASE (512ull << 20)
#define MEMORY_MAX  (UINT64_C(1) << 44)

char *
executor_beside(void)
{
    char path[LIMIT_PATH];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    path[n < 0 ? 0 : n] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    char *near = xasprintf("%s/logtally-executor", path);
    if (access(near, X_OK) != 0) {
        free(near);
        near = xasprintf("%s/../libexec/logtally/logtally-executor", path);
    }
    return near;
}

void
executor_raise_open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        // As far as may be: a shard that finds no descriptor says so.
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
            return;
        }
    }
}

// 0 and 1 are /dev/null, 2 is ours, 3 the socket, nothing else is open.
// Signals of the terminal and of a service manager are held back in the
// executor: when it ends is the supervisor's decision.
static errcode_t
spawn_program(const char *program, char **argv, int sock, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t blocked, all;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    int error = posix_spawn_file_actions_adddup2(&files, sock, CHILD_SOCK);
    error = error ? error
                  : posix_spawn_file_actions_addopen(
                        &files, 0, "/dev/null", O_RDONLY, 0);
    error = error ? error
                  : posix_spawn_file_actions_addopen(
                        &files, 1, "/dev/null", O_WRONLY, 0);
    error = error ? error
                  : posix_spawn_file_actions_addclosefrom_np(
                        &files, CHILD_SOCK + 1);
    posix_spawnattr_setsigmask(&attr, &blocked);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(
        &attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error =
        error ? error : posix_spawn(pid, program, &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    errno = error;
    return error == 0 ? ERR_OK : ERR_IO;
}

// What an executor may take in all, to bound what its budget does not count:
// tables while they grow, the partial, decompression. 0: no bound.
static uint64_t
data_limit(size_t budget)
{
    return budget > MEMORY_MAX
               ? 0
               : 2 * (uint64_t)budget + 2ull * LIMIT_PARTIAL + MEMORY_BASE;
}

static errcode_t
spawn_executor(const executors_options_t *o, int sock, pid_t *pid)
{
    char name[] = "logtally-executor", weak[] = "--allow-weak-sandbox";
    char memory[40], user[40];
    char *argv[5] = {name, memory};
    int n = 2;

    snprintf(memory, sizeof memory, "--memory=%" PRIu64, data_limit(o->budget));
    if (o->uid != 0) {
        snprintf(user, sizeof user, "--user=%u:%u", o->uid, o->gid);
        argv[n++] = user;
    }
    if (o->allow_weak_sandbox) {
        argv[n++] = weak;
    }
    return spawn_program(o->program, argv, sock, pid);
}

errcode_t
executor_spawn(const executors_options_t *o, pid_t *pid, int *sock)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
        return ERR_IO;
    }
    // Above 3, so that the child's actions cannot meet on one number.
    int there = fcntl(pair[1], F_DUPFD_CLOEXEC, CHILD_SOCK + 1);
    errcode_t rc = there == -1 ? ERR_IO : spawn_executor(o, there, pid);
    int error = errno;

    close(pair[1]);
    if (there != -1) {
        close(there);
    }
    if (rc == ERR_OK) {
        *sock = pair[0];
    } else {
        close(pair[0]);
        *pid = 0;
    }
    errno = error;
    return rc;
}
