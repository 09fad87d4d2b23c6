// SPDX-License-Identifier: Apache-2.0
#include "common/service/http_io.h"

#include "common/base/xalloc.h"
#include "common/service/httpd_io.h"
#include "common/service/listen_io.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS   32u
#define TIMEOUT_S     10u
#define REQUEST_BYTES (16u << 10) // memory of a connection

struct http_io {
    struct MHD_Daemon *daemon;
    uint16_t port;
    token_t token;
    pthread_mutex_t lock;
    buf_t text;
};

// ---- what

static enum MHD_Result
answer(struct MHD_Connection *connection, unsigned status, span_t text)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        text.len, (void *)(uintptr_t)text.p, MHD_RESPMEM_MUST_COPY);

    if (r == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(
        r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    (void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    if (status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    }
    enum MHD_Result rc = MHD_queue_response(connection, status, r);
    MHD_destroy_response(r);
    return rc;
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **state)
{
    http_io_t *self = ctx;
    bool read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    (void)version;
    (void)upload;
    (void)upload_size;
    (void)state;
    if (!token_is_right(&self->token, MHD_lookup_connection_value(connection,
                                          MHD_HEADER_KIND, "Authorization"))) {
        return answer(
            connection, MHD_HTTP_UNAUTHORIZED, SPAN_LIT("who is it?\n"));
    }
    if (!read) {
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
            SPAN_LIT("there is only GET\n"));
    }
    if (strcmp(url, "/metrics") != 0) {
        return answer(connection, MHD_HTTP_NOT_FOUND,
            SPAN_LIT("there is only /metrics\n"));
    }
    pthread_mutex_lock(&self->lock);
    enum MHD_Result rc = answer(connection, MHD_HTTP_OK, buf_span(&self->text));
    pthread_mutex_unlock(&self->lock);
    return rc;
}

void
http_io_put(http_io_t *self, buf_t *text)
{
    pthread_mutex_lock(&self->lock);
    buf_t old = self->text;
    self->text = *text;
    pthread_mutex_unlock(&self->lock);
    buf_fini(&old);
    *text = (buf_t){0};
}

// ---- its life

static errcode_t
start(http_io_t *self, const struct sockaddr_storage *at, buf_t *why)
{
    const httpd_options_t o = {.what = "metrics",
        .flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL,
        .connections = CONNECTIONS,
        .timeout_s = TIMEOUT_S,
        .connection_bytes = REQUEST_BYTES,
        .on_request = on_request,
        .ctx = self};

    return httpd_start(&o, at, &self->daemon, &self->port, why);
}

errcode_t
http_io_open(
    const char *listen, const char *token_file, http_io_t **out, buf_t *why)
{
    http_io_t *self = xcalloc(1, sizeof *self);
    struct sockaddr_storage at;

    pthread_mutex_init(&self->lock, NULL);
    errcode_t rc =
        listen_check("metrics", listen, token_file, &at, &self->token, why);
    rc = rc != ERR_OK ? rc : start(self, &at, why);
    if (rc != ERR_OK) {
        http_io_close(&self);
    }
    *out = self;
    return rc;
}

void
http_io_close(http_io_t **self_p)
{
    http_io_t *self = *self_p;

    if (self != NULL) {
        if (self->daemon != NULL) {
            MHD_stop_daemon(self->daemon);
        }
        sodium_memzero(&self->token, sizeof self->token);
        pthread_mutex_destroy(&self->lock);
        buf_fini(&self->text);
        free(self);
        *self_p = NULL;
    }
}

uint16_t
http_io_port(const http_io_t *self)
{
    return self->port;
}
