// SPDX-License-Identifier: Apache-2.0
// site: what is asked of the dashboard, and may it be answered? Pure: a
// request's line and headers go in, a plan comes out, which dashboard_io
// carries out.
//
// It is refused when its Host is a name that is not ours: a page of somebody
// else whose name is made to point here would otherwise read what we answer
// (DNS rebinding). Numbers are no names, and cannot be made to point anywhere.
#ifndef LOGTALLY_COORDINATOR_DASHBOARD_SITE_H
#define LOGTALLY_COORDINATOR_DASHBOARD_SITE_H

#include "common/service/listen_io.h"
#include "coordinator/dashboard/assets.h"
#include "coordinator/dashboard/board.h"

#define SESSION_TEXT 65u // with its NUL

typedef struct site {
    const token_t *token;         // of the dashboard
    const token_t *metrics_token; // NULL: there is no /metrics here
    const char *hosts; // names that a Host may be, with commas between; or NULL
    uint16_t port;
} site_t;

// NULL where the header is not there.
typedef struct request {
    const char *method;
    const char *path;
    const char *host;
    const char *authorization;
    const char *cookie;
    const char *accept_encoding;
    const char *if_none_match;
    const char *fetch_site;
    const char *fetch_mode;
} request_t;

typedef enum {
    SITE_TEXT,    // status and text say it all
    SITE_ASSET,   // a file of the page
    SITE_DATA,    // a topic of the board, once
    SITE_STREAM,  // the same, on and on
    SITE_REPORT,  // the report of a job
    SITE_METRICS, // what Prometheus asks for
} site_what_t;

typedef struct plan {
    site_what_t what;
    unsigned status;
    const char *text;
    uint64_t topic;
    const asset_t *asset;
    bool gzip;            // the asset's short form
    bool log_in;          // with the session's cookie
    const char *location; // or NULL
} plan_t;

void site_plan(const site_t *self, const request_t *request, plan_t *out);

// What the cookie holds: made of the token, and does not tell it.
void site_session(const token_t *token, char out[SESSION_TEXT]);
// "__Host-logtally-7780=...; ..." as Set-Cookie has it.
void site_cookie(const site_t *self, buf_t *out);

// Headers of every answer to that plan, but for its type: pairs, ended by NULL.
const char *const *site_headers(const plan_t *plan);

#endif
