// SPDX-License-Identifier: Apache-2.0
// The line is walked once with a stack of levels. A level knows which of the
// wanted names may still be found in it and how much of them its place has
// used up, so that most members cost their bytes and one comparison.
#include "worker/format/json.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

_Static_assert(JSON_NAMES_MAX == 64, "a bit per name");

typedef struct level {
    bool array;
    uint64_t alive;  // names that may be found inside
    uint32_t prefix; // bytes of those names that lead here
    uint32_t index;  // of the next element
} level_t;

typedef struct walk {
    const uint8_t *begin;
    const uint8_t *p;
    const uint8_t *end;
    const json_names_t *names;
    json_value_t *values;
    uint64_t hits;  // names that the value at p has
    uint64_t below; // names that may be found inside it
    uint32_t prefix;
    unsigned depth;
    level_t levels[LIMIT_JSON_DEPTH];
} walk_t;

static inline bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline void
skip_space(walk_t *w)
{
    while (w->p < w->end &&
           (*w->p == ' ' || *w->p == '\t' || *w->p == '\r' || *w->p == '\n')) {
        w->p++;
    }
}

// Takes the byte c, if it is next.
static inline bool
take(walk_t *w, uint8_t c)
{
    bool there = w->p < w->end && *w->p == c;

    w->p += there ? 1 : 0;
    return there;
}

static inline bool
is_special(uint8_t c)
{
    return c == '"' || c == '\\' || c < 0x20;
}

#if defined(__SSE2__)
static inline unsigned
special_mask(const uint8_t *block)
{
    __m128i v = _mm_loadu_si128((const __m128i_u *)(const void *)block);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(quote, slash), low));
}
#endif

// The next quote, backslash or control character, or the end.
static inline const uint8_t *
find_special(const walk_t *w, const uint8_t *p)
{
#if defined(__SSE2__)
    while (w->end - p >= 16) {
        unsigned mask = special_mask(p);
        if (mask != 0) {
            return p + __builtin_ctz(mask);
        }
        p += 16;
    }
    if (p < w->end && w->end - w->begin >= 16) {
        unsigned done = (unsigned)(16 - (w->end - p)); // of the last block
        unsigned mask = special_mask(w->end - 16) >> done;
        return mask != 0 ? p + __builtin_ctz(mask) : w->end;
    }
#endif
    while (p < w->end && !is_special(*p)) {
        p++;
    }
    return p;
}

static int
hex_value(uint8_t c)
{
    uint8_t low = c | 0x20;

    return is_digit(c)                ? c - '0'
           : low >= 'a' && low <= 'f' ? low - 'a' + 10
                                      : -1;
}

// Four hexadecimal digits, or -1.
static int
hex_four(const uint8_t *p, const uint8_t *end)
{
    int code = 0;

    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0) {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

// The length of the escape at p, 0 for none.
static size_t
escape_len(const uint8_t *p, const uint8_t *end)
{
    if (end - p < 2) {
        return 0;
    }
    if (p[1] == 'u') {
        return hex_four(p + 2, end) >= 0 ? 6 : 0;
    }
    return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL ? 2 : 0;
}

// A string whose first quote is taken.
static inline bool
read_string(walk_t *w, json_value_t *out)
{
    const uint8_t *begin = w->p;
    const uint8_t *p = begin;

    out->escaped = false;
    for (;;) {
        p = find_special(w, p);
        if (p == w->end || *p < 0x20) {
            return false;
        }
        if (*p == '"') {
            break;
        }
        size_t n = escape_len(p, w->end);
        if (n == 0) {
            return false;
        }
        out->escaped = true;
        p += n;
    }
    out->kind = JSON_TEXT;
    out->raw = (span_t){begin, (size_t)(p - begin)};
    w->p = p + 1;
    return true;
}

static bool
take_digits(walk_t *w)
{
    const uint8_t *begin = w->p;

    while (w->p < w->end && is_digit(*w->p)) {
        w->p++;
    }
    return w->p > begin;
}

static bool
read_number(walk_t *w, json_value_t *out)
{
    const uint8_t *begin = w->p;

    (void)take(w, '-');
    if (!take(w, '0') && !take_digits(w)) {
        return false;
    }
    if (take(w, '.') && !take_digits(w)) {
        return false;
    }
    if (take(w, 'e') || take(w, 'E')) {
        if (!take(w, '-')) {
            (void)take(w, '+');
        }
        if (!take_digits(w)) {
            return false;
        }
    }
    *out = (json_value_t){JSON_NUMBER, false, {begin, (size_t)(w->p - begin)}};
    return true;
}

static bool
read_word(walk_t *w, const char *word, json_kind_t kind, json_value_t *out)
{
    size_t len = strlen(word);

    if ((size_t)(w->end - w->p) < len || memcmp(w->p, word, len) != 0) {
        return false;
    }
    *out = (json_value_t){kind, false, {w->p, len}};
    w->p += len;
    return true;
}

static bool
read_scalar(walk_t *w, json_value_t *out)
{
    if (w->p == w->end) {
        return false;
    }
    switch (*w->p) {
    case '"':
        w->p++;
        return read_string(w, out);
    case 't':
        return read_word(w, "true", JSON_TRUE, out);
    case 'f':
        return read_word(w, "false", JSON_FALSE, out);
    case 'n':
        return read_word(w, "null", JSON_NULL, out);
    default:
        return read_number(w, out);
    }
}

// Which names the member `key` of this level has, and which go on inside it.
static void
look_up(walk_t *w, const level_t *level, span_t key)
{
    for (uint64_t left = level->alive; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        const uint8_t *name = w->names->names[i].p + level->prefix;
        size_t len = w->names->names[i].len - level->prefix;
        bool longer = len > key.len && name[key.len] == '.';

        if ((len == key.len || longer) && memcmp(name, key.p, key.len) == 0) {
            w->hits |= longer ? 0 : 1ull << i;
            w->below |= longer ? 1ull << i : 0;
        }
    }
    w->prefix = level->prefix + (uint32_t)key.len + 1;
}

// An escaped key as it is meant; a longer one than any name is none of them.
static void
look_up_escaped(walk_t *w, const level_t *level, span_t raw)
{
    uint8_t bytes[6 * LIMIT_NAME];

    if (raw.len <= sizeof bytes) {
        look_up(w, level, (span_t){bytes, json_unescape(raw, bytes)});
    }
}

static void
look_up_index(walk_t *w, level_t *level)
{
    uint8_t digits[10];
    size_t at = sizeof digits;
    uint32_t n = level->index++;

    do {
        digits[--at] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    look_up(w, level, (span_t){digits + at, sizeof digits - at});
}

// What stands before the value of a member or an element.
static inline bool
read_place(walk_t *w, level_t *level)
{
    json_value_t key;

    w->hits = w->below = 0;
    if (level->array) {
        if (level->alive != 0) {
            look_up_index(w, level);
        }
        return true;
    }
    if (!take(w, '"') || !read_string(w, &key)) {
        return false;
    }
    if (level->alive != 0 && key.escaped) {
        look_up_escaped(w, level, key.raw);
    } else if (level->alive != 0) {
        look_up(w, level, key.raw);
    }
    skip_space(w);
    if (!take(w, ':')) {
        return false;
    }
    skip_space(w);
    return true;
}

static inline void
keep(walk_t *w, const json_value_t *value)
{
    for (uint64_t left = w->hits; left != 0; left &= left - 1) {
        w->values[__builtin_ctzll(left)] = *value;
    }
}

// Whether the place that was read holds an object or an array, which is then
// the level.
static inline bool
descends(walk_t *w, bool *ok)
{
    static const json_value_t nested = {.kind = JSON_NESTED};
    bool array = w->p < w->end && *w->p == '[';

    *ok = true;
    if (!array && (w->p == w->end || *w->p != '{')) {
        return false;
    }
    *ok = w->depth < LIMIT_JSON_DEPTH;
    if (*ok) {
        keep(w, &nested);
        w->levels[w->depth++] = (level_t){array, w->below, w->prefix, 0};
        w->p++;
        skip_space(w);
    }
    return true;
}

// Behind a value: closes what ends here. *more: another value follows.
static inline bool
ascend(walk_t *w, bool *more)
{
    while (w->depth > 0) {
        skip_space(w);
        if (take(w, ',')) {
            skip_space(w);
            *more = true;
            return true;
        }
        if (!take(w, w->levels[w->depth - 1].array ? ']' : '}')) {
            return false;
        }
        w->depth--;
    }
    *more = false;
    return true;
}

// A value and what it closes.
static inline bool
step(walk_t *w, bool *more)
{
    level_t *level = &w->levels[w->depth - 1];
    json_value_t value;
    bool ok;

    if (!read_place(w, level)) {
        return false;
    }
    if (descends(w, &ok)) {
        level = &w->levels[w->depth - 1];
        bool empty = ok && w->p < w->end && *w->p == (level->array ? ']' : '}');
        *more = true;
        return ok && (!empty || ascend(w, more));
    }
    if (!read_scalar(w, &value)) {
        return false;
    }
    keep(w, &value);
    return ascend(w, more);
}

bool
json_read(span_t line, const json_names_t *names, json_value_t *values)
{
    walk_t w = {0};
    bool more = true;
    bool ok;

    w.begin = w.p = line.p;
    w.end = line.p + line.len;
    w.names = names;
    w.values = values;
    w.below = names->n == 0 ? 0 : ~0ull >> (JSON_NAMES_MAX - names->n);
    for (size_t i = 0; i < names->n; i++) {
        values[i] = (json_value_t){.kind = JSON_ABSENT};
    }
    skip_space(&w);
    if (w.p == w.end || *w.p != '{' || !descends(&w, &ok)) {
        return false;
    }
    ok = true;
    if (w.p < w.end && *w.p == '}') {
        ok = ascend(&w, &more);
    }
    while (ok && more) {
        ok = step(&w, &more);
    }
    skip_space(&w);
    return ok && w.p == w.end;
}

static size_t
put_utf8(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

// The character of the \u at p, with its other half where it has one;
// *used is how long it was, 0 where four digits are not behind it.
static uint32_t
unicode_at(const uint8_t *p, const uint8_t *end, size_t *used)
{
    int code = hex_four(p + 2, end);

    *used = code < 0 ? 0 : 6;
    if (code < 0xd800 || code > 0xdfff) {
        return code < 0 ? 0 : (uint32_t)code;
    }
    if (code <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        int low = hex_four(p + 8, end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *used = 12;
            return 0x10000 + ((uint32_t)(code - 0xd800) << 10) +
                   (uint32_t)(low - 0xdc00);
        }
    }
    return 0xfffd;
}

size_t
json_unescape(span_t raw, uint8_t *out)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const uint8_t *p = raw.p;
    const uint8_t *end = raw.p + raw.len;
    size_t n = 0;

    while (p < end) {
        size_t used = 0;
        if (*p != '\\' || end - p < 2) {
            out[n++] = *p++;
            continue;
        }
        uint32_t code = p[1] == 'u' ? unicode_at(p, end, &used) : 0;
        if (used > 0) {
            n += put_utf8(code, out + n);
            p += used;
        } else {
            const char *at = p[1] != '\0' ? strchr(from, p[1]) : NULL;
            out[n++] = at != NULL ? (uint8_t)to[at - from] : p[1];
            p += 2;
        }
    }
    return n;
}
