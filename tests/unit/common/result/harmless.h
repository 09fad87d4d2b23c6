// SPDX-License-Identifier: Apache-2.0
// What every printed result promises, checked without the program's own
// tables: it is UTF-8, holds nothing that a terminal would obey or that turns
// or hides text, and has as many rows and cells as the result, none of which a
// spreadsheet takes for a formula. For the unit test and the fuzzer.
#ifndef LOGTALLY_TESTS_UNIT_COMMON_RESULT_HARMLESS_H
#define LOGTALLY_TESTS_UNIT_COMMON_RESULT_HARMLESS_H

#include "common/result/output.h"

#include <assert.h>
#include <string.h>

// One character at p, or 0 where the bytes are none; *len gets its bytes.
static inline uint32_t
harmless_char(const uint8_t *p, const uint8_t *end, size_t *len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t code = p[0];
    size_t n = code < 0x80             ? 1
               : (code & 0xe0) == 0xc0 ? 2
               : (code & 0xf0) == 0xe0 ? 3
               : (code & 0xf8) == 0xf0 ? 4
                                       : 0;

    *len = n;
    if (n == 0 || (size_t)(end - p) < n) {
        return 0;
    }
    code &= n == 1 ? 0x7f : 0xffu >> (n + 1);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    bool wrong = code < least[n] || code > 0x10ffff ||
                 (code >= 0xd800 && code <= 0xdfff);
    return wrong ? 0 : code;
}

static inline bool
harmless_is(uint32_t code)
{
    static const uint32_t bad[][2] = {{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad},
        {0x61c, 0x61c}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (code >= bad[i][0] && code <= bad[i][1]) {
            return false;
        }
    }
    return true;
}

// `spare`: the control characters that the kind is made of.
static inline void
harmless_text(span_t text, const char *spare)
{
    const uint8_t *p = text.p, *end = text.p + text.len;

    while (p < end) {
        size_t len;
        uint32_t code = harmless_char(p, end, &len);
        bool spared = code != 0 && code < 0x20 && strchr(spare, (int)code);
        assert(spared || harmless_is(code));
        p += len;
    }
}

// How often a byte is there that no backslash escapes.
static inline size_t
harmless_count(span_t text, char byte)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        n += text.p[i] == (uint8_t)byte;
        i += text.p[i] == '\\' ? 1 : 0;
    }
    return n;
}

// A record of RFC 4180 after the other.
static inline void
harmless_csv(span_t text, size_t columns, size_t rows)
{
    size_t cells = 0, records = 0;
    const uint8_t *p = text.p, *end = text.p + text.len;

    while (p < end) {
        bool quoted = *p == '"';
        p += quoted;
        bool missing = !quoted && *p == '-' && (p[1] == ',' || p[1] == '\r');
        assert(missing || strchr("=+-@\t", *p) == NULL);
        assert(*p != '\r' || (!quoted && p[1] == '\n')); // an empty last cell
        while (quoted || (*p != ',' && *p != '\r')) {
            assert(p < end && *p != '\n' && (quoted || *p != '"'));
            if (quoted && *p == '"') {
                quoted = p[1] == '"';
                p += quoted;
            }
            p++;
        }
        cells++;
        if (*p == '\r') {
            assert(p[1] == '\n' && cells == columns);
            cells = 0;
            records++;
            p++;
        }
        p++;
    }
    assert(records == rows);
}

static inline size_t
harmless_lines(span_t text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

// Past `word` at *p, if it is there.
static inline bool
harmless_word(const uint8_t **p, const uint8_t *end, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(end - *p) < len || memcmp(*p, word, len) != 0) {
        return false;
    }
    *p += len;
    return true;
}

// Text between tags: no tag, no quote, and no `&` but those that stand for one
// of these.
static inline void
harmless_markup(const uint8_t **p, const uint8_t *end)
{
    static const char *const known[] = {
        "&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};

    while (*p < end && **p != '<') {
        bool found = **p != '&';
        assert(**p != '>' && **p != '"' && **p != '\'');
        for (size_t i = 0; i < 5 && !found; i++) {
            const uint8_t *at = *p;
            found = harmless_word(&at, end, known[i]);
        }
        assert(found);
        (*p)++;
    }
}

// The rows of the first table of a page, and what it tells its script.
static inline void
harmless_html(span_t out, size_t cells, size_t rows)
{
    static const char *const tags[] = {"<td>", "<td class=none>",
        "<td class=n>", "<td class=t>", "<td class=\"n none\">"};
    static const char begin[] = "<tbody>\n";
    const uint8_t *end = out.p + out.len;
    const uint8_t *p = memmem(out.p, out.len, begin, sizeof begin - 1);

    assert(p != NULL);
    p += sizeof begin - 1;
    for (size_t row = 0; row < rows; row++) {
        assert(harmless_word(&p, end, "<tr>"));
        for (size_t cell = 0; cell < cells; cell++) {
            size_t i = 0;
            while (i < 5 && !harmless_word(&p, end, tags[i])) {
                i++;
            }
            assert(i < 5);
            harmless_markup(&p, end);
            assert(harmless_word(&p, end, "</td>"));
        }
        assert(harmless_word(&p, end, "</tr>\n"));
    }
    assert(harmless_word(&p, end, "</tbody>"));
}

// Of a page what the result is in: not the scripts and the style.
static inline span_t
harmless_body(span_t out)
{
    const uint8_t *from = memmem(out.p, out.len, "<body>", 6);
    assert(from != NULL);
    size_t left = (size_t)(out.p + out.len - from);
    const uint8_t *to = memmem(from, left, "]</script>", 10);
    assert(to != NULL);
    return (span_t){from, (size_t)(to - from)};
}

// A result without its header, of so many rows; `columns` of them are texts,
// which come first, and one is a number.
static inline void
harmless_check(output_kind_t kind, span_t out, size_t columns, size_t rows)
{
    if (out.len == 0) {
        assert(rows == 0);
        return;
    }
    out = kind == OUTPUT_HTML ? harmless_body(out) : out;
    size_t lines = harmless_lines(out);
    harmless_text(out, kind == OUTPUT_CSV   ? "\r\n"
                       : kind == OUTPUT_TSV ? "\t\n"
                                            : "\n");
    switch (kind) {
    case OUTPUT_CSV:
        harmless_csv(out, columns + 1, rows);
        break;
    case OUTPUT_TSV:
        assert(lines == rows && harmless_count(out, '\t') == columns * rows);
        break;
    case OUTPUT_MD:
        assert(memchr(out.p, '<', out.len) == NULL);
        assert(lines == rows + 2);
        assert(harmless_count(out, '|') == (columns + 2) * lines);
        break;
    case OUTPUT_JSON: // with the lines of the query, columns and receipt
        assert(harmless_count(out, '"') % 2 == 0 && lines >= rows + 3);
        break;
    case OUTPUT_JSONL:
        assert(harmless_count(out, '"') % 2 == 0 && lines == rows);
        break;
    case OUTPUT_TABLE:
        assert(lines == rows + 1);
        break;
    case OUTPUT_HTML:
        harmless_html(out, columns + 1, rows);
        break;
    case OUTPUT_KIND_COUNT:
        assert(false);
    }
}

#endif
