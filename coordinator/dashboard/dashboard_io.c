// SPDX-License-Identifier: Apache-2.0
// A thread for each connection, since a stream waits for news, and a report is
// made while others go on. All of it is bounded: connections, streams among
// them, the time that a silent one may take, what is kept for a slow one (one
// document, which the slow share), and one report is made at a time.
#include "coordinator/dashboard/dashboard_io.h"

#include "common/base/log.h"
#include "common/base/xalloc.h"
#include "common/result/output.h"
#include "common/service/httpd_io.h"
#include "coordinator/dashboard/site.h"
#include "coordinator/dashboard/stream.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS   64u
#define TIMEOUT_S     10u
#define REQUEST_BYTES (16u << 10) // memory of a connection
#define BLOCK_BYTES   (16u << 10) // of a stream, at a time
#define QUIET_MS      2000        // between two signs of life
#define DATA_MS       5000        // what is asked for once comes by then
#define REPORT_MOST   (32u << 20) // bytes of a result that becomes a page

struct dashboard {
    struct MHD_Daemon *daemon;
    site_t site;
    token_t token;
    token_t metrics_token;
    char *hosts;
    board_t *board;
    errcode_t (*result)(void *ctx, uint64_t job, buf_t *out);
    void *ctx;
    pthread_mutex_t render; // one report at a time
    pthread_mutex_t lock;   // of metrics
    buf_t metrics;
};

typedef struct stream {
    dashboard_t *owner;
    uint64_t topic;
    uint64_t seen;   // number of the last document
    uint64_t made;   // of the last rows
    bool told_final; // rows of the result that is kept
    buf_t out;       // not sent yet
    size_t at;       // of it
} stream_t;

// ---- answers

static enum MHD_Result
queue(struct MHD_Connection *c, const plan_t *plan, const char *type,
    struct MHD_Response *r)
{
    if (r == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(r, "Content-Type", type);
    for (const char *const *h = site_headers(plan); *h != NULL; h += 2) {
        (void)MHD_add_response_header(r, h[0], h[1]);
    }
    if (plan->status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    }
    if (plan->status == MHD_HTTP_SERVICE_UNAVAILABLE) {
        (void)MHD_add_response_header(r, "Retry-After", "2");
    }
    if (plan->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(r, "Allow", "GET, HEAD");
    }
    if (plan->location != NULL) {
        (void)MHD_add_response_header(r, "Location", plan->location);
    }
    enum MHD_Result rc = MHD_queue_response(c, plan->status, r);
    MHD_destroy_response(r);
    return rc;
}

static enum MHD_Result
answer_text(dashboard_t *self, struct MHD_Connection *c, const plan_t *plan)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(strlen(plan->text),
        (void *)(uintptr_t)plan->text, MHD_RESPMEM_PERSISTENT);
    buf_t cookie = {0};

    if (r != NULL && plan->log_in) {
        site_cookie(&self->site, &cookie);
        buf_put_u8(&cookie, '\0');
        (void)MHD_add_response_header(r, "Set-Cookie", (const char *)cookie.p);
        sodium_memzero(cookie.p, cookie.len);
        buf_fini(&cookie);
    }
    return queue(c, plan, "text/plain; charset=utf-8", r);
}

static enum MHD_Result
answer_sorry(dashboard_t *self, struct MHD_Connection *c, unsigned status,
    const char *text)
{
    const plan_t plan = {.what = SITE_TEXT, .status = status, .text = text};

    return answer_text(self, c, &plan);
}

static enum MHD_Result
answer_asset(struct MHD_Connection *c, const plan_t *plan)
{
    span_t body = plan->status == MHD_HTTP_NOT_MODIFIED ? (span_t){0}
                  : plan->gzip                          ? plan->asset->gzip
                               : asset_plain(plan->asset);
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.p, MHD_RESPMEM_PERSISTENT);

    if (r != NULL) {
        (void)MHD_add_response_header(r, "ETag", plan->asset->etag);
        if (plan->gzip && plan->status == MHD_HTTP_OK) {
            (void)MHD_add_response_header(r, "Content-Encoding", "gzip");
        }
    }
    return queue(c, plan, plan->asset->type, r);
}

// Gives the bytes to the answer.
static enum MHD_Result
answer_bytes(struct MHD_Connection *c, const plan_t *plan, const char *type,
    buf_t *bytes)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        bytes->len, bytes->p, MHD_RESPMEM_MUST_FREE);

    if (r == NULL) {
        buf_fini(bytes);
    }
    *bytes = (buf_t){0};
    return queue(c, plan, type, r);
}

static enum MHD_Result
answer_metrics(dashboard_t *self, struct MHD_Connection *c, const plan_t *plan)
{
    buf_t text = {0};

    pthread_mutex_lock(&self->lock);
    buf_put_span(&text, buf_span(&self->metrics));
    pthread_mutex_unlock(&self->lock);
    return answer_bytes(
        c, plan, "text/plain; version=0.0.4; charset=utf-8", &text);
}

// ---- what the board has

static enum MHD_Result
answer_data(dashboard_t *self, struct MHD_Connection *c, const plan_t *plan)
{
    enum MHD_Result rc;

    if (!board_join(self->board, plan->topic)) {
        return answer_sorry(self, c, 503, "too many look at once\n");
    }
    document_t *doc = board_wait(self->board, plan->topic, 0, DATA_MS);
    if (doc == NULL) {
        rc = answer_sorry(self, c, 503, "the coordinator is busy\n");
    } else if (doc->gone) {
        rc = answer_sorry(self, c, 404, "there is no such job\n");
    } else {
        buf_t json = {0};
        buf_put_span(&json, buf_span(&doc->json));
        rc = answer_bytes(c, plan, "application/json", &json);
    }
    board_let_go(self->board, &doc);
    board_leave(self->board, plan->topic);
    return rc;
}

// Those of a job that runs hang on the board; of one that has ended, the
// result is kept.
static void
put_rows(stream_t *self, const document_t *doc)
{
    dashboard_t *owner = self->owner;
    buf_t kept = {0}, json = {0};
    bool final = doc->over && !self->told_final;

    if (final && owner->result(owner->ctx, self->topic, &kept) == ERR_OK &&
        kept.len <= REPORT_MOST) {
        self->told_final = true;
        stream_rows(buf_span(&kept), &json);
    } else if (final) {
        self->told_final = true;
        buf_put_str(&json, "{\"text\":\"the result is too large for a page, or "
                           "is not kept any more\"}");
    } else if (!doc->over && doc->made != self->made && doc->rows.len > 0) {
        self->made = doc->made;
        stream_rows(buf_span(&doc->rows), &json);
    }
    if (json.len > 0) {
        stream_put("rows", buf_span(&json), &self->out);
    }
    buf_fini(&kept);
    buf_fini(&json);
}

// The next document as events, or a sign of life.
static void
refill(stream_t *self)
{
    document_t *doc =
        board_wait(self->owner->board, self->topic, self->seen, QUIET_MS);

    buf_clear(&self->out);
    self->at = 0;
    if (doc == NULL) {
        stream_put_quiet(&self->out);
        return;
    }
    self->seen = doc->number;
    if (doc->gone) {
        stream_put("gone", SPAN_LIT("{}"), &self->out);
    } else {
        stream_put(self->topic == OVERVIEW ? "overview" : "job",
            buf_span(&doc->json), &self->out);
    }
    if (self->topic != OVERVIEW && !doc->gone) {
        put_rows(self, doc);
    }
    board_let_go(self->owner->board, &doc);
}

static ssize_t
read_stream(void *ctx, uint64_t position, char *to, size_t room)
{
    stream_t *self = ctx;

    (void)position;
    if (self->at == self->out.len) {
        refill(self);
    }
    if (board_has_ended(self->owner->board)) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t left = self->out.len - self->at;
    size_t n = left < room ? left : room;
    memcpy(to, self->out.p + self->at, n);
    self->at += n;
    return (ssize_t)n;
}

static void
end_stream(void *ctx)
{
    stream_t *self = ctx;

    board_leave(self->owner->board, self->topic);
    buf_fini(&self->out);
    free(self);
}

static enum MHD_Result
answer_stream(dashboard_t *self, struct MHD_Connection *c, const plan_t *plan)
{
    if (!board_join(self->board, plan->topic)) {
        return answer_sorry(self, c, 503, "too many look at once\n");
    }
    stream_t *s = xcalloc(1, sizeof *s);
    s->owner = self;
    s->topic = plan->topic;
    struct MHD_Response *r = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, s, end_stream);
    if (r == NULL) {
        end_stream(s);
    }
    return queue(c, plan, "text/event-stream; charset=utf-8", r);
}

// ---- reports

static errcode_t
fetch_result(dashboard_t *self, uint64_t job, buf_t *out)
{
    errcode_t rc = self->result(self->ctx, job, out);

    if (rc == ERR_OK || !board_join(self->board, job)) {
        return rc;
    }
    // It may be running: its rows as they stand.
    document_t *doc = board_wait(self->board, job, 0, DATA_MS);
    if (doc != NULL && doc->rows.len > 0) {
        buf_clear(out);
        buf_put_span(out, buf_span(&doc->rows));
        rc = ERR_OK;
    }
    board_let_go(self->board, &doc);
    board_leave(self->board, job);
    return rc;
}

static errcode_t
make_report(dashboard_t *self, uint64_t job, buf_t *page)
{
    const output_options_t options = {.kind = OUTPUT_HTML};
    result_t *result = NULL;
    buf_t bytes = {0};

    pthread_mutex_lock(&self->render);
    errcode_t rc = fetch_result(self, job, &bytes);
    if (rc == ERR_OK && bytes.len > REPORT_MOST) {
        rc = ERR_TOO_LARGE;
    }
    if (rc == ERR_OK &&
        (rc = result_decode(buf_span(&bytes), &result)) == ERR_OK) {
        output_result(result, &options, page);
    }
    pthread_mutex_unlock(&self->render);
    result_destroy(&result);
    buf_fini(&bytes);
    return rc;
}

static enum MHD_Result
answer_report(dashboard_t *self, struct MHD_Connection *c, const plan_t *plan)
{
    buf_t page = {0};
    errcode_t rc = make_report(self, plan->topic, &page);

    if (rc == ERR_OK) {
        return answer_bytes(c, plan, "text/html; charset=utf-8", &page);
    }
    return answer_sorry(self, c, rc == ERR_TOO_LARGE ? 413 : 404,
        rc == ERR_TOO_LARGE
            ? "the result is too large for a page; `logtally result` has it\n"
            : "there is no result of this job yet, or not any more\n");
}

// ---- requests

static const char *
header(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static void
log_refused(const plan_t *plan)
{
    static log_limit_t limit = {.per_second = 1};
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    if (log_allowed(&limit, "dashboard-refused")) {
        log_event(LOG_WARN, "dashboard-refused", "why",
            plan->status == 401   ? "token"
            : plan->status == 421 ? "host"
                                  : "origin",
            NULL);
    }
    pthread_mutex_unlock(&lock);
}

static enum MHD_Result
carry_out(dashboard_t *self, struct MHD_Connection *c, plan_t *plan, bool head)
{
    if (head && plan->what != SITE_ASSET && plan->what != SITE_TEXT) {
        plan->what = SITE_TEXT;
        plan->text = "";
    }
    switch (plan->what) {
    case SITE_ASSET:
        return answer_asset(c, plan);
    case SITE_DATA:
        return answer_data(self, c, plan);
    case SITE_STREAM:
        return answer_stream(self, c, plan);
    case SITE_REPORT:
        return answer_report(self, c, plan);
    case SITE_METRICS:
        return answer_metrics(self, c, plan);
    case SITE_TEXT:
        break;
    }
    return answer_text(self, c, plan);
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
    dashboard_t *self = ctx;
    const request_t request = {.method = method,
        .path = url,
        .host = header(c, "Host"),
        .authorization = header(c, "Authorization"),
        .cookie = header(c, "Cookie"),
        .accept_encoding = header(c, "Accept-Encoding"),
        .if_none_match = header(c, "If-None-Match"),
        .fetch_site = header(c, "Sec-Fetch-Site"),
        .fetch_mode = header(c, "Sec-Fetch-Mode")};
    plan_t plan;

    (void)version;
    (void)upload;
    (void)upload_size;
    (void)state;
    site_plan(&self->site, &request, &plan);
    if (plan.status == 401 || plan.status == 403 || plan.status == 421) {
        log_refused(&plan);
    }
    return carry_out(self, c, &plan, strcmp(method, "HEAD") == 0);
}

// ---- its life

static errcode_t
start(dashboard_t *self, const struct sockaddr_storage *at, buf_t *why)
{
    const httpd_options_t o = {.what = "the dashboard",
        .flags = MHD_USE_INTERNAL_POLLING_THREAD |
                 MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL,
        .connections = CONNECTIONS,
        .timeout_s = TIMEOUT_S,
        .connection_bytes = REQUEST_BYTES,
        .on_request = on_request,
        .ctx = self};

    return httpd_start(&o, at, &self->daemon, &self->site.port, why);
}

static errcode_t
set_up(dashboard_t *self, const dashboard_options_t *o,
    struct sockaddr_storage *at, buf_t *why)
{
    errcode_t rc = listen_check(
        "dashboard", o->listen, o->token_file, at, &self->token, why);

    self->site.token = &self->token;
    if (rc == ERR_OK && o->metrics) {
        self->site.metrics_token = &self->metrics_token;
        rc = listen_check("metrics", o->listen, o->metrics_token_file, at,
            &self->metrics_token, why);
    }
    self->hosts = o->hosts != NULL ? xstrdup(o->hosts) : NULL;
    self->site.hosts = self->hosts;
    self->result = o->result;
    self->ctx = o->ctx;
    return rc;
}

errcode_t
dashboard_open(
    const dashboard_options_t *options, dashboard_t **out, buf_t *why)
{
    dashboard_t *self = xcalloc(1, sizeof *self);
    struct sockaddr_storage at;

    pthread_mutex_init(&self->render, NULL);
    pthread_mutex_init(&self->lock, NULL);
    self->board = board_new();
    errcode_t rc = set_up(self, options, &at, why);
    if (rc == ERR_OK) {
        rc = start(self, &at, why);
    }
    if (rc != ERR_OK) {
        dashboard_close(&self);
    }
    *out = self;
    return rc;
}

void
dashboard_close(dashboard_t **self_p)
{
    dashboard_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    board_end(self->board);
    if (self->daemon != NULL) {
        MHD_stop_daemon(self->daemon);
    }
    board_destroy(&self->board);
    sodium_memzero(&self->token, sizeof self->token);
    sodium_memzero(&self->metrics_token, sizeof self->metrics_token);
    pthread_mutex_destroy(&self->render);
    pthread_mutex_destroy(&self->lock);
    buf_fini(&self->metrics);
    free(self->hosts);
    free(self);
    *self_p = NULL;
}

uint16_t
dashboard_port(const dashboard_t *self)
{
    return self->site.port;
}

board_t *
dashboard_board(dashboard_t *self)
{
    return self->board;
}

void
dashboard_put_metrics(dashboard_t *self, buf_t *text)
{
    pthread_mutex_lock(&self->lock);
    buf_t old = self->metrics;
    self->metrics = *text;
    pthread_mutex_unlock(&self->lock);
    buf_fini(&old);
    *text = (buf_t){0};
}
