// SPDX-License-Identifier: Apache-2.0
// frame: one message on the wire, always one ZeroMQ frame.
//
//   magic u16 "LT" | version u8 | type u8 | flags u16 = 0 | reserved u16 = 0
//   | epoch u64 | meta_len u32 | meta (nanopb) | payload (the rest)
//
// The epoch is the coordinator's; 0 from a peer that does not know it yet
// (REGISTER, and every client).
#ifndef LOGTALLY_COMMON_WIRE_FRAME_H
#define LOGTALLY_COMMON_WIRE_FRAME_H

#include "common/base/bytes.h"

#include <pb.h>

#define PROTOCOL_VERSION 1
#define FRAME_HEADER     20u

// Stable numbers; never reused.
typedef enum {
    PROTO_REGISTER = 1,
    PROTO_HEARTBEAT = 2,
    PROTO_OFFER = 3,
    PROTO_FILES = 4,
    PROTO_BYE = 5,
    PROTO_LANE = 6,
    PROTO_REGISTERED = 16,
    PROTO_REFUSED = 17,
    PROTO_HEARTBEAT_ACK = 18,
    PROTO_UNKNOWN = 19,
    PROTO_LIST = 20,
    PROTO_GRANT = 21,
    PROTO_RESULT_ACK = 22,
    PROTO_SHARD = 32,
    PROTO_CANCEL_SHARD = 33,
    PROTO_PARTIAL = 48,
    PROTO_SHARD_FAILED = 49,
    PROTO_SUBMIT = 64,
    PROTO_STATUS = 65,
    PROTO_WAIT = 66,
    PROTO_CANCEL_JOB = 67,
    PROTO_RESULT = 68,
    PROTO_JOBS = 69,
    PROTO_WORKERS = 70,
    PROTO_RELOAD_KEYS = 71,
    PROTO_ROWS = 73,
    PROTO_EVENTS = 72,
    PROTO_JOB_UPDATE = 80,
    PROTO_RESULT_CHUNK = 81,
    PROTO_JOB_LIST = 82,
    PROTO_WORKER_LIST = 83,
    PROTO_PLAN = 84,
    PROTO_KEYS_RELOADED = 85,
    PROTO_ROWS_NOW = 87,
    PROTO_EVENT_LIST = 86,
    PROTO_BATCH = 96, // batch.h
} proto_type_t;

const char *proto_name(unsigned type); // "REGISTER"; "?" for no type

typedef struct frame {
    uint8_t version;
    uint8_t type;
    uint64_t epoch;
    span_t meta;
    span_t payload;
} frame_t;

// Lends from bytes. ERR_MALFORMED; ERR_TRUNCATED; ERR_VERSION when the magic
// is right and the version is not (version and type are filled then).
MUST_CHECK errcode_t frame_decode(span_t bytes, frame_t *out);

// Appends a whole frame: meta is a nanopb struct described by fields (NULL
// for none). Encoding what fits its own bounds cannot fail: asserted.
void frame_encode(buf_t *out, proto_type_t type, uint64_t epoch,
    const pb_msgdesc_t *fields, const void *meta, span_t payload);

// Fills *meta (zeroed first). ERR_MALFORMED for anything nanopb refuses.
MUST_CHECK errcode_t frame_meta(
    const frame_t *frame, const pb_msgdesc_t *fields, void *meta);

// Records of a payload: varint length, message.
void record_put(buf_t *out, const pb_msgdesc_t *fields, const void *record);
MUST_CHECK errcode_t record_get(
    rd_t *r, const pb_msgdesc_t *fields, void *record);

#endif
