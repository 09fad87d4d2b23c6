// SPDX-License-Identifier: Apache-2.0
// totals: what was read, accepted and rejected, beside the counts. One per
// partial, merged into the job's receipt.
#ifndef LOGTALLY_COMMON_TALLY_TOTALS_H
#define LOGTALLY_COMMON_TALLY_TOTALS_H

#include "common/base/bytes.h"
#include "common/base/limits.h"

// Why a line was rejected. Names are shown; see reject_name.
typedef enum {
    REJECT_TOO_LONG,  // "too long"
    REJECT_STRUCTURE, // "a delimiter is missing"; see worker/format
    REJECT_UNCLOSED,  // "a quoted value does not end"
    REJECT_TRAILING,  // "text after the last field"
    REJECT_EMPTY,     // "a field is empty that may not be"
    REJECT_COUNT
} reject_t;
const char *reject_name(reject_t reject);

typedef struct sample {
    uint32_t file;   // index of the file in its job
    uint64_t offset; // of the line, in (decompressed) bytes; in a partial, of
                     // an archive, from where the range begins
    reject_t reject;
    uint16_t len;
    uint8_t text[LIMIT_SAMPLE];
} sample_t;

// Per file of a shard: enough for "hosts" and for what `auto` chose.
typedef struct file_total {
    uint32_t file;  // index of the file in its job
    uint64_t bytes; // of ranges read, on disk
    uint64_t lines;
    uint64_t accepted;
    uint16_t format;   // index into format_names
    uint64_t unpacked; // of a part of an archive: what it holds
} file_total_t;

typedef struct totals {
    uint64_t bytes; // on disk, inside the ranges
    uint64_t lines;
    uint64_t accepted;
    uint64_t rejected[REJECT_COUNT];
    uint64_t blank;
    uint64_t skipped;
    uint64_t bad_values;
    uint64_t unread;   // of `bytes`: left out by their times
    uint64_t disorder; // lines whose times do not allow that; see by_time.h
    uint64_t guessed;  // 1: a time had its year from when its file was written
    sample_t *samples; // lowest offsets first, LIMIT_SAMPLES per file
    size_t n_samples;
    file_total_t *files; // ascending by file
    size_t n_files;
    size_t cap_files; // places that `files` has
} totals_t;

// A zeroed totals_t is empty and ready.
void totals_fini(totals_t *self);
uint64_t totals_rejected(const totals_t *self);
// lines = accepted + rejected + blank + skipped, in sum and in each file.
bool totals_add_up(const totals_t *self);
file_total_t *totals_file(totals_t *self, uint32_t file); // finds or makes
void totals_sample(totals_t *self, uint32_t file, uint64_t offset,
    reject_t reject, span_t line);
void totals_merge(totals_t *self, const totals_t *from);

#endif
