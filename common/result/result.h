// SPDX-License-Identifier: Apache-2.0
// result: the answer to a job: columns, rows in order, receipt.
#ifndef LOGTALLY_COMMON_RESULT_RESULT_H
#define LOGTALLY_COMMON_RESULT_RESULT_H

#include "common/query/shared.h"
#include "common/tally/tally.h"
#include "common/tally/totals.h"

typedef struct receipt_host {
    char *host;
    uint64_t files;
    uint64_t bytes;
    uint64_t lines;
} receipt_host_t;

typedef struct receipt_sample {
    char *host;
    char *file;
    sample_t sample;
} receipt_sample_t;

typedef struct receipt {
    bool complete;
    uint8_t fingerprint[32];
    uint64_t files;
    totals_t totals; // its samples and files are not used here
    uint64_t micros; // wall time of the job
    uint64_t shards;
    uint64_t retried;
    receipt_host_t *hosts; // by name
    size_t n_hosts;
    receipt_sample_t *samples;
    size_t n_samples;
    char **missing; // sentences: "web2:/var/log/x: host web2 is gone"
    size_t n_missing;
    char **notes; // "web1:/var/log/x is combined"
    size_t n_notes;
} receipt_t;

// Several queries have a chain of results. The first one's receipt is that of
// the job; of the others' only the fingerprint counts.
typedef struct result {
    char *name;  // of the query, or NULL where there is one without a name
    char *query; // canonical text
    column_t *columns;
    size_t n_columns;
    cell_t *cells; // n_rows * n_columns, row by row; texts in `bytes`
    size_t n_rows;
    receipt_t receipt;
    // How far a clock is ahead of UTC at an instant, for the times that are
    // printed; NULL: UTC. Not part of what is encoded.
    int64_t (*zone)(int64_t utc);
    struct result_memory *memory;
    struct result *next; // owned, or NULL
} result_t;

// Runs order and stages over one query's merged tally and takes the fingerprint
// of its rows. The receipt's other fields are the caller's to fill (owned by
// the result once set). ERR_OVERFLOW when a sum or a let leaves 128 bits,
// ERR_REGEX, ERR_MALFORMED for a key that is not of its column's type.
MUST_CHECK errcode_t result_build(const query_t *query, tally_t *const *parts,
    size_t n_parts, result_t **out);
// The first `most` rows (0: all); *all is how many there were. Making so few
// takes less than making all. The tally is of the table that `share` says, or
// the query's own (NULL). Of a table tally_list_values was called; results of
// its queries may be made side by side.
MUST_CHECK errcode_t result_build_first(const query_t *query,
    const share_t *share, tally_t *const *parts, size_t n_parts, size_t most,
    size_t *all, result_t **out);
// Cuts one of a chain to so many rows, and its texts to so many bytes. It is
// another result then, with a fingerprint of its own.
void result_cut(result_t *self, size_t rows, size_t text);
void result_destroy(result_t **self_p); // and all behind it

void receipt_fini(receipt_t *self); // empty afterwards
// Adds to the receipt; each copies its strings, cut where result_decode would
// refuse them. Samples past the limit are left out.
void receipt_add_host(receipt_t *self, const char *host, uint64_t files,
    uint64_t bytes, uint64_t lines); // adds up by host, keeps order
void receipt_add_missing(receipt_t *self, const char *sentence);
void receipt_add_note(receipt_t *self, const char *sentence);
void receipt_add_sample(receipt_t *self, const char *host, const char *file,
    const sample_t *sample);

// For the wire and the state directory, with all behind it. Decoding checks
// everything.
void result_encode(const result_t *self, buf_t *out);
MUST_CHECK errcode_t result_decode(span_t bytes, result_t **out);

#endif
