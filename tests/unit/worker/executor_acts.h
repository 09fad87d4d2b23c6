// SPDX-License-Identifier: Apache-2.0
// An executor that does to its supervisor what the query of its order says.
// A test that includes this is its own executor: main calls act() under the
// name logtally-executor.
#ifndef LOGTALLY_TESTS_UNIT_WORKER_EXECUTOR_ACTS_H
#define LOGTALLY_TESTS_UNIT_WORKER_EXECUTOR_ACTS_H

#include "common/base/limits.h"
#include "tests/unit/worker/executors_fixture.h"
#include "worker/executor/order.h"
#include "worker/executor/sealed.h"
#include "worker/executor/task.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCK 3

static inline void
report(errcode_t rc, const char *text, int fd)
{
    task_done_t done = {.rc = rc, .file = 7};

    snprintf(done.text, sizeof done.text, "%s", text);
    if (task_send_done(SOCK, &done, fd) != ERR_OK) {
        _exit(3);
    }
}

static inline void
say(const void *p, size_t len, const int *fds, size_t n)
{
    if (task_send(SOCK, (span_t){p, len}, fds, n, 0) != ERR_OK) {
        _exit(3);
    }
}

// The first file's contents are the partial.
static inline void
do_copy(const task_packet_t *p)
{
    char bytes[64];
    ssize_t n = pread(p->fds[0], bytes, sizeof bytes, 0);
    int fd;

    if (n <= 0 ||
        sealed_new((span_t){(uint8_t *)bytes, (size_t)n}, &fd) != ERR_OK) {
        _exit(3);
    }
    report(ERR_OK, "", fd);
    close(fd);
}

static inline void
do_fail(const task_packet_t *p)
{
    (void)p;
    report(ERR_FORMAT, "no format fits", -1);
}

static inline void
do_pid(const task_packet_t *p)
{
    if (task_send_progress(SOCK, (uint64_t)getpid()) != ERR_OK) {
        _exit(3);
    }
    do_fail(p);
}

// "0 1 2 3 " when nothing was inherited; the packet's own are left out.
static inline void
do_descriptors(const task_packet_t *p)
{
    char text[LIMIT_TEXT] = "";
    struct stat st, null;

    stat("/dev/null", &null);
    for (int fd = 0; fd < 1024; fd++) {
        bool own = false;
        for (size_t i = 0; i < p->n_fds; i++) {
            own = own || p->fds[i] == fd;
        }
        if (!own && fstat(fd, &st) == 0) {
            size_t len = strlen(text);
            snprintf(text + len, sizeof text - len, "%d%s ", fd,
                st.st_rdev == null.st_rdev && st.st_ino == null.st_ino ? "=null"
                                                                       : "");
        }
    }
    report(ERR_FORMAT, text, -1);
}

static inline void
do_die(const task_packet_t *p)
{
    (void)p;
    kill(getpid(), SIGKILL);
}

static inline void
die_of(int signal_number)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static inline void
do_segv(const task_packet_t *p)
{
    (void)p;
    die_of(SIGSEGV);
}

static inline void
do_forbidden(const task_packet_t *p)
{
    (void)p;
    die_of(SIGSYS);
}

static inline void
do_exit(const task_packet_t *p)
{
    (void)p;
    _exit(9);
}

static inline void
do_hang(const task_packet_t *p)
{
    (void)p;
    pause();
}

static inline void
do_hang_closed(const task_packet_t *p)
{
    (void)p;
    close(SOCK);
    pause();
}

static inline void
do_garbage(const task_packet_t *p)
{
    (void)p;
    say("\377\377\377", 3, NULL, 0);
    pause();
}

static inline void
do_no_partial(const task_packet_t *p)
{
    (void)p;
    report(ERR_OK, "", -1);
    pause();
}

static inline void
do_two_partials(const task_packet_t *p)
{
    const uint8_t done[] = {TASK_DONE, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    int fds[2] = {p->fds[0], p->fds[0]};

    say(done, sizeof done, fds, 2);
    pause();
}

static inline void
do_unsealed(const task_packet_t *p)
{
    int fd = memfd_create("x", MFD_ALLOW_SEALING);

    (void)p;
    if (write(fd, "xyz", 3) != 3) {
        _exit(3);
    }
    report(ERR_OK, "", fd);
    pause();
}

static inline void
do_no_memory_file(const task_packet_t *p)
{
    report(ERR_OK, "", p->fds[0]);
    pause();
}

static inline void
do_too_large(const task_packet_t *p)
{
    int fd = memfd_create("x", MFD_ALLOW_SEALING);

    (void)p;
    if (ftruncate(fd, (off_t)LIMIT_PARTIAL + 1) == -1 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) ==
            -1) {
        _exit(3);
    }
    report(ERR_OK, "", fd);
    pause();
}

static inline void
do_twice(const task_packet_t *p)
{
    do_copy(p);
    do_copy(p);
    pause();
}

static inline void
do_progress_with_file(const task_packet_t *p)
{
    const uint8_t progress[] = {TASK_PROGRESS, 1, 0, 0, 0, 0, 0, 0, 0};

    say(progress, sizeof progress, p->fds, 1);
    pause();
}

static inline void
do_babble(const task_packet_t *p)
{
    for (;;) {
        do_fail(p);
    }
}

static const struct act {
    const char *query;
    void (*run)(const task_packet_t *);
} acts[] = {
    {"copy", do_copy},
    {"fail", do_fail},
    {"pid", do_pid},
    {"descriptors", do_descriptors},
    {"die", do_die},
    {"forbidden", do_forbidden},
    {"segv", do_segv},
    {"exit", do_exit},
    {"hang", do_hang},
    {"hang closed", do_hang_closed},
    {"babble", do_babble},
    {"garbage", do_garbage},
    {"no partial", do_no_partial},
    {"two partials", do_two_partials},
    {"unsealed", do_unsealed},
    {"no memory file", do_no_memory_file},
    {"too large", do_too_large},
    {"twice", do_twice},
    {"progress with file", do_progress_with_file},
};

static inline int
act(void)
{
    static order_t order;
    task_packet_t p;
    buf_t bytes = {0};

    while (task_receive(SOCK, 0, &p) == ERR_OK) {
        buf_clear(&bytes);
        if (task_take_order(&p, &bytes) != ERR_OK ||
            order_decode(buf_span(&bytes), &order) != ERR_OK ||
            order.budget != BUDGET || order.n_ranges != p.n_fds) {
            _exit(4);
        }
        for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
            if (strcmp(order.query, acts[i].query) == 0) {
                acts[i].run(&p);
            }
        }
        task_packet_fini(&p);
    }
    _exit(0);
}

#endif
