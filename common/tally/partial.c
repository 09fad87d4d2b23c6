// SPDX-License-Identifier: Apache-2.0
// The partial's layout, version 4:
//
//   "LTP" version u8 | totals | samples | files
//   then for each query: n_sections u8 | sections
//   section: length u32 | packed u32 | groups (groups.c)
//
// packed is 0, or the length of the zstd frame that is there in their place.
// One section has all groups; of TALLY_PARTS, each has those of its part, so
// that threads check and merge them side by side. Decoding walks the bytes
// twice: once to check everything, once to merge, so that a bad partial never
// leaves half of itself behind.
#include "common/tally/partial.h"

#include "common/tally/format_names.h"
#include "common/tally/groups.h"

#include "common/base/limits.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <zstd.h>

#define PARTIAL_MAGIC (PARTIAL_VERSION << 24 | 0x50544cu) // "LTP" before it
#define SECTIONS_FROM 8192u                               // groups
#define PACK_FROM     (16u << 10)                         // bytes of a section
#define PACK_LEVEL    1

static void
put_totals(const totals_t *t, buf_t *out)
{
    buf_put_varint(out, t->bytes);
    buf_put_varint(out, t->lines);
    buf_put_varint(out, t->accepted);
    for (size_t i = 0; i < REJECT_COUNT; i++) {
        buf_put_varint(out, t->rejected[i]);
    }
    buf_put_varint(out, t->blank);
    buf_put_varint(out, t->skipped);
    buf_put_varint(out, t->bad_values);
    buf_put_varint(out, t->unread);
    buf_put_varint(out, t->disorder);
    buf_put_varint(out, t->guessed);
}

static void
put_samples(const totals_t *t, buf_t *out)
{
    buf_put_varint(out, t->n_samples);
    for (size_t i = 0; i < t->n_samples; i++) {
        const sample_t *s = &t->samples[i];
        buf_put_varint(out, s->file);
        buf_put_varint(out, s->offset);
        buf_put_u8(out, (uint8_t)s->reject);
        buf_put_block(out, (span_t){s->text, s->len});
    }
}

static void
put_files(const totals_t *t, buf_t *out)
{
    buf_put_varint(out, t->n_files);
    for (size_t i = 0; i < t->n_files; i++) {
        const file_total_t *f = &t->files[i];
        buf_put_varint(out, f->file);
        buf_put_varint(out, f->bytes);
        buf_put_varint(out, f->unpacked);
        buf_put_varint(out, f->lines);
        buf_put_varint(out, f->accepted);
        buf_put_varint(out, f->format);
    }
}

static void
patch_u32(uint8_t *p, uint32_t v)
{
    for (size_t i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> 8 * i);
    }
}

static errcode_t
put_sections(tally_t *tally, size_t limit, buf_t *out)
{
    unsigned n = tally_groups(tally) < SECTIONS_FROM ? 1 : TALLY_PARTS;
    size_t ends[TALLY_PARTS];
    errcode_t rc = ERR_OK;

    tally_list_groups(tally, n, ends);
    tally_list(tally);
    buf_put_u8(out, (uint8_t)n);
    for (size_t i = 0, begin = 0; rc == ERR_OK && i < n; begin = ends[i++]) {
        const uint32_t *sorted = tally_sort_next(tally, ends[i]);
        size_t at = out->len;
        buf_put_u64(out, 0);
        rc = groups_encode(tally, sorted, ends[i] - begin, limit, out);
        patch_u32(out->p + at, (uint32_t)(out->len - at - 8));
    }
    return rc;
}

errcode_t
partial_encode_all(
    tally_t *const *tallies, size_t n, const totals_t *totals, buf_t *out)
{
    size_t limit = out->len + LIMIT_PARTIAL;
    errcode_t rc = ERR_OK;

    buf_put_u32(out, PARTIAL_MAGIC);
    put_totals(totals, out);
    put_samples(totals, out);
    put_files(totals, out);
    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = put_sections(tallies[i], limit, out);
    }
    return rc;
}

errcode_t
partial_encode(tally_t *tally, const totals_t *totals, buf_t *out)
{
    return partial_encode_all(&tally, 1, totals, out);
}

static errcode_t
get_totals(rd_t *r, totals_t *t)
{
    uint64_t *const values[] = {&t->bytes, &t->lines, &t->accepted,
        &t->rejected[0], &t->rejected[1], &t->rejected[2], &t->rejected[3],
        &t->rejected[4], &t->blank, &t->skipped, &t->bad_values, &t->unread,
        &t->disorder, &t->guessed};
    errcode_t rc = ERR_OK;

    _Static_assert(REJECT_COUNT == 5, "rejected[] is listed above");
    for (size_t i = 0; rc == ERR_OK && i < sizeof values / sizeof *values;
         i++) {
        rc = rd_varint(r, values[i]);
    }
    return rc == ERR_OK && t->guessed > 1 ? ERR_MALFORMED : rc;
}

static errcode_t
get_file_index(rd_t *r, uint32_t n_files, uint32_t *out)
{
    uint64_t file;
    errcode_t rc = rd_varint(r, &file);

    if (rc == ERR_OK && file >= n_files) {
        return ERR_MALFORMED;
    }
    *out = rc == ERR_OK ? (uint32_t)file : 0;
    return rc;
}

// Samples come in order of file and offset, each once.
static bool
rises(const totals_t *t, uint32_t file, uint64_t offset)
{
    const sample_t *last =
        t->n_samples > 0 ? &t->samples[t->n_samples - 1] : NULL;

    return last == NULL || file > last->file ||
           (file == last->file && offset > last->offset);
}

static errcode_t
get_sample(rd_t *r, uint32_t n_files, totals_t *t)
{
    uint32_t file;
    uint64_t offset;
    uint8_t reject;
    span_t text;
    errcode_t rc = get_file_index(r, n_files, &file);

    rc = rc != ERR_OK ? rc : rd_varint(r, &offset);
    rc = rc != ERR_OK ? rc : rd_u8(r, &reject);
    rc = rc != ERR_OK ? rc : rd_block(r, LIMIT_SAMPLE, &text);
    if (rc == ERR_OK && (reject >= REJECT_COUNT || !rises(t, file, offset))) {
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        totals_sample(t, file, offset, (reject_t)reject, text);
    }
    return rc;
}

static errcode_t
get_samples(rd_t *r, uint32_t n_files, totals_t *t)
{
    uint64_t n;
    errcode_t rc = rd_varint(r, &n);

    if (rc == ERR_OK && n > LIMIT_SAMPLES * LIMIT_SAMPLE_FILES) {
        rc = ERR_TOO_LARGE;
    }
    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = get_sample(r, n_files, t);
    }
    return rc;
}

static errcode_t
get_file(rd_t *r, uint32_t n_files, totals_t *t)
{
    uint32_t file;
    uint64_t format;
    file_total_t got = {0};
    errcode_t rc = get_file_index(r, n_files, &file);

    rc = rc != ERR_OK ? rc : rd_varint(r, &got.bytes);
    rc = rc != ERR_OK ? rc : rd_varint(r, &got.unpacked);
    rc = rc != ERR_OK ? rc : rd_varint(r, &got.lines);
    rc = rc != ERR_OK ? rc : rd_varint(r, &got.accepted);
    rc = rc != ERR_OK ? rc : rd_varint(r, &format);
    if (rc != ERR_OK) {
        return rc;
    }
    if (format > FORMAT_GIVEN ||
        (t->n_files > 0 && t->files[t->n_files - 1].file >= file)) {
        return ERR_MALFORMED;
    }
    got.file = file;
    got.format = (uint16_t)format;
    *totals_file(t, file) = got;
    return ERR_OK;
}

static errcode_t
get_files(rd_t *r, uint32_t n_files, totals_t *t)
{
    uint64_t n;
    errcode_t rc = rd_varint(r, &n);

    if (rc == ERR_OK && n > LIMIT_SHARD_RANGES) {
        rc = ERR_TOO_LARGE;
    }
    for (uint64_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = get_file(r, n_files, t);
    }
    return rc;
}

static errcode_t
get_head(rd_t *r, uint32_t n_files, totals_t *t)
{
    uint32_t magic;
    errcode_t rc = rd_u32(r, &magic);

    if (rc == ERR_OK && magic != PARTIAL_MAGIC) {
        rc = ERR_UNSUPPORTED;
    }
    rc = rc != ERR_OK ? rc : get_totals(r, t);
    rc = rc != ERR_OK ? rc : get_samples(r, n_files, t);
    rc = rc != ERR_OK ? rc : get_files(r, n_files, t);
    if (rc == ERR_OK && !totals_add_up(t)) {
        rc = ERR_CORRUPT;
    }
    return rc;
}

typedef struct section {
    span_t bytes;
    uint32_t len; // of the groups
    bool packed;
} section_t;

// The sections of one partial, and what a thread made of each.
typedef struct sections {
    unsigned n;
    section_t list[TALLY_PARTS];
    errcode_t rc[TALLY_PARTS];
    const query_t *query;
    tally_t *const *tallies; // for adding
    unsigned n_tallies;
} sections_t;

static errcode_t
get_section(rd_t *r, section_t *out)
{
    uint32_t packed = 0;
    errcode_t rc = rd_u32(r, &out->len);

    rc = rc != ERR_OK ? rc : rd_u32(r, &packed);
    if (rc != ERR_OK) {
        return rc;
    }
    out->packed = packed > 0;
    return rd_bytes(r, out->packed ? packed : out->len, &out->bytes);
}

// Those of one query. *sum is of the lengths of all before.
static errcode_t
get_sections(rd_t *r, uint64_t *sum, sections_t *out)
{
    uint8_t n = 0;
    errcode_t rc = rd_u8(r, &n);

    if (rc == ERR_OK && n != 1 && n != TALLY_PARTS) {
        rc = ERR_MALFORMED;
    }
    for (out->n = 0; rc == ERR_OK && out->n < n; out->n++) {
        rc = get_section(r, &out->list[out->n]);
        *sum += rc == ERR_OK ? out->list[out->n].len : 0;
    }
    return rc == ERR_OK && *sum > LIMIT_PARTIAL ? ERR_TOO_LARGE : rc;
}

// The groups of a section, lent or in *room. It claims a length below
// LIMIT_PARTIAL, of which only what a frame fills is touched.
static errcode_t
unpack(const section_t *self, buf_t *room, span_t *out)
{
    *out = self->bytes;
    if (!self->packed) {
        return ERR_OK;
    }
    if (ZSTD_getFrameContentSize(self->bytes.p, self->bytes.len) != self->len) {
        return ERR_MALFORMED;
    }
    uint8_t *p = buf_reserve(room, self->len);
    size_t len = ZSTD_decompress(p, self->len, self->bytes.p, self->bytes.len);
    *out = (span_t){p, self->len};
    return ZSTD_isError(len) || len != self->len ? ERR_MALFORMED : ERR_OK;
}

static errcode_t
run_sections(sections_t *self, pool_t *pool, pool_task_t *task)
{
    errcode_t rc = ERR_OK;

    pool_run(pool, task, self, self->n);
    for (unsigned i = 0; rc == ERR_OK && i < self->n; i++) {
        rc = self->rc[i];
    }
    return rc;
}

static void
check_section(void *ctx, size_t i)
{
    sections_t *self = ctx;
    buf_t room = {0};
    span_t bytes;
    errcode_t rc = unpack(&self->list[i], &room, &bytes);

    self->rc[i] = rc != ERR_OK
                      ? rc
                      : groups_check(bytes, self->query, (unsigned)i, self->n);
    buf_fini(&room);
}

// A section of a part goes to the table of that part, and to no other.
static void
add_section(void *ctx, size_t i)
{
    sections_t *self = ctx;
    bool own = self->n > 1 && self->n == self->n_tallies;
    buf_t room = {0};
    span_t bytes;
    errcode_t rc = unpack(&self->list[i], &room, &bytes);

    self->rc[i] = rc != ERR_OK ? rc
                  : own        ? groups_add(bytes, &self->tallies[i], 1)
                        : groups_add(bytes, self->tallies, self->n_tallies);
    buf_fini(&room);
}

static void
pack_section(const section_t *self, buf_t *out)
{
    size_t at = out->len;
    size_t room = ZSTD_compressBound(self->bytes.len);

    buf_put_u32(out, self->len);
    buf_put_u32(out, self->packed ? (uint32_t)self->bytes.len : 0);
    if (self->len >= PACK_FROM && !self->packed) {
        uint8_t *p = buf_reserve(out, room);
        size_t len =
            ZSTD_compress(p, room, self->bytes.p, self->bytes.len, PACK_LEVEL);
        if (!ZSTD_isError(len) && len < self->len) {
            out->len += len;
            patch_u32(out->p + at + 4, (uint32_t)len);
            return;
        }
    }
    buf_put_span(out, self->bytes);
}

void
partial_pack(span_t partial, buf_t *out)
{
    totals_t totals = {0};
    uint64_t sum = 0;
    rd_t r = rd_init(partial);
    errcode_t rc = get_head(&r, UINT32_MAX, &totals);

    totals_fini(&totals);
    buf_put_span(out, (span_t){partial.p, partial.len - rd_left(&r)});
    while (rc == ERR_OK && rd_left(&r) > 0) {
        sections_t sections = {0};
        rc = get_sections(&r, &sum, &sections);
        buf_put_u8(out, (uint8_t)sections.n);
        for (unsigned i = 0; i < sections.n; i++) {
            pack_section(&sections.list[i], out);
        }
    }
    assert(rc == ERR_OK); // our own
}

void
partial_digest(span_t partial, uint8_t out[PARTIAL_DIGEST])
{
    crypto_generichash_state hash;
    totals_t totals = {0};
    uint64_t sum = 0;
    rd_t r = rd_init(partial);
    errcode_t rc = get_head(&r, UINT32_MAX, &totals);
    buf_t room = {0};

    totals_fini(&totals);
    crypto_generichash_init(&hash, NULL, 0, PARTIAL_DIGEST);
    crypto_generichash_update(&hash, partial.p, partial.len - rd_left(&r));
    while (rc == ERR_OK && rd_left(&r) > 0) {
        sections_t sections = {0};
        rc = get_sections(&r, &sum, &sections);
        for (unsigned i = 0; rc == ERR_OK && i < sections.n; i++) {
            span_t groups;
            buf_clear(&room);
            rc = unpack(&sections.list[i], &room, &groups);
            crypto_generichash_update(
                &hash, (const uint8_t *)&groups.len, sizeof groups.len);
            crypto_generichash_update(&hash, groups.p, groups.len);
        }
    }
    assert(rc == ERR_OK);
    crypto_generichash_final(&hash, out, PARTIAL_DIGEST);
    buf_fini(&room);
}

errcode_t
partial_check_all(span_t bytes, uint32_t n_files, const query_t *const *queries,
    size_t n, pool_t *pool, totals_t *totals)
{
    uint64_t sum = 0;
    rd_t r = rd_init(bytes);
    errcode_t rc = get_head(&r, n_files, totals);

    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        sections_t sections = {.query = queries[i]};
        rc = get_sections(&r, &sum, &sections);
        rc = rc != ERR_OK ? rc : run_sections(&sections, pool, check_section);
    }
    return rc != ERR_OK ? rc : rd_end(&r);
}

errcode_t
partial_check(span_t bytes, uint32_t n_files, const query_t *query,
    pool_t *pool, totals_t *totals)
{
    return partial_check_all(bytes, n_files, &query, 1, pool, totals);
}

// Past what get_head reads.
static errcode_t
begin_adding(span_t bytes, rd_t *r)
{
    totals_t known = {0};

    *r = rd_init(bytes);
    errcode_t rc = get_head(r, UINT32_MAX, &known);
    totals_fini(&known);
    return rc;
}

static errcode_t
add_query(rd_t *r, tally_t *const *tallies, unsigned n_tallies, pool_t *pool)
{
    sections_t sections = {.tallies = tallies, .n_tallies = n_tallies};
    uint64_t sum = 0;
    errcode_t rc = get_sections(r, &sum, &sections);

    return rc != ERR_OK ? rc : run_sections(&sections, pool, add_section);
}

errcode_t
partial_add_all(span_t bytes, tallies_t *const *tallies, size_t n)
{
    rd_t r;
    errcode_t rc = begin_adding(bytes, &r);

    for (size_t i = 0; rc == ERR_OK && i < n; i++) {
        rc = add_query(&r, tallies_parts(tallies[i]), TALLY_PARTS,
            tallies_pool(tallies[i]));
    }
    return rc;
}

errcode_t
partial_add(span_t bytes, tallies_t *tallies)
{
    return partial_add_all(bytes, &tallies, 1);
}

errcode_t
partial_merge(span_t bytes, uint32_t n_files, tally_t *tally, totals_t *totals)
{
    totals_t got = {0};
    rd_t r;
    errcode_t rc =
        partial_check(bytes, n_files, tally_query(tally), NULL, &got);

    rc = rc != ERR_OK ? rc : begin_adding(bytes, &r);
    rc = rc != ERR_OK ? rc : add_query(&r, &tally, 1, NULL);
    if (rc == ERR_OK) {
        totals_merge(totals, &got);
    }
    totals_fini(&got);
    return rc;
}
