// SPDX-License-Identifier: Apache-2.0
// serve: the life of an executor: take an order, count, answer, again.
#ifndef LOGTALLY_WORKER_EXECUTOR_SERVE_H
#define LOGTALLY_WORKER_EXECUTOR_SERVE_H

#include "common/base/errcode.h"

// Until the other side of the socket is gone (ERR_TRUNCATED) or breaks the
// rules. Every file is checked against the order before and after it was
// read (ERR_CHANGED).
MUST_CHECK errcode_t executor_serve(int sock);

#endif
