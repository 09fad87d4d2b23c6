// SPDX-License-Identifier: Apache-2.0
#include "common/confine/selftest.h"

#include "common/base/sanitized.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_WORKED = 40, EXIT_REFUSED };

static bool
put(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool done = fd != -1 && fchmod(fd, 0666) == 0;

    if (fd != -1) {
        close(fd);
    }
    return done;
}

// One that is free now, and most likely in a moment.
static uint16_t
free_port(void)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = fd != -1 && bind(fd, (struct sockaddr *)&at, len) == 0 &&
                 getsockname(fd, (struct sockaddr *)&at, &len) == 0;

    if (fd != -1) {
        close(fd);
    }
    return found ? ntohs(at.sin_port) : 0;
}

bool
confine_bait_lay(confine_bait_t *b, bool programs)
{
    *b = (confine_bait_t){.folder = "/tmp/logtally-selftest-XXXXXX",
        .other = getpid(),
        .programs = programs,
        .port = free_port()};
    if (mkdtemp(b->folder) == NULL) {
        return false;
    }
    snprintf(b->state, sizeof b->state, "%s/state", b->folder);
    snprintf(b->keys, sizeof b->keys, "%s/keys", b->folder);
    snprintf(b->outside, sizeof b->outside, "%s/file", b->folder);
    snprintf(b->key_file, sizeof b->key_file, "%s/key", b->keys);
    snprintf(b->state_file, sizeof b->state_file, "%s/file", b->state);
    return b->port != 0 && mkdir(b->state, 0700) == 0 &&
           mkdir(b->keys, 0700) == 0 && put(b->outside) && put(b->key_file) &&
           put(b->state_file);
}

static void
remove_behind(const char *path, const char *behind)
{
    char name[128];

    snprintf(name, sizeof name, "%s%s", path, behind);
    (void)unlink(name);
}

// Also what an attempt left that was not refused.
void
confine_bait_take_up(confine_bait_t *b)
{
    static const char *const behind[] = {"", ".new", ".out", ".lnk", ".tmp"};

    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        remove_behind(b->outside, behind[i]);
        remove_behind(b->key_file, behind[i]);
        remove_behind(b->state_file, behind[i]);
    }
    (void)rmdir(b->state);
    (void)rmdir(b->keys);
    (void)rmdir(b->folder);
}

static void
child(const confine_attempt_t *attempt, const confine_bait_t *b,
    confine_report_t *report)
{
    const confine_path_t paths[] = {
        {b->state, LANDLOCK_READ | LANDLOCK_WRITE},
        {b->keys, LANDLOCK_READ},
    };
    const confine_options_t options = {.paths = paths,
        .n_paths = sizeof paths / sizeof *paths,
        .ports = &b->port,
        .n_ports = 1,
        .programs = b->programs};

    confine_enter(&options, report);
    _exit(attempt->run(b) == -1 ? EXIT_REFUSED : EXIT_WORKED);
}

static confine_end_t
judge(const confine_attempt_t *a, const confine_bait_t *b,
    const confine_report_t *report, int code)
{
    // A program that was run in its place ends with 0.
    if (a->allowed) {
        return code == EXIT_WORKED ? CONFINE_AS_IT_SHOULD : CONFINE_TOO_NARROW;
    }
    if (code == EXIT_REFUSED || (a->by_sanitizer && BUILD_IS_SANITIZED) ||
        (a->by_programs && b->programs)) {
        return CONFINE_AS_IT_SHOULD;
    }
    return a->abi > report->landlock ? CONFINE_KERNEL_CANNOT
                                     : CONFINE_NOT_REFUSED;
}

confine_end_t
confine_try(const confine_attempt_t *attempt, const confine_bait_t *bait,
    confine_report_t *report)
{
    confine_report_t *shared = mmap(NULL, sizeof *shared,
        PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;

    *report = (confine_report_t){0};
    if (shared == MAP_FAILED) {
        return CONFINE_BROKEN;
    }
    pid_t pid = fork();
    if (pid == 0) {
        child(attempt, bait, shared);
    }
    bool ended = pid != -1 && waitpid(pid, &status, 0) == pid;
    *report = *shared;
    munmap(shared, sizeof *shared);
    return ended && WIFEXITED(status)
               ? judge(attempt, bait, report, WEXITSTATUS(status))
               : CONFINE_BROKEN;
}

static void
print_level(const char *who, const confine_report_t *r)
{
    printf("%s: %s%s%s, ", who, confine_name(r->level),
        r->text[0] != '\0' ? ": " : "", r->text);
    if (r->landlock > 0) {
        printf("Landlock ABI %d\n", r->landlock);
    } else {
        puts("no Landlock");
    }
}

int
confine_selftest(const char *who, bool programs)
{
    static const char *const ends[] = {"as it should", "NOT REFUSED",
        "TOO NARROW", "kernel cannot", "NOT TRIED"};
    confine_report_t report;
    confine_bait_t bait;
    size_t good = 0;

    setvbuf(stdout, NULL, _IOLBF, 0); // children must not inherit text
    bool laid = confine_bait_lay(&bait, programs);
    for (size_t i = 0; laid && i < n_confine_attempts; i++) {
        const confine_attempt_t *a = &confine_attempts[i];
        confine_end_t end = confine_try(a, &bait, &report);
        if (i == 0) {
            print_level(who, &report);
        }
        printf("%-16s %s%s\n", ends[end], a->allowed ? "may " : "", a->what);
        good += end == CONFINE_AS_IT_SHOULD || end == CONFINE_KERNEL_CANNOT;
    }
    if (!laid) {
        fprintf(stderr, "%s: cannot prepare: %s\n", who, strerror(errno));
    } else {
        printf("%zu of %zu as it should be\n", good, n_confine_attempts);
    }
    confine_bait_take_up(&bait);
    return laid && good == n_confine_attempts ? EXIT_DONE : EXIT_FAILED;
}
