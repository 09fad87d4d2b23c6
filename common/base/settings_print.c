// SPDX-License-Identifier: Apache-2.0
// The table out again: as help, and as a file that parses to the same values.
#include "common/base/settings_inside.h"

#include <string.h>

#define HELP_COLUMN 28u
#define HELP_WIDTH  80u

// Words in lines of HELP_WIDTH, the first of which has `used` columns already.
static void
put_wrapped(const char *text, size_t used, buf_t *out)
{
    const char *gap = "";

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (gap[0] != '\0' && used + 1 + len > HELP_WIDTH) {
            buf_printf(out, "\n%*s", (int)HELP_COLUMN, "");
            used = HELP_COLUMN;
            gap = "";
        }
        buf_put_str(out, gap);
        buf_put(out, text, len);
        used += strlen(gap) + len;
        text += len + (text[len] == ' ');
        gap = " ";
    }
}

static void
put_help(const setting_t *s, buf_t *out)
{
    buf_t text = {0};

    buf_put_str(&text, s->help);
    if (s->fallback != NULL && s->fallback[0] != '\0') {
        buf_printf(&text, " (default %s)", s->fallback);
    }
    buf_put_u8(&text, 0);
    put_wrapped((char *)text.p, HELP_COLUMN, out);
    buf_fini(&text);
}

void
settings_help(const setting_t *table, size_t n, buf_t *out)
{
    for (size_t i = 0; i < n; i++) {
        const setting_t *s = &table[i];
        size_t begin = out->len;
        if (s->letter != '\0') {
            buf_printf(out, "  -%c, --%s", s->letter, s->name);
        } else {
            buf_printf(out, "      --%s", s->name);
        }
        if (s->kind != SETTING_FLAG) {
            buf_printf(out, " %s", s->value != NULL ? s->value : "VALUE");
        }
        size_t used = out->len - begin;
        if (used + 2 > HELP_COLUMN) {
            buf_put_u8(out, '\n');
            used = 0;
        }
        buf_printf(out, "%*s", (int)(HELP_COLUMN - used), "");
        put_help(s, out);
        buf_put_u8(out, '\n');
    }
}

// Whether ZPL reads the text back as it is, without quotes.
static bool
stands_bare(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && strchr(" \t\"'#", text[0]) == NULL &&
           strchr(" \t\r", text[len - 1]) == NULL &&
           strstr(text, " #") == NULL && strstr(text, "\t#") == NULL;
}

// ZPL has no escapes: a text with both kinds of quotes must stand bare, and
// one that cannot is named in a comment.
static void
print_text(const char *name, const char *text, buf_t *out)
{
    bool quote = !stands_bare(text) || strpbrk(text, " \t#=\"'") != NULL;
    const char *mark = !quote ? "" : strchr(text, '"') != NULL ? "'" : "\"";

    if (quote && strchr(text, mark[0]) != NULL && stands_bare(text)) {
        mark = "";
    }
    if (strchr(text, '\n') != NULL ||
        (mark[0] != '\0' && strchr(text, mark[0]) != NULL)) {
        buf_printf(out, "# %s: a value that no line can hold\n", name);
    } else {
        buf_printf(out, "%s = %s%s%s\n", name, mark, text, mark);
    }
}

static void
print_setting(const setting_t *s, const void *at, buf_t *out)
{
    switch (s->kind) {
    case SETTING_TEXT:
        if (*(char *const *)at != NULL) {
            print_text(s->name, *(char *const *)at, out);
        }
        return;
    case SETTING_LIST:
        for (size_t i = 0; i < ((const settings_list_t *)at)->n; i++) {
            print_text(s->name, ((const settings_list_t *)at)->items[i], out);
        }
        return;
    case SETTING_FLAG:
        buf_printf(out, "%s = %s\n", s->name, *(const bool *)at ? "yes" : "no");
        return;
    case SETTING_NUMBER:
    case SETTING_SIZE:
    case SETTING_DURATION:
        buf_printf(out, "%s = ", s->name);
        setting_number_print(s->kind, *(const int64_t *)at, out);
        buf_put_u8(out, '\n');
        return;
    }
}

void
settings_print(const setting_t *table, size_t n, const void *values, buf_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!table[i].command_line_only) {
            print_setting(
                &table[i], (const uint8_t *)values + table[i].offset, out);
        }
    }
}
