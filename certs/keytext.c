// SPDX-License-Identifier: Apache-2.0
#include "certs/keytext.h"

#include "certs/expiry.h"
#include "certs/z85.h"
#include "common/base/zpl.h"

#include <sodium.h>
#include <string.h>

#define KDF_NAME "argon2id13"

typedef struct parser {
    zpl_t zpl;
    span_t section;
    keytext_t *out;
    bool has_public;
    bool has_role;
    bool has_host;
    unsigned sealed; // items of the lock that were there, as bits
    buf_t *why;
} parser_t;

static bool
is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool
key_name_is_valid(span_t name)
{
    if (name.len == 0 || name.len > KEY_NAME_MAX || name.p[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!is_plain(name.p[i])) {
            return false;
        }
    }
    return true;
}

bool
host_pattern_is_valid(span_t pattern)
{
    if (pattern.len == 0 || pattern.len >= LIMIT_NAME) {
        return false;
    }
    for (size_t i = 0; i < pattern.len; i++) {
        uint8_t c = pattern.p[i];
        if (!is_plain(c) && (c == '\0' || strchr("*?[]!:", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static errcode_t
fault(parser_t *self, const char *what)
{
    buf_printf(self->why, "line %u: %s", self->zpl.line, what);
    return ERR_MALFORMED;
}

// Words are parted by blanks or commas; false at the end.
static bool
next_word(span_t *rest, span_t *word)
{
    size_t i = 0;

    while (i < rest->len && strchr(" \t,", rest->p[i]) != NULL &&
           rest->p[i] != '\0') {
        i++;
    }
    size_t begin = i;
    while (i < rest->len &&
           (rest->p[i] == '\0' || strchr(" \t,", rest->p[i]) == NULL)) {
        i++;
    }
    *word = (span_t){rest->p + begin, i - begin};
    *rest = (span_t){rest->p + i, rest->len - i};
    return word->len > 0;
}

static errcode_t
take_roles(parser_t *self, span_t value)
{
    static const unsigned roles[] = {ROLE_WORKER, ROLE_CLIENT, ROLE_ADMIN};
    span_t word;

    if (self->has_role) {
        return fault(self, "role is given twice");
    }
    self->has_role = true;
    while (next_word(&value, &word)) {
        unsigned found = 0;
        for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
            found |= span_is(word, role_name(roles[i])) ? roles[i] : 0;
        }
        if (found == 0) {
            return fault(self, "role must be worker, client or admin");
        }
        self->out->identity.roles |= found;
    }
    return ERR_OK;
}

static errcode_t
take_hosts(parser_t *self, span_t value)
{
    identity_t *identity = &self->out->identity;
    span_t word;

    if (self->has_host) {
        return fault(self, "host is given twice");
    }
    self->has_host = true;
    while (next_word(&value, &word)) {
        if (!host_pattern_is_valid(word)) {
            return fault(self, "host is no host name or pattern");
        }
        if (identity->n_hosts == LIMIT_HOSTS) {
            return fault(self, "too many host patterns");
        }
        memcpy(identity->hosts[identity->n_hosts++], word.p, word.len);
    }
    return ERR_OK;
}

// A key whose end cannot be read must not live for ever.
static errcode_t
take_expires(parser_t *self, span_t value)
{
    if (self->out->identity.expires != 0) {
        return fault(self, "expires is given twice");
    }
    return expiry_parse(value, &self->out->identity.expires) == ERR_OK
               ? ERR_OK
               : fault(self, "expires must be like 2027-01-31 or "
                             "2027-01-31T18:00:00Z");
}

static errcode_t
take_metadata(parser_t *self)
{
    span_t value = self->zpl.value;
    identity_t *identity = &self->out->identity;

    if (span_is(self->zpl.name, "role")) {
        return take_roles(self, value);
    }
    if (span_is(self->zpl.name, "host")) {
        return take_hosts(self, value);
    }
    if (span_is(self->zpl.name, "expires")) {
        return take_expires(self, value);
    }
    // Certificates made by other tools have a person's name here.
    if (span_is(self->zpl.name, "name") && key_name_is_valid(value)) {
        memset(identity->name, 0, sizeof identity->name);
        memcpy(identity->name, value.p, value.len);
    }
    return ERR_OK;
}

static errcode_t
take_curve(parser_t *self)
{
    bool public = span_is(self->zpl.name, "public-key");
    bool secret = span_is(self->zpl.name, "secret-key");
    bool *has = public ? &self->has_public : &self->out->has_secret;
    uint8_t *key = public ? self->out->identity.key : self->out->secret;

    if (!public && !secret) {
        return ERR_OK;
    }
    if (*has) {
        return fault(self, "a key is given twice");
    }
    *has = true;
    return z85_decode_key(self->zpl.value, key) == ERR_OK
               ? ERR_OK
               : fault(self, "a key must be 40 characters of Z85");
}

// A number as it is printed: no sign, no zero in front.
static bool
take_number(span_t text, uint64_t *out)
{
    *out = 0;
    if (text.len == 0 || text.len > 18 || text.p[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        *out = *out * 10 + (text.p[i] - '0');
    }
    return true;
}

static const char *const sealed_items[] = {
    "kdf", "ops", "memory", "salt", "nonce", "box"};
#define N_SEALED   (sizeof sealed_items / sizeof *sealed_items)
#define ALL_SEALED ((1u << N_SEALED) - 1)

static bool
take_sealed_value(keylock_t *lock, size_t item, span_t value)
{
    switch (item) {
    case 0:
        return span_is(value, KDF_NAME);
    case 1:
        return take_number(value, &lock->cost.ops);
    case 2:
        return take_number(value, &lock->cost.memory);
    case 3:
        return z85_decode(value, lock->salt, KEYLOCK_SALT) == ERR_OK;
    case 4:
        return z85_decode(value, lock->nonce, KEYLOCK_NONCE) == ERR_OK;
    default:
        return z85_decode(value, lock->box, KEYLOCK_BOX) == ERR_OK;
    }
}

// Nothing is skipped here: what a later version adds may change the meaning.
static errcode_t
take_sealed(parser_t *self)
{
    size_t item = 0;

    while (item < N_SEALED && !span_is(self->zpl.name, sealed_items[item])) {
        item++;
    }
    if (item == N_SEALED) {
        return fault(self, "this version does not know that about a sealed "
                           "key");
    }
    if ((self->sealed & 1u << item) != 0) {
        return fault(self, "that is given twice");
    }
    self->sealed |= 1u << item;
    return take_sealed_value(&self->out->lock, item, self->zpl.value)
               ? ERR_OK
               : fault(self, "cannot be read, so the key cannot be unsealed");
}

static errcode_t
check_sealed(parser_t *self)
{
    if (self->sealed == 0) {
        return ERR_OK;
    }
    if (self->sealed != ALL_SEALED) {
        return fault(self, "the sealed key is not complete");
    }
    if (self->out->has_secret) {
        return fault(self, "a secret key is there beside the sealed one");
    }
    if (!keylock_cost_is_valid(&self->out->lock.cost)) {
        buf_printf(self->why,
            "its passphrase costs more than %u passes over %llu MiB, or "
            "nothing; make a new key",
            LIMIT_KDF_OPS, (unsigned long long)(LIMIT_KDF_MEMORY >> 20));
        return ERR_TOO_LARGE;
    }
    self->out->is_sealed = true;
    return ERR_OK;
}

static errcode_t
take_item(parser_t *self)
{
    const zpl_t *item = &self->zpl;

    if (item->depth == 0) {
        self->section = item->value.p == NULL ? item->name : (span_t){0};
        return ERR_OK;
    }
    if (item->depth != 1 || item->value.p == NULL) {
        return ERR_OK;
    }
    if (span_is(self->section, "metadata")) {
        return take_metadata(self);
    }
    if (span_is(self->section, "sealed")) {
        return take_sealed(self);
    }
    return span_is(self->section, "curve") ? take_curve(self) : ERR_OK;
}

errcode_t
keytext_parse(span_t text, keytext_t *out, buf_t *why)
{
    parser_t self = {.out = out, .why = why};
    errcode_t rc;

    memset(out, 0, sizeof *out);
    zpl_init(&self.zpl, text);
    while ((rc = zpl_next(&self.zpl)) == ERR_OK) {
        if ((rc = take_item(&self)) != ERR_OK) {
            return rc;
        }
    }
    if (rc != ERR_NOT_FOUND) {
        return fault(&self, "not in the form of a key file");
    }
    return self.has_public ? check_sealed(&self)
                           : fault(&self, "there is no public-key");
}

static void
print_words(buf_t *out, const identity_t *identity)
{
    static const unsigned roles[] = {ROLE_WORKER, ROLE_CLIENT, ROLE_ADMIN};
    const char *gap = "";

    if (identity->roles != 0) {
        buf_put_str(out, "    role = \"");
        for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
            if ((identity->roles & roles[i]) != 0) {
                buf_printf(out, "%s%s", gap, role_name(roles[i]));
                gap = " ";
            }
        }
        buf_put_str(out, "\"\n");
    }
    if (identity->n_hosts > 0) {
        buf_put_str(out, "    host = \"");
        for (size_t i = 0; i < identity->n_hosts; i++) {
            buf_printf(out, "%s%s", i > 0 ? " " : "", identity->hosts[i]);
        }
        buf_put_str(out, "\"\n");
    }
    if (identity->expires != 0) {
        char text[EXPIRY_TEXT];
        expiry_print(identity->expires, text);
        buf_printf(out, "    expires = \"%s\"\n", text);
    }
}

static void
print_head(buf_t *out, const identity_t *identity, bool secret)
{
    char text[KEY_TEXT_LEN + 1];

    buf_printf(out,
        "#   ZeroMQ CURVE %s, in the format of czmq's zcert\n"
        "#   %s\n\n",
        secret ? "**Secret** Certificate" : "Public Certificate",
        secret ? "DO NOT PROVIDE THIS FILE TO OTHERS"
               : "Made by logtally keys");
    buf_printf(out, "metadata\n    name = \"%s\"\n", identity->name);
    print_words(out, identity);
    z85_encode_key(identity->key, text);
    buf_printf(out, "curve\n    public-key = \"%s\"\n", text);
}

// The secret must not stay behind in blocks that a growing buffer gave back.
void
keytext_print(buf_t *out, const identity_t *identity, const uint8_t *secret)
{
    char text[KEY_TEXT_LEN + 1];

    (void)buf_reserve(out, KEYTEXT_ROOM);
    print_head(out, identity, secret != NULL);
    if (secret != NULL) {
        z85_encode_key(secret, text);
        buf_put_str(out, "    secret-key = \"");
        buf_put_str(out, text);
        buf_put_str(out, "\"\n");
        sodium_memzero(text, sizeof text);
    }
}

static void
print_bytes(buf_t *out, const char *name, const uint8_t *p, size_t len)
{
    char text[KEYLOCK_BOX / 4 * 5 + 1];

    z85_encode(p, len, text);
    buf_printf(out, "    %s = \"%s\"\n", name, text);
}

void
keytext_print_sealed(
    buf_t *out, const identity_t *identity, const keylock_t *lock)
{
    print_head(out, identity, true);
    buf_printf(out,
        "sealed\n    kdf = \"" KDF_NAME "\"\n    ops = \"%llu\"\n"
        "    memory = \"%llu\"\n",
        (unsigned long long)lock->cost.ops,
        (unsigned long long)lock->cost.memory);
    print_bytes(out, "salt", lock->salt, sizeof lock->salt);
    print_bytes(out, "nonce", lock->nonce, sizeof lock->nonce);
    print_bytes(out, "box", lock->box, sizeof lock->box);
}
