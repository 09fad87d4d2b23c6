// SPDX-License-Identifier: Apache-2.0
// journal_file: the SQLite file of a journal. Not for two threads at once.
#ifndef LOGTALLY_COORDINATOR_JOURNAL_FILE_IO_H
#define LOGTALLY_COORDINATOR_JOURNAL_FILE_IO_H

#include "coordinator/journal_io.h"

typedef struct journal_file journal_file_t;

typedef struct journal_op {
    enum { DROP_NONE, DROP_WORK, DROP_ALL } drop; // DROP_NONE: put the entry
    entry_key_t key;
    buf_t bytes;
} journal_op_t;

// As journal_io_open.
MUST_CHECK errcode_t journal_file_open(
    const char *path, journal_file_t **out, buf_t *why);
void journal_file_close(journal_file_t **self_p);
MUST_CHECK errcode_t journal_file_load(
    journal_file_t *self, journal_take_t *take, void *ctx, buf_t *why);
// One transaction, durable when this returns ERR_OK; else nothing of it is.
MUST_CHECK errcode_t journal_file_write(
    journal_file_t *self, const journal_op_t *ops, size_t n, buf_t *why);

#endif
