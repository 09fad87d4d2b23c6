// SPDX-License-Identifier: Apache-2.0
// keyfile: strict loading. czmq's zcert_load is not used: it checks neither
// mode nor owner, quietly prefers NAME_secret, and leaves copies of the
// secret in its heap.
#include "certs/keyfile.h"

#include "certs/keypath.h"
#include "certs/keytext.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 16384

static errcode_t
explain_open(const char *path, buf_t *why)
{
    int error = errno;

    if (error == ELOOP) {
        buf_printf(
            why, "%s is a symbolic link; put the key file itself there", path);
        return ERR_DENIED;
    }
    buf_printf(why, "cannot open %s: %s", path, strerror(error));
    if (error == ENOENT) {
        return ERR_NOT_FOUND;
    }
    return error == EACCES ? ERR_DENIED : ERR_IO;
}

// Secret: nobody else may even read it. Public: nobody else may write it,
// since who can write an allowlist can let himself in.
static errcode_t
check_mode(int fd, const char *path, bool secret, buf_t *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        buf_printf(why, "cannot look at %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (!S_ISREG(st.st_mode)) {
        buf_printf(why, "%s is not a regular file; put a key file there", path);
        return ERR_DENIED;
    }
    bool given = keypath_is_credential(path);
    if (st.st_uid != geteuid() && ((secret && !given) || st.st_uid != 0)) {
        buf_printf(why,
            "%s belongs to user %u, not to the user who runs this (%u); "
            "mend with: chown %u %s",
            path, (unsigned)st.st_uid, (unsigned)geteuid(), (unsigned)geteuid(),
            path);
        return ERR_DENIED;
    }
    // The group bits of a file with an access list are the list's mask.
    if ((st.st_mode & (!secret ? 022 : given ? 037 : 077)) != 0) {
        buf_printf(why, "others may %s %s; mend with: chmod %s %s",
            secret ? "use" : "write", path, secret ? "600" : "go-w", path);
        return ERR_DENIED;
    }
    return ERR_OK;
}

// Bytes go to memory of FILE_MAX that the caller owns and wipes.
static errcode_t
read_all(int fd, const char *path, uint8_t *memory, size_t *len, buf_t *why)
{
    *len = 0;
    for (;;) {
        ssize_t n = read(fd, memory + *len, FILE_MAX - *len);
        if (n == 0) {
            return ERR_OK;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            buf_printf(why, "cannot read %s: %s", path, strerror(errno));
            return ERR_IO;
        }
        *len += (size_t)n;
        if (*len == FILE_MAX) {
            buf_printf(why, "%s is too long for a key file", path);
            return ERR_TOO_LARGE;
        }
    }
}

static errcode_t
read_file(
    const char *path, bool secret, uint8_t *memory, size_t *len, buf_t *why)
{
    // NONBLOCK: a FIFO in its place must not stop us.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0) {
        return explain_open(path, why);
    }
    errcode_t rc = check_mode(fd, path, secret, why);
    if (rc == ERR_OK) {
        rc = read_all(fd, path, memory, len, why);
    }
    close(fd);
    return rc;
}

static errcode_t
read_and_parse(
    const char *path, bool secret, uint8_t *memory, keytext_t *out, buf_t *why)
{
    size_t len = 0;
    buf_t detail = {0};
    errcode_t rc = read_file(path, secret, memory, &len, why);

    if (rc == ERR_OK &&
        (rc = keytext_parse((span_t){memory, len}, out, &detail)) != ERR_OK) {
        buf_printf(
            why, "%s: %.*s", path, (int)detail.len, (const char *)detail.p);
    }
    buf_fini(&detail);
    return rc;
}

// A list of 1000 public keys is read in 39 ms with guarded memory, in 7 ms
// without, and the coordinator reads it every second.
static errcode_t
load_public(const char *path, keytext_t *out, buf_t *why)
{
    uint8_t memory[FILE_MAX];
    errcode_t rc = read_and_parse(path, false, memory, out, why);

    // A secret may be there by mistake; refused, and not kept.
    if (rc != ERR_OK || out->has_secret) {
        sodium_memzero(memory, sizeof memory);
    }
    return rc;
}

// What is missing altogether is told by the open that follows.
static errcode_t
check_folders(const char *path, buf_t *why)
{
    char folder[LIMIT_PATH];
    const char *slash = strrchr(path, '/');
    buf_t detail = {0};

    if (slash != NULL && (size_t)(slash - path) >= sizeof folder) {
        buf_printf(why, "the path of a key is too long");
        return ERR_TOO_LARGE;
    }
    snprintf(folder, sizeof folder, "%.*s",
        slash == NULL   ? 1
        : slash == path ? 1
                        : (int)(slash - path),
        slash == NULL ? "." : path);
    errcode_t rc = keypath_check(folder, &detail);
    if (rc == ERR_DENIED) {
        buf_put_span(why, buf_span(&detail));
    }
    buf_fini(&detail);
    return rc == ERR_DENIED ? rc : ERR_OK;
}

static errcode_t
load_secret(const char *path, keytext_t *out, buf_t *why)
{
    uint8_t *memory = sodium_malloc(FILE_MAX);

    if (memory == NULL) {
        buf_printf(why, "no guarded memory for %s", path);
        return ERR_IO;
    }
    errcode_t rc = check_folders(path, why);
    if (rc == ERR_OK) {
        rc = read_and_parse(path, true, memory, out, why);
    }
    sodium_free(memory);
    return rc;
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static errcode_t
check_pair(const char *path, const keytext_t *text, buf_t *why)
{
    uint8_t public[KEY_LEN];

    if (!text->has_secret) {
        buf_printf(
            why, "%s holds no secret key; give the file NAME_secret", path);
        return ERR_MALFORMED;
    }
    if (crypto_scalarmult_base(public, text->secret) != 0 ||
        memcmp(public, text->identity.key, KEY_LEN) != 0) {
        buf_printf(why,
            "%s: its secret and public key do not belong together; make a "
            "new key",
            path);
        return ERR_MALFORMED;
    }
    return ERR_OK;
}

errcode_t
keyfile_read_secret(const char *path, const passphrase_source_t *source,
    keytext_t **out, buf_t *why)
{
    keytext_t *text = sodium_init() >= 0 ? sodium_malloc(sizeof *text) : NULL;

    *out = NULL;
    if (text == NULL) {
        buf_printf(why, "no guarded memory for %s", path);
        return ERR_IO;
    }
    errcode_t rc = load_secret(path, text, why);
    if (rc == ERR_OK && text->is_sealed) {
        rc = keyunseal(path, source, text, why);
    }
    if (rc == ERR_OK) {
        rc = check_pair(path, text, why);
    }
    if (rc == ERR_OK) {
        *out = text;
        text = NULL;
    }
    sodium_free(text);
    return rc;
}

errcode_t
keyfile_unseal_secret(const char *path, const passphrase_source_t *source,
    keypair_t *out, buf_t *why)
{
    keytext_t *text;

    memset(out, 0, sizeof *out);
    errcode_t rc = keyfile_read_secret(path, source, &text, why);
    if (rc != ERR_OK) {
        return rc;
    }
    out->secret_key = sodium_malloc(KEY_LEN);
    if (out->secret_key == NULL) {
        buf_printf(why, "no memory for %s", path);
        rc = ERR_IO;
    } else {
        memcpy(out->secret_key, text->secret, KEY_LEN);
        memcpy(out->public_key, text->identity.key, KEY_LEN);
        memcpy(out->name, text->identity.name, sizeof out->name);
    }
    sodium_free(text);
    return rc;
}

errcode_t
keyfile_load_secret(const char *path, keypair_t *out, buf_t *why)
{
    return keyfile_unseal_secret(path, NULL, out, why);
}

errcode_t
keyfile_load_public(const char *path, identity_t *out, buf_t *why)
{
    keytext_t text;
    const char *name = base_name(path);

    memset(out, 0, sizeof *out);
    errcode_t rc = load_public(path, &text, why);
    if (rc == ERR_OK && (text.has_secret || text.is_sealed)) {
        buf_printf(
            why, "%s holds a secret key; only public keys belong there", path);
        rc = ERR_DENIED;
    } else if (rc == ERR_OK && !key_name_is_valid(span_str(name))) {
        buf_printf(why,
            "%s: the name of a key has letters, digits, '.', '_' and '-' "
            "alone; rename or remove the file",
            path);
        rc = ERR_MALFORMED;
    }
    if (rc == ERR_OK) {
        // The file's name is the key's, whatever a certificate calls itself.
        *out = text.identity;
        memset(out->name, 0, sizeof out->name);
        memcpy(out->name, name, strlen(name));
    }
    sodium_memzero(&text, sizeof text);
    return rc;
}

void
keypair_fini(keypair_t *self)
{
    if (self->secret_key != NULL) {
        sodium_free(self->secret_key);
    }
    sodium_memzero(self, sizeof *self);
}

static errcode_t
join(const char *folder, const char *name, char out[LIMIT_PATH], buf_t *why)
{
    int n = snprintf(out, LIMIT_PATH, "%s/%s", folder, name);

    if (n < 0 || n >= (int)LIMIT_PATH) {
        buf_printf(why, "the path of the key folder is too long");
        return ERR_TOO_LARGE;
    }
    return ERR_OK;
}

static void
hint(const char *folder, errcode_t rc, buf_t *why)
{
    char path[LIMIT_PATH];
    buf_t none = {0};

    if (rc != ERR_NOT_FOUND) {
        return;
    }
    if (join(folder, "issued", path, &none) == ERR_OK &&
        access(path, F_OK) == 0) {
        buf_printf(why, "; give one of the folders in %s", path);
    } else {
        buf_printf(why,
            "; a key folder is made by: logtally keys new DIR NAME, in "
            "DIR/issued/NAME");
    }
    buf_fini(&none);
}

errcode_t
credentials_load(const char *folder, credentials_t *out, buf_t *why)
{
    return credentials_unseal(folder, NULL, out, why);
}

errcode_t
credentials_unseal(const char *folder, const passphrase_source_t *source,
    credentials_t *out, buf_t *why)
{
    char path[LIMIT_PATH];

    memset(out, 0, sizeof *out);
    errcode_t rc = join(folder, "self_secret", path, why);
    if (rc == ERR_OK) {
        rc = keyfile_unseal_secret(path, source, &out->self, why);
    }
    if (rc == ERR_OK) {
        rc = join(folder, "coordinator", path, why);
    }
    if (rc == ERR_OK) {
        rc = keyfile_load_public(path, &out->coordinator, why);
    }
    if (rc == ERR_OK) {
        rc = pins_load(folder, &out->pins, why);
    }
    if (rc != ERR_OK) {
        hint(folder, rc, why);
        credentials_fini(out);
        return rc;
    }
    out->coordinator.roles = ROLE_COORDINATOR;
    return ERR_OK;
}

static errcode_t
add_pin(const char *folder, const char *name, pins_t *out, buf_t *why)
{
    char path[LIMIT_PATH];
    identity_t who;
    errcode_t rc = join(folder, name, path, why);

    if (rc == ERR_OK) {
        rc = keyfile_load_public(path, &who, why);
    }
    if (rc == ERR_OK &&
        (out->n == 0 || memcmp(out->keys[0], who.key, KEY_LEN) != 0)) {
        memcpy(out->keys[out->n++], who.key, KEY_LEN);
    }
    return rc;
}

static bool
has_next(const char *folder)
{
    char path[LIMIT_PATH];
    struct stat st;
    buf_t ignored = {0};
    bool has = join(folder, "coordinator_next", path, &ignored) == ERR_OK &&
               lstat(path, &st) == 0 && st.st_size >= KEYFILE_LEAST;

    buf_fini(&ignored);
    return has;
}

errcode_t
pins_load(const char *folder, pins_t *out, buf_t *why)
{
    *out = (pins_t){0};
    errcode_t rc = add_pin(folder, "coordinator", out, why);

    if (rc == ERR_OK && has_next(folder)) {
        rc = add_pin(folder, "coordinator_next", out, why);
    }
    return rc;
}

bool
pins_equal(const pins_t *a, const pins_t *b)
{
    return a->n == b->n && memcmp(a->keys, b->keys, a->n * KEY_LEN) == 0;
}

void
credentials_fini(credentials_t *self)
{
    keypair_fini(&self->self);
    memset(&self->coordinator, 0, sizeof self->coordinator);
}

void
key_fingerprint(const uint8_t key[KEY_LEN], char out[20])
{
    uint8_t hash[crypto_generichash_BYTES];

    crypto_generichash(hash, sizeof hash, key, KEY_LEN, NULL, 0);
    snprintf(out, 20, "%02x%02x-%02x%02x-%02x%02x-%02x%02x", hash[0], hash[1],
        hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
}

// Consonants are worth four bits, vowels two, the highest first.
void
key_words(const uint8_t key[KEY_LEN], char out[KEY_WORDS])
{
    static const char consonants[] = "bdfghjklmnprstvz";
    static const char vowels[] = "aiou";
    uint8_t hash[crypto_generichash_BYTES];
    char *p = out;

    crypto_generichash(hash, sizeof hash, key, KEY_LEN, NULL, 0);
    for (size_t i = 0; i < 4; i++) {
        unsigned n = hash[2 * i] * 256u + hash[2 * i + 1];
        *p++ = consonants[n >> 12];
        *p++ = vowels[n >> 10 & 3];
        *p++ = consonants[n >> 6 & 15];
        *p++ = vowels[n >> 4 & 3];
        *p++ = consonants[n & 15];
        *p++ = i < 3 ? '-' : '\0';
    }
}
