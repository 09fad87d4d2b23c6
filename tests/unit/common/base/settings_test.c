// SPDX-License-Identifier: Apache-2.0
#include "common/base/settings.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct values {
    char *keys;
    char *config;
    settings_list_t roots;
    bool quiet;
    bool dry;
    int64_t port;
    int64_t memory;
    int64_t deadline;
} values_t;

#define AT(field) offsetof(values_t, field)

static const setting_t table[] = {
    {"keys", 'k', SETTING_TEXT, AT(keys), NULL, 0, 0, "DIR", "keys", false},
    {"config", 0, SETTING_TEXT, AT(config), NULL, 0, 0, "FILE", "this file",
        true},
    {"root", 'r', SETTING_LIST, AT(roots), "/var/log", 0, 0, "PATH",
        "what may be read", false},
    {"quiet", 'q', SETTING_FLAG, AT(quiet), NULL, 0, 0, NULL, "say less",
        false},
    {"dry", 'd', SETTING_FLAG, AT(dry), NULL, 0, 0, NULL, "only look", true},
    {"port", 'p', SETTING_NUMBER, AT(port), "7700", 1, 65535, "PORT",
        "listen here", false},
    {"memory", 0, SETTING_SIZE, AT(memory), "1GiB", 1, 1ll << 40, "SIZE",
        "at most this", false},
    {"deadline", 0, SETTING_DURATION, AT(deadline), "1h", 0, 86400000, "TIME",
        "and no longer", false},
};
#define N (sizeof table / sizeof *table)

typedef struct fixture {
    values_t v;
    settings_list_t operands;
    buf_t why;
    char path[64];
} fixture_t;

static void
fini(fixture_t *f)
{
    settings_free(table, N, &f->v);
    settings_list_free(&f->operands);
    buf_fini(&f->why);
    if (f->path[0] != '\0') {
        unlink(f->path);
    }
}

static void
write_file(fixture_t *f, const char *text)
{
    snprintf(f->path, sizeof f->path, "/tmp/settings-test-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

// Words are split at spaces; "_" stands for an empty one.
static errcode_t
parse(fixture_t *f, const char *line)
{
    char words[512];
    char program[] = "program", empty[] = "";
    char *argv[32] = {program};
    int argc = 1;

    snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok(words, " "); w != NULL; w = strtok(NULL, " ")) {
        argv[argc++] = strcmp(w, "_") == 0 ? empty : w;
    }
    return settings_parse(table, N, argc, argv,
        f->path[0] != '\0' ? f->path : NULL, &f->v, &f->operands, &f->why);
}

static void
check_why(fixture_t *f, const char *want)
{
    buf_put_u8(&f->why, 0);
    assert_string_equal((char *)f->why.p, want);
}

static void
check_refused(const char *line, const char *want)
{
    fixture_t f = {0};

    CHECK_ERR(parse(&f, line), ERR_CONFIG);
    check_why(&f, want);
    assert_null(f.v.keys);
    CHECK_U64(f.v.roots.n, 0);
    fini(&f);
}

// The path of the file stands before `want`.
static void
check_file_refused(const char *text, const char *want)
{
    fixture_t f = {0};
    char whole[256];

    write_file(&f, text);
    CHECK_ERR(parse(&f, ""), ERR_CONFIG);
    snprintf(whole, sizeof whole, "%s:%s", f.path, want);
    check_why(&f, whole);
    fini(&f);
}

static void
test_defaults_come_first(void **state)
{
    fixture_t f = {0};

    (void)state;
    CHECK_OK(parse(&f, ""));
    assert_null(f.v.keys);
    CHECK_U64(f.v.port, 7700);
    CHECK_U64(f.v.memory, 1 << 30);
    CHECK_U64(f.v.deadline, 3600000);
    CHECK_U64(f.v.roots.n, 1);
    assert_string_equal(f.v.roots.items[0], "/var/log");
    assert_false(f.v.quiet);
    CHECK_U64(f.operands.n, 0);
    CHECK_U64(f.why.len, 0);
    fini(&f);
}

static void
test_every_spelling_of_an_option_is_read(void **state)
{
    static const char *const lines[] = {"--port 80 --quiet --keys=a=b",
        "--port=80 -q -k a=b", "-p 80 -qk a=b", "-p80 -qka=b", "-qp80 -ka=b"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        fixture_t f = {0};
        CHECK_OK(parse(&f, lines[i]));
        CHECK_U64(f.v.port, 80);
        assert_true(f.v.quiet);
        assert_string_equal(f.v.keys, "a=b");
        fini(&f);
    }
}

static void
test_operands_and_options_mix(void **state)
{
    fixture_t f = {0};

    (void)state;
    CHECK_OK(parse(&f, "one -p 80 - two --quiet _ -- --keys -q --"));
    CHECK_U64(f.operands.n, 7);
    assert_string_equal(f.operands.items[1], "-");
    assert_string_equal(f.operands.items[3], "");
    assert_string_equal(f.operands.items[4], "--keys");
    assert_string_equal(f.operands.items[6], "--");
    assert_true(f.v.quiet);
    assert_null(f.v.keys);
    fini(&f);
}

static void
test_sizes_and_durations_have_units(void **state)
{
    fixture_t f = {0};

    (void)state;
    CHECK_OK(parse(&f, "--memory 1.5KiB --deadline 2m"));
    CHECK_U64(f.v.memory, 1536);
    CHECK_U64(f.v.deadline, 120000);
    CHECK_OK(parse(&f, "--memory 42 --deadline 1.5s"));
    CHECK_U64(f.v.memory, 42);
    CHECK_U64(f.v.deadline, 1500);
    CHECK_OK(parse(&f, "--deadline 0"));
    CHECK_U64(f.v.deadline, 0);
    fini(&f);
}

static void
test_a_wrong_option_is_named_with_its_neighbour(void **state)
{
    (void)state;
    check_refused("--key x", "unknown option '--key'; did you mean '--keys'?");
    check_refused("--nothing-like-it", "unknown option '--nothing-like-it'");
    check_refused("--k\033[2J=1", "unknown option '--k\\x1b[2J'");
    check_refused("-qx", "unknown option '-x'");
    check_refused("--quiet=yes", "--quiet takes no value");
    check_refused("-k keys --port", "--port wants a value");
}

static void
test_a_wrong_value_is_said_plainly(void **state)
{
    (void)state;
    check_refused("--port 70000", "--port: 70000 is above 65535");
    check_refused("-p0", "--port: 0 is below 1");
    check_refused("-p 8o", "--port: '8o' is not a whole number");
    check_refused("-p 1.5", "--port: '1.5' is not a whole number");
    check_refused("-p _", "--port: '' is not a whole number");
    check_refused("-p -", "--port: '-' is not a whole number");
    check_refused("-p 99999999999999999999999999999999999999999",
        "--port: '99999999999999999999999999999999999999999' is not a whole "
        "number");
    check_refused("-p 80s", "--port: '80s' is not a whole number");
    check_refused(
        "--memory 1GB2", "--memory: '1GB2' is not a size such as 64MiB");
    check_refused("--memory 9999TiB", "--memory: 9999TiB is above 1TiB");
    check_refused("--deadline 10", "--deadline: '10' is not a duration such "
                                   "as 500ms, 10s or 2h");
    check_refused("--deadline 25h", "--deadline: 25h is above 1d");
}

static void
test_a_file_is_read_and_the_command_line_wins(void **state)
{
    fixture_t f = {0};

    (void)state;
    write_file(&f, "# a comment\n\nport = 81\nquiet = yes\n"
                   "root = /a\nroot = \"/b c\"  # why\nkeys = here\n");
    CHECK_OK(parse(&f, "--port 82"));
    CHECK_U64(f.v.port, 82);
    assert_true(f.v.quiet);
    assert_string_equal(f.v.keys, "here");
    CHECK_U64(f.v.roots.n, 2);
    assert_string_equal(f.v.roots.items[0], "/a");
    assert_string_equal(f.v.roots.items[1], "/b c");
    fini(&f);
}

static void
test_a_list_on_the_command_line_replaces_the_file(void **state)
{
    fixture_t f = {0};

    (void)state;
    write_file(&f, "root = /a\nroot = /b\n");
    CHECK_OK(parse(&f, "--root /c x -r /d"));
    CHECK_U64(f.v.roots.n, 2);
    assert_string_equal(f.v.roots.items[0], "/c");
    assert_string_equal(f.v.roots.items[1], "/d");
    fini(&f);
}

static void
test_a_named_file_is_read_instead_of_the_default(void **state)
{
    fixture_t f = {0};
    fixture_t other = {0};
    char line[128];

    (void)state;
    write_file(&f, "port = 81\nkeys = first\n");
    write_file(&other, "port = 91\n");
    snprintf(line, sizeof line, "-q --config %s", other.path);
    CHECK_OK(parse(&f, line));
    CHECK_U64(f.v.port, 91);
    assert_null(f.v.keys);
    assert_string_equal(f.v.config, other.path);
    fini(&f);
    fini(&other);
}

static void
test_only_a_named_file_must_exist(void **state)
{
    fixture_t f = {.path = "/nonexistent/settings"};

    (void)state;
    CHECK_OK(parse(&f, ""));
    CHECK_U64(f.v.port, 7700);
    f.path[0] = '\0';
    fini(&f);
    check_refused("--config /nonexistent/it",
        "cannot read /nonexistent/it: No such file or directory");
    check_refused("--config /tmp", "cannot read /tmp: Is a directory");
}

static void
test_a_wrong_line_is_named_by_file_and_line(void **state)
{
    (void)state;
    check_file_refused("port = 80\nprot = 1\n",
        "2: unknown setting 'prot'; did you mean "
        "'port'?");
    check_file_refused("\nport = 70000\n", "2: port: 70000 is above 65535");
    check_file_refused(
        "quiet = maybe\n", "1: quiet: 'maybe' is neither yes nor no");
    check_file_refused("port\n", "1: port has no value; write port = ...");
    check_file_refused("port 80\n", "1: not a line of the form name = value");
    check_file_refused("port = \"80\n", "1: not a line of the form name = "
                                        "value");
    check_file_refused(
        "    port = 80\n", "1: 'port' is indented; a setting begins its line");
    check_file_refused("dry = yes\n", "1: dry is for the command line only");
    check_file_refused(
        "port = \033]0;x\n", "1: port: '\\x1b]0;x' is not a whole number");
}

static void
test_nothing_may_stand_alone_without_operands(void **state)
{
    char program[] = "program", stray[] = "stray";
    char *argv[] = {program, stray};
    values_t v = {0};
    buf_t why = {0};

    (void)state;
    CHECK_ERR(
        settings_parse(table, N, 2, argv, NULL, &v, NULL, &why), ERR_CONFIG);
    CHECK_SPAN(
        buf_span(&why), "'stray' is not an option; nothing stands alone here");
    assert_null(v.roots.items);
    CHECK_OK(settings_parse(table, N, 1, argv, NULL, &v, NULL, &why));
    settings_free(table, N, &v);
    buf_fini(&why);
}

static void
check_same(const values_t *a, const values_t *b)
{
    assert_string_equal(a->keys, b->keys);
    assert_true(a->quiet == b->quiet);
    CHECK_U64(a->port, b->port);
    CHECK_U64(a->memory, b->memory);
    CHECK_U64(a->deadline, b->deadline);
    CHECK_U64(a->roots.n, b->roots.n);
    for (size_t i = 0; i < a->roots.n; i++) {
        assert_string_equal(a->roots.items[i], b->roots.items[i]);
    }
}

static void
check_round_trip(values_t *v)
{
    fixture_t f = {0};
    buf_t out = {0};

    settings_print(table, N, v, &out);
    buf_put_u8(&out, 0);
    write_file(&f, (char *)out.p);
    CHECK_OK(parse(&f, ""));
    check_same(v, &f.v);
    buf_fini(&out);
    fini(&f);
}

static void
test_what_is_printed_parses_back(void **state)
{
    static const char *const texts[] = {"", "plain", "two words", " x", "x ",
        "a#b", "a #b", "#b", "it's", "say \"it\"", "'it'", "a\"b'c", "a=b",
        "tab\there", "\\n", "cr\r", "\xc3\xa4\xff"};
    static const int64_t sizes[] = {1, 999, 1000, 1024, 1536, 3 << 20, 123456};
    static const int64_t times[] = {0, 1, 999, 1000, 90000, 3600000, 86400000};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char second[] = "second";
        char *items[] = {(char *)(uintptr_t)texts[i], second};
        values_t v = {.keys = items[0],
            .roots = {items, 2},
            .quiet = i % 2 == 0,
            .port = 1 + (int64_t)i,
            .memory = sizes[i % 7],
            .deadline = times[i % 7]};
        check_round_trip(&v);
    }
}

static void
test_a_value_that_no_line_can_hold_is_a_comment(void **state)
{
    static const char *const texts[] = {"two\nlines", "'both\" kinds'"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        values_t v = {.keys = (char *)(uintptr_t)texts[i]};
        buf_t out = {0};
        settings_print(table, 1, &v, &out);
        CHECK_SPAN(buf_span(&out), "# keys: a value that no line can hold\n");
        buf_fini(&out);
    }
}

static void
test_help_lists_every_setting(void **state)
{
    buf_t out = {0};

    (void)state;
    settings_help(table + 3, 3, &out);
    CHECK_SPAN(buf_span(&out),
        "  -q, --quiet               say less\n"
        "  -d, --dry                 only look\n"
        "  -p, --port PORT           listen here (default 7700)\n");
    buf_fini(&out);
}

static void
test_help_is_no_wider_than_a_terminal(void **state)
{
    static const setting_t one = {.name = "a-name-that-takes-its-own-line",
        .kind = SETTING_TEXT,
        .fallback = "default",
        .help = "words and words and words that go on until the line is full"};
    buf_t out = {0};

    (void)state;
    settings_help(&one, 1, &out);
    CHECK_SPAN(buf_span(&out),
        "      --a-name-that-takes-its-own-line VALUE\n"
        "                            words and words and words that go on "
        "until the line\n"
        "                            is full (default default)\n");
    buf_fini(&out);
}

// Whatever a file holds, it is read or refused with a sentence.
static void
test_every_bit_flip_of_a_file_is_read_or_refused(void **state)
{
    char text[] = "port = 81\nroot = \"/b c\"\nquiet = yes\nmemory = 1GiB\n";

    (void)state;
    for (size_t i = 0; i < (sizeof text - 1) * 8; i++) {
        fixture_t f = {0};
        text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
        write_file(&f, text);
        errcode_t rc = parse(&f, "");
        assert_true(
            rc == ERR_OK ? f.why.len == 0 : rc == ERR_CONFIG && f.why.len > 0);
        text[i / 8] = (char)(text[i / 8] ^ (1 << i % 8));
        fini(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_come_first),
        cmocka_unit_test(test_every_spelling_of_an_option_is_read),
        cmocka_unit_test(test_operands_and_options_mix),
        cmocka_unit_test(test_sizes_and_durations_have_units),
        cmocka_unit_test(test_a_wrong_option_is_named_with_its_neighbour),
        cmocka_unit_test(test_a_wrong_value_is_said_plainly),
        cmocka_unit_test(test_a_file_is_read_and_the_command_line_wins),
        cmocka_unit_test(test_a_list_on_the_command_line_replaces_the_file),
        cmocka_unit_test(test_a_named_file_is_read_instead_of_the_default),
        cmocka_unit_test(test_only_a_named_file_must_exist),
        cmocka_unit_test(test_a_wrong_line_is_named_by_file_and_line),
        cmocka_unit_test(test_nothing_may_stand_alone_without_operands),
        cmocka_unit_test(test_what_is_printed_parses_back),
        cmocka_unit_test(test_a_value_that_no_line_can_hold_is_a_comment),
        cmocka_unit_test(test_help_lists_every_setting),
        cmocka_unit_test(test_help_is_no_wider_than_a_terminal),
        cmocka_unit_test(test_every_bit_flip_of_a_file_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
