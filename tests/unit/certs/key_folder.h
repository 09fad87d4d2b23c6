// SPDX-License-Identifier: Apache-2.0
// A temporary folder and keys made on the spot, for the tests of certs.
#ifndef LOGTALLY_TESTS_UNIT_CERTS_KEY_FOLDER_H
#define LOGTALLY_TESTS_UNIT_CERTS_KEY_FOLDER_H

#include "tests/unit/cmocka_all.h"

#include "certs/keytext.h"
#include "common/base/xalloc.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELPER __attribute__((unused)) static

// Lent until the next call.
HELPER const char *
path_in(const char *folder, const char *name)
{
    static char path[LIMIT_PATH];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

HELPER char *
folder_new(void)
{
    char *folder = xstrdup("/tmp/logtally-certs-XXXXXX");

    assert_true(sodium_init() >= 0);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(path_in(folder, "allowed"), 0700), 0);
    return folder;
}

HELPER void
folder_destroy(char **folder_p)
{
    char *command = xasprintf("rm -rf '%s'", *folder_p);

    assert_int_equal(system(command), 0);
    free(command);
    free(*folder_p);
    *folder_p = NULL;
}

HELPER void
put_text(const char *folder, const char *name, mode_t mode, span_t text)
{
    const char *path = path_in(folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text.p, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

HELPER identity_t
key_new(const char *name, unsigned roles, uint8_t secret[KEY_LEN])
{
    identity_t who = {.roles = roles};
    uint8_t unused[KEY_LEN];

    snprintf(who.name, sizeof who.name, "%s", name);
    crypto_box_keypair(who.key, secret != NULL ? secret : unused);
    return who;
}

HELPER void
put_key(const char *folder, const char *name, mode_t mode,
    const identity_t *who, const uint8_t *secret)
{
    buf_t text = {0};

    keytext_print(&text, who, secret);
    put_text(folder, name, mode, buf_span(&text));
    buf_fini(&text);
}

#define CHECK_SAYS(why, words)                                                 \
    assert_non_null(memmem((why).p, (why).len, words, sizeof(words) - 1))

#endif
