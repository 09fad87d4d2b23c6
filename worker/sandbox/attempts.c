// SPDX-License-Identifier: Apache-2.0
// Bare system calls: what an attacker would use who has taken over the
// process, and nothing that a library could refuse before the kernel does.
// Nothing here does harm if it should get through.
#include "worker/sandbox/attempts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long
open_path(const char *path, int flags)
{
    return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

static long
try_read(const bait_t *b)
{
    return open_path(b->file, O_RDONLY);
}

static long
try_write(const bait_t *b)
{
    return open_path(b->file, O_WRONLY);
}

static long
try_create(const bait_t *b)
{
    char path[sizeof b->file + 4];

    memcpy(path, b->file, sizeof b->file);
    strcat(path, ".new");
    return open_path(path, O_WRONLY | O_CREAT | O_EXCL);
}

static long
try_proc(const bait_t *b)
{
    (void)b;
    return open_path("/proc/self/status", O_RDONLY);
}

static long
try_list(const bait_t *b)
{
    return open_path(b->folder, O_RDONLY | O_DIRECTORY);
}

static long
try_stat(const bait_t *b)
{
    struct stat st;

    return syscall(SYS_newfstatat, AT_FDCWD, b->file, &st, 0);
}

static long
try_stat_disguised(const bait_t *b)
{
    struct stat st;

    return syscall(SYS_newfstatat, AT_FDCWD, b->file, &st, AT_EMPTY_PATH);
}

static long
try_unlink(const bait_t *b)
{
    return syscall(SYS_unlinkat, AT_FDCWD, b->file, 0);
}

static long
try_rename(const bait_t *b)
{
    return syscall(SYS_renameat2, AT_FDCWD, b->file, AT_FDCWD, b->folder, 0);
}

static long
try_mkdir(const bait_t *b)
{
    char path[sizeof b->file + 4];

    memcpy(path, b->file, sizeof b->file);
    strcat(path, ".dir");
    return syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
}

static long
try_chmod(const bait_t *b)
{
    return syscall(SYS_fchmodat, AT_FDCWD, b->file, 0600);
}

static long
try_chdir(const bait_t *b)
{
    return syscall(SYS_chdir, b->folder);
}

static long
try_tcp(const bait_t *b)
{
    (void)b;
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static struct sockaddr_in
here(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static long
try_connect(const bait_t *b)
{
    const struct sockaddr_in to = here(b->port);

    return syscall(SYS_connect, b->tcp, &to, sizeof to);
}

static long
try_bind(const bait_t *b)
{
    const struct sockaddr_in at = here(0);

    return syscall(SYS_bind, b->tcp, &at, sizeof at);
}

// Sends and connects in one.
static long
try_sendmsg(const bait_t *b)
{
    struct sockaddr_in to = here(b->port);
    struct iovec iov = {&to, 1};
    const struct msghdr m = {.msg_name = &to,
        .msg_namelen = sizeof to,
        .msg_iov = &iov,
        .msg_iovlen = 1};

    return syscall(SYS_sendmsg, b->tcp, &m, MSG_FASTOPEN | MSG_NOSIGNAL);
}

static long
try_udp(const bait_t *b)
{
    (void)b;
    return syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
}

static long
try_unix(const bait_t *b)
{
    (void)b;
    return syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
}

static long
try_raw(const bait_t *b)
{
    (void)b;
    return syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static long
try_netlink(const bait_t *b)
{
    (void)b;
    return syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0);
}

static long
try_fork(const bait_t *b)
{
    (void)b;
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0) {
        _exit(0);
    }
    return pid;
}

static long
try_exec(const bait_t *b)
{
    char name[] = "true";
    char *argv[] = {name, NULL};

    (void)b;
    return syscall(SYS_execve, "/bin/true", argv, argv + 1);
}

static long
try_ptrace(const bait_t *b)
{
    return syscall(SYS_ptrace, PTRACE_SEIZE, b->other, NULL, NULL);
}

static long
try_kill(const bait_t *b)
{
    return syscall(SYS_kill, b->other, 0);
}

static long
try_tgkill(const bait_t *b)
{
    return syscall(SYS_tgkill, b->other, b->other, 0);
}

static long
try_memory(const bait_t *b)
{
    char byte;
    const struct iovec mine = {&byte, 1};
    char *const there = (char *)(uintptr_t)b; // parent and child look alike
    const struct iovec theirs = {there, 1};

    return syscall(SYS_process_vm_readv, b->other, &mine, 1, &theirs, 1, 0);
}

static long
try_mount(const bait_t *b)
{
    return syscall(SYS_mount, "none", b->folder, "tmpfs", 0, NULL);
}

static long
try_chroot(const bait_t *b)
{
    return syscall(SYS_chroot, b->folder);
}

static long
try_setuid(const bait_t *b)
{
    (void)b;
    return syscall(SYS_setuid, 0);
}

static long
try_namespace(const bait_t *b)
{
    (void)b;
    return syscall(SYS_unshare, CLONE_NEWUSER);
}

// Wrong arguments would be refused by an unfenced kernel as well (EINVAL),
// so those that need none are asked for what they give anybody.
static long
try_bpf(const bait_t *b)
{
    struct {
        uint32_t type, key, value, entries;
        char rest[48];
    } map = {.type = 2, .key = 4, .value = 4, .entries = 1};

    (void)b;
    return syscall(SYS_bpf, 0, &map, sizeof map);
}

static long
try_perf(const bait_t *b)
{
    struct {
        uint32_t type, size;
        uint64_t rest[15];
    } attr = {.type = 1, .size = 128};

    (void)b;
    return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

static long
try_io_uring(const bait_t *b)
{
    char parameters[120] = {0};

    (void)b;
    return syscall(SYS_io_uring_setup, 1, parameters);
}

static long
try_keyctl(const bait_t *b)
{
    (void)b;
    return syscall(SYS_keyctl, 0 /* own keyring's number */, -3, 1);
}

static long
try_userfaultfd(const bait_t *b)
{
    (void)b;
    return syscall(SYS_userfaultfd, O_CLOEXEC | 1);
}

static long
try_code(const bait_t *b)
{
    (void)b;
    long p = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == -1 ? -1 : 0;
}

static long
try_code_later(const bait_t *b)
{
    void *p = mmap(
        NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)b;
    return p == MAP_FAILED
               ? 0
               : syscall(SYS_mprotect, p, 4096, PROT_READ | PROT_EXEC);
}

static long
try_limit(const bait_t *b)
{
    const struct rlimit l = {0, 0};

    (void)b;
    return syscall(SYS_prlimit64, 0, RLIMIT_CORE, &l, NULL);
}

static long
try_ioctl(const bait_t *b)
{
    int n;

    return syscall(SYS_ioctl, b->tcp, 0x541B /* FIONREAD */, &n);
}

static long
try_dumpable(const bait_t *b)
{
    (void)b;
    return syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0);
}

const attempt_t attempts[] = {
    {"open a file for reading", try_read},
    {"open a file for writing", try_write},
    {"create a file", try_create},
    {"open /proc/self/status", try_proc},
    {"list a folder", try_list},
    {"stat a path", try_stat},
    {"stat a path as if it were empty", try_stat_disguised},
    {"unlink a file", try_unlink},
    {"rename a file", try_rename},
    {"make a folder", try_mkdir},
    {"change a file's mode", try_chmod},
    {"change the working folder", try_chdir},
    {"make a TCP socket", try_tcp},
    {"connect a TCP socket it holds", try_connect},
    {"bind a TCP socket it holds", try_bind},
    {"send and connect in one call", try_sendmsg},
    {"make a UDP socket", try_udp},
    {"make a unix socket", try_unix},
    {"make a raw socket", try_raw},
    {"make a netlink socket", try_netlink},
    {"fork", try_fork},
    {"run a program", try_exec},
    {"trace another process", try_ptrace},
    {"signal another process", try_kill},
    {"signal another process's thread", try_tgkill},
    {"read another process's memory", try_memory},
    {"mount a file system", try_mount},
    {"change the root folder", try_chroot},
    {"become root", try_setuid},
    {"make a user namespace", try_namespace},
    {"make a bpf map", try_bpf},
    {"open a performance counter", try_perf},
    {"set up io_uring", try_io_uring},
    {"ask for a keyring", try_keyctl},
    {"open a userfaultfd", try_userfaultfd},
    {"map executable memory", try_code},
    {"make memory executable", try_code_later},
    {"change its limits", try_limit},
    {"control a device or socket", try_ioctl},
    {"become dumpable", try_dumpable},
};
const size_t n_attempts = sizeof attempts / sizeof *attempts;
