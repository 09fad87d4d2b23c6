// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/asked_io.h"
#include "coordinator/cli/cli.h"
#include "coordinator/cli/format_option.h"
#include "coordinator/cli/here.h"
#include "coordinator/cli/names.h"
#include "coordinator/cli/range.h"

#include <stddef.h>
#include <string.h>

typedef struct options {
    common_options_t common;
    finish_options_t finish;
    range_options_t range;
    here_options_t here;
    bool explain;
} options_t;

static const setting_t settings[] = {
    RANGE_SETTINGS(offsetof(options_t, range)),
    FINISH_SETTINGS(offsetof(options_t, finish)),
    {.name = "explain",
        .kind = SETTING_FLAG,
        .offset = offsetof(options_t, explain),
        .help = "print what the query means and read nothing",
        .command_line_only = true},
    HERE_SETTINGS(offsetof(options_t, here)),
};

static const command_t command = {
    .name = "run",
    .operands = "QUERY FILE...|-",
    .about = "Counts logs here and now, with nothing set up.\n"
             "\n"
             "  logtally run 'count by status' /var/log/nginx/access.log*\n"
             "  logtally run '5xx | top 20 path' access.log.gz -o json\n"
             "  zcat old.gz | logtally run 'top ip' -\n"
             "  logtally run -q daily.ltq /var/log/nginx/access.log.1\n"
             "\n"
             "Exit codes: 0 complete, 1 failed, 2 wrong query or usage, 3 "
             "incomplete, 4 no\n"
             "line fits the format, 130 Ctrl-C.\n",
    .settings = settings,
    .n_settings = sizeof settings / sizeof *settings,
    .min_operands = 0,
    .max_operands = LIMIT_SOURCES + 1,
};

// `auto` may find names in the first file.
static int
check_query(options_t *o, const settings_list_t *operands, buf_t *query)
{
    const char *text = operands->items[0];
    int code = format_option(&o->here.format);

    if (code != EXIT_DONE) {
        return code;
    }
    bool look = strcmp(o->here.format, "auto") == 0 && operands->n > 1;
    return range_query(text,
        look ? names_look(text, operands->items[1]) : o->here.format, &o->range,
        query);
}

static int
start(void *options, const settings_list_t *operands, buf_t *why)
{
    options_t *o = options;
    asked_t asked = {0};
    buf_t query = {0};
    int code = EXIT_USAGE;

    // The query is checked before anything is started.
    if (finish_options_valid(&o->finish)) {
        code = asked_open(&o->range, operands, &asked);
        operands = &asked.operands;
    }
    if (code == EXIT_DONE) {
        code = check_query(o, operands, &query);
    }
    if (code == EXIT_DONE && o->explain) {
        code = here_explain((const char *)query.p);
    } else if (code == EXIT_DONE && operands->n < 2) {
        code = complain_text(
            EXIT_USAGE, "no file is named; FILE..., or - for standard input");
    } else if (code == EXIT_DONE) {
        settings_list_t files = {operands->items + 1, operands->n - 1};
        code =
            here_run(&o->here, &o->finish, (const char *)query.p, &files, why);
    }
    buf_fini(&query);
    asked_close(&asked);
    return code;
}

int
cmd_run(int argc, char **argv)
{
    options_t o;

    return command_run(&command, argc, argv, &o, sizeof o, start);
}
