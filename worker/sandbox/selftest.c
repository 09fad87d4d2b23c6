// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox/selftest.h"

#include "common/base/errcode.h"
#include "common/base/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_FD     4 // the bait's socket is 4, where the order's would be
#define MAX_FDS     64
#define NOBODY      65534
#define EXIT_WORKED 10
#define EXIT_ERRNO  11

static int
listen_here(uint16_t *port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd != -1 && (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
                        listen(fd, 64) != 0 ||
                        getsockname(fd, (struct sockaddr *)&at, &len) != 0)) {
        close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

bool
bait_lay(bait_t *bait)
{
    *bait = (bait_t){.folder = "/tmp/logtally-selftest-XXXXXX",
        .tcp = -1,
        .other = getpid()};
    if (mkdtemp(bait->folder) == NULL || chmod(bait->folder, 0777) != 0) {
        return false;
    }
    snprintf(bait->file, sizeof bait->file, "%s/file", bait->folder);
    int fd = open(bait->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = fd != -1 && fchmod(fd, 0666) == 0;
    if (fd != -1) {
        close(fd);
    }
    bait->tcp = listen_here(&bait->port);
    return ok && bait->tcp != -1;
}

// Also what an attempt left that was not refused.
void
bait_take_up(bait_t *bait)
{
    char path[sizeof bait->file + 4];

    if (bait->tcp != -1) {
        close(bait->tcp);
    }
    unlink(bait->file);
    snprintf(path, sizeof path, "%s.new", bait->file);
    unlink(path);
    snprintf(path, sizeof path, "%s.dir", bait->file);
    rmdir(path);
    rmdir(bait->folder);
}

static void
child(const attempt_t *attempt, const bait_t *bait, bool strict,
    sandbox_report_t *report)
{
    const sandbox_options_t options = {.last_fd = LAST_FD,
        .max_fds = MAX_FDS,
        .memory = 0,
        .file_size = LIMIT_PARTIAL,
        .uid = NOBODY,
        .gid = NOBODY,
        .strict = strict};
    bait_t mine = *bait;
    int tcp = socket(AF_INET, SOCK_STREAM, 0);

    if (tcp == -1 || (tcp != LAST_FD && dup2(tcp, LAST_FD) == -1)) {
        _exit(EXIT_FAILED);
    }
    mine.tcp = LAST_FD;
    sandbox_enter(&options, report);
    if (attempt == NULL) {
        _exit(EXIT_DONE);
    }
    _exit(attempt->run(&mine) == -1 ? EXIT_ERRNO : EXIT_WORKED);
}

attempt_end_t
selftest_try(const attempt_t *attempt, const bait_t *bait, bool strict,
    sandbox_report_t *report)
{
    sandbox_report_t *shared = mmap(NULL, sizeof *shared,
        PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;

    *report = (sandbox_report_t){0};
    if (shared == MAP_FAILED) {
        return ATTEMPT_BROKEN;
    }
    pid_t pid = fork();
    if (pid == 0) {
        child(attempt, bait, strict, shared);
    }
    bool ended = pid != -1 && waitpid(pid, &status, 0) == pid;
    *report = *shared;
    munmap(shared, sizeof *shared);
    if (ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        return ATTEMPT_KILLED;
    }
    if (!ended || !WIFEXITED(status) || report->level == SANDBOX_NONE) {
        // A program that was run in its place ends with 0.
        return ATTEMPT_BROKEN;
    }
    return WEXITSTATUS(status) == EXIT_ERRNO    ? ATTEMPT_REFUSED
           : WEXITSTATUS(status) == EXIT_FAILED ? ATTEMPT_BROKEN
                                                : ATTEMPT_WORKED;
}

static bool
print_level(const sandbox_report_t *r, bool allow_weak)
{
    static const char *const names[] = {"none", "weak", "full"};

    printf(
        "sandbox: %s%s%s, ", names[r->level], r->text[0] ? ": " : "", r->text);
    if (r->landlock > 0) {
        printf("Landlock ABI %d\n", r->landlock);
    } else {
        puts("no Landlock");
    }
    if (!sandbox_is_enough(r, allow_weak)) {
        puts("An executor takes no orders here without --allow-weak-sandbox.");
        return false;
    }
    return true;
}

static bool
try_all(const bait_t *bait)
{
    static const char *const ends[] = {
        "refused, killed", "refused", "NOT REFUSED", "NOT TRIED"};
    sandbox_report_t report;
    size_t refused = 0;

    for (size_t i = 0; i < n_attempts; i++) {
        attempt_end_t end = selftest_try(&attempts[i], bait, false, &report);
        printf("%-16s %s\n", ends[end], attempts[i].what);
        refused += end == ATTEMPT_KILLED || end == ATTEMPT_REFUSED;
    }
    printf("%zu of %zu refused\n", refused, n_attempts);
    return refused == n_attempts;
}

int
selftest_run(bool allow_weak)
{
    sandbox_report_t report;
    bait_t bait;
    int code = EXIT_FAILED;

    setvbuf(stdout, NULL, _IOLBF, 0); // children must not inherit text
    if (!bait_lay(&bait)) {
        fprintf(
            stderr, "logtally-worker: cannot prepare: %s\n", strerror(errno));
    } else if (selftest_try(NULL, &bait, false, &report) != ATTEMPT_WORKED) {
        fputs("logtally-worker: cannot confine a process\n", stderr);
        print_level(&report, allow_weak);
    } else {
        bool enough = print_level(&report, allow_weak);
        code = try_all(&bait) && enough ? EXIT_DONE : EXIT_FAILED;
    }
    bait_take_up(&bait);
    return code;
}
