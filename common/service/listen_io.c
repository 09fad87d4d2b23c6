// SPDX-License-Identifier: Apache-2.0
#include "common/service/listen_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- where

// "127.0.0.1:7780" or "[::1]:7780" to an address.
bool
listen_parse(const char *listen, struct sockaddr_storage *out)
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

bool
listen_is_loopback(const struct sockaddr_storage *at)
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
token_load(token_t *self, const char *path, buf_t *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool known = fd != -1 && fstat(fd, &st) == 0;
    bool sound = known && S_ISREG(st.st_mode);
    ssize_t n = sound ? read(fd, self->text, sizeof self->text) : -1;
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
    while (n > 0 && (self->text[n - 1] == '\n' || self->text[n - 1] == ' ')) {
        n--;
    }
    if (n < (ssize_t)TOKEN_LEAST || n > (ssize_t)TOKEN_MOST) {
        return token_fault(path,
            "a token has 16 to 256 characters; openssl rand -hex 32", why);
    }
    self->text[n] = '\0';
    self->len = (size_t)n;
    return ERR_OK;
}

// As long as it takes for any other text of that length.
bool
token_is_right(const token_t *self, const char *authorization)
{
    static const char bearer[] = "Bearer ";
    size_t skip = sizeof bearer - 1;

    if (self->len == 0) {
        return true;
    }
    return authorization != NULL && strncmp(authorization, bearer, skip) == 0 &&
           strlen(authorization + skip) == self->len &&
           sodium_memcmp(authorization + skip, self->text, self->len) == 0;
}

errcode_t
listen_check(const char *what, const char *listen, const char *token_file,
    struct sockaddr_storage *at, token_t *token, buf_t *why)
{
    *token = (token_t){.len = 0};
    if (!listen_parse(listen, at)) {
        buf_printf(why,
            "%s %.80s: expected a numeric address and a port, as in "
            "127.0.0.1:7780",
            what, listen);
        return ERR_CONFIG;
    }
    if (token_file != NULL) {
        return token_load(token, token_file, why);
    }
    if (!listen_is_loopback(at)) {
        buf_printf(why,
            "%s %.80s: others can reach this address, so a %s-token has to be "
            "named",
            what, listen, what);
        return ERR_CONFIG;
    }
    return ERR_OK;
}
