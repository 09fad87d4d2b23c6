// SPDX-License-Identifier: Apache-2.0
#include "common/service/http_io.h"

#include "common/base/xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONNECTIONS   32u
#define TIMEOUT_S     10u
#define REQUEST_BYTES (16u << 10) // memory of a connection
#define TOKEN_LEAST   16u
#define TOKEN_MOST    256u

struct http_io {
    struct MHD_Daemon *daemon;
    uint16_t port;
    char token[TOKEN_MOST + 1]; // "": none is asked for
    size_t token_len;
    pthread_mutex_t lock;
    buf_t text;
};

// ---- where

// "127.0.0.1:7780" or "[::1]:7780" to an address.
static bool
parse_listen(const char *listen, struct sockaddr_storage *out)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    const char *colon = strrchr(listen, ':');
    char host[64];
    char *end;

    if (colon == NULL || colon == listen ||
        (size_t)(colon - listen) >= sizeof host) {
        return false;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > UINT16_MAX) {
        return false;
    }
    bool six = listen[0] == '[' && colon[-1] == ']';
    size_t len = (size_t)(colon - listen) - (six ? 2 : 0);
    memcpy(host, listen + (six ? 1 : 0), len);
    host[len] = '\0';
    memset(out, 0, sizeof *out);
    if (six) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1;
    }
    in4->sin_family = AF_INET;
    in4->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &in4->sin_addr) == 1;
}

static bool
is_loopback(const struct sockaddr_storage *at)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)at;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at;

    return at->ss_family == AF_INET
               ? ntohl(in4->sin_addr.s_addr) >> 24 == 127
               : IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) != 0;
}

// ---- who

static errcode_t
token_fault(const char *path, const char *what, buf_t *why)
{
    buf_printf(why, "%s: %s", path, what);
    return ERR_CONFIG;
}

static errcode_t
load_token(http_io_t *self, const char *path, buf_t *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool known = fd != -1 && fstat(fd, &st) == 0;
    bool sound = known && S_ISREG(st.st_mode);
    ssize_t n = sound ? read(fd, self->token, sizeof self->token) : -1;
    int error = errno;

    if (fd != -1) {
        close(fd);
    }
    if (!sound || n < 0) {
        return token_fault(path, known ? "is no file" : strerror(error), why);
    }
    if ((st.st_mode & 077) != 0) {
        return token_fault(path,
            "others may read it, and so may pass for who has the token; "
            "chmod 600",
            why);
    }
    while (n > 0 && (self->token[n - 1] == '\n' || self->token[n - 1] == ' ')) {
        n--;
    }
    if (n < (ssize_t)TOKEN_LEAST || n > (ssize_t)TOKEN_MOST) {
        return token_fault(path,
            "a token has 16 to 256 characters; openssl rand -hex 32", why);
    }
    self->token[n] = '\0';
    self->token_len = (size_t)n;
    return ERR_OK;
}

// As long as it takes for any other text of that length.
static bool
may_read(const http_io_t *self, const char *authorization)
{
    static const char bearer[] = "Bearer ";
    size_t skip = sizeof bearer - 1;

    if (self->token_len == 0) {
        return true;
    }
    return authorization != NULL && strncmp(authorization, bearer, skip) == 0 &&
           strlen(authorization + skip) == self->token_len &&
           sodium_memcmp(authorization + skip, self->token, self->token_len) ==
               0;
}

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
    if (!may_read(self, MHD_lookup_connection_value(
                            connection, MHD_HEADER_KIND, "Authorization"))) {
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
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
                     (at->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);

    self->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, self,
        MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)at,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
        MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        self->daemon == NULL
            ? NULL
            : MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        buf_printf(why, "cannot serve metrics: %s", strerror(errno));
        return ERR_IO;
    }
    self->port = info->port;
    return ERR_OK;
}

errcode_t
http_io_open(
    const char *listen, const char *token_file, http_io_t **out, buf_t *why)
{
    http_io_t *self = xcalloc(1, sizeof *self);
    struct sockaddr_storage at;
    errcode_t rc = ERR_OK;

    pthread_mutex_init(&self->lock, NULL);
    if (!parse_listen(listen, &at)) {
        buf_printf(why,
            "metrics %.80s: expected a numeric address and a port, as in "
            "127.0.0.1:7780",
            listen);
        rc = ERR_CONFIG;
    } else if (token_file != NULL) {
        rc = load_token(self, token_file, why);
    } else if (!is_loopback(&at)) {
        buf_printf(why,
            "metrics %.80s: others can reach this address, so a metrics-token "
            "has to be named",
            listen);
        rc = ERR_CONFIG;
    }
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
        sodium_memzero(self->token, sizeof self->token);
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
