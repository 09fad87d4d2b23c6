// SPDX-License-Identifier: Apache-2.0
#include "worker/executor/task.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * TASK_FDS)];
} control_t;

errcode_t
task_send(int sock, span_t message, const int *fds, size_t n_fds, int flags)
{
    uint32_t len = (uint32_t)message.len;
    struct iovec iov = {&len, sizeof len};
    control_t control = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    if (message.len > TASK_MAX || n_fds > TASK_FDS) {
        return ERR_TOO_LARGE;
    }
    if (n_fds > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    if (sendmsg(sock, &m, flags | MSG_NOSIGNAL) == -1) {
        return errno == EAGAIN ? ERR_BUSY : ERR_IO;
    }
    for (size_t at = 0; at < message.len;) {
        size_t left = message.len - at;
        size_t n = left < TASK_PACKET ? left : TASK_PACKET;
        if (send(sock, message.p + at, n, MSG_NOSIGNAL) == -1) {
            return ERR_IO;
        }
        at += n;
    }
    return ERR_OK;
}

static void
take_fds(struct msghdr *m, int fds[TASK_FDS], size_t *n_fds)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(m);

    *n_fds = 0;
    if (c != NULL && c->cmsg_type == SCM_RIGHTS) {
        *n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), *n_fds * sizeof(int));
    }
}

errcode_t
task_receive(
    int sock, buf_t *message, int fds[TASK_FDS], size_t *n_fds, int flags)
{
    uint32_t len = 0;
    struct iovec iov = {&len, sizeof len};
    control_t control = {0};
    struct msghdr m = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
    errcode_t rc = ERR_OK;

    *n_fds = 0;
    if (got == -1) {
        return errno == EAGAIN || errno == EINTR ? ERR_BUSY : ERR_IO;
    }
    if (got == 0) {
        return ERR_TRUNCATED;
    }
    take_fds(&m, fds, n_fds);
    if (got != sizeof len || len > TASK_MAX) {
        rc = ERR_MALFORMED;
    }
    buf_clear(message);
    while (rc == ERR_OK && message->len < len) {
        uint8_t *to = buf_reserve(message, TASK_PACKET);
        ssize_t n = recv(sock, to, TASK_PACKET, 0);
        if (n <= 0 || (size_t)n > len - message->len) {
            rc = n == 0 ? ERR_TRUNCATED : ERR_MALFORMED;
        } else {
            message->len += (size_t)n;
        }
    }
    while (rc != ERR_OK && *n_fds > 0) {
        close(fds[--*n_fds]);
    }
    return rc;
}
