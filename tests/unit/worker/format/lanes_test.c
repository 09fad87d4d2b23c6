// SPDX-License-Identifier: Apache-2.0
// Every kind of lanes says what shape_fits says.
#include "worker/format/lanes.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

#define TEXT_MAX  1200u
#define LINES_MAX 5u
#define TOKENS    (LINES_MAX * (SHAPE_TOKENS + 1) + LANES_PAD + TOKENS_SLACK)

typedef struct text {
    uint8_t bytes[TEXT_MAX + SHAPE_PAD];
    uint32_t tokens[TOKENS]; // the first one is before the text
    size_t n_lines;
} text_t;

static uint64_t
next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void
put_byte(text_t *text, uint32_t *at, uint8_t c)
{
    if (*at < TEXT_MAX) {
        text->bytes[(*at)++] = c;
    }
}

static void
put_bytes(text_t *text, uint32_t *at, const shape_bytes_t *b)
{
    uint8_t bytes[sizeof b->want];

    memcpy(bytes, &b->want, sizeof bytes);
    for (uint32_t i = 0; i < b->len; i++) {
        put_byte(text, at, bytes[i]);
    }
}

// A byte of it at the place of one in twenty, mostly a structural one.
static void
spoil(text_t *text, uint32_t begin, uint32_t end, uint64_t *seed)
{
    static const char special[] = " ]\"\\:|\t,-x\xe4\r";

    for (uint32_t i = begin; i < end; i++) {
        if (next(seed) % 200 == 0) {
            text->bytes[i] = (uint8_t)special[next(seed) % 12];
        }
    }
}

// Lines with the tokens of the shape, made of its leads; in some a byte is
// another, so that they do not fit.
static void
make_lines(const shape_t *shape, text_t *text, uint64_t *seed)
{
    uint32_t at = 0, n = 0;

    memset(text, 0, sizeof *text);
    text->tokens[n++] = UINT32_MAX;
    for (text->n_lines = 0; text->n_lines < LINES_MAX; text->n_lines++) {
        uint32_t begin = at;
        for (size_t i = 0; i <= shape->n_tokens; i++) {
            if (i > 0) {
                text->tokens[n++] = at;
                put_bytes(text, &at, &shape->at_token[i]);
            }
            for (size_t k = 0; k < shape->n_checks; k++) {
                if (shape->checks[k].token == i) {
                    put_bytes(text, &at, &shape->checks[k].bytes);
                }
            }
            if (i > 0 || shape->first == 0) {
                put_byte(text, &at, (uint8_t)('a' + next(seed) % 26));
            }
        }
        spoil(text, begin, at, seed);
        text->tokens[n++] = at;
        put_byte(text, &at, next(seed) % 20 == 0 ? ' ' : '\n');
    }
}

static bool
fits(const shape_t *shape, const text_t *text, size_t line)
{
    const uint32_t *t = text->tokens + line * (shape->n_tokens + 1);

    return shape_fits(shape, text->bytes, t) &&
           text->bytes[t[shape->n_tokens + 1]] == '\n';
}

// From each line on, the lines that fit.
static size_t
check_lanes(const lanes_kind_t *kind, const shape_t *shape, const text_t *text)
{
    lanes_t lanes;
    uint32_t words[TOKENS] = {0};
    uint32_t zero = 0;
    size_t good = 0;

    assert_true(lanes_make(shape, &lanes));
    kind->load(
        text->bytes, text->tokens + 1, text->n_lines * lanes.n, words + 1);
    kind->load(text->bytes, &zero, 1, words);
    words[0] <<= 8;
    for (size_t first = 0; first < text->n_lines; first++) {
        size_t n =
            kind->fit(&lanes, words + first * lanes.n, text->n_lines - first);
        for (size_t i = first; i < text->n_lines && i <= first + n; i++) {
            bool by_lanes =
                i < first + n && lanes_others_fit(&lanes, shape, text->bytes,
                                     text->tokens + i * lanes.n);
            if (by_lanes != fits(shape, text, i)) {
                fail_msg("line %zu of %zu from %zu", i, n, first);
            }
            good += by_lanes;
        }
    }
    return good;
}

static void
check_shape(const shape_t *shape)
{
    static text_t text;
    uint64_t seed = 11;

    for (size_t i = 0; i < LANES_KINDS; i++) {
        const lanes_kind_t *kind = lanes_kind_at(i);
        size_t good = 0;
        for (unsigned round = 0; kind != NULL && round < 400; round++) {
            make_lines(shape, &text, &seed);
            good += check_lanes(kind, shape, &text);
        }
        assert_true(kind == NULL || (good > 400 && good < 400 * 15));
    }
}

static void
test_lanes_fit_what_the_shape_fits(void **state)
{
    shape_t shape;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < format_count(); i++) {
        if (shape_make(format_at(i), &shape)) {
            check_shape(&shape);
            n++;
        }
    }
    assert_true(n >= 15);
}

// Which a shuffle would take for another one.
static void
test_no_lanes_for_a_delimiter_with_a_high_bit(void **state)
{
    const format_t *combined;
    shape_t shape;
    lanes_t lanes;

    (void)state;
    CHECK_OK(format_find("combined", &combined));
    assert_true(shape_make(combined, &shape));
    assert_true(lanes_make(&shape, &lanes));
    shape.structural[0xa0] = 0xff;
    assert_false(lanes_make(&shape, &lanes));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_fit_what_the_shape_fits),
        cmocka_unit_test(test_no_lanes_for_a_delimiter_with_a_high_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
