// SPDX-License-Identifier: Apache-2.0
// http: one page for machines, GET /metrics, in a thread of libmicrohttpd. It
// serves the text that it was given last and knows nothing of its daemon, so
// that whoever asks, and however often, cannot hold up a loop.
#ifndef LOGTALLY_COMMON_SERVICE_HTTP_IO_H
#define LOGTALLY_COMMON_SERVICE_HTTP_IO_H

#include "common/base/bytes.h"

typedef struct http_io http_io_t;

// listen: "ADDRESS:PORT" or "[ADDRESS]:PORT", numeric; port 0: any free one.
// Another address than one of loopback needs token_file, which has 16 to 256
// characters that a request must bring (Authorization: Bearer), and which
// nobody else may read. ERR_CONFIG, ERR_IO; *why is a sentence.
MUST_CHECK errcode_t http_io_open(
    const char *listen, const char *token_file, http_io_t **out, buf_t *why);
void http_io_close(http_io_t **self_p);
uint16_t http_io_port(const http_io_t *self);
// What is served from now on; takes the bytes of *text. Any thread.
void http_io_put(http_io_t *self, buf_t *text);

#endif
