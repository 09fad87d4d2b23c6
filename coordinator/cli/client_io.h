// SPDX-License-Identifier: Apache-2.0
// client: a conversation with a coordinator. One connection; what arrives,
// what happens to the connection, and Ctrl-C all come out of client_wait.
//
// Functions that return int return an exit code of common/base/errcode.h:
// EXIT_DONE, or another with a sentence in *why (none for
// EXIT_INTERRUPTED).
#ifndef LOGTALLY_COORDINATOR_CLI_CLIENT_IO_H
#define LOGTALLY_COORDINATOR_CLI_CLIENT_IO_H

#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "coordinator/cli/command.h"

#define CLIENT_ANSWER_MS 10000 // a connected coordinator answers by then

typedef struct client client_t;

// Finds coordinator and keys, dials, and waits until the connection is up:
// at most CLIENT_CONNECT_MS, less when it is clear that it will not be.
// From here on SIGINT and SIGTERM are events of client_wait.
MUST_CHECK int client_open(
    common_options_t *common, client_t **out, buf_t *why);
void client_close(client_t **self_p);
const char *client_endpoint(const client_t *self);

typedef enum {
    CLIENT_FRAME,       // *frame, lent until the next call
    CLIENT_TIMEOUT,     // `until_ms` has come
    CLIENT_LOST,        // the connection is down; it is tried again
    CLIENT_BACK,        // and up again: what was asked must be asked again
    CLIENT_FAILED,      // it will not come up again; see client_explain
    CLIENT_INTERRUPTED, // Ctrl-C
    CLIENT_INPUT,       // client_watch: there is something to read, or a signal
} client_event_t;
client_event_t client_wait(client_t *self, int64_t until_ms, frame_t *frame);
// A descriptor that is waited for as well; -1: none.
void client_watch(client_t *self, int fd);
int client_explain(client_t *self, buf_t *why); // always EXIT_UNREACHABLE

// False: the connection is down, nothing was sent.
bool client_send(client_t *self, span_t frame);
// Sends a request and waits for a frame of type `want`. A REFUSED becomes
// its text and exit code. Other frames are skipped. When the connection is
// lost and comes back, the request is sent again.
MUST_CHECK int client_ask(client_t *self, span_t request, proto_type_t want,
    frame_t *answer, buf_t *why);
// The same with another time to wait for the answer; 0: the usual one.
MUST_CHECK int client_ask_patiently(client_t *self, span_t request,
    proto_type_t want, int64_t patience_ms, frame_t *answer, buf_t *why);
// The next frame of that type, where an answer has several.
MUST_CHECK int client_next(
    client_t *self, proto_type_t want, frame_t *answer, buf_t *why);
// Waits for a lost connection to come back, at most CLIENT_CONNECT_MS.
MUST_CHECK int client_reconnect(client_t *self, buf_t *why);
// STATUS or CANCEL_JOB, and its answer.
MUST_CHECK int client_ask_job(client_t *self, proto_type_t type, uint64_t job,
    lt_JobUpdate *out, buf_t *why);
// What a REFUSED frame says.
int client_refusal(const frame_t *frame, buf_t *why);
// What an answer that holds no sense is worth: EXIT_FAILED.
int client_nonsense(const client_t *self, const frame_t *frame, buf_t *why);

#endif
