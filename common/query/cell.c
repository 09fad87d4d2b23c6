// SPDX-License-Identifier: Apache-2.0
#include "common/query/cell.h"

#include "common/base/limits.h"

#include <assert.h>
#include <string.h>

static const char *const names[TYPE_COUNT_] = {
    [TYPE_TEXT] = "text",
    [TYPE_IP] = "ip",
    [TYPE_INTEGER] = "integer",
    [TYPE_DECIMAL] = "decimal",
    [TYPE_DURATION] = "duration",
    [TYPE_SIZE] = "size",
    [TYPE_TIME] = "time",
};

const char *
type_name(type_t type)
{
    assert((unsigned)type < TYPE_COUNT_);
    return names[type];
}

bool
type_is_number(type_t type)
{
    return type != TYPE_TEXT && type != TYPE_IP;
}

void
cell_encode_text(span_t text, buf_t *out)
{
    uint8_t *p = buf_reserve(out, 1 + VARINT_MAX + text.len);

    *p++ = CELL_TAG_TEXT;
    p = varint_put(p, text.len);
    if (text.len > 0) {
        memcpy(p, text.p, text.len);
    }
    out->len = (size_t)(p + text.len - out->p);
}

void
cell_encode_missing(buf_t *out)
{
    buf_put_u8(out, CELL_TAG_MISSING);
}

void
cell_encode(const cell_t *self, buf_t *out)
{
    switch (self->kind) {
    case CELL_MISSING:
        cell_encode_missing(out);
        return;
    case CELL_NUMBER:
        if (self->number % DEC_ONE == 0) {
            buf_put_u8(out, CELL_TAG_INTEGER);
            buf_put_zigzag(out, self->number / DEC_ONE);
        } else {
            buf_put_u8(out, CELL_TAG_DECIMAL);
            buf_put_zigzag(out, self->number);
        }
        return;
    case CELL_TEXT:
        cell_encode_text(self->text, out);
        return;
    }
}

static errcode_t
decode_number(rd_t *r, uint8_t tag, dec_t *out)
{
    i128_t v;
    errcode_t rc = rd_zigzag(r, &v);

    if (rc != ERR_OK) {
        return rc;
    }
    if (tag == CELL_TAG_DECIMAL) {
        *out = v;
        return v % DEC_ONE != 0 ? ERR_OK : ERR_MALFORMED;
    }
    return __builtin_mul_overflow(v, DEC_ONE, out) ? ERR_MALFORMED : ERR_OK;
}

errcode_t
cell_decode(rd_t *r, cell_t *out)
{
    rd_t at = *r;
    cell_t cell = {.kind = CELL_MISSING};
    uint8_t tag;
    errcode_t rc = rd_u8(&at, &tag);

    if (rc != ERR_OK) {
        return rc;
    }
    switch (tag) {
    case CELL_TAG_MISSING:
        break;
    case CELL_TAG_INTEGER:
    case CELL_TAG_DECIMAL:
        cell.kind = CELL_NUMBER;
        rc = decode_number(&at, tag, &cell.number);
        break;
    case CELL_TAG_TEXT:
        cell.kind = CELL_TEXT;
        rc = rd_block(&at, LIMIT_KEY, &cell.text);
        break;
    default:
        rc = ERR_MALFORMED;
        break;
    }
    if (rc == ERR_OK) {
        *r = at;
        *out = cell;
    }
    return rc;
}

int
cell_cmp(const cell_t *a, const cell_t *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->kind == CELL_NUMBER) {
        return a->number < b->number ? -1 : a->number > b->number;
    }
    return a->kind == CELL_TEXT ? span_cmp(a->text, b->text) : 0;
}
