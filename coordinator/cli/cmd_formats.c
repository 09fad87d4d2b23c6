// SPDX-License-Identifier: Apache-2.0
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/cli.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/format_option.h"
#include "coordinator/cli/head.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/text.h"
#include "worker/format/reading.h"

#include <errno.h>
#include <string.h>

#define LINES_SHOWN 8u

// The first member is what every command has; no coordinator is asked.
typedef struct options {
    common_options_t common;
    char *format;
} options_t;

static const setting_t settings[] = {
    {.name = "format",
        .letter = 'f',
        .kind = SETTING_TEXT,
        .offset = offsetof(options_t, format),
        .fallback = "auto",
        .value = "FORMAT",
        .help = "try this one alone",
        .command_line_only = true},
    {.name = "help",
        .letter = 'h',
        .kind = SETTING_FLAG,
        .offset = offsetof(common_options_t, help),
        .help = "print this and exit",
        .command_line_only = true},
};

static const command_t command = {
    .name = "formats",
    .operands = "[test FILE]",
    .about = "Lists the formats that -f knows by name. `formats test FILE` "
             "shows which fields the\nfirst lines of a file have, and why "
             "other formats do not fit.\n\n"
             "-f also takes an nginx log_format, an Apache LogFormat, as the "
             "configuration has\nit, and re:REGEX with groups named as fields "
             "are, (?<ip>...). In the file client.conf\n`format = NAME TEXT` "
             "gives such a text a name.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .max_operands = 2,
};

static int
list(void)
{
    static const table_column_t columns[] = {
        {.head = "FORMAT"}, {.head = "AUTO"}, {.head = "WHAT"}};
    table_t *table = table_new(columns, 3);
    buf_t out = {0};

    for (size_t i = 0; i < format_count(); i++) {
        const format_t *f = format_at(i);
        table_text(table, format_name(f));
        table_text(table, format_is_automatic(f) ? "yes" : "no");
        table_text(table, format_about(f));
    }
    table_print(table, terminal_room(), &out);
    table_destroy(&table);
    int code = print_out(&out);
    buf_fini(&out);
    return code;
}

static void
put_fields(const line_fields_t *line, buf_t *out)
{
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        span_t raw = format_raw(line, (field_t)f);
        cell_t cell;
        bool bad;
        if (raw.p == NULL || f == FIELD_LINE) {
            continue;
        }
        format_field(line, (field_t)f, &cell, &bad);
        buf_printf(out, "    %-8s ", field_infos[f].name);
        utf8_put_safe(raw, "", out);
        buf_printf(out, "%s\n",
            bad                         ? "   (does not fit its type)"
            : cell.kind == CELL_MISSING ? "   (missing)"
                                        : "");
    }
}

static void
put_others(const format_t *chosen, span_t line, buf_t *out)
{
    line_fields_t fields = {0};
    reject_t why;

    for (size_t i = 0; i < format_count(); i++) {
        const format_t *f = format_at(i);
        if (f == chosen) {
            continue;
        }
        if (format_match_next(f, line, &fields, &why)) {
            buf_printf(out, "  %s fits too%s\n", format_name(f),
                format_is_automatic(f) ? "" : ", when it is named");
        } else {
            buf_printf(out, "  not %s: %s\n", format_name(f), reject_name(why));
        }
    }
}

// A line, and its fields in the format; which may be NULL.
static void
put_line(const format_t *format, reading_t *reading, span_t line,
    uint64_t offset, buf_t *out)
{
    line_fields_t fields = {.reading = reading};
    reject_t why;

    buf_put_str(out, "  ");
    utf8_put_safe((span_t){line.p, line.len < 300 ? line.len : 300}, "", out);
    buf_put_str(out, line.len > 300 ? "...\n" : "\n");
    if (format == NULL) {
        return;
    }
    if (reading != NULL && reading_header(reading, line, offset)) {
        buf_put_str(out, "    says how lines are to be read\n");
    } else if (format_match_next(format, line, &fields, &why)) {
        put_fields(&fields, out);
    } else {
        buf_printf(out, "    rejected: %s\n", reject_name(why));
    }
}

static bool
next_line(span_t *head, span_t *line)
{
    while (head->len > 0) {
        const uint8_t *nl = memchr(head->p, '\n', head->len);
        size_t len = nl != NULL ? (size_t)(nl - head->p) : head->len;
        size_t used = nl != NULL ? len + 1 : len;
        *line = (span_t){head->p, len};
        *head = (span_t){head->p + used, head->len - used};
        if (line->len > 0 && line->p[line->len - 1] == '\r') {
            line->len--;
        }
        if (line->len > 0) {
            return true;
        }
    }
    return false;
}

static void
put_lines(const format_t *format, bool others, span_t head, buf_t *out)
{
    reading_t *reading = format != NULL && format_wants_reading(format)
                             ? reading_new(format, NULL)
                             : NULL;
    const uint8_t *begin = head.p;
    span_t line;

    for (unsigned n = 0; n < LINES_SHOWN && next_line(&head, &line); n++) {
        put_line(format, reading, line, (uint64_t)(line.p - begin), out);
        if (n == 0 && others) {
            put_others(format, line, out);
        }
    }
    reading_destroy(&reading);
}

static int
try_auto(span_t head, bool at_end, buf_t *out)
{
    const format_t *format = NULL;
    buf_t why = {0};
    errcode_t rc = format_detect(head, at_end, &format, &why);

    if (format != NULL) {
        buf_printf(out, "auto takes %s: %s\n", format_name(format),
            format_about(format));
    } else {
        buf_put_str(out, rc == ERR_OK ? "auto: there is no line" : "auto: ");
        buf_put_span(out, buf_span(&why));
        buf_put_str(out, "\n");
    }
    buf_fini(&why);
    put_lines(format, true, head, out);
    return rc == ERR_OK ? EXIT_DONE : EXIT_FAILED;
}

static int
try_named(const char *text, span_t head, buf_t *out)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;

    if (format_open(text, &format, &owned, &error) != ERR_OK) {
        return EXIT_USAGE; // was looked at before
    }
    for (size_t i = 0; format_other_name(format, i).p != NULL; i++) {
        buf_put_str(out, i == 0 ? format == owned
                                      ? "has, besides: "
                                      : "read, but not to be asked for: "
                                : ", ");
        utf8_put_safe(format_other_name(format, i), "", out);
    }
    buf_put_str(out, format_other_name(format, 0).p != NULL ? "\n" : "");
    put_lines(format, false, head, out);
    format_destroy(&owned);
    return EXIT_DONE;
}

static int
test(const char *path, const char *format, buf_t *why)
{
    buf_t head = {0};
    buf_t out = {0};
    bool at_end;
    int code = EXIT_FAILED;

    errcode_t rc = head_read(path, &head, &at_end);
    if (rc != ERR_OK) {
        buf_printf(why, "%.200s: %s", path,
            rc == ERR_IO ? strerror(errno) : err_text(rc));
    } else if (strcmp(format, "auto") == 0) {
        code = try_auto(buf_span(&head), at_end, &out);
    } else {
        code = try_named(format, buf_span(&head), &out);
    }
    if (out.len > 0 && print_out(&out) != EXIT_DONE) {
        code = EXIT_FAILED;
    }
    buf_fini(&head);
    buf_fini(&out);
    return code;
}

static int
formats(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;

    if (operands->n == 0) {
        return list();
    }
    if (operands->n != 2 || strcmp(operands->items[0], "test") != 0) {
        return complain_text(EXIT_USAGE, "`logtally formats` lists formats, "
                                         "`logtally formats test FILE` tries "
                                         "them");
    }
    int code = format_option(&o->format);
    return code == EXIT_DONE ? test(operands->items[1], o->format, why) : code;
}

int
cmd_formats(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, formats);
}
