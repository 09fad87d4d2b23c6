// SPDX-License-Identifier: Apache-2.0
#include "common/wire/frame.h"

#include <assert.h>
#include <pb_common.h>
#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#define FRAME_MAGIC 0x544cu // "LT", little-endian

static const struct {
    proto_type_t type;
    const char *name;
} names[] = {
    {PROTO_REGISTER, "REGISTER"},
    {PROTO_HEARTBEAT, "HEARTBEAT"},
    {PROTO_OFFER, "OFFER"},
    {PROTO_FILES, "FILES"},
    {PROTO_BYE, "BYE"},
    {PROTO_LANE, "LANE"},
    {PROTO_REGISTERED, "REGISTERED"},
    {PROTO_REFUSED, "REFUSED"},
    {PROTO_HEARTBEAT_ACK, "HEARTBEAT_ACK"},
    {PROTO_UNKNOWN, "UNKNOWN"},
    {PROTO_LIST, "LIST"},
    {PROTO_GRANT, "GRANT"},
    {PROTO_RESULT_ACK, "RESULT_ACK"},
    {PROTO_SHARD, "SHARD"},
    {PROTO_CANCEL_SHARD, "CANCEL_SHARD"},
    {PROTO_PARTIAL, "PARTIAL"},
    {PROTO_SHARD_FAILED, "SHARD_FAILED"},
    {PROTO_SUBMIT, "SUBMIT"},
    {PROTO_STATUS, "STATUS"},
    {PROTO_WAIT, "WAIT"},
    {PROTO_CANCEL_JOB, "CANCEL_JOB"},
    {PROTO_RESULT, "RESULT"},
    {PROTO_JOBS, "JOBS"},
    {PROTO_WORKERS, "WORKERS"},
    {PROTO_RELOAD_KEYS, "RELOAD_KEYS"},
    {PROTO_ROWS, "ROWS"},
    {PROTO_EVENTS, "EVENTS"},
    {PROTO_JOB_UPDATE, "JOB_UPDATE"},
    {PROTO_RESULT_CHUNK, "RESULT_CHUNK"},
    {PROTO_JOB_LIST, "JOB_LIST"},
    {PROTO_WORKER_LIST, "WORKER_LIST"},
    {PROTO_PLAN, "PLAN"},
    {PROTO_KEYS_RELOADED, "KEYS_RELOADED"},
    {PROTO_ROWS_NOW, "ROWS_NOW"},
    {PROTO_EVENT_LIST, "EVENT_LIST"},
    {PROTO_BATCH, "BATCH"},
};

const char *
proto_name(unsigned type)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].type == type) {
            return names[i].name;
        }
    }
    return "?";
}

errcode_t
frame_decode(span_t bytes, frame_t *out)
{
    rd_t r = rd_init(bytes);
    uint16_t magic = 0;
    uint16_t flags = 0;
    uint16_t reserved = 0;
    uint32_t meta_len = 0;
    frame_t frame = {0};

    if (bytes.len < FRAME_HEADER) {
        return ERR_TRUNCATED;
    }
    errcode_t rc = rd_u16(&r, &magic);
    rc = rc != ERR_OK ? rc : rd_u8(&r, &frame.version);
    rc = rc != ERR_OK ? rc : rd_u8(&r, &frame.type);
    rc = rc != ERR_OK ? rc : rd_u16(&r, &flags);
    rc = rc != ERR_OK ? rc : rd_u16(&r, &reserved);
    rc = rc != ERR_OK ? rc : rd_u64(&r, &frame.epoch);
    rc = rc != ERR_OK ? rc : rd_u32(&r, &meta_len);
    if (rc != ERR_OK || magic != FRAME_MAGIC) {
        return rc != ERR_OK ? rc : ERR_MALFORMED;
    }
    if (frame.version != PROTOCOL_VERSION) {
        *out = frame;
        return ERR_VERSION;
    }
    if (flags != 0 || reserved != 0) {
        return ERR_MALFORMED;
    }
    if ((rc = rd_bytes(&r, meta_len, &frame.meta)) != ERR_OK) {
        return rc;
    }
    frame.payload = (span_t){r.p, rd_left(&r)};
    *out = frame;
    return ERR_OK;
}

static size_t
meta_size(const pb_msgdesc_t *fields, const void *meta)
{
    size_t len = 0;

    if (fields != NULL) {
        bool ok = pb_get_encoded_size(&len, fields, meta);
        assert(ok);
    }
    return len;
}

static void
put_meta(buf_t *out, const pb_msgdesc_t *fields, const void *meta, size_t len)
{
    if (len == 0) {
        return;
    }
    pb_ostream_t stream = pb_ostream_from_buffer(buf_reserve(out, len), len);
    bool ok = pb_encode(&stream, fields, meta);
    assert(ok && stream.bytes_written == len);
    out->len += len;
}

void
frame_encode(buf_t *out, proto_type_t type, uint64_t epoch,
    const pb_msgdesc_t *fields, const void *meta, span_t payload)
{
    size_t len = meta_size(fields, meta);

    (void)buf_reserve(out, FRAME_HEADER + len + payload.len);
    buf_put_u16(out, FRAME_MAGIC);
    buf_put_u8(out, PROTOCOL_VERSION);
    buf_put_u8(out, (uint8_t)type);
    buf_put_u16(out, 0);
    buf_put_u16(out, 0);
    buf_put_u64(out, epoch);
    buf_put_u32(out, (uint32_t)len);
    put_meta(out, fields, meta, len);
    buf_put_span(out, payload);
}

static bool
is_text(const pb_field_iter_t *it)
{
    return PB_LTYPE(it->type) == PB_LTYPE_STRING &&
           PB_HTYPE(it->type) != PB_HTYPE_REPEATED;
}

// As pb_decode begins, but that an empty text is one NUL and not 32 KiB of
// them: a shard of a few bytes would cost more by these than by all else. No
// field of ours has a default, is of variable place, or a choice of several.
static void
clear(const pb_msgdesc_t *fields, void *record)
{
    pb_field_iter_t it;

    if (!pb_field_iter_begin(&it, fields, record)) {
        return; // it has no fields
    }
    do {
        assert(PB_ATYPE(it.type) == PB_ATYPE_STATIC);
        if (PB_HTYPE(it.type) == PB_HTYPE_OPTIONAL && it.pSize != NULL) {
            *(bool *)it.pSize = false;
        } else if (it.pSize != NULL) {
            *(pb_size_t *)it.pSize = 0;
        }
        if (is_text(&it)) {
            *(char *)it.pData = '\0';
        } else if (PB_LTYPE_IS_SUBMSG(it.type) &&
                   PB_HTYPE(it.type) == PB_HTYPE_OPTIONAL) {
            clear(it.submsg_desc, it.pData);
        } else if (PB_HTYPE(it.type) != PB_HTYPE_REPEATED) {
            memset(it.pData, 0, it.data_size);
        }
    } while (pb_field_iter_next(&it));
}

static errcode_t
decode(span_t bytes, const pb_msgdesc_t *fields, void *out)
{
    pb_istream_t stream = pb_istream_from_buffer(bytes.p, bytes.len);

    clear(fields, out);
    return pb_decode_ex(&stream, fields, out, PB_DECODE_NOINIT) ? ERR_OK
                                                                : ERR_MALFORMED;
}

errcode_t
frame_meta(const frame_t *frame, const pb_msgdesc_t *fields, void *meta)
{
    return decode(frame->meta, fields, meta);
}

void
record_put(buf_t *out, const pb_msgdesc_t *fields, const void *record)
{
    size_t len = meta_size(fields, record);

    buf_put_varint(out, len);
    put_meta(out, fields, record, len);
}

errcode_t
record_get(rd_t *r, const pb_msgdesc_t *fields, void *record)
{
    rd_t at = *r;
    span_t bytes;
    errcode_t rc = rd_block(&at, rd_left(r), &bytes);

    if (rc == ERR_OK && (rc = decode(bytes, fields, record)) == ERR_OK) {
        *r = at;
    }
    return rc;
}
