// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/format_option.h"

#include "common/base/limits.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/client_settings.h"
#include "worker/format/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
complain_format(const char *text, const query_error_t *error)
{
    buf_t out = {0};

    query_error_print(error, text, &out);
    fwrite(out.p, 1, out.len, stderr);
    buf_fini(&out);
    return EXIT_USAGE;
}

static int
check(const char *text)
{
    const format_t *format;
    format_t *owned;
    query_error_t error;

    if (strlen(text) >= LIMIT_FORMAT_NAME) {
        return complain_text(EXIT_USAGE, "the format is too long");
    }
    if (strcmp(text, "auto") == 0) {
        return EXIT_DONE;
    }
    if (format_open(text, &format, &owned, &error) != ERR_OK) {
        return complain_format(text, &error);
    }
    format_destroy(&owned);
    return EXIT_DONE;
}

int
format_option(char **text)
{
    const format_t *format;
    bool known = strcmp(*text, "auto") == 0 ||
                 format_find(*text, &format) == ERR_OK ||
                 strpbrk(*text, "$% :") != NULL;
    buf_t why = {0};
    char *meant = NULL;
    int code = EXIT_DONE;

    if (!known && client_settings_format(*text, &meant, &why) != ERR_OK) {
        code = complain(EXIT_USAGE, &why);
    }
    if (meant != NULL) {
        free(*text);
        *text = meant;
    }
    buf_fini(&why);
    return code == EXIT_DONE ? check(*text) : code;
}
