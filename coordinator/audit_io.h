// SPDX-License-Identifier: Apache-2.0
// audit_io: the file of audit lines in the state folder, mode 0600, written
// at its end only.
#ifndef LOGTALLY_COORDINATOR_AUDIT_IO_H
#define LOGTALLY_COORDINATOR_AUDIT_IO_H

#include "coordinator/audit.h"

typedef struct audit_io audit_io_t;

// Follows what is there. A last line without its end, of a crash, is taken
// off and told in a line of its own; a file whose chain is broken is kept as
// PATH.broken-TIME, told in the log, and a new one begun. *why on error.
MUST_CHECK errcode_t audit_io_open(
    const char *path, audit_io_t **out, buf_t *why);
void audit_io_close(audit_io_t **self_p);
// A line that cannot be written is told in the log; the next says how many
// were lost.
void audit_io_put(
    audit_io_t *self, const char *event, const audit_pair_t *pairs);
void audit_io_sync(audit_io_t *self); // to the disk, if there is anything new

// Follows the chain of a file. ERR_CORRUPT, ERR_TRUNCATED with *why naming
// the line; ERR_IO.
MUST_CHECK errcode_t audit_io_verify(
    const char *path, audit_chain_t *chain, buf_t *why);

#endif
