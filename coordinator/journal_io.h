// SPDX-License-Identifier: Apache-2.0
// journal_io: the journal in a SQLite file, written by a thread of its own.
// What is put in a moment is one transaction, synced before it is reported;
// the caller never waits for the disk.
//
//   entry(job, kind, n, piece, last, hash, bytes)
//
// An entry is one or more pieces, each with a BLAKE2b-256 of all its columns.
#ifndef LOGTALLY_COORDINATOR_JOURNAL_IO_H
#define LOGTALLY_COORDINATOR_JOURNAL_IO_H

#include "coordinator/journal.h"

typedef struct journal_io journal_io_t;

// Opens or makes the file. One that is damaged is set aside as PATH.damaged
// with a sentence in *why (rc stays ERR_OK): its jobs are forgotten. ERR_IO
// or ERR_VERSION (written by a later release) with *why otherwise.
MUST_CHECK errcode_t journal_io_open(
    const char *path, journal_io_t **out, buf_t *why);
// Writes what is left, if the disk lets it.
void journal_io_close(journal_io_t **self_p);

// Before journal_io_start: every entry in the order of job, kind, n. `bytes`
// is NULL for a damaged one.
typedef void journal_take_t(
    void *ctx, const entry_key_t *key, const span_t *bytes);
MUST_CHECK errcode_t journal_io_load(
    journal_io_t *self, journal_take_t *take, void *ctx, buf_t *why);
MUST_CHECK errcode_t journal_io_start(journal_io_t *self, buf_t *why);

journal_t journal_io_seam(journal_io_t *self);

// Readable when journal_io_state has news.
int journal_io_fd(const journal_io_t *self);
// The last durable entry; *why (emptied first) says why the file cannot be
// written, empty while it can.
uint64_t journal_io_state(journal_io_t *self, buf_t *why);

#endif
