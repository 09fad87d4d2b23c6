// SPDX-License-Identifier: Apache-2.0
// keys_list: reads file by file, not as an allowlist: a broken file must not
// hide the others from the person who wants to mend it.
#include "coordinator/cli/keys_list.h"

#include "certs/expiry.h"
#include "certs/keyfile.h"
#include "common/base/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME, ROLE, HOSTS, EXPIRES, FINGERPRINT, STATE, N_COLUMNS };

typedef struct row {
    char *cells[N_COLUMNS];
} row_t;

typedef struct table {
    row_t *rows;
    size_t n;
    size_t cap;
} table_t;

static row_t *
add_row(table_t *self)
{
    self->rows = xgrow(self->rows, &self->cap, self->n + 1, sizeof(row_t));
    return &self->rows[self->n++];
}

static char *
joined_hosts(const identity_t *who)
{
    buf_t hosts = {0};

    for (size_t i = 0; i < who->n_hosts; i++) {
        buf_printf(&hosts, "%s%s", i > 0 ? "," : "", who->hosts[i]);
    }
    char *text = hosts.len > 0 ? xstrndup((const char *)hosts.p, hosts.len)
                               : xstrdup("-");
    buf_fini(&hosts);
    return text;
}

// A file made by hand may give several roles.
static char *
joined_roles(unsigned roles)
{
    buf_t text = {0};

    for (unsigned role = ROLE_WORKER; role <= ROLE_ADMIN; role <<= 1) {
        if ((roles & role) != 0) {
            buf_printf(&text, "%s%s", text.len > 0 ? "," : "", role_name(role));
        }
    }
    char *joined =
        text.len > 0 ? xstrndup((const char *)text.p, text.len) : xstrdup("-");
    buf_fini(&text);
    return joined;
}

static void
add_key(table_t *self, const identity_t *who, const char *state)
{
    char fingerprint[20];
    char expires[EXPIRY_TEXT] = "-";
    bool over = !identity_is_current(who, time(NULL));

    if (who->expires != 0) {
        expiry_print(who->expires, expires);
    }
    key_fingerprint(who->key, fingerprint);
    *add_row(self) = (row_t){{
        [NAME] = xstrdup(who->name),
        [ROLE] = joined_roles(who->roles),
        [HOSTS] = joined_hosts(who),
        [EXPIRES] = xstrdup(expires),
        [FINGERPRINT] = xstrdup(fingerprint),
        [STATE] =
            xstrdup(over && strcmp(state, "allowed") == 0 ? "expired" : state),
    }};
}

static bool
add_file(table_t *self, const char *folder, const char *name, const char *state)
{
    char *path = xasprintf("%s/%s", folder, name);
    identity_t who;
    buf_t why = {0};
    errcode_t rc = keyfile_load_public(path, &who, &why);

    if (rc == ERR_OK) {
        add_key(self, &who, state);
    } else {
        fprintf(stderr, "logtally keys list: %.*s\n", (int)why.len,
            (const char *)why.p);
    }
    buf_fini(&why);
    free(path);
    return rc == ERR_OK;
}

static int
is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool
add_folder(table_t *self, const char *dir, const char *state)
{
    char *folder = xasprintf("%s/%s", dir, state);
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_shown, alphasort);
    bool good = n >= 0;

    if (n < 0 && errno == ENOENT && strcmp(state, "allowed") != 0) {
        good = true; // nothing was revoked or rotated yet
    } else if (n < 0) {
        fprintf(stderr, "logtally keys list: cannot read %s: %s%s\n", folder,
            strerror(errno),
            errno == ENOENT ? "; make one with: logtally keys init" : "");
    }
    for (int i = 0; i < n; i++) {
        good = add_file(self, folder, entries[i]->d_name, state) && good;
        free(entries[i]);
    }
    free(entries);
    free(folder);
    return good;
}

static size_t
width_of(const table_t *self, size_t column)
{
    size_t width = 0;

    for (size_t i = 0; i < self->n; i++) {
        size_t len = strlen(self->rows[i].cells[column]);
        width = len > width ? len : width;
    }
    return width;
}

static void
print_table(const table_t *self)
{
    int width[N_COLUMNS];

    for (size_t c = 0; c < N_COLUMNS; c++) {
        width[c] = (int)width_of(self, c);
    }
    for (size_t i = 0; i < self->n; i++) {
        for (size_t c = 0; c < STATE; c++) {
            printf("%-*s  ", width[c], self->rows[i].cells[c]);
        }
        printf("%s\n", self->rows[i].cells[STATE]);
    }
}

static void
table_fini(table_t *self)
{
    for (size_t i = 0; i < self->n; i++) {
        for (size_t c = 0; c < N_COLUMNS; c++) {
            free(self->rows[i].cells[c]);
        }
    }
    free(self->rows);
}

bool
keys_list(const char *dir)
{
    table_t table = {0};

    *add_row(&table) = (row_t){{
        [NAME] = xstrdup("name"),
        [ROLE] = xstrdup("role"),
        [HOSTS] = xstrdup("hosts"),
        [EXPIRES] = xstrdup("expires"),
        [FINGERPRINT] = xstrdup("fingerprint"),
        [STATE] = xstrdup("state"),
    }};
    bool allowed = add_folder(&table, dir, "allowed");
    bool next = add_folder(&table, dir, "next");
    bool revoked = add_folder(&table, dir, "revoked");
    if (table.n > 1) {
        print_table(&table);
    }
    table_fini(&table);
    return allowed && next && revoked;
}
