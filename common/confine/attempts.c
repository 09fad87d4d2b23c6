// SPDX-License-Identifier: Apache-2.0
// What somebody would try who has taken a daemon over, as bare system calls,
// and what the daemon itself has to be able to do.
#include "common/confine/selftest.h"

#include "common/base/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef const confine_bait_t bait_t;

static long
open_path(const char *path, int flags)
{
    return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

// ---- files

static long
try_read(bait_t *b)
{
    return open_path(b->outside, O_RDONLY);
}

static long
try_write(bait_t *b)
{
    return open_path(b->outside, O_WRONLY);
}

static long
try_create(bait_t *b)
{
    char path[sizeof b->outside + 4];

    snprintf(path, sizeof path, "%s.new", b->outside);
    return open_path(path, O_WRONLY | O_CREAT | O_EXCL);
}

static long
try_list(bait_t *b)
{
    return open_path(b->folder, O_RDONLY | O_DIRECTORY);
}

static long
try_remove(bait_t *b)
{
    return syscall(SYS_unlinkat, AT_FDCWD, b->outside, 0);
}

static long
try_move_out(bait_t *b)
{
    char path[sizeof b->outside + 4];

    snprintf(path, sizeof path, "%s.out", b->outside);
    long rc =
        syscall(SYS_renameat2, AT_FDCWD, b->state_file, AT_FDCWD, path, 0);
    if (rc == 0) { // a kernel that cannot refuse it; others want the file
        (void)syscall(
            SYS_renameat2, AT_FDCWD, path, AT_FDCWD, b->state_file, 0);
    }
    return rc;
}

static long
try_write_key(bait_t *b)
{
    return open_path(b->key_file, O_WRONLY);
}

static long
try_new_key(bait_t *b)
{
    char path[sizeof b->key_file + 4];

    snprintf(path, sizeof path, "%s.new", b->key_file);
    return open_path(path, O_WRONLY | O_CREAT | O_EXCL);
}

static long
try_link(bait_t *b)
{
    char path[sizeof b->state_file + 4];

    snprintf(path, sizeof path, "%s.lnk", b->state_file);
    return syscall(SYS_symlinkat, b->outside, AT_FDCWD, path);
}

static long
try_proc(bait_t *b)
{
    (void)b;
    return open_path("/proc/self/environ", O_RDONLY);
}

static long
try_memory_file(bait_t *b)
{
    (void)b;
    return open_path("/proc/self/mem", O_RDWR);
}

// ---- programs and processes

static long
try_program(bait_t *b)
{
    char name[] = "true";
    char *argv[] = {name, NULL};

    (void)b;
    return syscall(SYS_execve, "/bin/true", argv, argv + 1);
}

static long
try_fork(bait_t *b)
{
    (void)b;
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0) {
        _exit(0);
    }
    return pid;
}

static long
try_trace(bait_t *b)
{
    return syscall(SYS_ptrace, PTRACE_SEIZE, b->other, NULL, NULL);
}

static long
try_memory(bait_t *b)
{
    char byte;
    const struct iovec mine = {&byte, 1};
    char *const there = (char *)(uintptr_t)b; // parent and child look alike
    const struct iovec theirs = {there, 1};

    return syscall(SYS_process_vm_readv, b->other, &mine, 1, &theirs, 1, 0);
}

static long
try_signal(bait_t *b)
{
    return syscall(SYS_kill, b->other, 0);
}

// ---- the kernel

static long
try_mount(bait_t *b)
{
    return syscall(SYS_mount, "none", b->state, "tmpfs", 0, NULL);
}

static long
try_chroot(bait_t *b)
{
    return syscall(SYS_chroot, b->state);
}

static long
try_user_space(bait_t *b)
{
    (void)b;
    return syscall(SYS_unshare, CLONE_NEWUSER);
}

static long
try_clone_space(bait_t *b)
{
    (void)b;
    long pid =
        syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER, NULL, NULL, NULL, NULL);

    if (pid == 0) {
        _exit(0);
    }
    return pid;
}

static long
try_bpf(bait_t *b)
{
    struct {
        uint32_t type, key, value, entries;
        char rest[48];
    } map = {.type = 2, .key = 4, .value = 4, .entries = 1};

    (void)b;
    return syscall(SYS_bpf, 0, &map, sizeof map);
}

static long
try_perf(bait_t *b)
{
    struct {
        uint32_t type, size;
        uint64_t rest[15];
    } attr = {.type = 1, .size = 128};

    (void)b;
    return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long
try_ring(bait_t *b)
{
    char parameters[120] = {0};

    (void)b;
    return syscall(SYS_io_uring_setup, 1, parameters);
}

static long
try_keyring(bait_t *b)
{
    (void)b;
    return syscall(SYS_keyctl, 0 /* own keyring's number */, -3, 1);
}

static long
try_faults(bait_t *b)
{
    (void)b;
    return syscall(SYS_userfaultfd, O_CLOEXEC | 1);
}

// Refused for what they are given by any kernel, but not with EPERM where
// the user is root; so the answer is looked at.
static long
only_eperm(long rc)
{
    return rc == -1 && errno == EPERM ? -1 : 0;
}

static long
try_module(bait_t *b)
{
    (void)b;
    return only_eperm(syscall(SYS_init_module, NULL, 0ul, ""));
}

static long
try_kexec(bait_t *b)
{
    (void)b;
    return only_eperm(syscall(SYS_kexec_load, 0ul, 0ul, NULL, ~0ul));
}

static long
try_clock(bait_t *b)
{
    (void)b;
    return only_eperm(syscall(SYS_clock_settime, -1, NULL));
}

static long
try_written_code(bait_t *b)
{
    (void)b;
    long p = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == -1 ? -1 : 0;
}

static long
try_code_later(bait_t *b)
{
    void *p = mmap(
        NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)b;
    return p == MAP_FAILED
               ? 0
               : syscall(SYS_mprotect, p, 4096, PROT_READ | PROT_EXEC);
}

// ---- network

static long
try_packets(bait_t *b)
{
    (void)b;
    return syscall(SYS_socket, AF_PACKET, SOCK_DGRAM, 0);
}

static long
try_netlink(bait_t *b)
{
    (void)b;
    return syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0);
}

static long
try_vsock(bait_t *b)
{
    (void)b;
    long fd = syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0);

    return fd == -1 && errno == EAFNOSUPPORT ? -1 : 0;
}

static long
bind_port(uint16_t port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return fd == -1 ? 0 : syscall(SYS_bind, fd, &at, sizeof at);
}

static long
try_other_port(bait_t *b)
{
    return bind_port((uint16_t)(b->port == 65535 ? 1024 : b->port + 1));
}

// ---- what has to work

static long
do_read_key(bait_t *b)
{
    return open_path(b->key_file, O_RDONLY);
}

static long
do_write_state(bait_t *b)
{
    int fd = (int)open_path(b->state_file, O_RDWR | O_TRUNC);

    return fd == -1 ? -1 : write(fd, "x", 1) == 1 ? 0 : -1;
}

static long
do_replace(bait_t *b)
{
    char path[sizeof b->state_file + 4];

    snprintf(path, sizeof path, "%s.tmp", b->state_file);
    if (open_path(path, O_WRONLY | O_CREAT | O_EXCL) == -1) {
        return -1;
    }
    return syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, b->state_file, 0);
}

static long
do_bind(bait_t *b)
{
    return bind_port(b->port);
}

static long
do_resolve(bait_t *b)
{
    struct addrinfo *found = NULL;
    int rc = getaddrinfo("localhost", NULL, NULL, &found);

    (void)b;
    if (found != NULL) {
        freeaddrinfo(found);
    }
    errno = ENOENT;
    return rc == 0 ? 0 : -1;
}

static void *
idle(void *arg)
{
    return arg;
}

static long
do_thread(bait_t *b)
{
    pthread_t thread;

    (void)b;
    return pthread_create(&thread, NULL, idle, NULL) == 0 &&
                   pthread_join(thread, NULL) == 0
               ? 0
               : -1;
}

static long
do_start(bait_t *b)
{
    int status = 0;

    if (!b->programs) {
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(7);
    }
    return pid != -1 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
                   WEXITSTATUS(status) == 7
               ? 0
               : -1;
}

#define FILES  .by_sanitizer = true, .abi = 1
#define WRITES .abi = 1

const confine_attempt_t confine_attempts[] = {
    {"read a file beside its folders", try_read, FILES},
    {"write a file beside its folders", try_write, WRITES},
    {"create a file beside its folders", try_create, WRITES},
    {"list the folder of its folders", try_list, FILES},
    {"remove a file beside its folders", try_remove, WRITES},
    {"move a file out of its state", try_move_out, WRITES},
    {"change a key", try_write_key, WRITES},
    {"put a key into the key folder", try_new_key, WRITES},
    {"make a symbolic link", try_link, WRITES},
    {"read /proc/self/environ", try_proc, FILES},
    {"open /proc/self/mem", try_memory_file, WRITES},
    {"run another program", try_program, .by_sanitizer = false, .abi = 1},
    {"make a process", try_fork, .by_sanitizer = true, .by_programs = true},
    {"trace another process", try_trace, .abi = 0},
    {"read another process's memory", try_memory, .abi = 0},
    {"signal another process", try_signal, .abi = 6},
    {"mount a file system", try_mount, .abi = 0},
    {"change the root folder", try_chroot, .abi = 0},
    {"make a user namespace", try_user_space, .abi = 0},
    {"make a process in a namespace", try_clone_space, .abi = 0},
    {"make a bpf map", try_bpf, .abi = 0},
    {"open a performance counter", try_perf, .abi = 0},
    {"set up io_uring", try_ring, .abi = 0},
    {"ask for a keyring", try_keyring, .abi = 0},
    {"open a userfaultfd", try_faults, .abi = 0},
    {"load a module", try_module, .abi = 0},
    {"load a kernel", try_kexec, .abi = 0},
    {"set the clock", try_clock, .abi = 0},
    {"map memory that is written and run", try_written_code, .abi = 0},
    {"make memory executable", try_code_later, .abi = 0},
    {"make a packet socket", try_packets, .abi = 0},
    {"make a netlink socket", try_netlink, .abi = 0},
    {"make a vsock socket", try_vsock, .abi = 0},
    {"bind another port", try_other_port, .abi = 4},
    {"read a key", do_read_key, .allowed = true},
    {"write its state", do_write_state, .allowed = true},
    {"replace a file of its state", do_replace, .allowed = true},
    {"bind its port", do_bind, .allowed = true},
    {"look up a name", do_resolve, .allowed = true},
    {"start a thread", do_thread, .allowed = true},
    {"start a process, where it has to", do_start, .allowed = true},
};
const size_t n_confine_attempts =
    sizeof confine_attempts / sizeof *confine_attempts;
