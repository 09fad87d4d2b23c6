// SPDX-License-Identifier: Apache-2.0
// Formats with names of their own: what a query finds by them, however the
// file is cut.
#include "tests/unit/worker/scan/scan_cuts.h"

static const uint64_t steps[] = {1, 13, 64, 97, 1000, 1u << 20};

static void
check_all_cuts(const char *query, const char *format, const char *text)
{
    check_cuts(query, format, span_str(text), steps, 6);
}

#define GROUPS_MAX 16

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

// KEY,KEY=COUNT
static void
put_group(const tally_t *tally, size_t i, char out[64])
{
    tally_entry_t entry = tally_entry(tally, i);
    rd_t r = rd_init(entry.key);
    char number[DEC_TEXT_MAX];
    buf_t text = {0};

    while (rd_left(&r) > 0) {
        cell_t cell;
        CHECK_OK(cell_decode(&r, &cell));
        buf_put_str(&text, text.len > 0 ? "," : "");
        if (cell.kind == CELL_NUMBER) {
            dec_format(cell.number, number);
            cell.text = span_str(number);
        }
        buf_put_span(
            &text, cell.kind == CELL_MISSING ? SPAN_LIT("-") : cell.text);
    }
    snprintf(out, 64, "%.*s=%llu ", (int)text.len,
        text.len > 0 ? (const char *)text.p : "",
        (unsigned long long)entry.states[0]);
    buf_fini(&text);
}

// The groups of a count, by text.
static void
check_counts(
    const char *query, const char *format, const char *text, const char *want)
{
    int fd = file_of(span_str(text));
    scan_range_t range = range_of(fd, strlen(text));
    char groups[GROUPS_MAX][64];
    buf_t got = {0}, rest = {0};
    merged_t m;

    merged_init(&m, query);
    merged_add(&m, format, &range, 1, query);
    size_t n = tally_groups(m.tally);
    assert_true(n <= GROUPS_MAX);
    for (size_t i = 0; i < n; i++) {
        put_group(m.tally, i, groups[i]);
    }
    qsort(groups, n, sizeof groups[0], by_text);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(&got, groups[i]);
    }
    if (!span_is(buf_span(&got), want)) {
        fail_msg(
            "%s: %.*s, not %s", query, (int)got.len, (const char *)got.p, want);
    }
    merged_end(&m, &rest);
    buf_fini(&got);
    buf_fini(&rest);
    close(fd);
}

static const char json[] =
    "{\"level\":\"info\",\"n\":1,\"a\":{\"b\":\"x\"},\"status\":200}\n"
    "{\"level\":\"\\u0069nfo\",\"n\":\"2\",\"a.b\":\"x\",\"t\":true}\n"
    "not json\n\n"
    "{\"level\":\"error\",\"n\":2.5e1,\"a\":[7,{\"c\":1}],\"t\":null}\r\n"
    "{\"level\":null,\"a\":{},\"status\":\"x\"}\n"
    "{\"level\":\"-\",\"n\":{}}";

static void
test_members_are_keys_by_their_names(void **state)
{
    (void)state;
    check_counts("count by level", "json", json, "-=2 error=1 info=2 ");
    check_counts("count by a.b", "auto", json, "-=3 x=2 ");
    check_counts("count by `a.1.c`", "json", json, "-=4 1=1 ");
    check_counts("count by t", "json", json, "-=4 true=1 ");
    check_counts("count by n", "json", json, "-=2 1=1 2.5e1=1 2=1 ");
    check_counts("count by n:10", "json", json, "-=2 0=2 20=1 ");
    check_counts("count by status", "json", json, "-=4 200=1 ");
    check_counts("level = 'info' | count by n + 1", "json", json, "2=1 3=1 ");
    check_counts("count by a.0, a", "json", json, "-,-=4 7,-=1 ");
}

static void
test_json_counts_the_same_however_it_is_cut(void **state)
{
    (void)state;
    check_all_cuts("count, sum(n) by level, a.b", "json", json);
    check_all_cuts("level = 'info' | count by line", "auto", json);
}

static const char csv[] = "\r\n\nname,\"the \"\"n\"\"\",status,name\n"
                          "a,1,200,b\n"
                          "\"x,y\",2,404,\"q\"\"q\"\n\n"
                          "too,few\n"
                          "a,1,b,c,many\n"
                          ",,,\r\n"
                          "a,1.5,500,\"open\n"
                          "name,\"the \"\"n\"\"\",status,name\n"
                          "last,3,200,b";

static void
test_a_csv_header_names_the_columns(void **state)
{
    (void)state;
    check_counts("count by name", "csv", csv, "-=1 b=2 name=1 q\"q=1 ");
    check_counts(
        "count by `the \"n\"`", "csv", csv, "-=1 1=1 2=1 3=1 the \"n\"=1 ");
    check_counts("count by status", "csv", csv, "-=2 200=2 404=1 ");
    check_counts("count by nobody", "csv", csv, "-=5 ");
    check_counts("count", "csv", "only,a,header\n", "=0 ");
}

// A header and one line, of so many columns: can the last be counted by? Of a
// header with one more the lines have more values than it has names.
static bool
takes_columns(uint64_t n)
{
    buf_t text = {0}, query = {0};
    merged_t m;

    for (int row = 0; row < 2; row++) {
        for (unsigned i = 1; i <= n; i++) {
            buf_printf(&text, "%s%s%u", i > 1 ? "," : "", row ? "v" : "c", i);
        }
        buf_put_str(&text, "\n");
    }
    buf_printf(&query, "count by c%u", (unsigned)n);
    buf_put_u8(&query, 0);
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    merged_init(&m, (const char *)query.p);
    merged_add(&m, "csv", &range, 1, (const char *)query.p);
    bool counted = tally_groups(m.tally) == 1;
    buf_clear(&text);
    merged_end(&m, &text);
    buf_fini(&text);
    buf_fini(&query);
    close(fd);
    return counted;
}

static void
test_a_header_has_so_many_columns(void **state)
{
    (void)state;
    CHECK_LIMIT(LIMIT_TABLE_COLUMNS, takes_columns);
}

static void
test_csv_counts_the_same_however_it_is_cut(void **state)
{
    (void)state;
    check_all_cuts("count, sum(`the \"n\"`) by name, status", "csv", csv);
    check_all_cuts("status = 200 | count by line", "csv", csv);
    check_all_cuts("count by name", "csv", "\n\n\r\n\nname\nx\ny\n");
}

static const char w3c[] = "#Software: x\n"
                          "#Fields: date time c-ip sc-status x-a\n"
                          "2016-02-15 23:44:42 h1 200 one\n"
                          "2016-02-15 23:44:43 h2 404 two\n"
                          "2016-02-15 23:44:43 h2 404\n"
                          "#Fields: sc-status c-ip\r\n"
                          "#Date: 2016-02-16\n\n"
                          "200 h1\n"
                          "503 h3\n"
                          "#Fields:\n"
                          "200 h1\n"
                          " #Fields: x\n"
                          "#Fields: c-ip x-a sc-status cs-uri-stem\n"
                          "h9 - 304 /\n";

static void
test_directives_name_the_columns_until_the_next(void **state)
{
    (void)state;
    check_counts("count by ip", "w3c", w3c, "h1=2 h2=1 h3=1 h9=1 ");
    check_counts("count by `x-a`", "auto", w3c, "-=3 one=1 two=1 ");
    check_counts("count by status:100", "w3c", w3c, "200=2 300=1 400=1 500=1 ");
    check_counts("count by hour(time)", "w3c", w3c, "-=3 23=2 ");
}

static void
test_w3c_counts_the_same_however_it_is_cut(void **state)
{
    (void)state;
    check_all_cuts("count by ip, `x-a`, status, time, path", "w3c", w3c);
    check_all_cuts("count by line", "auto", w3c);
}

// Further back than one piece of the search.
static void
test_a_directive_far_before_a_range_is_found(void **state)
{
    static const uint64_t far[] = {3u << 20, 5000001};
    buf_t text = {0};

    (void)state;
    buf_put_str(&text, "#Fields: c-ip sc-status x-long\n");
    while (text.len < 10u << 20) {
        buf_printf(&text, "192.0.2.%zu %zu %0500d\n", text.len % 200,
            text.len % 7 == 0 ? 200ul : 404ul, 0);
        buf_put_str(&text, text.len % 1000 == 7 ? "#Date: x\n" : "");
    }
    check_cuts("count by ip, status", "w3c", buf_span(&text), far, 2);
    buf_fini(&text);
}

static void
test_a_header_that_is_too_long_has_no_names(void **state)
{
    static const uint64_t cuts[] = {1000, LIMIT_LINE + 5};
    buf_t text = {0};

    (void)state;
    memset(buf_reserve(&text, LIMIT_LINE + 1), 'a', LIMIT_LINE + 1);
    text.len = LIMIT_LINE + 1;
    buf_put_str(&text, "\nname\nx\n");
    check_cuts("count by name", "csv", buf_span(&text), cuts + 1, 1);
    buf_fini(&text);
}

static void
test_packed_files_show_their_header_first(void **state)
{
    uint64_t size;
    int fd = gzip_of(span_str(csv), &size);
    int plain = file_of(span_str(csv));
    scan_range_t range = range_of(fd, size);
    scan_range_t whole = range_of(plain, strlen(csv));
    totals_t a, b;
    buf_t out = {0};

    (void)state;
    range.kind = SOURCE_GZIP;
    scan_whole("count by name", "csv", &range, &a, &out);
    buf_clear(&out);
    scan_whole("count by name", "csv", &whole, &b, &out);
    CHECK_U64(a.accepted, b.accepted);
    buf_fini(&out);
    close(fd);
    close(plain);
}

static const char cri[] =
    "2016-10-06T00:17:09Z stdout F {\"level\":\"info\",\"n\":1}\n"
    "2016-10-06T00:17:10Z stderr F {\"level\":\"warn\",\"stream\":\"s\","
    "\"time\":\"2020-01-01T00:00:00Z\"}\n"
    "2016-10-06T00:17:10Z stdout F no json\n"
    "{\"level\":\"info\"}\n";

static const char docker[] =
    "{\"log\":\"192.0.2.7 - - [10/Oct/2023:13:55:36 +0000] "
    "\\\"GET /a HTTP/1.1\\\" 200 1\\n\",\"stream\":\"stdout\",\"time\":"
    "\"2016-10-06T00:17:09Z\"}\n"
    "{\"log\":\"a=1 b=x\\n\",\"stream\":\"stderr\",\"time\":"
    "\"2016-10-06T00:17:09Z\"}\n";

static void
test_what_is_wrapped_is_read_by_the_inner_format(void **state)
{
    (void)state;
    check_counts("count by level", "cri+json", cri, "info=1 warn=1 ");
    check_counts("count by stream", "cri+json", cri, "s=1 stdout=1 ");
    check_counts("count by hour(time), n", "cri+json", cri, "0,-=1 0,1=1 ");
    check_counts("count by stream", "auto", cri, "stderr=1 stdout=2 ");
    check_counts("count by log", "docker+logfmt", docker, "a=1 b=x=1 ");
    check_counts("count by b, stream", "docker+logfmt", docker, "x,stderr=1 ");
    check_counts(
        "count by path, stream", "docker+combined", docker, "/a,stdout=1 ");
    check_counts(
        "count by path, stream", "docker+common", docker, "/a,stdout=1 ");
    check_counts("count by x", "docker+re:(?<x>a|GET)", docker, "GET=1 a=1 ");
    check_counts("count by hour(time)", "docker+lines", docker, "0=2 ");
}

static void
test_wrappings_hold_no_headers_and_no_wrappings(void **state)
{
    static const char *const wrong[] = {"cri+cri", "cri+docker+json", "cri+csv",
        "docker+w3c", "cri+", "docker+nothing", "cri+auto"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int fd = file_of(SPAN_LIT("x\n"));
        scan_range_t range = range_of(fd, 2);
        scan_error_t error;
        buf_t out = {0};
        CHECK_ERR(scan("count", wrong[i], &range, 1, &out, &error), ERR_FORMAT);
        buf_fini(&out);
        close(fd);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_keys_by_their_names),
        cmocka_unit_test(test_json_counts_the_same_however_it_is_cut),
        cmocka_unit_test(test_a_csv_header_names_the_columns),
        cmocka_unit_test(test_a_header_has_so_many_columns),
        cmocka_unit_test(test_csv_counts_the_same_however_it_is_cut),
        cmocka_unit_test(test_directives_name_the_columns_until_the_next),
        cmocka_unit_test(test_w3c_counts_the_same_however_it_is_cut),
        cmocka_unit_test(test_a_directive_far_before_a_range_is_found),
        cmocka_unit_test(test_a_header_that_is_too_long_has_no_names),
        cmocka_unit_test(test_what_is_wrapped_is_read_by_the_inner_format),
        cmocka_unit_test(test_wrappings_hold_no_headers_and_no_wrappings),
        cmocka_unit_test(test_packed_files_show_their_header_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
