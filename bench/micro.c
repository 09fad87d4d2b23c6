// SPDX-License-Identifier: Apache-2.0
// micro: what each stage of the work costs on one core, apart from the rest.
//
//     micro [--json] [MEGABYTES]
//
// The log is the combined shape, made in memory. The stages of the scan build
// on each other: read; read and find lines; and find fields (line by line, as
// for lines that are not of the usual shape, and in batches); then whole scans
// of queries that need a filter, a small and a large table. Those of the
// table work on KEYS keys of about 40 bytes. Figures are medians of RUNS, of
// processor time.
#include "bench/logshape.h"
#include "bench/meter.h"
#include "common/tally/partial.h"
#include "worker/format/format.h"
#include "worker/scan/lines.h"
#include "worker/scan/matcher.h"
#include "worker/scan/scan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RUNS = 5, KEYS = 1000000, BLOCK = 256 << 10 };
#define BUDGET ((size_t)1 << 30)

static bool json;
static int log_fd;
static uint64_t log_size;
static buf_t partials[2];

typedef struct step {
    const char *name;
    meter_t (*run)(const char *query);
    const char *query; // of a scan
    bool of_pairs;     // measured in (key, count) pairs, not in bytes
} step_t;

static void
must(errcode_t rc)
{
    if (rc != ERR_OK) {
        fprintf(stderr, "micro: %s\n", err_text(rc));
        exit(1);
    }
}

static query_t *
parsed(const char *text)
{
    query_t *query;
    query_error_t error;
    must(query_parse(text, &query, &error));
    return query;
}

static void
make_log(uint64_t megabytes)
{
    log_fd = memfd_create("log", MFD_CLOEXEC);
    FILE *to = log_fd < 0 ? NULL : fdopen(dup(log_fd), "w");
    if (to == NULL ||
        logshape_write(logshape_find("combined"), 1, megabytes, 14, to) != 0) {
        perror("micro");
        exit(1);
    }
    log_size = (uint64_t)ftello(to);
    fclose(to);
}

static source_t *
opened(void)
{
    source_t *source;
    must(source_open_file(log_fd, SOURCE_PLAIN, 0, log_size, &source));
    return source;
}

static meter_t
run_read(const char *query)
{
    static uint8_t block[BLOCK];
    size_t got = 1;
    (void)query;
    source_t *source = opened();
    meter_start();
    while (got > 0) {
        must(source_read(source, block, sizeof(block), &got));
    }
    meter_t m = meter_stop();
    source_destroy(&source);
    return m;
}

// With a format: fields, too.
static meter_t
walk(const format_t *format)
{
    source_t *source = opened();
    lines_t *lines = lines_new(source, 0, log_size);
    line_fields_t fields;
    memset(&fields, 0, sizeof(fields));
    line_t line;
    reject_t why;
    bool more = true;
    uint64_t n = 0;
    meter_start();
    for (;;) {
        must(lines_next(lines, &line, &more));
        if (!more) {
            break;
        }
        n += format == NULL ||
             format_match_next(format, line.text, &fields, &why);
    }
    meter_t m = meter_stop();
    assert(n > 0);
    lines_destroy(&lines);
    source_destroy(&source);
    return m;
}

static meter_t
run_lines(const char *query)
{
    (void)query;
    return walk(NULL);
}

static const format_t *
combined(void)
{
    const format_t *format;
    must(format_find("combined", &format));
    return format;
}

static meter_t
run_one_by_one(const char *query)
{
    (void)query;
    return walk(combined());
}

// The structural bytes of a block that is in the processor's cache.
static meter_t
run_tokens(const char *query)
{
    const token_set_t set = {
        .delimiters = {' ', '[', ']'}, .n = 3, .quotes = true};
    static uint8_t block[BLOCK + SHAPE_PAD];
    static uint32_t found[BLOCK + TOKENS_SLACK];
    tokens_find_t *find = tokens_finder();
    size_t n = 0;
    (void)query;
    if (pread(log_fd, block, BLOCK, 0) != BLOCK) {
        fprintf(stderr, "micro: the log is too short\n");
        exit(1);
    }
    meter_start();
    for (uint64_t done = 0; done < log_size; done += BLOCK) {
        token_state_t state = {0};
        n += find(&set, &state, NULL, block, 0, BLOCK, found);
    }
    meter_t m = meter_stop();
    assert(n > 0);
    return m;
}

// All of it: read, tokens, the shape of every line, the spans of one field.
static meter_t
run_batches(const char *query)
{
    static batch_t batch;
    query_t *q = parsed(query);
    matcher_t *matcher = matcher_new(combined(), q->fields);
    source_t *source = opened();
    lines_t *lines = lines_new(source, 0, log_size);
    text_block_t block;
    line_t line;
    bool more = true;
    uint64_t n = 0;
    uint64_t offset;
    assert(matcher != NULL);
    meter_start();
    while (more) {
        must(lines_block(lines, &block, &offset));
        if (block.len == 0) {
            must(lines_next(lines, &line, &more));
            continue;
        }
        matcher_begin(matcher, &block);
        while (matcher_next(matcher, &batch)) {
            n += batch.n;
        }
    }
    meter_t m = meter_stop();
    assert(n > 0);
    lines_destroy(&lines);
    source_destroy(&source);
    matcher_destroy(&matcher);
    query_destroy(&q);
    return m;
}

static meter_t
run_scan(const char *query)
{
    scan_range_t range = {.fd = log_fd,
        .kind = SOURCE_PLAIN,
        .size = log_size,
        .end = log_size,
        .host = "here",
        .path = "log"};
    scan_job_t job = {.query = query,
        .format = "combined",
        .ranges = &range,
        .n_ranges = 1,
        .budget = BUDGET};
    static scan_error_t error;
    buf_t partial = {0};
    meter_start();
    must(scan_shard(&job, &partial, &error));
    meter_t m = meter_stop();
    buf_fini(&partial);
    return m;
}

// Keys of `count by url`, encoded as the scan does; half of them are the same
// for each `part`. Returns the bytes used in `all`; ends[i] is behind key i.
static void
make_keys(unsigned part, buf_t *all, size_t *ends)
{
    char url[64];
    for (unsigned i = 0; i < KEYS; i++) {
        // Not in order: as lines come.
        uint64_t n = ((uint64_t)i * 7368787u) % KEYS;
        n += n % 2 == 0 ? 0 : (uint64_t)part * KEYS;
        int len = snprintf(url, sizeof(url), "/shop/item-%08x/offer-%llu",
            (unsigned)(n * 2654435761u), (unsigned long long)n);
        cell_t cell = {
            .kind = CELL_TEXT, .text = {(const uint8_t *)url, (size_t)len}};
        cell_encode(&cell, all);
        ends[i] = all->len;
    }
}

static void
count_keys(tally_t *tally, const buf_t *all, const size_t *ends)
{
    span_t keys[TALLY_BATCH];
    uint32_t groups[TALLY_BATCH];
    size_t begin = 0;
    for (size_t i = 0; i < KEYS;) {
        size_t n = 0;
        for (; n < TALLY_BATCH && i < KEYS; n++, i++) {
            keys[n] = (span_t){all->p + begin, ends[i] - begin};
            begin = ends[i];
        }
        must(tally_groups_find(tally, keys, n, groups));
        for (size_t k = 0; k < n; k++) {
            agg_state_t *states = tally_states(tally, groups[k]);
            agg_add_lines(tally_state(tally, states, 0), 1);
        }
    }
}

static void
encode(tally_t *tally, buf_t *out)
{
    totals_t totals = {0};
    file_total_t *f = totals_file(&totals, 0);
    totals.lines = totals.accepted = f->lines = f->accepted = KEYS;
    must(partial_encode(tally, &totals, out));
    totals_fini(&totals);
}

// Every key for the first time, and once more.
static meter_t
run_table(const char *query)
{
    query_t *q = parsed(query);
    tally_t *tally = tally_new(q, BUDGET);
    buf_t all = {0};
    size_t *ends = calloc(KEYS, sizeof(*ends));
    assert(ends != NULL);
    make_keys(0, &all, ends);
    meter_start();
    count_keys(tally, &all, ends);
    count_keys(tally, &all, ends);
    meter_t m = meter_stop();
    m.seconds /= 2;
    m.instructions /= 2;
    assert(tally_groups(tally) == KEYS);
    free(ends);
    buf_fini(&all);
    tally_destroy(&tally);
    query_destroy(&q);
    return m;
}

static meter_t
run_encode(const char *query)
{
    query_t *q = parsed(query);
    buf_t all = {0};
    size_t *ends = calloc(KEYS, sizeof(*ends));
    assert(ends != NULL);
    meter_t m = {0};
    for (unsigned part = 0; part < 2; part++) {
        tally_t *tally = tally_new(q, BUDGET);
        buf_clear(&all);
        make_keys(part, &all, ends);
        count_keys(tally, &all, ends);
        buf_clear(&partials[part]);
        meter_start();
        encode(tally, &partials[part]);
        m = meter_stop();
        tally_destroy(&tally);
    }
    free(ends);
    buf_fini(&all);
    query_destroy(&q);
    return m;
}

static size_t
groups_of(const tallies_t *tallies)
{
    size_t n = 0;
    for (unsigned part = 0; part < TALLY_PARTS; part++) {
        n += tally_groups(tallies_parts(tallies)[part]);
    }
    return n;
}

// As the sink does it: check, then add, two partials into an empty table, in
// one thread.
static meter_t
run_merge(const char *query)
{
    query_t *q = parsed(query);
    tallies_t *tallies = tallies_new(q, BUDGET, NULL);
    meter_start();
    for (unsigned part = 0; part < 2; part++) {
        totals_t totals = {0};
        must(partial_check(buf_span(&partials[part]), 1, q, NULL, &totals));
        must(partial_add(buf_span(&partials[part]), tallies));
        totals_fini(&totals);
    }
    meter_t m = meter_stop();
    m.seconds /= 2;
    m.instructions /= 2;
    assert(groups_of(tallies) == KEYS + KEYS / 2);
    tallies_destroy(&tallies);
    query_destroy(&q);
    return m;
}

// encode leaves what merge takes.
static const step_t steps[] = {
    {"read", run_read, "", false},
    {"lines", run_lines, "", false},
    {"fields, line by line", run_one_by_one, "", false},
    {"tokens, no read", run_tokens, "", false},
    {"fields, in batches", run_batches, "count by status", false},
    {"scan: count", run_scan, "count", false},
    {"scan: needle", run_scan, "'needle' | count", false},
    {"scan: filter", run_scan, "5xx | count", false},
    {"scan: small table", run_scan, "count by status", false},
    {"scan: time", run_scan, "count by time:1h", false},
    {"scan: large table", run_scan, "count by url", false},
    {"table", run_table, "count by url", true},
    {"encode", run_encode, "count by url", true},
    {"merge", run_merge, "count by url", true},
};

static int
by_seconds(const void *a, const void *b)
{
    double x = ((const meter_t *)a)->seconds;
    double y = ((const meter_t *)b)->seconds;
    return (x > y) - (x < y);
}

static void
show(const step_t *step, meter_t m)
{
    double units = step->of_pairs ? KEYS : (double)log_size;
    double rate = units / m.seconds;
    double each = (double)m.instructions / units;
    const char *unit = step->of_pairs ? "pair" : "byte";
    if (json) {
        printf("{\"stage\": \"%s\", \"%ss_per_second\": %.4g", step->name, unit,
            rate);
        printf(", \"instructions_per_%s\": ", unit);
        if (m.instructions > 0) {
            printf("%.3g", each);
        } else {
            printf("null"); // the machine does not count them
        }
        printf("}\n");
        return;
    }
    printf("%-22s%8.2f %s", step->name,
        step->of_pairs ? rate / 1e6 : rate / 1e9,
        step->of_pairs ? "M pairs/s" : "GB/s     ");
    if (m.instructions > 0) {
        printf("%9.2f instructions a %s\n", each, unit);
    } else {
        printf("   instructions: not counted on this machine\n");
    }
}

int
main(int argc, char **argv)
{
    uint64_t megabytes = 100;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if ((megabytes = strtoull(argv[i], NULL, 10)) == 0) {
            fprintf(stderr, "usage: micro [--json] [MEGABYTES]\n");
            return 2;
        }
    }
    make_log(megabytes);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        meter_t m[RUNS];
        for (unsigned n = 0; n < RUNS; n++) {
            m[n] = steps[i].run(steps[i].query);
        }
        qsort(m, RUNS, sizeof(m[0]), by_seconds);
        show(&steps[i], m[RUNS / 2]);
    }
    buf_fini(&partials[0]);
    buf_fini(&partials[1]);
    close(log_fd);
    return 0;
}
