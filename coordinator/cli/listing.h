// SPDX-License-Identifier: Apache-2.0
// listing: a list of one kind of record, as a table or as a JSON array: what
// `jobs` and `workers` print.
#ifndef LOGTALLY_COORDINATOR_CLI_LISTING_H
#define LOGTALLY_COORDINATOR_CLI_LISTING_H

#include "coordinator/cli/list.h"
#include "coordinator/cli/text.h"

#include <stddef.h>

typedef struct listing_options {
    common_options_t common;
    bool json;
} listing_options_t;

#define LISTING_SETTINGS                                                       \
    JSON_SETTING(listing_options_t, "a JSON array of objects"), COMMON_SETTINGS

// Where records go, each as a row and as an object.
typedef struct listing_out {
    table_t *table;
    buf_t json;
} listing_out_t;

typedef struct listing {
    proto_type_t ask;
    proto_type_t answer;
    errcode_t (*record)(void *out, rd_t *r); // *out is a listing_out_t
    const table_column_t *columns;
    size_t n_columns;
    const char *empty; // said when there are no records
} listing_t;

// Connects, asks, prints; an exit code.
MUST_CHECK int listing_print(
    const listing_t *self, listing_options_t *options, buf_t *why);

#endif
