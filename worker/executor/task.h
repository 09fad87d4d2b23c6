// SPDX-License-Identifier: Apache-2.0
// task: the packets between supervisor and executor, over a pair of
// SOCK_SEQPACKET. A message is one packet, so nobody ever waits for the rest
// of one; what is larger (the order, the partial) goes beside it as a sealed
// memory file.
//
//   to the executor   TASK_SCAN; descriptors: the order, then one per range
//   from the executor TASK_PROGRESS bytes done u64
//                     TASK_READY level u8, taken u8, text block; once, first
//                     TASK_DONE rc u32, file u32, text block; descriptor
//                     with ERR_OK: the partial
#ifndef LOGTALLY_WORKER_EXECUTOR_TASK_H
#define LOGTALLY_WORKER_EXECUTOR_TASK_H

#include "common/base/bytes.h"
#include "common/base/limits.h"
#include "worker/sandbox/level.h"

#define TASK_PACKET    2048u
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

typedef struct task_done {
    errcode_t rc;
    uint32_t file; // UINT32_MAX: none
    char text[LIMIT_TEXT];
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
