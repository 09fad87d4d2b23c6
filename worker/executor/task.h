// SPDX-License-Identifier: Apache-2.0
// task: what passes between supervisor and executor over SOCK_SEQPACKET. A
// message is one packet with its length and descriptors, then its bytes in
// packets of at most TASK_PACKET.
#ifndef LOGTALLY_WORKER_EXECUTOR_TASK_H
#define LOGTALLY_WORKER_EXECUTOR_TASK_H

#include "common/base/bytes.h"
#include "common/base/limits.h"

#define TASK_PACKET 65536u
#define TASK_MAX    (2u << 20)
#define TASK_FDS    LIMIT_SHARD_RANGES

enum { TASK_SCAN = 1, TASK_PROGRESS = 2, TASK_DONE = 3 };

MUST_CHECK errcode_t task_send(
    int sock, span_t message, const int *fds, size_t n_fds, int flags);
// ERR_TRUNCATED: the other side is gone. ERR_BUSY with MSG_DONTWAIT only.
// The receiver closes the descriptors; on error there are none.
MUST_CHECK errcode_t task_receive(
    int sock, buf_t *message, int fds[TASK_FDS], size_t *n_fds, int flags);

#endif
