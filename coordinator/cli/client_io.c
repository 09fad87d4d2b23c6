// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/client_io.h"

#include "certs/keyfile.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "common/net/curve_socket.h"
#include "coordinator/cli/client_settings.h"
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/passphrase_io.h"
#include "coordinator/cli/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#define DEFAULT_PORT 7700
#define CLIENT_HWM   1000
// Between the end of the handshake and the socket's taking a message.
#define SEND_MS 1000

enum { ITEM_SOCKET, ITEM_MONITOR, ITEM_SIGNALS, ITEM_WATCHED, N_ITEMS };

struct client {
    void *zmq_ctx;
    void *socket;
    dial_monitor_t *monitor;
    dial_state_t state;
    int signals;
    int watched; // somebody else's descriptor, or -1
    credentials_t own;
    const credentials_t *credentials;
    pins_t pins;
    char *keys;   // where they are from, or NULL
    size_t dials; // so many; the coordinator's keys take turns
    char endpoint[LIMIT_ENDPOINT];
    received_t in;
};

// ---- opening

static int
dial(client_t *self, buf_t *why)
{
    const pins_t *pins = &self->pins;
    char name[32]; // a new one for each dial

    snprintf(name, sizeof name, "client-monitor-%zu", self->dials);
    if (dial_monitor_open(self->zmq_ctx, name, &self->monitor) != ERR_OK) {
        buf_printf(why, "cannot start ZeroMQ: %s", zmq_strerror(zmq_errno()));
        return EXIT_FAILED;
    }
    errcode_t rc = curve_dial(self->zmq_ctx,
        &(curve_dial_t){
            .type = ZMQ_DEALER,
            .server_public = pins->keys[self->dials++ % pins->n],
            .own_public = self->credentials->self.public_key,
            .own_secret = self->credentials->self.secret_key,
            .endpoint = self->endpoint,
            .max_frame = LIMIT_CONTROL,
            .hwm = CLIENT_HWM,
            .heartbeats = true,
            .monitor = name,
        },
        &self->socket, why);
    return rc == ERR_OK ? EXIT_DONE : EXIT_FAILED;
}

static void
hang_up(client_t *self)
{
    if (self->socket != NULL) {
        zmq_close(self->socket);
        self->socket = NULL;
    }
    dial_monitor_close(&self->monitor);
}

// While the coordinator's key is rotated there are two, and which one it has
// shows when it closes the handshake.
static bool
is_other_key(const client_t *self)
{
    return self->state != DIAL_UP &&
           dial_monitor_closed(self->monitor) >= DIAL_CLOSED_ENOUGH;
}

// Who waits for hours may have been given the next one meanwhile.
static bool
knows_other_key(client_t *self)
{
    pins_t now;
    buf_t ignored = {0};
    bool other = false;

    if (self->keys != NULL && pins_load(self->keys, &now, &ignored) == ERR_OK) {
        other = !pins_equal(&now, &self->pins);
        self->pins = now;
    }
    buf_fini(&ignored);
    return other || self->pins.n > 1;
}

static int
dial_other_key(client_t *self, buf_t *why)
{
    hang_up(self);
    return dial(self, why);
}

static int
start_dial(client_t *self, buf_t *why)
{
    self->zmq_ctx = zmq_ctx_new();
    if (self->zmq_ctx == NULL) {
        buf_printf(why, "cannot start ZeroMQ: %s", zmq_strerror(zmq_errno()));
        return EXIT_FAILED;
    }
    return dial(self, why);
}

// Before libzmq starts its threads, which must not take signals.
static int
open_signals(client_t *self, buf_t *why)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) ==
            -1) {
        buf_printf(why, "cannot watch for signals: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static bool
was_interrupted(client_t *self)
{
    struct signalfd_siginfo info;

    return read(self->signals, &info, sizeof info) == (ssize_t)sizeof info;
}

// Whether there is something for who watches.
static bool
poll_all(client_t *self, int64_t wait_ms)
{
    zmq_pollitem_t items[N_ITEMS] = {
        [ITEM_SOCKET] = {.socket = self->socket, .events = ZMQ_POLLIN},
        [ITEM_MONITOR] = {.socket = dial_monitor_socket(self->monitor),
            .events = ZMQ_POLLIN},
        [ITEM_SIGNALS] = {.fd = self->signals, .events = ZMQ_POLLIN},
        [ITEM_WATCHED] = {.fd = self->watched, .events = ZMQ_POLLIN},
    };
    bool watches = self->watched != -1;

    // Whatever it returns, the callers look at everything.
    int rc = zmq_poll(items, watches ? N_ITEMS : N_ITEMS - 1,
        wait_ms < 0 ? 0 : (long)wait_ms);
    // A terminal tells of another size by a signal.
    return watches && (rc == -1 || items[ITEM_WATCHED].revents != 0);
}

static int
connect_up(client_t *self, buf_t *why)
{
    const int64_t began_ms = clock_mono_ms();
    int64_t now_ms = began_ms;

    for (;;) {
        self->state = dial_monitor_drain(self->monitor, now_ms);
        if (self->state == DIAL_UP) {
            return EXIT_DONE;
        }
        if (was_interrupted(self)) {
            return EXIT_INTERRUPTED;
        }
        if (is_other_key(self) && self->dials < self->pins.n) {
            int code = dial_other_key(self, why);
            if (code != EXIT_DONE) {
                return code;
            }
            continue;
        }
        if (dial_is_hopeless(self->state, now_ms - began_ms)) {
            return client_explain(self, why);
        }
        (void)poll_all(self, 100);
        now_ms = clock_mono_ms();
    }
}

// Keys that were given may have been put together without a folder.
static void
take_pins(client_t *self, const char *keys)
{
    self->pins = self->credentials->pins;
    if (self->pins.n == 0) {
        self->pins.n = 1;
        memcpy(self->pins.keys[0], self->credentials->coordinator.key, KEY_LEN);
    }
    self->keys = keys != NULL ? xstrdup(keys) : NULL;
}

static int
start(client_t *self, common_options_t *common, buf_t *why)
{
    if (client_settings_find(common, why) != ERR_OK) {
        return EXIT_USAGE;
    }
    const passphrase_source_t source =
        passphrase_source(common->passphrase_file);
    self->credentials = common->given != NULL ? common->given : &self->own;
    if (common->given == NULL &&
        credentials_unseal(common->keys, &source, &self->own, why) != ERR_OK) {
        return EXIT_UNREACHABLE;
    }
    take_pins(self, common->keys);
    // Looked up while Ctrl-C still ends the program.
    errcode_t rc = endpoint_resolve(
        common->coordinator, DEFAULT_PORT, self->endpoint, why);
    if (rc != ERR_OK) {
        return rc == ERR_CONFIG ? EXIT_USAGE : EXIT_UNREACHABLE;
    }
    int code = open_signals(self, why);
    code = code == EXIT_DONE ? start_dial(self, why) : code;
    return code == EXIT_DONE ? connect_up(self, why) : code;
}

int
client_open(common_options_t *common, client_t **out, buf_t *why)
{
    client_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    self->signals = self->watched = -1;
    int code = start(self, common, why);
    if (code != EXIT_DONE) {
        client_close(&self);
        return code;
    }
    *out = self;
    return EXIT_DONE;
}

void
client_close(client_t **self_p)
{
    client_t *self = *self_p;

    if (self == NULL) {
        return;
    }
    *self_p = NULL;
    hang_up(self);
    if (self->zmq_ctx != NULL) {
        zmq_ctx_term(self->zmq_ctx);
    }
    if (self->signals != -1) {
        close(self->signals);
    }
    credentials_fini(&self->own);
    free(self->keys);
    received_fini(&self->in);
    free(self);
}

void
client_watch(client_t *self, int fd)
{
    self->watched = fd;
}

const char *
client_endpoint(const client_t *self)
{
    return self->endpoint;
}

// ---- events

int
client_explain(client_t *self, buf_t *why)
{
    char fingerprint[20];
    dial_state_t state = self->state;

    // Packets that vanish look like a dial that has not come far yet.
    state = state == DIAL_CONNECTING ? DIAL_NO_ANSWER : state;
    key_fingerprint(self->credentials->self.public_key, fingerprint);
    dial_explain(state, self->endpoint, fingerprint, why);
    return EXIT_UNREACHABLE;
}

// A frame of another version still has a header that can be read.
static bool
next_frame(client_t *self, frame_t *frame)
{
    while (socket_receive(self->socket, false, &self->in) != ERR_BUSY) {
        errcode_t rc = frame_decode(buf_span(&self->in.frame), frame);
        if (rc == ERR_OK || rc == ERR_VERSION) {
            return true;
        }
    }
    return false;
}

// True when the connection changed in a way that the caller must know.
static bool
news(client_t *self, int64_t now_ms, client_event_t *event)
{
    dial_state_t before = self->state;

    self->state = dial_monitor_drain(self->monitor, now_ms);
    if (self->state == before) {
        return false;
    }
    if (self->state == DIAL_UP) {
        *event = CLIENT_BACK;
        return true;
    }
    if (self->state == DIAL_REFUSED) {
        *event = CLIENT_FAILED;
        return true;
    }
    *event = CLIENT_LOST;
    return before == DIAL_UP;
}

static bool
redial(client_t *self)
{
    buf_t why = {0};
    bool done = dial_other_key(self, &why) == EXIT_DONE;

    buf_fini(&why);
    return done;
}

client_event_t
client_wait(client_t *self, int64_t until_ms, frame_t *frame)
{
    client_event_t event;
    bool input = false;

    for (;;) {
        int64_t now_ms = clock_mono_ms();
        if (was_interrupted(self)) {
            return CLIENT_INTERRUPTED;
        }
        if (next_frame(self, frame)) {
            return CLIENT_FRAME;
        }
        if (news(self, now_ms, &event)) {
            return event;
        }
        if (input) {
            return CLIENT_INPUT;
        }
        if (is_other_key(self) && knows_other_key(self) && !redial(self)) {
            return CLIENT_FAILED;
        }
        if (now_ms >= until_ms) {
            return CLIENT_TIMEOUT;
        }
        input = poll_all(self, until_ms - now_ms);
    }
}

// ---- asking

bool
client_send(client_t *self, span_t frame)
{
    const int64_t until_ms = clock_mono_ms() + SEND_MS;
    zmq_pollitem_t item = {.socket = self->socket, .events = ZMQ_POLLOUT};
    errcode_t rc;

    while ((rc = socket_send(self->socket, frame)) == ERR_BUSY) {
        int64_t left_ms = until_ms - clock_mono_ms();
        if (left_ms <= 0) {
            break;
        }
        (void)zmq_poll(&item, 1, (long)left_ms);
    }
    return rc == ERR_OK;
}

static int
explain_version(const client_t *self, unsigned low, unsigned high, buf_t *why)
{
    buf_printf(why, "the coordinator at %s speaks protocol version %u",
        self->endpoint, low);
    if (high != low) {
        buf_printf(why, " to %u", high);
    }
    buf_printf(why,
        ", this logtally (" LOGTALLY_VERSION
        ") version %u; install the same release on both sides",
        PROTOCOL_VERSION);
    return EXIT_UNREACHABLE;
}

int
client_refusal(const frame_t *frame, buf_t *why)
{
    lt_Refused refused;

    if (frame_meta(frame, lt_Refused_fields, &refused) != ERR_OK) {
        buf_put_str(why, "the coordinator refused, and did not say why");
        return EXIT_FAILED;
    }
    if (refused.text[0] != '\0') {
        text_safe(refused.text, why);
    } else {
        buf_printf(why, "the coordinator refused: %s",
            err_text((errcode_t)refused.error));
    }
    bool known = refused.exit > 0 && refused.exit < 256;
    return known ? (int)refused.exit : EXIT_FAILED;
}

int
client_nonsense(const client_t *self, const frame_t *frame, buf_t *why)
{
    if (frame->version != PROTOCOL_VERSION) {
        return explain_version(self, frame->version, frame->version, why);
    }
    buf_printf(why, "the coordinator's answer (%s) makes no sense",
        proto_name(frame->type));
    return EXIT_FAILED;
}

static int
explain_event(
    client_t *self, client_event_t event, int64_t patience_ms, buf_t *why)
{
    if (event == CLIENT_INTERRUPTED) {
        return EXIT_INTERRUPTED;
    }
    if (event == CLIENT_TIMEOUT && self->state == DIAL_UP) {
        buf_printf(why, "no answer from the coordinator at %s within ",
            self->endpoint);
        text_duration((uint64_t)patience_ms, why);
        return EXIT_UNREACHABLE;
    }
    return client_explain(self, why);
}

// A job that was only to be planned, and ended without a plan.
static int
explain_failure(const frame_t *frame, buf_t *why)
{
    lt_JobUpdate job;

    if (frame_meta(frame, lt_JobUpdate_fields, &job) != ERR_OK ||
        !job_has_ended(&job)) {
        return EXIT_DONE;
    }
    job_end(&job, why);
    return job_exit(&job);
}

// What a frame is worth to somebody who waits for one of type `want`.
// COMMAND_GOES_ON: nothing.
static int
judge(const client_t *self, const frame_t *frame, proto_type_t want, buf_t *why)
{
    int code;

    if (frame->version != PROTOCOL_VERSION) {
        return client_nonsense(self, frame, why);
    }
    if (frame->type == PROTO_REFUSED) {
        return client_refusal(frame, why);
    }
    if (frame->type == want) {
        return EXIT_DONE;
    }
    if (frame->type == PROTO_JOB_UPDATE &&
        (code = explain_failure(frame, why)) != EXIT_DONE) {
        return code;
    }
    return COMMAND_GOES_ON;
}

// `again`: what to send when the connection was lost and is back; empty: its
// loss is the end.
static int
wait_for(client_t *self, proto_type_t want, int64_t patience_ms, span_t again,
    frame_t *answer, buf_t *why)
{
    const int64_t until_ms = clock_mono_ms() + patience_ms;
    int code = COMMAND_GOES_ON;

    while (code == COMMAND_GOES_ON) {
        client_event_t event = client_wait(self, until_ms, answer);
        if (event == CLIENT_FRAME) {
            code = judge(self, answer, want, why);
        } else if (event == CLIENT_BACK && again.len > 0) {
            (void)client_send(self, again);
        } else if (event != CLIENT_LOST || again.len == 0) {
            code = explain_event(self, event, patience_ms, why);
        }
    }
    return code;
}

int
client_reconnect(client_t *self, buf_t *why)
{
    const int64_t until_ms = clock_mono_ms() + CLIENT_CONNECT_MS;
    client_event_t event = CLIENT_FRAME;
    frame_t ignored;

    while (self->state != DIAL_UP) {
        event = client_wait(self, until_ms, &ignored);
        if (event == CLIENT_INTERRUPTED) {
            return EXIT_INTERRUPTED;
        }
        if (event == CLIENT_TIMEOUT || event == CLIENT_FAILED) {
            return client_explain(self, why);
        }
    }
    return EXIT_DONE;
}

int
client_next(client_t *self, proto_type_t want, frame_t *answer, buf_t *why)
{
    return wait_for(self, want, CLIENT_ANSWER_MS, (span_t){0}, answer, why);
}

int
client_ask_patiently(client_t *self, span_t request, proto_type_t want,
    int64_t patience_ms, frame_t *answer, buf_t *why)
{
    // When it was not sent, the connection is down and client_wait says so.
    (void)client_send(self, request);
    return wait_for(self, want,
        patience_ms > 0 ? patience_ms : CLIENT_ANSWER_MS, request, answer, why);
}

int
client_ask(client_t *self, span_t request, proto_type_t want, frame_t *answer,
    buf_t *why)
{
    return client_ask_patiently(self, request, want, 0, answer, why);
}

int
client_ask_job(client_t *self, proto_type_t type, uint64_t job,
    lt_JobUpdate *out, buf_t *why)
{
    buf_t request = {0};
    frame_t answer;

    frame_encode(&request, type, 0, lt_JobRequest_fields,
        &(lt_JobRequest){.job = job}, (span_t){0});
    int code =
        client_ask(self, buf_span(&request), PROTO_JOB_UPDATE, &answer, why);
    if (code == EXIT_DONE &&
        frame_meta(&answer, lt_JobUpdate_fields, out) != ERR_OK) {
        code = client_nonsense(self, &answer, why);
    }
    buf_fini(&request);
    return code;
}
