// SPDX-License-Identifier: Apache-2.0
// 100,000 keys that mean harm, through every kind of output.
#include "tests/unit/common/result/harmless.h"

#include "tests/unit/common/result/table.h"

#define ROUNDS 100u
#define ROWS   1000u // of a round
#define PIECES 6u    // of a key, at most

#define PIECE(s)                                                               \
    {                                                                          \
        (const uint8_t *)(s), sizeof(s) - 1                                    \
    }

static const span_t pieces[] = {PIECE("\033[2J"), PIECE("\033]0;x\a"),
    PIECE("\033[31m"),
    PIECE("\x9b"
          "2J"),
    PIECE("\xc2\x9b"
          "2J"),
    PIECE("\xc2\x85"), PIECE("\033P1;1|17/ab\033\\"), PIECE("\b\b\b"),
    PIECE("\r"), PIECE("\n"), PIECE("\r\n"), PIECE("\t"), PIECE("\0"),
    PIECE("\x7f"), PIECE("\xe2\x80\xae"), PIECE("\xe2\x81\xa6"),
    PIECE("\xe2\x80\x8b"), PIECE("\xd8\x9c"), PIECE("\xef\xbb\xbf"),
    PIECE("\xe2\x80\xa8"), PIECE("\xf3\xa0\x81\x81"), PIECE("\xc2\xad"),
    PIECE("\xef\xbf\xb9"), PIECE("\xc0\xaf"), PIECE("\xed\xa0\x80"),
    PIECE("\xf4\x90\x80\x80"), PIECE("\xe2\x82"), PIECE("\xff"),
    PIECE("\xf0\x9f\x92\xa9"), PIECE("\xc3\xa9"), PIECE("e\xcc\x81"),
    PIECE("<script>alert(1)</script>"), PIECE("\"><img src=x onerror=a()>"),
    PIECE("' onmouseover='a()"), PIECE("</script>"), PIECE("<!--"),
    PIECE("{{7*7}}"), PIECE("${7*7}"), PIECE("&lt;"), PIECE("javascript:a()"),
    PIECE("=cmd|' /C calc'!A0"), PIECE("=1+1"), PIECE("@SUM(A1)"), PIECE("+1"),
    PIECE("-1"), PIECE("|"), PIECE("||"), PIECE("`"), PIECE("\\"),
    PIECE("\\\\"), PIECE("\""), PIECE("'"), PIECE(","), PIECE(";"),
    PIECE("[a](b)"), PIECE("![a](b)"), PIECE("**"), PIECE("/"), PIECE("a"),
    PIECE(" ")};

static uint64_t
next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void
put_hostile(buf_t *out, uint64_t *seed)
{
    for (uint64_t n = next(seed) % (PIECES + 1); n > 0; n--) {
        if (next(seed) % 8 == 0) {
            buf_put_u8(out, (uint8_t)next(seed));
        } else {
            buf_put_span(
                out, pieces[next(seed) % (sizeof pieces / sizeof *pieces)]);
        }
    }
}

static void
fill(fixture_t *t, uint64_t *seed)
{
    for (unsigned i = 0; i < ROWS; i++) {
        buf_t texts[2] = {{0}, {0}};
        put_hostile(&texts[0], seed);
        put_hostile(&texts[1], seed);
        table_add(t, 1 + next(seed) % 9,
            {.kind = CELL_TEXT, .text = buf_span(&texts[0])},
            {.kind = CELL_TEXT, .text = buf_span(&texts[1])});
        buf_fini(&texts[0]);
        buf_fini(&texts[1]);
    }
}

static void
test_no_hostile_key_gets_through(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        fixture_t t;
        table_init(&t, "count by path, ua");
        fill(&t, &seed);
        table_build(&t);
        for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
            const char *text =
                table_print(&t, (output_kind_t)kind, false, 20 + round);
            harmless_check((output_kind_t)kind,
                (span_t){(const uint8_t *)text, t.text.len - 1}, 2,
                t.result->n_rows);
        }
        table_fini(&t);
    }
}

// Samples, paths and reasons go to a terminal and into logs.
static void
test_neither_in_receipts_and_log_lines(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (unsigned i = 0; i < ROUNDS * ROWS; i++) {
        buf_t text = {0}, out = {0};
        put_hostile(&text, &seed);
        output_safe_text(buf_span(&text), &out);
        harmless_text(buf_span(&out), "");
        buf_fini(&text);
        buf_fini(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_hostile_key_gets_through),
        cmocka_unit_test(test_neither_in_receipts_and_log_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
