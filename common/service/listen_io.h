// SPDX-License-Identifier: Apache-2.0
// listen: where an HTTP server listens, and the token that those who ask have
// to bring.
#ifndef LOGTALLY_COMMON_SERVICE_LISTEN_IO_H
#define LOGTALLY_COMMON_SERVICE_LISTEN_IO_H

#include "common/base/bytes.h"

#include <sys/socket.h>

#define TOKEN_LEAST 16u
#define TOKEN_MOST  256u

typedef struct token {
    char text[TOKEN_MOST + 1]; // "": none is asked for
    size_t len;
} token_t;

// "127.0.0.1:7780" or "[::1]:7780", numeric, port 0: any free one.
bool listen_parse(const char *listen, struct sockaddr_storage *out);
bool listen_is_loopback(const struct sockaddr_storage *at);

// Where `what` ("metrics") is to be served, with its token: NULL for none,
// which is enough on loopback alone. ERR_CONFIG; *why is a sentence.
MUST_CHECK errcode_t listen_check(const char *what, const char *listen,
    const char *token_file, struct sockaddr_storage *at, token_t *token,
    buf_t *why);

// Whether the header Authorization has the token, or none is asked for. Takes
// as long as for any other text of that length.
bool token_is_right(const token_t *self, const char *authorization);

#endif
