// SPDX-License-Identifier: Apache-2.0
#include "worker/executor/order.h"

#include <string.h>

// With its NUL, so that the reader can lend it.
static void
put_text(buf_t *out, const char *text)
{
    buf_put_block(out, (span_t){(const uint8_t *)text, strlen(text) + 1});
}

static void
put_range(buf_t *out, const order_range_t *r)
{
    buf_put_u32(out, r->file);
    buf_put_u8(out, r->compression);
    buf_put_u8(out, r->stream);
    buf_put_u8(out, r->guessed);
    buf_put_u8(out, r->id.shared);
    buf_put_u64(out, r->id.device);
    buf_put_u64(out, r->id.inode);
    buf_put_u64(out, r->id.size);
    buf_put_u64(out, (uint64_t)r->id.mtime_ns);
    buf_put(out, r->id.hash, sizeof r->id.hash);
    buf_put_u64(out, r->begin);
    buf_put_u64(out, r->end);
    put_text(out, r->host);
    put_text(out, r->path);
}

void
order_encode(const order_t *self, buf_t *out)
{
    buf_put_u64(out, self->budget);
    put_text(out, self->query);
    put_text(out, self->format);
    buf_put_u8(out, self->validate);
    buf_put_u8(out, self->pack);
    buf_put_u32(out, (uint32_t)self->n_ranges);
    for (size_t i = 0; i < self->n_ranges; i++) {
        put_range(out, &self->ranges[i]);
    }
}

// `max` counts without the NUL.
static errcode_t
get_text(rd_t *r, size_t max, const char **out)
{
    span_t s;
    errcode_t rc = rd_block(r, max + 1, &s);

    if (rc != ERR_OK) {
        return rc;
    }
    if (s.len == 0 || memchr(s.p, '\0', s.len) != s.p + s.len - 1) {
        return ERR_MALFORMED;
    }
    *out = (const char *)s.p;
    return ERR_OK;
}

static errcode_t
get_flag(rd_t *r, bool *out)
{
    uint8_t v;
    errcode_t rc = rd_u8(r, &v);

    if (rc == ERR_OK) {
        *out = v == 1;
        rc = v > 1 ? ERR_MALFORMED : ERR_OK;
    }
    return rc;
}

static errcode_t
get_id(rd_t *r, file_id_t *out)
{
    uint64_t mtime;
    span_t hash;
    errcode_t rc;

    if ((rc = get_flag(r, &out->shared)) || (rc = rd_u64(r, &out->device)) ||
        (rc = rd_u64(r, &out->inode)) || (rc = rd_u64(r, &out->size)) ||
        (rc = rd_u64(r, &mtime)) ||
        (rc = rd_bytes(r, sizeof out->hash, &hash))) {
        return rc;
    }
    out->mtime_ns = (int64_t)mtime;
    memcpy(out->hash, hash.p, sizeof out->hash);
    return ERR_OK;
}

static errcode_t
get_range(rd_t *r, order_range_t *out)
{
    errcode_t rc;

    if ((rc = rd_u32(r, &out->file)) || (rc = rd_u8(r, &out->compression)) ||
        (rc = get_flag(r, &out->stream)) || (rc = get_flag(r, &out->guessed)) ||
        (rc = get_id(r, &out->id)) || (rc = rd_u64(r, &out->begin)) ||
        (rc = rd_u64(r, &out->end)) ||
        (rc = get_text(r, LIMIT_NAME, &out->host)) ||
        (rc = get_text(r, LIMIT_PATH, &out->path))) {
        return rc;
    }
    return ERR_OK;
}

errcode_t
order_decode(span_t bytes, order_t *out)
{
    rd_t r = rd_init(bytes);
    uint32_t n;
    errcode_t rc;

    if ((rc = rd_u64(&r, &out->budget)) ||
        (rc = get_text(&r, LIMIT_QUERY_TEXT, &out->query)) ||
        (rc = get_text(&r, LIMIT_FORMAT_NAME, &out->format)) ||
        (rc = get_flag(&r, &out->validate)) ||
        (rc = get_flag(&r, &out->pack)) || (rc = rd_u32(&r, &n))) {
        return rc;
    }
    if (n > LIMIT_SHARD_RANGES) {
        return ERR_TOO_LARGE;
    }
    out->n_ranges = n;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = get_range(&r, &out->ranges[i]);
    }
    return rc == ERR_OK ? rd_end(&r) : rc;
}
