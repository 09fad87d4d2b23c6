// SPDX-License-Identifier: Apache-2.0
// task: the packets between supervisor and executor, over a pair of
// SOCK_SEQPACKET. A message is one packet, so nobody ever waits for the rest
// of one. An order or a partial that is too large for it goes beside it as a
// sealed memory file.
//
//   to the executor   TASK_SCAN order; descriptors: one per range. Without an
//                     order in it the first descriptor is the order
//   from the executor TASK_PROGRESS bytes done u64
//                     TASK_READY level u8, taken u8, text block; once, first
//                     TASK_DONE rc u32, file u32, text block; with ERR_OK the
//                     partial, here or as a descriptor
//
// Orders may be sent ahead; they are counted and answered in their order.
#ifndef LOGTALLY_WORKER_EXECUTOR_TASK_H
#define LOGTALLY_WORKER_EXECUTOR_TASK_H

#include "common/base/bytes.h"
#include "common/base/limits.h"
#include "worker/sandbox/level.h"

#define TASK_PACKET    4096u
#define TASK_HERE_MAX  2048u // of an order or a partial in its packet
#define TASK_FDS       (LIMIT_SHARD_RANGES + 1u)
#define TASK_ORDER_MAX (2u << 20)

enum { TASK_SCAN = 1, TASK_PROGRESS = 2, TASK_DONE = 3, TASK_READY = 4 };

typedef struct task_packet {
    uint8_t bytes[TASK_PACKET];
    size_t len;
    int fds[TASK_FDS];
    size_t n_fds;
} task_packet_t;

// flags: 0 or MSG_DONTWAIT. ERR_BUSY: no room now, nothing was sent. The
// descriptors stay the caller's.
MUST_CHECK errcode_t task_send(
    int sock, span_t packet, const int *fds, size_t n_fds, int flags);
// ERR_TRUNCATED: the other side is gone. ERR_BUSY with MSG_DONTWAIT only.
// ERR_MALFORMED: a packet or a set of descriptors that is too large. The
// receiver closes the descriptors (task_packet_fini); on error there are none.
MUST_CHECK errcode_t task_receive(int sock, int flags, task_packet_t *out);
void task_packet_fini(task_packet_t *self);

// An order with the descriptors of its ranges. flags and errors as above;
// ERR_IO also when there is no memory for it.
MUST_CHECK errcode_t task_send_order(
    int sock, span_t order, const int *fds, size_t n_fds, int flags);
// Appends the order that the packet brought; the packet keeps the descriptors
// of its ranges. ERR_MALFORMED: no order that a supervisor of ours gives.
MUST_CHECK errcode_t task_take_order(task_packet_t *packet, buf_t *order);

typedef struct task_done {
    errcode_t rc;
    uint32_t file; // UINT32_MAX: none
    char text[LIMIT_TEXT];
    span_t partial; // of at most TASK_HERE_MAX, lent; else empty
} task_done_t;

// flags as above. A text that is too long is cut.
MUST_CHECK errcode_t task_send_progress(int sock, uint64_t bytes_done);
MUST_CHECK errcode_t task_send_done(
    int sock, const task_done_t *done, int partial_fd);

// The sandbox of the executor, before its first order. Not taken: it ends
// itself, because it is less confined than it must be.
typedef struct task_ready {
    sandbox_level_t level;
    bool taken;
    char text[SANDBOX_TEXT];
} task_ready_t;
MUST_CHECK errcode_t task_send_ready(int sock, const task_ready_t *ready);

// What an executor said; it may be taken over by the log it read, so
// everything is checked. ERR_MALFORMED: nothing an executor of ours says.
typedef struct task_report {
    uint8_t kind; // TASK_PROGRESS, TASK_DONE, TASK_READY
    uint64_t bytes_done;
    task_done_t done;
    task_ready_t ready;
} task_report_t;
MUST_CHECK errcode_t task_report_decode(span_t packet, task_report_t *out);

#endif
