// SPDX-License-Identifier: Apache-2.0
// source: the bytes of one range of one file, decompressed, in blocks. Reads
// only the descriptor it is given.
#ifndef LOGTALLY_WORKER_SOURCE_SOURCE_H
#define LOGTALLY_WORKER_SOURCE_SOURCE_H

#include "common/base/bytes.h"

#include <sys/types.h>

typedef enum {
    SOURCE_PLAIN,
    SOURCE_GZIP,
    SOURCE_ZSTD,
    SOURCE_BZIP2,
    SOURCE_XZ,
} source_kind_t;

// By the first bytes of the file, never by its name.
source_kind_t source_kind(span_t head);
const char *source_kind_name(source_kind_t kind);

typedef struct source source_t;

// fd is lent. Bytes [begin, end) of the file; of an archive what they hold, so
// that a member has to begin at `begin`, and one to end at `end`. A stream
// (pipe) is read from where it is to its end, and its kind is found by magic.
MUST_CHECK errcode_t source_open_file(
    int fd, source_kind_t kind, uint64_t begin, uint64_t end, source_t **out);
MUST_CHECK errcode_t source_open_stream(int fd, source_t **out);
void source_destroy(source_t **self_p);
// Of an archive, before the first read: a member has to end at byte `cut` of
// the file, else reading up to there is ERR_CORRUPT. What is behind it is given
// as well.
void source_cut(source_t *self, uint64_t cut);
// How many bytes came out before the cut; false: it is not reached yet.
bool source_passed(const source_t *self, uint64_t *given);

// Fills up to len bytes; *got is 0 only at the end. ERR_IO, ERR_CHANGED (the
// file ended before `end`), ERR_CORRUPT (bad archive or cut short),
// ERR_UNSUPPORTED (an archive that takes too much memory to read, or gives
// more than LIMIT_UNPACKED lets it).
MUST_CHECK errcode_t source_read(
    source_t *self, uint8_t *to, size_t len, size_t *got);

// The bytes of a plain file from `at` on, mapped: at most SOURCE_LOOK, and none
// from `until` on. Lent until source_looked, which comes before any other call
// but source_seek. They may change, see window.h. False: they have to be read;
// so they have where they are not in the page cache, or nobody knows.
#define SOURCE_LOOK (8u << 20)
bool source_look(source_t *self, uint64_t at, uint64_t until, span_t *out);
// False: the bytes were not all there; reading them says why.
MUST_CHECK bool source_looked(source_t *self);
// Of a plain file: goes on reading at byte `at`. What is passed is taken.
void source_seek(source_t *self, uint64_t at);

// For tests: as if so many bytes had come out of the archive before.
void source_assume_given(source_t *self, uint64_t unpacked);
// For tests: takes it that the page cache has everything.
void source_assume_cached(source_t *self);

// Bytes taken from disk so far, for progress and totals.
uint64_t source_taken(const source_t *self);
// Bytes that came out of an archive, up to the cut where it has one.
uint64_t source_unpacked(const source_t *self);

#endif
