// SPDX-License-Identifier: Apache-2.0
// The order of sources is defaults, file, command line; so the command line
// is read twice: first for --config, then over what the file said.
#include "common/base/settings.h"

#include "common/base/dec.h"
#include "common/base/xalloc.h"
#include "common/base/zpl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (1u << 20)
#define HELP_COLUMN    28u

typedef struct parser {
    const setting_t *table;
    size_t n;
    uint8_t *into;
    buf_t *why;
    bool *replaced; // lists that the command line has begun anew
} parser_t;

static void *
place(const parser_t *self, const setting_t *s)
{
    return self->into + s->offset;
}

// ---- numbers and texts

static const struct unit {
    const char *name;
    setting_kind_t kind;
    int64_t value; // bytes; milliseconds
} units[] = {
    {"TiB", SETTING_SIZE, 1ll << 40},
    {"GiB", SETTING_SIZE, 1ll << 30},
    {"MiB", SETTING_SIZE, 1ll << 20},
    {"KiB", SETTING_SIZE, 1ll << 10},
    {"TB", SETTING_SIZE, 1000000000000},
    {"GB", SETTING_SIZE, 1000000000},
    {"MB", SETTING_SIZE, 1000000},
    {"KB", SETTING_SIZE, 1000},
    {"kB", SETTING_SIZE, 1000},
    {"B", SETTING_SIZE, 1},
    {"d", SETTING_DURATION, 86400000},
    {"h", SETTING_DURATION, 3600000},
    {"m", SETTING_DURATION, 60000},
    {"s", SETTING_DURATION, 1000},
    {"ms", SETTING_DURATION, 1},
};

#define N_UNITS (sizeof units / sizeof *units)

static void
print_number(setting_kind_t kind, int64_t v, buf_t *out)
{
    for (size_t i = 0; i < N_UNITS && v != 0; i++) {
        if (units[i].kind == kind && v % units[i].value == 0) {
            buf_printf(
                out, "%lld%s", (long long)(v / units[i].value), units[i].name);
            return;
        }
    }
    buf_printf(out, "%lld%s", (long long)v,
        kind == SETTING_SIZE && v != 0       ? "B"
        : kind == SETTING_DURATION && v != 0 ? "ms"
                                             : "");
}

// Digits with an optional fraction and the units of the kind; a size without
// one is bytes.
static bool
parse_number(setting_kind_t kind, span_t text, int64_t *out)
{
    dec_t number;
    dec_t scaled;
    int64_t scale = kind == SETTING_DURATION ? 0 : 1;
    size_t digits = 0;

    while (digits < text.len &&
           (text.p[digits] == '-' || text.p[digits] == '.' ||
               (text.p[digits] >= '0' && text.p[digits] <= '9'))) {
        digits++;
    }
    span_t unit = {text.p + digits, text.len - digits};
    for (size_t i = 0; i < N_UNITS && unit.len > 0; i++) {
        if (units[i].kind == kind && span_is(unit, units[i].name)) {
            scale = units[i].value;
            unit.len = 0;
        }
    }
    if (unit.len > 0 ||
        dec_parse((span_t){text.p, digits}, &number) != ERR_OK ||
        (scale == 0 && number != 0) ||
        dec_mul(number, DEC_INT(scale == 0 ? 1 : scale), &scaled) != ERR_OK ||
        scaled % DEC_ONE != 0 || scaled / DEC_ONE > INT64_MAX ||
        scaled / DEC_ONE < INT64_MIN) {
        return false;
    }
    *out = (int64_t)(scaled / DEC_ONE);
    return true;
}

static const char *
wanted(setting_kind_t kind)
{
    return kind == SETTING_SIZE       ? "a size such as 64MiB"
           : kind == SETTING_DURATION ? "a duration such as 500ms, 10s or 2h"
                                      : "a whole number";
}

// *self->why already has the place and a colon.
static errcode_t
set_number(parser_t *self, const setting_t *s, span_t text)
{
    int64_t v;

    if (!parse_number(s->kind, text, &v)) {
        buf_printf(self->why, "'%.*s' is not %s", (int)text.len,
            (const char *)text.p, wanted(s->kind));
        return ERR_CONFIG;
    }
    if (v < s->min || v > s->max) {
        buf_printf(self->why, "%.*s is %s ", (int)text.len,
            (const char *)text.p, v < s->min ? "below" : "above");
        print_number(s->kind, v < s->min ? s->min : s->max, self->why);
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
        buf_printf(self->why, "'%.*s' is neither yes nor no", (int)text.len,
            (const char *)text.p);
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

static void
suggest(parser_t *self, span_t name, const char *before)
{
    const char *best = NULL;
    size_t least = 4;

    for (size_t i = 0; i < self->n && name.len <= NAME_MAX_LEN; i++) {
        if (strlen(self->table[i].name) > NAME_MAX_LEN) {
            continue;
        }
        size_t d = distance(name, self->table[i].name);
        if (d < least && d < name.len) {
            least = d;
            best = self->table[i].name;
        }
    }
    if (best != NULL) {
        buf_printf(self->why, "; did you mean '%s%s'?", before, best);
    }
}

// ---- the file

static errcode_t
take_item(parser_t *self, const char *path, const zpl_t *zpl)
{
    const setting_t *s = find(self, zpl->name);

    buf_printf(self->why, "%s:%u: ", path, zpl->line);
    if (zpl->depth > 0 || s == NULL || s->command_line_only) {
        buf_printf(self->why, "unknown setting '%.*s'", (int)zpl->name.len,
            (const char *)zpl->name.p);
        suggest(self, zpl->name, "");
        return ERR_CONFIG;
    }
    if (zpl->value.p == NULL) {
        buf_printf(
            self->why, "%s has no value; write %s = ...", s->name, s->name);
        return ERR_CONFIG;
    }
    size_t len = self->why->len;
    buf_printf(self->why, "%s: ", s->name);
    errcode_t rc = set(self, s, zpl->value);
    if (rc == ERR_OK) {
        self->why->len = len;
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
    text.len = fread(
        buf_reserve(&text, FILE_BYTES_MAX + 1), 1, FILE_BYTES_MAX + 1, file);
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
        buf_printf(self->why, "unknown option '--%.*s'", (int)name.len,
            (const char *)name.p);
        suggest(self, name, "--");
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
        buf_printf(self->why, "unknown option '-%c'", text[0]);
        return ERR_CONFIG;
    }
    if (out->setting->kind == SETTING_FLAG) {
        *more = text[1] != '\0' ? text + 1 : NULL;
    } else {
        out->value = text[1] != '\0' ? text + 1 : NULL;
    }
    return ERR_OK;
}

static void
begin_list(parser_t *self, const setting_t *s)
{
    size_t row = (size_t)(s - self->table);

    if (s->kind == SETTING_LIST && !self->replaced[row]) {
        self->replaced[row] = true;
        settings_list_free(place(self, s));
    }
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

// With operands NULL only the setting `only` is taken.
static errcode_t
parse_args(parser_t *self, int argc, char **argv, const setting_t *only,
    settings_list_t *operands)
{
    errcode_t rc = ERR_OK;
    bool ended = false;

    for (int i = 1; i < argc && rc == ERR_OK; i++) {
        const char *text = argv[i];
        if (ended || text[0] != '-' || text[1] == '\0') {
            if (operands != NULL) {
                list_add(operands, span_str(text));
            }
            continue;
        }
        if (strcmp(text, "--") == 0) {
            ended = true;
            continue;
        }
        const char *more = text[1] == '-' ? NULL : text + 1;
        do {
            arg_t arg = {0};
            const char *at = more;
            more = NULL;
            rc = at == NULL ? read_long(self, text, &arg)
                            : read_short(self, at, &arg, &more);
            rc = rc != ERR_OK ? rc : want_value(self, &arg, argc, argv, &i);
            if (rc == ERR_OK && (only == NULL || only == arg.setting)) {
                rc = apply(self, &arg);
            }
        } while (rc == ERR_OK && more != NULL);
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
    const char *named = config != NULL ? *(char **)place(self, config) : NULL;
    if (rc == ERR_OK && named != NULL) {
        rc = parse_file(self, named, true);
    } else if (rc == ERR_OK && default_file != NULL) {
        rc = parse_file(self, default_file, false);
    }
    memset(self->replaced, 0, self->n * sizeof *self->replaced);
    return rc != ERR_OK ? rc : parse_args(self, argc, argv, NULL, operands);
}

errcode_t
settings_parse(const setting_t *table, size_t n, int argc, char **argv,
    const char *default_file, void *into, settings_list_t *operands, buf_t *why)
{
    settings_list_t found = {0};
    parser_t self = {
        table, n, into, why, xcalloc(n + 1, sizeof *self.replaced)};
    errcode_t rc = parse_all(&self, argc, argv, default_file, &found);

    if (rc != ERR_OK) {
        settings_free(table, n, into);
    }
    if (rc != ERR_OK || operands == NULL) {
        if (rc == ERR_OK && found.n > 0) {
            buf_printf(why, "'%s' is not an option; nothing stands alone here",
                found.items[0]);
            settings_free(table, n, into);
            rc = ERR_CONFIG;
        }
        settings_list_free(&found);
    } else {
        *operands = found;
    }
    free(self.replaced);
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

// ---- out again

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
        buf_printf(out, "%*s%s", (int)(HELP_COLUMN - used), "", s->help);
        if (s->fallback != NULL && s->fallback[0] != '\0') {
            buf_printf(out, " (default %s)", s->fallback);
        }
        buf_put_u8(out, '\n');
    }
}

static void
print_text(const char *name, const char *text, buf_t *out)
{
    bool quote = text[0] == '\0' || strpbrk(text, " \t#=\"'") != NULL;
    const char *mark = !quote ? "" : strchr(text, '"') != NULL ? "'" : "\"";

    buf_printf(out, "%s = %s%s%s\n", name, mark, text, mark);
}

void
settings_print(const setting_t *table, size_t n, const void *values, buf_t *out)
{
    for (size_t i = 0; i < n; i++) {
        const setting_t *s = &table[i];
        const void *at = (const uint8_t *)values + s->offset;
        if (s->command_line_only) {
            continue;
        }
        if (s->kind == SETTING_TEXT) {
            const char *text = *(char *const *)at;
            if (text != NULL) {
                print_text(s->name, text, out);
            }
        } else if (s->kind == SETTING_LIST) {
            const settings_list_t *list = at;
            for (size_t k = 0; k < list->n; k++) {
                print_text(s->name, list->items[k], out);
            }
        } else if (s->kind == SETTING_FLAG) {
            buf_printf(
                out, "%s = %s\n", s->name, *(const bool *)at ? "yes" : "no");
        } else {
            buf_printf(out, "%s = ", s->name);
            print_number(s->kind, *(const int64_t *)at, out);
            buf_put_u8(out, '\n');
        }
    }
}
