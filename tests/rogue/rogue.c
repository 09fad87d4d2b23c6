// SPDX-License-Identifier: Apache-2.0
// rogue: what who stole a worker's key might send, as fast as it goes, until
// it is ended.
//
//   rogue ENDPOINT KEYS LOG QUERY SHARD_BYTES FOREIGN...
//
// FOREIGN are hosts that the key does not speak for. LOG is as long as the
// logs of theirs that are being counted, and says something else: its partials
// cover the shards of others to the byte, and would be believed if nobody
// asked whose they are. It prints a line when it has tried ENOUGH, and at the
// end how often it sent what, and what it was told.
#include "certs/keyfile.h"
#include "common/net/curve_socket.h"
#include "common/tally/partial.h"
#include "common/wire/control.pb.h"
#include "common/wire/frame.h"
#include "worker/scan/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#define SHARDS_MAX  256u // the first ones of a log
#define PARTIAL_MAX (1u << 20)
#define ENOUGH      100000u
#define JOBS        4u // that are guessed at: 1, 2, ...
#define BUDGET      ((size_t)64 << 20)

typedef struct rogue {
    credentials_t keys;
    void *zmq;
    void *control;
    void *sink;
    uint64_t epoch;
    uint64_t incarnation;
    uint16_t sink_port;
    char *const *foreign;
    size_t n_foreign;
    buf_t partials[SHARDS_MAX]; // of LOG, shard by shard
    size_t n_shards;
    buf_t frame;
    received_t in;
    unsigned long sent[256]; // by proto_type_t; 0: what is none
    unsigned long told[256];
} rogue_t;

static volatile sig_atomic_t ended;

static void
end(int signal)
{
    (void)signal;
    ended = 1;
}

static void
die(const char *what)
{
    fprintf(stderr, "rogue: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILED);
}

static uint32_t
any(uint32_t below)
{
    return randombytes_uniform(below);
}

// ---- partials of what it would like to be counted

static void
count_shard(rogue_t *self, const char *query, scan_range_t *range)
{
    scan_job_t job = {.query = query,
        .format = "combined",
        .ranges = range,
        .n_ranges = 1,
        .budget = BUDGET};
    scan_error_t error;

    if (scan_shard(&job, &self->partials[self->n_shards++], &error) != ERR_OK) {
        die("scan");
    }
}

static void
count_log(rogue_t *self, const char *log, const char *query, uint64_t step)
{
    struct stat st;
    int fd = open(log, O_RDONLY | O_CLOEXEC);

    if (fd == -1 || fstat(fd, &st) == -1) {
        die(log);
    }
    uint64_t size = (uint64_t)st.st_size;
    for (uint64_t at = 0; at < size && self->n_shards < SHARDS_MAX;
         at += step) {
        scan_range_t range = {.fd = fd,
            .size = size,
            .begin = at,
            .end = at + step < size ? at + step : size,
            .host = "evil",
            .path = log};
        count_shard(self, query, &range);
    }
    close(fd);
}

// ---- talking

static void
dial(rogue_t *self, int type, const char *endpoint, void **out)
{
    buf_t why = {0};
    curve_dial_t options = {.type = type,
        .server_public = self->keys.coordinator.key,
        .own_public = self->keys.self.public_key,
        .own_secret = self->keys.self.secret_key,
        .endpoint = endpoint,
        .max_frame = LIMIT_SINK,
        .hwm = 1000};

    if (curve_dial(self->zmq, &options, out, &why) != ERR_OK) {
        die("dial");
    }
    buf_fini(&why);
}

static void
send_frame(rogue_t *self, void *socket, proto_type_t type,
    const pb_msgdesc_t *fields, const void *meta, span_t payload)
{
    buf_clear(&self->frame);
    frame_encode(&self->frame, type,
        any(50) == 0 ? self->epoch - 1 : self->epoch, fields, meta, payload);
    if (socket != NULL &&
        socket_send(socket, buf_span(&self->frame)) == ERR_OK) {
        self->sent[type]++;
    }
}

static void
take_answer(rogue_t *self)
{
    frame_t frame;

    if (frame_decode(buf_span(&self->in.frame), &frame) != ERR_OK) {
        return;
    }
    self->told[frame.type]++;
    if (frame.type == PROTO_REGISTERED) {
        lt_Registered meta;
        if (frame_meta(&frame, lt_Registered_fields, &meta) == ERR_OK) {
            self->epoch = meta.epoch;
            self->sink_port = (uint16_t)meta.sink_port;
        }
    }
}

static void
listen_to(rogue_t *self)
{
    while (socket_receive(self->control, false, &self->in) == ERR_OK) {
        take_answer(self);
    }
}

// ---- what it sends

static const char *
any_name(const rogue_t *self)
{
    static const char *const odd[] = {
        "", "*", "../web1", "coordinator", "WEB1"};

    switch (any(4)) {
    case 0:
        return odd[any(sizeof odd / sizeof *odd)];
    case 1:
        return self->foreign[any((uint32_t)self->n_foreign)];
    default:
        return self->keys.self.name;
    }
}

static void
register_as(rogue_t *self, const char *name)
{
    lt_Register meta = {.version_min = any(20) == 0 ? 99 : 1,
        .version_max = 99,
        .executors = any(3) == 0 ? UINT32_MAX : 1024,
        .intake_port = 1 + any(65535),
        .partial = PARTIAL_VERSION};

    if (any(10) == 0) {
        self->incarnation = randombytes_random();
    }
    meta.incarnation = self->incarnation;
    snprintf(meta.name, sizeof meta.name, "%s", name);
    snprintf(meta.software, sizeof meta.software, "logtally 9\033[2J");
    snprintf(meta.intake_address, sizeof meta.intake_address, "127.0.0.1");
    send_frame(self, self->control, PROTO_REGISTER, lt_Register_fields, &meta,
        (span_t){0});
}

static void
fill_offer(const rogue_t *self, lt_Offer *offer, uint32_t shard)
{
    *offer = (lt_Offer){.job = 1 + any(JOBS),
        .shard = shard,
        .attempt = 1 + any(3),
        .bytes = self->partials[shard % self->n_shards].len,
        .epoch = self->epoch};
    if (any(20) == 0) {
        offer->bytes = UINT64_MAX;
    }
    crypto_generichash(offer->hash, sizeof offer->hash,
        self->partials[shard % self->n_shards].p,
        self->partials[shard % self->n_shards].len, NULL, 0);
}

static void
send_offer(rogue_t *self)
{
    lt_OfferMessage meta = {
        .incarnation = self->incarnation, .has_offer = true};

    fill_offer(self, &meta.offer, any(2 * (uint32_t)self->n_shards));
    send_frame(self, self->control, PROTO_OFFER, lt_OfferMessage_fields, &meta,
        (span_t){0});
}

// Shards of others, as its own.
static void
send_heartbeat(rogue_t *self)
{
    lt_Heartbeat meta = {
        .incarnation = self->incarnation, .seq = any(100), .n_held = 64};
    buf_t records = {0};

    for (uint32_t i = 0; i < meta.n_held; i++) {
        lt_Held held = {.job = 1 + any(JOBS),
            .shard = any(2 * (uint32_t)self->n_shards),
            .attempt = 1 + any(3),
            .running = true,
            .epoch = self->epoch};
        record_put(&records, lt_Held_fields, &held);
    }
    meta.n_held += any(20) == 0;
    send_frame(self, self->control, PROTO_HEARTBEAT, lt_Heartbeat_fields, &meta,
        buf_span(&records));
    buf_fini(&records);
}

// A file that is not there, for a listing that somebody else was asked for.
static void
send_files(rogue_t *self)
{
    lt_Files meta = {.incarnation = self->incarnation,
        .job = 1 + any(JOBS),
        .request = any(8),
        .n = 1,
        .last = true};
    lt_File file = {.path = "/var/log/evil", .size = 1000, .inode = 1};
    buf_t records = {0};

    record_put(&records, lt_File_fields, &file);
    send_frame(self, self->control, PROTO_FILES, lt_Files_fields, &meta,
        buf_span(&records));
    buf_fini(&records);
}

static void
send_bye(rogue_t *self)
{
    lt_Bye meta = {
        .incarnation = any(2) ? randombytes_random() : self->incarnation};

    send_frame(
        self, self->control, PROTO_BYE, lt_Bye_fields, &meta, (span_t){0});
}

static void
send_partial(rogue_t *self)
{
    uint32_t shard = any(2 * (uint32_t)self->n_shards);
    const buf_t *partial = &self->partials[shard % self->n_shards];
    lt_Partial meta = {.incarnation = self->incarnation,
        .job = 1 + any(JOBS),
        .shard = shard,
        .attempt = 1 + any(3),
        .total = partial->len,
        .last = true,
        .hash.size = 32};

    crypto_generichash(meta.hash.bytes, 32, partial->p, partial->len, NULL, 0);
    if (any(20) == 0) {
        meta.total = UINT64_MAX;
        meta.offset = UINT64_MAX - partial->len;
    }
    send_frame(self, self->sink, PROTO_PARTIAL, lt_Partial_fields, &meta,
        buf_span(partial));
}

static void
send_failed(rogue_t *self)
{
    lt_ShardFailed meta = {.incarnation = self->incarnation,
        .job = 1 + any(JOBS),
        .shard = any(2 * (uint32_t)self->n_shards),
        .attempt = 1 + any(3),
        .error = ERR_QUERY,
        .text = "no",
        .file = any(2)};

    send_frame(self, self->sink, PROTO_SHARD_FAILED, lt_ShardFailed_fields,
        &meta, (span_t){0});
}

// What a client may send, and no worker.
static void
send_as_client(rogue_t *self)
{
    lt_JobRequest meta = {.job = 1 + any(JOBS)};
    proto_type_t type = any(2) ? PROTO_CANCEL_JOB : PROTO_RELOAD_KEYS;

    if (type == PROTO_CANCEL_JOB) {
        send_frame(self, self->control, type, lt_JobRequest_fields, &meta,
            (span_t){0});
    } else {
        send_frame(self, self->control, type, lt_Empty_fields, &(lt_Empty){0},
            (span_t){0});
    }
}

// Bytes that are no frame, and frames of more than one part.
static void
send_rubbish(rogue_t *self)
{
    uint8_t bytes[512];
    void *socket = any(2) && self->sink != NULL ? self->sink : self->control;

    randombytes_buf(bytes, sizeof bytes);
    if (any(2)) { // a header that is right
        memcpy(bytes, self->frame.p,
            self->frame.len < FRAME_HEADER ? self->frame.len : FRAME_HEADER);
    }
    int more = any(2) ? ZMQ_SNDMORE : 0;
    if (zmq_send(socket, bytes, any(sizeof bytes), more | ZMQ_DONTWAIT) != -1) {
        self->sent[0]++;
    }
    if (more) {
        (void)zmq_send(socket, bytes, 1, ZMQ_DONTWAIT);
    }
}

static void
attack(rogue_t *self)
{
    static void (*const ways[])(rogue_t *) = {send_offer, send_heartbeat,
        send_files, send_bye, send_partial, send_partial, send_failed,
        send_as_client, send_rubbish};

    if (any(30) == 0) {
        register_as(self, any_name(self));
    }
    ways[any(sizeof ways / sizeof *ways)](self);
    listen_to(self);
    if (self->sink == NULL && self->sink_port != 0) {
        char endpoint[64];
        snprintf(
            endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", self->sink_port);
        dial(self, ZMQ_PUSH, endpoint, &self->sink);
    }
}

static void
report(const rogue_t *self)
{
    for (unsigned i = 0; i < 256; i++) {
        if (self->sent[i] > 0) {
            printf("sent %s %lu\n", i == 0 ? "rubbish" : proto_name(i),
                self->sent[i]);
        }
        if (self->told[i] > 0) {
            printf("told %s %lu\n", proto_name(i), self->told[i]);
        }
    }
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    rogue_t *self = calloc(1, sizeof *self);
    buf_t why = {0};

    if (self == NULL || argc < 7 || sodium_init() < 0) {
        die("usage: rogue ENDPOINT KEYS LOG QUERY SHARD_BYTES FOREIGN...");
    }
    signal(SIGTERM, end);
    if (credentials_load(argv[2], &self->keys, &why) != ERR_OK) {
        die("keys");
    }
    self->foreign = argv + 6;
    self->n_foreign = (size_t)argc - 6;
    self->incarnation = randombytes_random();
    count_log(self, argv[3], argv[4], strtoull(argv[5], NULL, 10));
    self->zmq = zmq_ctx_new();
    dial(self, ZMQ_DEALER, argv[1], &self->control);
    register_as(self, self->keys.self.name);
    for (unsigned n = 0; !ended; n++) {
        attack(self);
        if (n == ENOUGH) {
            puts("enough");
            fflush(stdout);
        }
    }
    report(self);
    _exit(EXIT_DONE); // what it holds ends with it
}
