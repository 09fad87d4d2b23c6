// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 32u

int
complain(int code, const buf_t *text)
{
    if (text->len > 0) {
        fprintf(stderr, "error: %.*s\n", (int)text->len, (const char *)text->p);
    }
    return code;
}

int
complain_text(int code, const char *text)
{
    fprintf(stderr, "error: %s\n", text);
    return code;
}

int
print_out(const buf_t *text)
{
    // Nothing to write is no pointer either, which fwrite may not be given.
    size_t len = text->len;

    errno = 0;
    if ((len > 0 && fwrite(text->p, 1, len, stdout) != len) ||
        fflush(stdout) != 0) {
        fprintf(stderr, "error: cannot write the output: %s\n",
            errno != 0 ? strerror(errno) : "it was cut short");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int
print_help(const command_t *command)
{
    buf_t text = {0};

    buf_printf(&text, "usage: logtally %s%s%s [OPTIONS]\n\n%s\n", command->name,
        command->operands[0] != '\0' ? " " : "", command->operands,
        command->about);
    settings_help(command->settings, command->n_settings, &text);
    int code = print_out(&text);
    buf_fini(&text);
    return code;
}

static int
explain_usage(const command_t *command, const char *what)
{
    fprintf(stderr,
        "error: %s\nusage: logtally %s%s%s [OPTIONS]; `logtally %s --help` "
        "says more\n",
        what, command->name, command->operands[0] != '\0' ? " " : "",
        command->operands, command->name);
    return EXIT_USAGE;
}

static int
check_operands(const command_t *command, const settings_list_t *operands)
{
    char what[256];

    if (operands->n < command->min_operands) {
        snprintf(
            what, sizeof what, "%s needs %s", command->name, command->operands);
        return explain_usage(command, what);
    }
    if (operands->n > command->max_operands) {
        snprintf(what, sizeof what, "%s does not expect '%.100s'",
            command->name, operands->items[command->max_operands]);
        return explain_usage(command, what);
    }
    return COMMAND_GOES_ON;
}

// COMMAND_GOES_ON, or the exit code after help or a mistake that was printed.
static int
parse(const command_t *command, int argc, char **argv, void *options,
    size_t size, settings_list_t *operands)
{
    const common_options_t *common = options;
    buf_t why = {0};
    int code;

    memset(options, 0, size);
    *operands = (settings_list_t){0};
    errcode_t rc = settings_parse(command->settings, command->n_settings, argc,
        argv, NULL, options, operands, &why);
    if (rc != ERR_OK) {
        buf_put_u8(&why, '\0');
        code = explain_usage(command, (const char *)why.p);
    } else if (common->help) {
        code = print_help(command);
    } else {
        code = check_operands(command, operands);
    }
    buf_fini(&why);
    return code;
}

int
command_run(const command_t *command, int argc, char **argv, void *options,
    size_t size, command_run_t *run)
{
    settings_list_t operands;
    buf_t why = {0};
    int code = parse(command, argc, argv, options, size, &operands);

    if (code == COMMAND_GOES_ON) {
        code = run(options, &operands, &why);
    }
    complain(code, &why);
    buf_fini(&why);
    settings_free(command->settings, command->n_settings, options);
    settings_list_free(&operands);
    return code;
}

bool
job_parse(const char *text, uint64_t *out)
{
    uint64_t v = 0;
    const char *c = text;

    while (*c >= '0' && *c <= '9' && v < UINT64_MAX / 20) {
        v = v * 10 + (uint64_t)(*c++ - '0');
    }
    if (*c != '\0' || c == text || v == 0) {
        buf_t why = {0};
        buf_printf(
            &why, "'%.60s' is no job number; `logtally jobs` lists them", text);
        complain(EXIT_USAGE, &why);
        buf_fini(&why);
        return false;
    }
    *out = v;
    return true;
}

// Edits between two words: insert, drop, change, swap neighbours (one swap
// counts as one edit).
static size_t
distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t n = strlen(a);
    size_t m = strlen(b);

    if (n > WORD_MAX || m > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= m; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3];
        const size_t *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
                a[i - 2] == b[j - 1] && before[j - 2] + 1 < best) {
                best = before[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *
nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *found = NULL;
    size_t best = 3;

    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, candidates[i]);
        if (d < best && d < strlen(candidates[i])) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}
