// SPDX-License-Identifier: Apache-2.0
// Every search for tokens finds what a plain reading of tokens.h finds.
#include "worker/format/tokens.h"

#include "tests/unit/cmocka_all.h"

#include <string.h>

#define TEXT_MAX 700u

static bool
is_delimiter(const token_set_t *set, uint8_t c)
{
    for (unsigned i = 0; i < set->n; i++) {
        if (set->delimiters[i] == c) {
            return true;
        }
    }
    return false;
}

// Byte by byte.
static size_t
find_plainly(
    const token_set_t *set, const uint8_t *text, uint32_t len, uint32_t *out)
{
    bool quoted = false, in_run = false;
    size_t n = 0;

    for (uint32_t i = 0; i < len; i++) {
        uint8_t c = text[i];
        bool mark = set->quotes && c == '"';
        bool run = mark || (set->quotes && c == '\\') ||
                   (!quoted && is_delimiter(set, c));
        quoted ^= mark;
        if ((run && !in_run) || c == '\n') {
            out[n++] = i;
        }
        in_run = run;
    }
    return n;
}

static uint32_t
random_text(uint64_t *seed, unsigned density, uint8_t *text)
{
    static const char special[] = " ]\"\\\n|\t,";
    uint32_t len;

    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    len = (uint32_t)(*seed >> 33) % TEXT_MAX;
    for (uint32_t i = 0; i < len; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        unsigned r = (unsigned)(*seed >> 33);
        text[i] =
            r % 16 < density ? (uint8_t)special[r / 16 % 8] : (uint8_t)(r >> 8);
    }
    return len;
}

// In two calls; bytes behind the cut, before it, or both are copied first.
static void
check_finder(tokens_find_t *find, const token_set_t *set, const uint8_t *text,
    uint32_t len, uint32_t cut, unsigned late)
{
    uint32_t want[TEXT_MAX], got[TEXT_MAX + TOKENS_SLACK];
    uint8_t place[TEXT_MAX];
    token_state_t state = {0};
    size_t n = find_plainly(set, text, len, want);

    memcpy(place, text, len);
    memset(place, '"', (late & 1) != 0 ? cut : 0);
    memset(place + cut, '"', (late & 2) != 0 ? len - cut : 0);
    size_t first =
        find(set, &state, (late & 1) != 0 ? text : NULL, place, 0, cut, got);
    size_t all = first + find(set, &state, (late & 2) != 0 ? text + cut : NULL,
                             place, cut, len, got + first);
    assert_int_equal(all, n);
    assert_memory_equal(got, want, n * sizeof *want);
    assert_memory_equal(place, text, len);
}

static void
test_every_finder_finds_the_same(void **state)
{
    static const token_set_t sets[] = {{{' ', ']'}, 2, true}, {{' '}, 1, true},
        {{'\t'}, 1, false}, {{' ', ']', '|', ','}, 4, true}};
    uint8_t text[TEXT_MAX];
    uint64_t seed = 7;
    unsigned finders = 0;

    (void)state;
    for (size_t i = 0; i < TOKENS_FINDERS; i++) {
        tokens_find_t *find = tokens_finder_at(i);
        finders += find != NULL;
        for (unsigned k = 0; find != NULL && k < 4000; k++) {
            uint32_t len = random_text(&seed, k % 17, text);
            uint32_t cut = k % 3 == 0 ? len / 2 & ~63u : k % (len + 1);
            check_finder(find, &sets[k % 4], text, len, cut, k / 16 % 4);
        }
    }
    assert_true(finders >= 1);
    assert_true(strlen(tokens_finder_name()) > 0);
}

static void
test_a_newline_hides_nothing(void **state)
{
    token_set_t set = {{' '}, 1, true};
    token_state_t s = {0};
    uint32_t out[8 + TOKENS_SLACK];

    (void)state;
    for (size_t i = 0; i < TOKENS_FINDERS; i++) {
        tokens_find_t *find = tokens_finder_at(i);
        if (find != NULL) {
            uint8_t text[] = "\n \n\n  \"";
            assert_int_equal(find(&set, &s, NULL, text, 0, 7, out), 5);
            s = (token_state_t){0};
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_finder_finds_the_same),
        cmocka_unit_test(test_a_newline_hides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
