// SPDX-License-Identifier: Apache-2.0
// endpoint: names become numbers here, in the caller's thread. libzmq would
// look them up in an I/O thread and stall every socket with a slow DNS.
#include "common/net/curve_socket.h"

#include "common/base/limits.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SCHEME "tcp://"

typedef struct target {
    char host[LIMIT_ENDPOINT];
    char port[8];
} target_t;

static bool
port_is_valid(const char *text)
{
    unsigned value = 0;

    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || value > 65535) {
            return false;
        }
        value = value * 10 + (unsigned)(*c - '0');
    }
    return text[0] != '\0' && value > 0 && value <= 65535;
}

// "HOST", "HOST:PORT", "[V6]:PORT", or a bare IPv6 address.
static bool
split(const char *text, uint16_t default_port, target_t *out)
{
    const char *host = text;
    const char *end = text + strlen(text);
    const char *port = NULL;
    const char *colon = strrchr(text, ':');

    if (text[0] == '[') {
        host = text + 1;
        end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
            return false;
        }
        port = end[1] == ':' ? end + 2 : NULL;
    } else if (colon != NULL && strchr(text, ':') == colon) {
        end = colon;
        port = colon + 1;
    }
    size_t len = (size_t)(end - host);
    if (len == 0 || len >= sizeof out->host) {
        return false;
    }
    memcpy(out->host, host, len);
    out->host[len] = '\0';
    if (port == NULL) {
        snprintf(out->port, sizeof out->port, "%u", default_port);
        return true;
    }
    return port_is_valid(port) && snprintf(out->port, sizeof out->port, "%s",
                                      port) < (int)sizeof out->port;
}

// IPv4 first where a name has both: programs that listen on * hear both
// families, those told to listen on one address mostly IPv4.
static const struct addrinfo *
choose(const struct addrinfo *list)
{
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
        if (a->ai_family == AF_INET) {
            return a;
        }
    }
    return list;
}

static errcode_t
print_numeric(const struct addrinfo *a, const char *port, char out[256])
{
    char host[NI_MAXHOST];

    if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, NULL, 0,
            NI_NUMERICHOST) != 0) {
        return ERR_UNREACHABLE;
    }
    int n = snprintf(out, LIMIT_ENDPOINT,
        a->ai_family == AF_INET6 ? SCHEME "[%s]:%s" : SCHEME "%s:%s", host,
        port);
    return n > 0 && n < (int)LIMIT_ENDPOINT ? ERR_OK : ERR_TOO_LARGE;
}

static errcode_t
look_up(const target_t *target, char out[256], buf_t *why)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int error = getaddrinfo(target->host, NULL, &hints, &list);

    if (error != 0) {
        buf_printf(why, "cannot find the host %s: %s", target->host,
            gai_strerror(error));
        return ERR_UNREACHABLE;
    }
    errcode_t rc = print_numeric(choose(list), target->port, out);
    if (rc != ERR_OK) {
        buf_printf(why, "cannot use the address of host %s", target->host);
    }
    freeaddrinfo(list);
    return rc;
}

errcode_t
endpoint_resolve(
    const char *text, uint16_t default_port, char out[256], buf_t *why)
{
    target_t target;
    const char *rest = text;

    if (strncmp(text, SCHEME, strlen(SCHEME)) == 0) {
        rest = text + strlen(SCHEME);
    }
    if (strstr(rest, "://") != NULL || strchr(rest, '/') != NULL ||
        !split(rest, default_port, &target)) {
        buf_printf(why, "\"%s\" is no address; write tcp://HOST:PORT", text);
        return ERR_CONFIG;
    }
    return look_up(&target, out, why);
}
