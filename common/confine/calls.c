// SPDX-License-Identifier: Apache-2.0
// A list of what is refused, not of what is allowed: SQLite, libzmq, the name
// service and the library of HTTP make many calls, others with every version,
// and an answer of EPERM to one of them at night is worse than what an exact
// list would keep off. An executor, which is ours to the last call, has the
// exact one (worker/sandbox/calls.c).
//
// A filter sees numbers, not what pointers lead to: clone3 has its flags in
// memory, so it is said not to exist, and the C library uses clone.
#include "common/confine/calls.h"

#include "common/base/sanitized.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

// By name: one that this libseccomp does not know is passed over.
static const char *const refused[] = {
    // other processes
    "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd",
    "kcmp", "move_pages", "migrate_pages",
    // file systems and namespaces
    "mount", "umount", "umount2", "pivot_root", "chroot", "setns", "unshare",
    "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "mknod", "mknodat", "fanotify_init", "open_by_handle_at",
    "name_to_handle_at", "quotactl", "quotactl_fd",
    // the kernel
    "init_module", "finit_module", "delete_module", "create_module",
    "kexec_load", "kexec_file_load", "bpf", "perf_event_open", "syslog",
    "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "lookup_dcookie", "vmsplice",
    // keyrings
    "keyctl", "add_key", "request_key",
    // the machine
    "reboot", "swapon", "swapoff", "acct", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "stime", "sethostname", "setdomainname",
    "iopl", "ioperm", "modify_ldt", "vm86", "vm86old", "vhangup",
    // old doors
    "personality", "uselib", "nfsservctl", "sysfs", "ustat", "_sysctl"};

static const char *const of_programs[] = {
    "execve", "execveat", "fork", "vfork"};

static int
refuse(scmp_filter_ctx ctx, const char *name, uint32_t error)
{
    int call = seccomp_syscall_resolve_name(name);

    return call == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(error), call, 0);
}

static int
refuse_all(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = refuse(ctx, names[i], EPERM);
    }
    return rc;
}

static int
refuse_if(
    scmp_filter_ctx ctx, int call, uint32_t error, struct scmp_arg_cmp arg)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(error), call, 1, arg);
}

// Threads yes; processes and namespaces no.
static int
refuse_clones(scmp_filter_ctx ctx, bool programs)
{
    static const uint64_t spaces[] = {CLONE_NEWNS, CLONE_NEWCGROUP,
        CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
    int rc = refuse(ctx, "clone3", ENOSYS);

    for (size_t i = 0; i < sizeof spaces / sizeof *spaces && rc == 0; i++) {
        rc = refuse_if(ctx, SCMP_SYS(clone), EPERM,
            SCMP_A0_64(SCMP_CMP_MASKED_EQ, spaces[i], spaces[i]));
    }
    if (rc == 0 && !programs) {
        rc = refuse_if(ctx, SCMP_SYS(clone), EPERM,
            SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    }
    return rc;
}

// Only the internet and unix sockets: no netlink, packets, or what else there
// is in a kernel that somebody finds a hole in. libzmq asks netlink whether
// "127.0.0.1" is the name of a network card: EOPNOTSUPP is an answer to it,
// any other ends the process.
static int
refuse_families(scmp_filter_ctx ctx)
{
    int rc = refuse_if(ctx, SCMP_SYS(socket), EOPNOTSUPP,
        SCMP_A0_32(SCMP_CMP_EQ, AF_NETLINK, 0));

    for (unsigned family = 0; family <= AF_INET6 && rc == 0; family++) {
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6) {
            rc = refuse_if(ctx, SCMP_SYS(socket), EAFNOSUPPORT,
                SCMP_A0_32(SCMP_CMP_EQ, family, 0));
        }
    }
    for (unsigned family = AF_INET6 + 1; family < AF_NETLINK && rc == 0;
         family++) {
        rc = refuse_if(ctx, SCMP_SYS(socket), EAFNOSUPPORT,
            SCMP_A0_32(SCMP_CMP_EQ, family, 0));
    }
    return rc ? rc
              : refuse_if(ctx, SCMP_SYS(socket), EAFNOSUPPORT,
                    SCMP_A0_32(SCMP_CMP_GT, AF_NETLINK, 0));
}

// No memory that was written becomes code.
static int
refuse_code(scmp_filter_ctx ctx)
{
    const uint64_t both = PROT_WRITE | PROT_EXEC;
    int rc = refuse_if(
        ctx, SCMP_SYS(mmap), EPERM, SCMP_A2_64(SCMP_CMP_MASKED_EQ, both, both));

    rc = rc ? rc
            : refuse_if(ctx, SCMP_SYS(mprotect), EPERM,
                  SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    return rc ? rc
              : refuse_if(ctx, SCMP_SYS(pkey_mprotect), EPERM,
                    SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

// A sanitizer stops the process's threads to look for leaks, from a process
// of its own, and starts a program that names functions.
static int
add_rules(scmp_filter_ctx ctx, bool programs)
{
    bool for_tests = BUILD_IS_SANITIZED;
    int rc = refuse_all(ctx, refused, sizeof refused / sizeof *refused);

    rc = rc || for_tests ? rc : refuse(ctx, "ptrace", EPERM);
    rc = rc ? rc : refuse_clones(ctx, programs || for_tests);
    rc = rc || programs || for_tests
             ? rc
             : refuse_all(
                   ctx, of_programs, sizeof of_programs / sizeof *of_programs);
    rc = rc ? rc : refuse_families(ctx);
    return rc ? rc : refuse_code(ctx);
}

errcode_t
calls_refuse(bool programs)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int rc = -ENOMEM;

    if (ctx != NULL) {
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
        rc = rc ? rc
                : seccomp_attr_set(
                      ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        rc = rc ? rc : add_rules(ctx, programs);
        rc = rc ? rc : seccomp_load(ctx);
        seccomp_release(ctx);
    }
    errno = -rc;
    return rc == 0 ? ERR_OK : ERR_IO;
}
