// SPDX-License-Identifier: Apache-2.0
// The language of patterns, which is that of nginx's log_format and some
// more: $name and ${name}, ${name:kind} where the neighbours do not tell the
// kind, ${left|c|right} for a word that is cut, $? where a line may end, $*
// for what may follow, $$ for a dollar.
#include "worker/format/pattern_inside.h"

#include "common/query/parse.h"

#include <string.h>

#define FIXED_MAX 999u

typedef struct special {
    const char *name;
    field_t field;
    uint8_t times;
    dur_unit_t unit;
} special_t;

// Variables of nginx that say how they write a value.
static const special_t specials[] = {
    {"time_local", FIELD_TIME, TIME_CLF, DUR_NONE},
    {"time_iso8601", FIELD_TIME, TIME_ISO, DUR_NONE},
    {"msec", FIELD_TIME, TIME_EPOCH, DUR_NONE},
    {"request_time", FIELD_DUR, 0, DUR_S},
};

static bool
find_special(pattern_t *pattern, span_t name, part_t *part)
{
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        const special_t *s = &specials[i];
        if (!span_is(name, s->name)) {
            continue;
        }
        part->field = s->field;
        pattern->times =
            s->times != 0 && pattern->times == 0 ? s->times : pattern->times;
        pattern->unit = s->unit != DUR_NONE ? s->unit : pattern->unit;
        return true;
    }
    return false;
}

void
pattern_name(pattern_t *pattern, span_t name, part_t *part)
{
    char variable[LIMIT_NAME] = "$";
    size_t len = name.len < sizeof variable - 2 ? name.len : 0;

    part->name = name;
    part->field = FIELD_COUNT;
    if (find_special(pattern, name, part)) {
        return;
    }
    memcpy(variable + 1, name.p, len);
    if (field_find(
            (span_t){(const uint8_t *)variable, len + 1}, &part->field)) {
        return;
    }
    if (!field_find(name, &part->field) || part->field == FIELD_HOST ||
        part->field == FIELD_FILE || part->field == FIELD_LINE) {
        part->field = FIELD_COUNT;
    }
}

static bool
is_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

static size_t
name_end(span_t text, size_t at)
{
    while (at < text.len && is_name(text.p[at])) {
        at++;
    }
    return at;
}

static span_t
cut_out(span_t text, size_t begin, size_t end)
{
    return (span_t){text.p + begin, end - begin};
}

static bool
is_like(span_t kind)
{
    bool other = false;

    for (size_t i = 0; i < kind.len; i++) {
        other = other || (!is_name(kind.p[i]) && kind.p[i] != '*');
    }
    return other && is_name(kind.p[0]);
}

// "yyyy/mm/dd hh:mm:ss", or "yyyy-mm-ddThh:mm:ss*" for the beginning of a
// word.
static void
set_like(span_t kind, part_t *part)
{
    bool more = kind.p[kind.len - 1] == '*';

    part->like = (span_t){kind.p, kind.len - (more ? 1 : 0)};
    part->kind = more ? PART_WORD : PART_FIXED;
    part->fixed = (uint16_t)part->like.len;
}

static bool
read_kind(builder_t *b, span_t kind, size_t at, part_t *part)
{
    static const struct {
        const char *name;
        part_kind_t kind;
    } kinds[] = {{"word", PART_WORD}, {"padded", PART_PADDED},
        {"list", PART_LIST}, {"until", PART_UNTIL}, {"text", PART_TEXT},
        {"quoted", PART_QUOTED}, {"tail", PART_TAIL}};
    unsigned n = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (span_is(kind, kinds[i].name)) {
            part->kind = kinds[i].kind;
            return true;
        }
    }
    if (is_like(kind)) {
        set_like(kind, part);
        return true;
    }
    for (size_t i = 0; i < kind.len && n <= FIXED_MAX; i++) {
        bool digit = kind.p[i] >= '0' && kind.p[i] <= '9';
        n = digit ? n * 10 + (kind.p[i] - '0') : FIXED_MAX + 1;
    }
    part->kind = PART_FIXED;
    part->fixed = (uint16_t)n;
    return (n > 0 && n <= FIXED_MAX) ||
           builder_fail(b->error, at, at + kind.len,
               "a field is word, padded, list, until, text, quoted, tail or a "
               "number of bytes");
}

// ${...} from its name at `at` to its brace at `close`.
static bool
read_braced(builder_t *b, span_t text, size_t at, size_t close)
{
    size_t end = name_end(text, at);
    part_t part = {.second = FIELD_COUNT};
    part_t second = {0};

    pattern_name(b->out, cut_out(text, at, end), &part);
    if (end == at) {
        return builder_fail(b->error, at, close, "a name is missing");
    }
    if (end == close) {
        return builder_part(b, part, true, at, close);
    }
    if (text.p[end] == ':') {
        span_t kind = cut_out(text, end + 1, close);
        return read_kind(b, kind, end + 1, &part) &&
               builder_part(b, part, false, at, close);
    }
    if (text.p[end] != '|' || close - end < 4 || text.p[end + 2] != '|' ||
        name_end(text, end + 3) != close) {
        return builder_fail(b->error, end, close,
            "a name is followed by }, by :KIND} or by |C|NAME}");
    }
    pattern_name(b->out, cut_out(text, end + 3, close), &second);
    part.kind = PART_CUT;
    part.cut = (char)text.p[end + 1];
    part.second = second.field;
    return builder_part(b, part, false, at, close);
}

static bool
read_plain(builder_t *b, part_kind_t kind, size_t at)
{
    return builder_part(b,
        (part_t){.kind = kind, .field = FIELD_COUNT, .second = FIELD_COUNT},
        false, at, at + 2);
}

// What begins with a dollar at *at.
static bool
read_variable(builder_t *b, span_t text, size_t *at)
{
    size_t begin = *at;
    uint8_t c = begin + 1 < text.len ? text.p[begin + 1] : 0;
    size_t end = name_end(text, begin + 1);

    *at = begin + 2;
    if (c == '$') {
        return builder_byte(b, '$', begin);
    }
    if (c == '?' || c == '*') {
        return read_plain(b, c == '?' ? PART_OPTIONAL : PART_REST, begin);
    }
    if (c == '{') {
        const uint8_t *close = memchr(text.p + begin, '}', text.len - begin);
        if (close == NULL) {
            return builder_fail(
                b->error, begin, text.len, "the brace does not close");
        }
        *at = (size_t)(close - text.p) + 1;
        return read_braced(b, text, begin + 2, *at - 1);
    }
    if (end == begin + 1) {
        return builder_fail(
            b->error, begin, begin + 1, "a name is missing behind the dollar");
    }
    part_t part = {.second = FIELD_COUNT};
    pattern_name(b->out, cut_out(text, begin + 1, end), &part);
    *at = end;
    return builder_part(b, part, true, begin, end);
}

bool
pattern_read(builder_t *b, span_t text)
{
    size_t at = 0;

    while (at < text.len) {
        if (text.p[at] == '$') {
            if (!read_variable(b, text, &at)) {
                return false;
            }
        } else {
            if (!builder_byte(b, (char)text.p[at], at)) {
                return false;
            }
            at++;
        }
    }
    return builder_finish(b, text.len);
}

errcode_t
pattern_make(const char *text, pattern_t *out, query_error_t *error)
{
    builder_t b = builder_init(out, error);

    return pattern_read(&b, span_str(text)) ? ERR_OK : ERR_FORMAT;
}
