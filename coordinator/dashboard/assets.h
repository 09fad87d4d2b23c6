// SPDX-License-Identifier: Apache-2.0
// assets: the files of the pages, part of the program (page/embed.py).
#ifndef LOGTALLY_COORDINATOR_DASHBOARD_ASSETS_H
#define LOGTALLY_COORDINATOR_DASHBOARD_ASSETS_H

#include "common/base/bytes.h"

typedef struct asset {
    const char *path; // "/overview.js"
    const char *type;
    const char *etag; // with its quotes
    span_t gzip;
    span_t plain; // see asset_plain
    int shared;   // output_part_t of a report, or -1: plain is its own
    bool open;    // also for who has not logged in
} asset_t;

// As it is without gzip.
span_t asset_plain(const asset_t *self);
// Lent for good; NULL: there is none.
const asset_t *asset_find(const char *path);

#endif
