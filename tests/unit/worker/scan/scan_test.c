// SPDX-License-Identifier: Apache-2.0
// The counting of a shard, over real files: however the work is cut, whatever
// the file is packed in, the merged partials have the same bytes.
#include "tests/unit/worker/scan/scan_cuts.h"

#include "common/base/limits.h"

#include <string.h>
#include <unistd.h>

#define QUERY                                                                  \
    "status >= 200 | count, sum(bytes), avg(bytes), min(bytes), max(bytes), "  \
    "count if(5xx) by path, ip:/24, time:1m"

static void
test_every_cut_counts_the_same(void **state)
{
    static const uint64_t steps[] = {13, 64, 97, 1000, 4096, 1u << 20};
    buf_t text = {0};

    (void)state;
    put_log(&text, 60);
    check_cuts(QUERY, "combined", buf_span(&text), steps, 6);
    check_cuts(QUERY, "auto", buf_span(&text), steps, 6);
    check_cuts("count", "auto", buf_span(&text), steps, 6);
    check_cuts("top 3 line", "auto", buf_span(&text), steps, 6);
    check_cuts("distinct(ip), distinct(path) by weekday(time), hour(time)",
        "combined", buf_span(&text), steps, 6);
    check_cuts("count by lower(path), if(5xx, file, host), len(line)",
        "combined", buf_span(&text), steps, 6);
    buf_fini(&text);
}

// Of the whole, most keys are new to the memo, which is given up; of its
// pieces none has lines enough for that.
static void
test_many_keys_count_as_few_do(void **state)
{
    static const uint64_t steps[] = {50000, 1u << 18};
    buf_t text = {0};

    (void)state;
    for (unsigned i = 0; i < 12000; i++) {
        buf_printf(&text,
            "%u.%u.0.1 - - [14/Nov/2023:22:13:%02u +0000] "
            "\"GET /%u HTTP/1.1\" %u ",
            i % 7 == 0 ? 9 : i >> 8, i & 255, i / 200, i % 10,
            i % 3 == 0 ? 503 : 200);
        if (i % 5 == 0) {
            buf_put_str(&text, "- \"-\" \"ua\"\n");
        } else {
            buf_printf(&text, "%u \"-\" \"ua %u\"\n", i, i % 4);
        }
    }
    check_cuts("count, sum(bytes), avg(bytes), min(bytes), max(status), "
               "distinct(ua), count if(5xx), first(path), count(bytes) by ip",
        "combined", buf_span(&text), steps, 2);
    check_cuts("count, distinct(path), p50(bytes), sum(bytes) by ip, file",
        "auto", buf_span(&text), steps, 2);
    buf_fini(&text);
}

// Keys of up to eight bytes are known by a word, longer ones by the line
// before or the memo; few groups are counted apart. Runs of the same key, and
// short ones between long ones.
static void
test_short_and_long_keys_count_alike(void **state)
{
    static const uint64_t steps[] = {1000, 1u << 20};
    static const unsigned keys[] = {2, 60, 70, 400};

    (void)state;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        buf_t text = {0};
        for (unsigned i = 0; i < 1500; i++) {
            unsigned key = i * i / 7 % keys[k];
            buf_printf(&text,
                "192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] \"GET / HTTP/1.1\" "
                "%u %u \"-\" \"%s%u\"\n",
                200 + key % 3, i, key % 2 == 0 ? "a" : "a long user agent ",
                key);
        }
        check_cuts("count by ua", "combined", buf_span(&text), steps, 2);
        check_cuts("count by status", "combined", buf_span(&text), steps, 2);
        check_cuts("count by bytes, ua", "combined", buf_span(&text), steps, 2);
        buf_fini(&text);
    }
}

static void
test_lines_longer_than_a_range_count_once(void **state)
{
    static const uint64_t steps[] = {
        300000, (1u << 20) - 1, 1u << 20, 3u << 20};
    buf_t text = {0};
    totals_t totals;

    (void)state;
    put_log(&text, 3);
    buf_put_u8(&text, '\n');
    for (size_t extra = 0; extra < 3; extra++) {
        size_t len = LIMIT_LINE - 1 + extra;
        memset(buf_reserve(&text, len), 'x', len);
        text.len += len;
        buf_put_str(&text, extra == 1 ? "\r\n" : "\n");
        put_line(&text, 7);
    }
    check_cuts(QUERY, "auto", buf_span(&text), steps, 4);

    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    buf_t out = {0};
    scan_whole(QUERY, "auto", &range, &totals, &out);
    CHECK_U64(totals.rejected[REJECT_TOO_LONG], 1);
    buf_fini(&out);
    buf_fini(&text);
    close(fd);
}

static void
test_every_line_is_counted_somewhere(void **state)
{
    buf_t text = {0};
    buf_t out = {0};
    totals_t t;

    (void)state;
    put_log(&text, 60);
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    scan_whole(QUERY, "combined", &range, &t, &out);
    CHECK_U64(t.bytes, text.len);
    CHECK_U64(t.accepted, 60);
    CHECK_U64(t.blank, 12);
    CHECK_U64(totals_rejected(&t), 5);
    CHECK_U64(t.rejected[REJECT_UNCLOSED], 1);
    CHECK_U64(t.lines, 77);
    buf_fini(&out);
    buf_fini(&text);
    close(fd);
}

// ---- archives and streams

// Bytes on disk differ by nature; all else must not.
static void
check_same_groups(
    const char *format, const scan_range_t *a, const scan_range_t *b)
{
    buf_t of_a = {0}, of_b = {0};
    totals_t ta, tb;
    merged_t m;

    for (int i = 0; i < 2; i++) {
        merged_init(&m, QUERY);
        merged_add(&m, format, i == 0 ? a : b, 1, QUERY);
        *(i == 0 ? &ta : &tb) = m.totals;
        m.totals.bytes = m.totals.files[0].bytes = 0;
        merged_end(&m, i == 0 ? &of_a : &of_b);
    }
    CHECK_U64(ta.bytes, a->size);
    CHECK_U64(tb.bytes, b->size);
    assert_true(span_eq(buf_span(&of_a), buf_span(&of_b)));
    buf_fini(&of_a);
    buf_fini(&of_b);
}

static void
test_a_gzip_file_counts_as_what_it_holds(void **state)
{
    buf_t text = {0};
    uint64_t size;

    (void)state;
    put_log(&text, 500);
    int fd = file_of(buf_span(&text));
    int gz = gzip_of(buf_span(&text), &size);
    scan_range_t plain = range_of(fd, text.len);
    scan_range_t packed = range_of(gz, size);
    packed.kind = SOURCE_GZIP;
    check_same_groups("auto", &plain, &packed);
    close(fd);
    close(gz);
    buf_fini(&text);
}

// A batch and a line on its own make the same keys; the escaped quote keeps
// the second line out of the batch.
static void
test_usual_and_odd_lines_share_their_groups(void **state)
{
#define SAME                                                                   \
    "- - - [14/Nov/2023:22:13:20 +0000] \"GET /a?b HTTP/1.1\" 200 7 \"-\" "
    static const char *const queries[] = {"count by file", "count by host",
        "count by file, host, url", "count by referer, ip", "count by status",
        "count by query, proto, port", "count by time:1h, file"};
    int fd = file_of(SPAN_LIT(SAME "\"a\"\n" SAME "\"\\\"a\"\n"));
    scan_range_t range = range_of(fd, 2 * sizeof(SAME) + 8);

    (void)state;
    range.host = range.path = "-"; // as standard input is called
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        merged_t m;
        buf_t out = {0};
        merged_init(&m, queries[i]);
        merged_add(&m, "combined", &range, 1, queries[i]);
        assert_int_equal(m.totals.accepted, 2);
        assert_int_equal(tally_groups(m.tally), 1);
        merged_end(&m, &out);
        buf_fini(&out);
    }
    close(fd);
#undef SAME
}

// Each time that they are looked at: a column of all lines, two conditions, a
// key that the line before has, too; of usual lines as of odd ones.
static void
test_values_that_do_not_fit_add_up(void **state)
{
    const char *query = "sum(bytes), avg(bytes), count if(bytes > 1), count "
                        "if(bytes > 1 and 5xx) by time:1h";
    buf_t text = {0}, out = {0};
    uint64_t bad = 0;
    merged_t m;

    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        bool no_size = i % 4 == 0, no_time = i / 10 % 7 == 3;
        buf_printf(&text,
            "- - - [%s/Nov/2023:22:13:20 +0000] \"GET / HTTP/1.1\" 200 %s "
            "\"-\" \"%sa\"\n",
            no_time ? "99" : "14", no_size ? "12x" : "12",
            i % 3 == 0 ? "\\\"" : "");
        bad += (no_size ? 4 : 0) + (no_time ? 1 : 0);
    }
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    merged_init(&m, query);
    merged_add(&m, "combined", &range, 1, query);
    CHECK_U64(m.totals.accepted, 600);
    CHECK_U64(m.totals.bad_values, bad);
    assert_int_equal(tally_groups(m.tally), 2);
    merged_end(&m, &out);
    close(fd);
    buf_fini(&text);
    buf_fini(&out);
}

static void
test_a_stream_counts_as_the_file_would(void **state)
{
    buf_t text = {0};
    int ends[2];

    (void)state;
    put_log(&text, 100);
    int fd = file_of(buf_span(&text));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text.p, text.len), (ssize_t)text.len);
    close(ends[1]);
    scan_range_t plain = range_of(fd, text.len);
    scan_range_t stream = range_of(ends[0], text.len);
    stream.stream = true;
    stream.begin = stream.end = 0;
    check_same_groups("auto", &plain, &stream);
    close(fd);
    close(ends[0]);
    buf_fini(&text);
}

static void
add_progress(void *ctx, uint64_t done)
{
    uint64_t *last = ctx;

    assert_true(done >= *last);
    *last = done;
}

static void
test_progress_rises_to_the_whole(void **state)
{
    buf_t text = {0}, out = {0};
    scan_error_t error;
    uint64_t last = 0;

    (void)state;
    put_log(&text, 3000);
    int fd = file_of(buf_span(&text));
    scan_range_t ranges[2] = {range_of(fd, text.len), range_of(fd, text.len)};
    ranges[0].end = ranges[1].begin = text.len / 3;
    scan_job_t job = {.query = "count",
        .format = "auto",
        .ranges = ranges,
        .n_ranges = 2,
        .budget = BUDGET,
        .progress = add_progress,
        .ctx = &last};
    CHECK_OK(scan_shard(&job, &out, &error));
    CHECK_U64(last, text.len);
    close(fd);
    buf_fini(&text);
    buf_fini(&out);
}

// Lines of a format that has fields without a name.
static void
put_nameless(buf_t *out, unsigned lines)
{
    for (unsigned i = 0; i < lines; i++) {
        buf_printf(out,
            "10.0.0.1 - - [10/Oct/2023:13:55:36 +0000] \"GET /a HTTP/1.1\" %u "
            "%u \"-\" \"-\" 82 0.000 [d] [] - - - - 5b2f1c\n",
            i % 3 == 0 ? 404 : 200, 100 + i % 5);
    }
}

static void
test_filters_of_several_fields_do_not_look_at_nameless_ones(void **state)
{
    static const char *const queries[] = {"404 | count",
        "404 and bytes < 1000 | count", "404 or bytes > 1000 | count",
        "not (200 and bytes < 1000) | count"};
    buf_t text = {0}, first = {0};

    (void)state;
    put_nameless(&text, 1000);
    int fd = file_of(buf_span(&text));
    scan_range_t range = range_of(fd, text.len);
    scan_whole(queries[0], "k8s_ingress_nginx", &range, NULL, &first);
    for (size_t i = 1; i < sizeof queries / sizeof *queries; i++) {
        buf_t other = {0};
        scan_whole(queries[i], "k8s_ingress_nginx", &range, NULL, &other);
        assert_true(span_eq(buf_span(&first), buf_span(&other)));
        buf_fini(&other);
    }
    buf_fini(&first);
    buf_fini(&text);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_filters_of_several_fields_do_not_look_at_nameless_ones),
        cmocka_unit_test(test_every_cut_counts_the_same),
        cmocka_unit_test(test_many_keys_count_as_few_do),
        cmocka_unit_test(test_short_and_long_keys_count_alike),
        cmocka_unit_test(test_lines_longer_than_a_range_count_once),
        cmocka_unit_test(test_every_line_is_counted_somewhere),
        cmocka_unit_test(test_a_gzip_file_counts_as_what_it_holds),
        cmocka_unit_test(test_usual_and_odd_lines_share_their_groups),
        cmocka_unit_test(test_values_that_do_not_fit_add_up),
        cmocka_unit_test(test_a_stream_counts_as_the_file_would),
        cmocka_unit_test(test_progress_rises_to_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
