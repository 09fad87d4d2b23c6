// SPDX-License-Identifier: Apache-2.0
#include "certs/keyput_io.h"

#include "certs/keyfile.h"
#include "common/base/xalloc.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define MODE_PUBLIC 0644
#define MODE_SECRET 0600

errcode_t
keyput_public(
    keydir_t *d, const char *folder, const char *name, const identity_t *who)
{
    buf_t text = {0};

    keytext_print(&text, who, NULL);
    errcode_t rc = keydir_put(d, folder, name, MODE_PUBLIC, buf_span(&text));
    buf_fini(&text);
    return rc;
}

static errcode_t
put_sealed(keydir_t *d, const char *folder, const char *name,
    const identity_t *who, const uint8_t *secret, const keyseal_t *seal)
{
    keylock_t lock;
    buf_t text = {0};
    errcode_t rc = keylock_close(secret, seal->passphrase, seal->cost, &lock);

    if (rc != ERR_OK) {
        buf_printf(d->why,
            "a passphrase takes %llu MiB of memory, which is not there",
            (unsigned long long)(seal->cost->memory >> 20));
        return rc;
    }
    keytext_print_sealed(&text, who, &lock);
    rc = keydir_put(d, folder, name, MODE_SECRET, buf_span(&text));
    buf_fini(&text);
    return rc;
}

// The text never leaves guarded memory: it has room for all of it.
errcode_t
keyput_secret(keydir_t *d, const char *folder, const char *name,
    const identity_t *who, const uint8_t secret[KEY_LEN], const keyseal_t *seal)
{
    if (seal != NULL) {
        return put_sealed(d, folder, name, who, secret, seal);
    }
    buf_t text = {.p = sodium_malloc(KEYTEXT_ROOM), .cap = KEYTEXT_ROOM};
    if (text.p == NULL) {
        buf_printf(d->why, "no guarded memory for a secret key");
        return ERR_IO;
    }
    keytext_print(&text, who, secret);
    errcode_t rc = keydir_put(d, folder, name, MODE_SECRET, buf_span(&text));
    sodium_free(text.p);
    return rc;
}

errcode_t
keyput_make(keydir_t *d, uint8_t public_key[KEY_LEN], uint8_t **out)
{
    *out = sodium_init() >= 0 ? sodium_malloc(KEY_LEN) : NULL;
    if (*out == NULL) {
        buf_printf(d->why, "no memory for a secret key");
        return ERR_IO;
    }
    crypto_box_keypair(public_key, *out);
    return ERR_OK;
}

// ---- the passphrase of a file that is there

static bool
is_of_a_daemon(const keytext_t *text)
{
    const identity_t *who = &text->identity;

    return (who->roles & ROLE_WORKER) != 0 ||
           (who->roles == 0 && strcmp(who->name, "coordinator") == 0);
}

static errcode_t
replace(
    const char *path, const keytext_t *text, const keyseal_t *seal, buf_t *why)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *folder = slash == NULL   ? xstrdup(".")
                   : slash == path ? xstrdup("/")
                                   : xstrndup(path, (size_t)(slash - path));
    keydir_t d;
    errcode_t rc = keydir_open(&d, folder, why);

    if (rc == ERR_OK) {
        rc = keyput_secret(&d, ".", name, &text->identity, text->secret, seal);
    }
    keydir_close(&d);
    free(folder);
    return rc;
}

static errcode_t
check_file_name(const char *path, buf_t *why)
{
    const char *slash = strrchr(path, '/');

    if (key_name_is_valid(span_str(slash != NULL ? slash + 1 : path))) {
        return ERR_OK;
    }
    buf_printf(why,
        "%s: the name of a key file has letters, digits, '.', '_' and '-' "
        "alone; rename it",
        path);
    return ERR_CONFIG;
}

errcode_t
keyput_passphrase(const char *path, const passphrase_source_t *source,
    const keyseal_t *seal, buf_t *why)
{
    keytext_t *text = NULL;
    errcode_t rc = check_file_name(path, why);

    if (rc == ERR_OK) {
        rc = keyfile_read_secret(path, source, &text, why);
    }
    if (rc == ERR_OK && seal != NULL && is_of_a_daemon(text)) {
        buf_printf(why,
            "%s is the key of a daemon, which nobody can tell a passphrase "
            "when it starts; the mode of the file is what guards it",
            path);
        rc = ERR_CONFIG;
    }
    if (rc == ERR_OK) {
        rc = replace(path, text, seal, why);
    }
    sodium_free(text);
    return rc;
}
