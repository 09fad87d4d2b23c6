// SPDX-License-Identifier: Apache-2.0
// The order of sources is defaults, file, command line; so the command line
// is read twice: first for --config, then over what the file said.
#include "common/base/settings.h"

#include "common/base/settings_inside.h"
#include "common/base/utf8.h"
#include "common/base/xalloc.h"
#include "common/base/zpl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (1u << 20)
#define READ_STEP      (8u << 10)
#define SHOWN_MAX      200u

typedef struct parser {
    const setting_t *table;
    size_t n;
    uint8_t *into;
    buf_t *why;
    bool *begun; // lists that the file, then the command line, begins anew
} parser_t;

static void *
place(const parser_t *self, const setting_t *s)
{
    return self->into + s->offset;
}

// ---- values

// Settings are quoted in errors; what a terminal would obey is escaped, and
// nobody wants to read a page.
static void
put_shown(const parser_t *self, span_t text)
{
    size_t len = text.len < SHOWN_MAX ? text.len : SHOWN_MAX;

    utf8_put_safe((span_t){text.p, len}, "", self->why);
    buf_put_str(self->why, len < text.len ? "..." : "");
}

// *self->why already has the place and a colon.
static errcode_t
set_number(parser_t *self, const setting_t *s, span_t text)
{
    int64_t v;

    if (!setting_number_parse(s->kind, text, &v)) {
        buf_put_u8(self->why, '\'');
        put_shown(self, text);
        buf_printf(self->why, "' is not %s", setting_number_wanted(s->kind));
        return ERR_CONFIG;
    }
    if (v < s->min || v > s->max) {
        put_shown(self, text);
        buf_put_str(self->why, v < s->min ? " is below " : " is above ");
        setting_number_print(s->kind, v < s->min ? s->min : s->max, self->why);
        return ERR_CONFIG;
    }
    *(int64_t *)place(self, s) = v;
    return ERR_OK;
}

static void
list_add(settings_list_t *list, span_t text)
{
    list->items = xrealloc(list->items, (list->n + 1) * sizeof *list->items);
    list->items[list->n++] = xstrndup((const char *)text.p, text.len);
}

static errcode_t
set_flag(parser_t *self, const setting_t *s, span_t text)
{
    bool yes = span_is(text, "yes");

    if (!yes && !span_is(text, "no")) {
        buf_put_u8(self->why, '\'');
        put_shown(self, text);
        buf_put_str(self->why, "' is neither yes nor no");
        return ERR_CONFIG;
    }
    *(bool *)place(self, s) = yes;
    return ERR_OK;
}

static errcode_t
set(parser_t *self, const setting_t *s, span_t text)
{
    if (memchr(text.p, '\0', text.len) != NULL) {
        buf_put_str(self->why, "a value holds a zero byte");
        return ERR_CONFIG;
    }
    switch (s->kind) {
    case SETTING_TEXT: {
        char **to = place(self, s);
        free(*to);
        *to = xstrndup((const char *)text.p, text.len);
        return ERR_OK;
    }
    case SETTING_LIST:
        list_add(place(self, s), text);
        return ERR_OK;
    case SETTING_FLAG:
        return set_flag(self, s, text);
    case SETTING_NUMBER:
    case SETTING_SIZE:
    case SETTING_DURATION:
        return set_number(self, s, text);
    }
    return ERR_CONFIG;
}

// ---- names

static const setting_t *
find(const parser_t *self, span_t name)
{
    for (size_t i = 0; i < self->n; i++) {
        if (span_is(name, self->table[i].name)) {
            return &self->table[i];
        }
    }
    return NULL;
}

static const setting_t *
find_letter(const parser_t *self, char letter)
{
    for (size_t i = 0; i < self->n; i++) {
        if (self->table[i].letter == letter && letter != '\0') {
            return &self->table[i];
        }
    }
    return NULL;
}

#define NAME_MAX_LEN 40u

static size_t
distance(span_t a, const char *b)
{
    size_t row[NAME_MAX_LEN + 1];
    size_t len = strlen(b);

    for (size_t j = 0; j <= len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t before = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t keep = before + (a.p[i - 1] == (uint8_t)b[j - 1] ? 0 : 1);
            before = row[j];
            size_t change = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = keep < change ? keep : change;
        }
    }
    return row[len];
}

// The nearest name; of equally near ones that with the same first letter.
static void
suggest(parser_t *self, span_t name, bool in_file)
{
    const char *best = NULL;
    size_t least = 8;

    for (size_t i = 0; i < self->n && name.len <= NAME_MAX_LEN; i++) {
        const setting_t *s = &self->table[i];
        if (strlen(s->name) > NAME_MAX_LEN ||
            (in_file && s->command_line_only)) {
            continue;
        }
        size_t d = distance(name, s->name);
        size_t rank = 2 * d + (name.len > 0 && name.p[0] != (uint8_t)*s->name);
        if (rank < least && d < name.len) {
            least = rank;
            best = s->name;
        }
    }
    if (best != NULL) {
        buf_printf(
            self->why, "; did you mean '%s%s'?", in_file ? "" : "--", best);
    }
}

// ---- the file

static void
begin_list(parser_t *self, const setting_t *s)
{
    size_t row = (size_t)(s - self->table);

    if (s->kind == SETTING_LIST && !self->begun[row]) {
        self->begun[row] = true;
        settings_list_free(place(self, s));
    }
}

static errcode_t
refuse_item(parser_t *self, const zpl_t *zpl, const setting_t *s)
{
    const char *name = (const char *)zpl->name.p;
    int len = (int)zpl->name.len;

    if (zpl->depth > 0) {
        buf_printf(self->why, "'%.*s' is indented; a setting begins its line",
            len, name);
    } else if (s != NULL) {
        buf_printf(self->why, "%s is for the command line only", s->name);
    } else {
        buf_printf(self->why, "unknown setting '%.*s'", len, name);
        suggest(self, zpl->name, true);
    }
    return ERR_CONFIG;
}

static errcode_t
take_item(parser_t *self, const char *path, const zpl_t *zpl)
{
    const setting_t *s = find(self, zpl->name);

    buf_printf(self->why, "%s:%u: ", path, zpl->line);
    if (zpl->depth > 0 || s == NULL || s->command_line_only) {
        return refuse_item(self, zpl, s);
    }
    if (zpl->value.p == NULL) {
        buf_printf(
            self->why, "%s has no value; write %s = ...", s->name, s->name);
        return ERR_CONFIG;
    }
    buf_printf(self->why, "%s: ", s->name);
    begin_list(self, s);
    errcode_t rc = set(self, s, zpl->value);
    if (rc == ERR_OK) {
        buf_clear(self->why);
    }
    return rc;
}

static errcode_t
parse_file_text(parser_t *self, const char *path, span_t text)
{
    zpl_t zpl;
    errcode_t rc;

    zpl_init(&zpl, text);
    while ((rc = zpl_next(&zpl)) == ERR_OK) {
        if ((rc = take_item(self, path, &zpl)) != ERR_OK) {
            return rc;
        }
    }
    if (rc != ERR_NOT_FOUND) {
        buf_printf(self->why, "%s:%u: not a line of the form name = value",
            path, zpl.line);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

static errcode_t
parse_file(parser_t *self, const char *path, bool must_exist)
{
    FILE *file = fopen(path, "re");
    buf_t text = {0};
    errcode_t rc = ERR_OK;

    if (file == NULL && errno == ENOENT && !must_exist) {
        return ERR_OK;
    }
    if (file == NULL) {
        buf_printf(self->why, "cannot read %s: %s", path, strerror(errno));
        return ERR_CONFIG;
    }
    for (size_t got = 1; got > 0 && text.len <= FILE_BYTES_MAX;) {
        got = fread(buf_reserve(&text, READ_STEP), 1, READ_STEP, file);
        text.len += got;
    }
    if (ferror(file) != 0 || text.len > FILE_BYTES_MAX) {
        buf_printf(self->why, "cannot read %s: %s", path,
            text.len > FILE_BYTES_MAX ? "it is too large" : strerror(errno));
        rc = ERR_CONFIG;
    } else {
        rc = parse_file_text(self, path, buf_span(&text));
    }
    fclose(file);
    buf_fini(&text);
    return rc;
}

// ---- the command line

typedef struct arg {
    const setting_t *setting; // NULL: an operand
    const char *value;        // NULL: the next argument, if one is wanted
    const char *shown;        // for errors
} arg_t;

static errcode_t
read_long(parser_t *self, const char *text, arg_t *out)
{
    const char *equals = strchrnul(text + 2, '=');
    span_t name = {(const uint8_t *)text + 2, (size_t)(equals - text) - 2};

    out->setting = find(self, name);
    out->value = *equals == '=' ? equals + 1 : NULL;
    if (out->setting == NULL) {
        buf_put_str(self->why, "unknown option '--");
        put_shown(self, name);
        buf_put_u8(self->why, '\'');
        suggest(self, name, false);
        return ERR_CONFIG;
    }
    if (out->setting->kind == SETTING_FLAG && out->value != NULL) {
        buf_printf(self->why, "--%s takes no value", out->setting->name);
        return ERR_CONFIG;
    }
    return ERR_OK;
}

// -x, -x VALUE, -xVALUE; *more is what is left of -xyz, flags together.
static errcode_t
read_short(parser_t *self, const char *text, arg_t *out, const char **more)
{
    out->setting = find_letter(self, text[0]);
    if (out->setting == NULL) {
        buf_put_str(self->why, "unknown option '-");
        put_shown(self, (span_t){(const uint8_t *)text, 1});
        buf_put_u8(self->why, '\'');
        return ERR_CONFIG;
    }
    if (out->setting->kind == SETTING_FLAG) {
        *more = text[1] != '\0' ? text + 1 : NULL;
    } else {
        out->value = text[1] != '\0' ? text + 1 : NULL;
    }
    return ERR_OK;
}

static errcode_t
apply(parser_t *self, const arg_t *arg)
{
    const setting_t *s = arg->setting;

    if (s->kind == SETTING_FLAG) {
        *(bool *)place(self, s) = true;
        return ERR_OK;
    }
    begin_list(self, s);
    buf_printf(self->why, "--%s: ", s->name);
    errcode_t rc = set(self, s, span_str(arg->value));
    if (rc == ERR_OK) {
        buf_clear(self->why);
    }
    return rc;
}

static errcode_t
want_value(parser_t *self, arg_t *arg, int argc, char **argv, int *i)
{
    if (arg->setting->kind == SETTING_FLAG || arg->value != NULL) {
        return ERR_OK;
    }
    if (*i + 1 >= argc) {
        buf_printf(self->why, "--%s wants a value", arg->setting->name);
        return ERR_CONFIG;
    }
    arg->value = argv[++*i];
    return ERR_OK;
}

// One argument that begins with a dash, and what follows it. With `only` set
// all others are read and left alone.
static errcode_t
take_option(
    parser_t *self, int argc, char **argv, int *i, const setting_t *only)
{
    const char *text = argv[*i];
    const char *more = text[1] == '-' ? NULL : text + 1;
    errcode_t rc;

    do {
        arg_t arg = {0};
        const char *at = more;
        more = NULL;
        rc = at == NULL ? read_long(self, text, &arg)
                        : read_short(self, at, &arg, &more);
        rc = rc != ERR_OK ? rc : want_value(self, &arg, argc, argv, i);
        if (rc == ERR_OK && (only == NULL || only == arg.setting)) {
            rc = apply(self, &arg);
        }
    } while (rc == ERR_OK && more != NULL);
    return rc;
}

// Operands are kept where there is a place for them.
static errcode_t
parse_args(parser_t *self, int argc, char **argv, const setting_t *only,
    settings_list_t *operands)
{
    errcode_t rc = ERR_OK;
    bool ended = false;

    for (int i = 1; i < argc && rc == ERR_OK; i++) {
        const char *text = argv[i];
        if (!ended && strcmp(text, "--") == 0) {
            ended = true;
        } else if (!ended && text[0] == '-' && text[1] != '\0') {
            rc = take_option(self, argc, argv, &i, only);
        } else if (operands != NULL) {
            list_add(operands, span_str(text));
        }
    }
    return rc;
}

static errcode_t
set_defaults(parser_t *self)
{
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < self->n && rc == ERR_OK; i++) {
        if (self->table[i].fallback != NULL) {
            rc = set(self, &self->table[i], span_str(self->table[i].fallback));
        }
    }
    return rc;
}

static errcode_t
parse_all(parser_t *self, int argc, char **argv, const char *default_file,
    settings_list_t *operands)
{
    const setting_t *config = find(self, SPAN_LIT("config"));
    errcode_t rc = set_defaults(self);

    if (rc == ERR_OK && config != NULL) {
        rc = parse_args(self, argc, argv, config, NULL);
    }
    // A copy: the file may name another, which is not followed.
    const char *value = config != NULL ? *(char **)place(self, config) : NULL;
    char *named = value != NULL ? xstrdup(value) : NULL;
    if (rc == ERR_OK && named != NULL) {
        rc = parse_file(self, named, true);
    } else if (rc == ERR_OK && default_file != NULL) {
        rc = parse_file(self, default_file, false);
    }
    free(named);
    memset(self->begun, 0, self->n * sizeof *self->begun);
    return rc != ERR_OK ? rc : parse_args(self, argc, argv, NULL, operands);
}

errcode_t
settings_parse(const setting_t *table, size_t n, int argc, char **argv,
    const char *default_file, void *into, settings_list_t *operands, buf_t *why)
{
    settings_list_t found = {0};
    parser_t self = {table, n, into, why, xcalloc(n + 1, sizeof *self.begun)};
    errcode_t rc = parse_all(&self, argc, argv, default_file, &found);

    if (rc != ERR_OK) {
        settings_free(table, n, into);
    }
    if (rc != ERR_OK || operands == NULL) {
        if (rc == ERR_OK && found.n > 0) {
            buf_put_u8(why, '\'');
            put_shown(&self, span_str(found.items[0]));
            buf_put_str(why, "' is not an option; nothing stands alone here");
            settings_free(table, n, into);
            rc = ERR_CONFIG;
        }
        settings_list_free(&found);
    } else {
        *operands = found;
    }
    free(self.begun);
    return rc;
}

void
settings_list_free(settings_list_t *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (settings_list_t){0};
}

void
settings_free(const setting_t *table, size_t n, void *into)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t *at = (uint8_t *)into + table[i].offset;
        if (table[i].kind == SETTING_TEXT) {
            free(*(char **)(void *)at);
            *(char **)(void *)at = NULL;
        } else if (table[i].kind == SETTING_LIST) {
            settings_list_free((settings_list_t *)(void *)at);
        }
    }
}
