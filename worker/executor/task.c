// SPDX-License-Identifier: Apache-2.0
#include "worker/executor/task.h"

#include "worker/executor/sealed.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for one descriptor more than is allowed: too many are then seen as
// such, and closed, instead of being cut off by the kernel.
#define ROOM_FDS (TASK_FDS + 1u)

typedef union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * ROOM_FDS)];
} control_t;

errcode_t
task_send(int sock, span_t packet, const int *fds, size_t n_fds, int flags)
{
    uint8_t bytes[TASK_PACKET];
    struct iovec iov = {bytes, packet.len};
    control_t control = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (packet.len == 0 || packet.len > TASK_PACKET || n_fds > TASK_FDS) {
        return ERR_TOO_LARGE;
    }
    memcpy(bytes, packet.p, packet.len);
    if (n_fds > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    do {
        n = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
    } while (n == -1 && errno == EINTR);
    if (n == -1) {
        return errno == EAGAIN ? ERR_BUSY : ERR_IO;
    }
    return ERR_OK;
}

void
task_packet_fini(task_packet_t *self)
{
    while (self->n_fds > 0) {
        close(self->fds[--self->n_fds]);
    }
    self->len = 0;
}

// Every descriptor that came is taken or closed. False: more than allowed.
static bool
take_fds(struct msghdr *m, task_packet_t *out)
{
    bool fits = true;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
         c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (out->n_fds == TASK_FDS) {
                close(fd);
                fits = false;
            } else {
                out->fds[out->n_fds++] = fd;
            }
        }
    }
    return fits;
}

errcode_t
task_receive(int sock, int flags, task_packet_t *out)
{
    struct iovec iov = {out->bytes, sizeof out->bytes};
    control_t control = {0};
    struct msghdr m = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};
    ssize_t got;

    out->len = 0;
    out->n_fds = 0;
    do {
        got = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
    } while (got == -1 && errno == EINTR);
    if (got == -1) {
        return errno == EAGAIN ? ERR_BUSY : ERR_IO;
    }
    bool fits = take_fds(&m, out);
    if (got == 0 || !fits || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        // An empty packet with descriptors is no end of the connection.
        bool gone = got == 0 && out->n_fds == 0 && fits;
        task_packet_fini(out);
        return gone ? ERR_TRUNCATED : ERR_MALFORMED;
    }
    out->len = (size_t)got;
    return ERR_OK;
}

static errcode_t
send_sealed_order(
    int sock, span_t order, const int *fds, size_t n_fds, int flags)
{
    const uint8_t kind = TASK_SCAN;
    int all[TASK_FDS];

    if (n_fds >= TASK_FDS) {
        return ERR_TOO_LARGE;
    }
    errcode_t rc = sealed_new(order, &all[0]);
    if (rc != ERR_OK) {
        return rc;
    }
    memcpy(all + 1, fds, n_fds * sizeof *fds);
    rc = task_send(sock, (span_t){&kind, 1}, all, n_fds + 1, flags);
    close(all[0]);
    return rc;
}

errcode_t
task_send_order(int sock, span_t order, const int *fds, size_t n_fds, int flags)
{
    uint8_t packet[1 + TASK_HERE_MAX] = {TASK_SCAN};

    if (order.len > TASK_HERE_MAX) {
        return send_sealed_order(sock, order, fds, n_fds, flags);
    }
    memcpy(packet + 1, order.p, order.len);
    return task_send(sock, (span_t){packet, 1 + order.len}, fds, n_fds, flags);
}

errcode_t
task_take_order(task_packet_t *p, buf_t *order)
{
    if (p->len == 0 || p->bytes[0] != TASK_SCAN) {
        return ERR_MALFORMED;
    }
    if (p->len > 1) {
        buf_put(order, p->bytes + 1, p->len - 1);
        return ERR_OK;
    }
    if (p->n_fds == 0 ||
        sealed_read(p->fds[0], TASK_ORDER_MAX, order) != ERR_OK) {
        return ERR_MALFORMED;
    }
    close(p->fds[0]);
    p->n_fds--;
    memmove(p->fds, p->fds + 1, p->n_fds * sizeof *p->fds);
    return ERR_OK;
}

errcode_t
task_send_progress(int sock, uint64_t bytes_done)
{
    buf_t m = {0};

    buf_put_u8(&m, TASK_PROGRESS);
    buf_put_u64(&m, bytes_done);
    errcode_t rc = task_send(sock, buf_span(&m), NULL, 0, MSG_DONTWAIT);
    buf_fini(&m);
    return rc;
}

errcode_t
task_send_done(int sock, const task_done_t *done, int partial_fd)
{
    buf_t m = {0};

    buf_put_u8(&m, TASK_DONE);
    buf_put_u32(&m, (uint32_t)done->rc);
    buf_put_u32(&m, done->file);
    buf_put_block(&m, (span_t){(const uint8_t *)done->text,
                          strnlen(done->text, sizeof done->text - 1)});
    buf_put_span(&m, done->partial);
    errcode_t rc =
        task_send(sock, buf_span(&m), &partial_fd, partial_fd != -1, 0);
    buf_fini(&m);
    return rc;
}

errcode_t
task_send_ready(int sock, const task_ready_t *ready)
{
    buf_t m = {0};

    buf_put_u8(&m, TASK_READY);
    buf_put_u8(&m, (uint8_t)ready->level);
    buf_put_u8(&m, ready->taken);
    buf_put_block(&m, (span_t){(const uint8_t *)ready->text,
                          strnlen(ready->text, sizeof ready->text - 1)});
    errcode_t rc = task_send(sock, buf_span(&m), NULL, 0, 0);
    buf_fini(&m);
    return rc;
}

static errcode_t
decode_ready(rd_t *r, task_ready_t *out)
{
    uint8_t level, taken;
    span_t text;
    errcode_t rc;

    if ((rc = rd_u8(r, &level)) || (rc = rd_u8(r, &taken)) ||
        (rc = rd_block(r, sizeof out->text - 1, &text)) || (rc = rd_end(r))) {
        return rc;
    }
    if (level >= SANDBOX_LEVELS || taken > 1 ||
        memchr(text.p, '\0', text.len) != NULL) {
        return ERR_MALFORMED;
    }
    out->level = (sandbox_level_t)level;
    out->taken = taken == 1;
    memcpy(out->text, text.p, text.len);
    out->text[text.len] = '\0';
    return ERR_OK;
}

static errcode_t
decode_done(rd_t *r, task_done_t *out)
{
    uint32_t code;
    span_t text;
    errcode_t rc;

    if ((rc = rd_u32(r, &code)) || (rc = rd_u32(r, &out->file)) ||
        (rc = rd_block(r, sizeof out->text - 1, &text)) ||
        (rc = rd_bytes(r, rd_left(r), &out->partial))) {
        return rc;
    }
    if (code >= ERR_COUNT || (code != ERR_OK && out->partial.len > 0) ||
        memchr(text.p, '\0', text.len) != NULL) {
        return ERR_MALFORMED;
    }
    out->rc = (errcode_t)code;
    memcpy(out->text, text.p, text.len);
    out->text[text.len] = '\0';
    return ERR_OK;
}

errcode_t
task_report_decode(span_t packet, task_report_t *out)
{
    rd_t r = rd_init(packet);
    errcode_t rc = rd_u8(&r, &out->kind);

    if (rc == ERR_OK && out->kind == TASK_PROGRESS) {
        rc = rd_u64(&r, &out->bytes_done);
        rc = rc == ERR_OK ? rd_end(&r) : rc;
    } else if (rc == ERR_OK && out->kind == TASK_READY) {
        rc = decode_ready(&r, &out->ready);
    } else if (rc == ERR_OK) {
        rc = out->kind == TASK_DONE ? decode_done(&r, &out->done)
                                    : ERR_MALFORMED;
    }
    return rc == ERR_OK ? ERR_OK : ERR_MALFORMED;
}
