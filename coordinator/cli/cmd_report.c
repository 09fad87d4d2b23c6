// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/cli.h"
#include "coordinator/cli/format_option.h"
#include "coordinator/cli/head.h"
#include "coordinator/cli/here.h"
#include "coordinator/cli/periods.h"
#include "coordinator/cli/report_queries.h"
#include "worker/format/format.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

typedef struct options {
    common_options_t common;
    finish_options_t finish;
    range_options_t range;
    here_options_t here;
    char *visitors;
    char *compare; // as written, or NULL
    int64_t rows;
    bool print;
} options_t;

static const setting_t settings[] = {
    {.name = "visitors",
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, visitors),
        .fallback = "ip",
        .value = "EXPR",
        .help = "whose values are the visitors",
        .command_line_only = true},
    {.name = "compare",
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, compare),
        .value = "WHEN",
        .help = "beside the period of --since and --until, one as long that "
                "begins then",
        .command_line_only = true},
    {.name = "rows",
        .letter = 'n',
        .kind = SETTING_NUMBER,
        .offset = offsetof(options_t, rows),
        .fallback = "50",
        .min = 1,
        .max = 1000000,
        .value = "N",
        .help = "of each list of paths, clients and so on",
        .command_line_only = true},
    {.name = "print",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, print),
        .help = "print the queries, as -q of run and submit takes them",
        .command_line_only = true},
    WHEN_SETTINGS(offsetof(options_t, range)),
    FINISH_SETTINGS(offsetof(options_t, finish)),
    HERE_SETTINGS(offsetof(options_t, here)),
};

static const command_t command = {
    .name = "report",
    .operands = "FILE...|-",
    .about =
        "Says what is in access logs, in one pass: hits, visitors and bytes by "
        "day and\nhour, paths, static and missing files, clients, referrers, "
        "methods, status\ncodes, agents, virtual hosts, and the heaviest and "
        "slowest paths.\n"
        "\n"
        "  logtally report -o html /var/log/nginx/access.log* >report.html\n"
        "  logtally report --since yesterday /var/log/nginx/access.log\n"
        "  logtally report --since today --compare yesterday access.log*\n"
        "  logtally report --print >report.ltq\n"
        "  logtally submit -q report.ltq -o html 'web*:/var/log/nginx/*' "
        ">all.html\n"
        "\n"
        "Questions about fields that the format of the first file has not "
        "are left out.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 0,
    .max_operands = LIMIT_SOURCES,
};

// The fields of the first file's format; all where it is not known.
static uint32_t
fields_of(const char *format, const settings_list_t *files)
{
    uint32_t fields = UINT32_MAX;
    const format_t *found = NULL;
    format_t *owned = NULL;
    query_error_t error;
    buf_t head = {0}, why = {0};
    bool at_end;

    if (strcmp(format, "auto") != 0) {
        if (format_open(format, &found, &owned, &error) != ERR_OK) {
            found = NULL;
        }
    } else if (files->n > 0 && strcmp(files->items[0], "-") != 0 &&
               head_read(files->items[0], &head, &at_end) == ERR_OK &&
               format_detect(buf_span(&head), at_end, &found, &why) != ERR_OK) {
        found = NULL;
    }
    if (found != NULL) {
        fields = format_fields(found);
    }
    format_destroy(&owned);
    buf_fini(&head);
    buf_fini(&why);
    return fields;
}

// The texts that a comparison adds; empty without one.
typedef struct compared {
    buf_t period, before, note;
} compared_t;

static void
compared_fini(compared_t *self)
{
    buf_fini(&self->period);
    buf_fini(&self->before);
    buf_fini(&self->note);
}

static int
compare(const options_t *o, uint32_t fields, compared_t *out)
{
    periods_t periods;
    int code;

    if ((fields & (UINT32_C(1) << FIELD_TIME)) == 0) {
        return complain_text(EXIT_USAGE,
            "--compare wants lines with times; this format has none");
    }
    code = periods_parse(
        o->range.since, o->range.until, o->compare, time(NULL), &periods);
    if (code == EXIT_DONE) {
        periods_filter(&periods, &out->period);
        periods_filter_before(&periods, &out->before);
        periods_note(&periods, &out->note);
        buf_put_u8(&out->period, 0);
        buf_put_u8(&out->before, 0);
    }
    return code;
}

// The periods are in the queries; others are narrowed by --since and --until.
static int
narrow(const options_t *o, const report_wants_t *wants, buf_t *out)
{
    const range_options_t none = {0};
    buf_t text = {0};

    report_queries(wants, &text);
    buf_put_u8(&text, 0);
    int code = range_query((const char *)text.p, o->here.format,
        wants->period != NULL ? &none : &o->range, out);
    buf_fini(&text);
    return code;
}

static int
make_queries(
    options_t *o, const settings_list_t *files, buf_t *out, buf_t *note)
{
    int code = format_option(&o->here.format);
    compared_t compared = {0};

    if (code == EXIT_DONE && strpbrk(o->visitors, "\r\n") != NULL) {
        code = complain_text(EXIT_USAGE, "--visitors is one line");
    }
    report_wants_t wants = {.visitors = o->visitors, .rows = o->rows};
    if (code == EXIT_DONE) {
        wants.fields = fields_of(o->here.format, files);
    }
    if (code == EXIT_DONE && o->compare != NULL) {
        code = compare(o, wants.fields, &compared);
        wants.period = (const char *)compared.period.p;
        wants.before = (const char *)compared.before.p;
        buf_put_span(note, buf_span(&compared.note));
    }
    if (code == EXIT_DONE) {
        code = narrow(o, &wants, out);
    }
    compared_fini(&compared);
    return code;
}

static void
put_visitors(const options_t *o, buf_t *note)
{
    buf_printf(note,
        "%svisitors are the different values of %s, each counted once in all, "
        "once a day and once an hour",
        note->len > 0 ? "; " : "", o->visitors);
    buf_put_u8(note, 0);
}

static int
report(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    buf_t queries = {0}, note = {0};
    int code = EXIT_USAGE;

    if (finish_options_valid(&o->finish)) {
        code = make_queries(o, operands, &queries, &note);
    }
    if (code == EXIT_DONE && o->print) {
        queries.p[queries.len - 1] = '\n';
        code = print_out(&queries);
    } else if (code == EXIT_DONE && operands->n == 0) {
        code = complain_text(
            EXIT_USAGE, "no file is named; FILE..., or - for standard input");
    } else if (code == EXIT_DONE) {
        put_visitors(o, &note);
        o->here.note = (const char *)note.p;
        code = here_run(
            &o->here, &o->finish, (const char *)queries.p, operands, why);
    }
    buf_fini(&queries);
    buf_fini(&note);
    return code;
}

int
cmd_report(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, report);
}
