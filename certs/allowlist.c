// SPDX-License-Identifier: Apache-2.0
// allowlist: identities sorted by name, and an index of them sorted by key.
#include "certs/allowlist.h"

#include "certs/keyfile.h"
#include "certs/keypath.h"
#include "common/base/xalloc.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALLOWED_MAX 65536u

struct allowlist {
    identity_t *items;
    size_t n;
    size_t cap;
    const identity_t **by_key;
};

static const struct {
    unsigned role;
    const char *name;
} roles[] = {
    {ROLE_WORKER, "worker"},
    {ROLE_CLIENT, "client"},
    {ROLE_ADMIN, "admin"},
};

unsigned
role_parse(const char *name)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (strcmp(roles[i].name, name) == 0) {
            return roles[i].role;
        }
    }
    return 0;
}

const char *
role_name(unsigned role)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (roles[i].role == role) {
            return roles[i].name;
        }
    }
    return role == ROLE_COORDINATOR ? "coordinator" : "?";
}

bool
identity_speaks_for(const identity_t *self, const char *host)
{
    if ((self->roles & ROLE_WORKER) == 0) {
        return false;
    }
    for (size_t i = 0; i < self->n_hosts; i++) {
        if (fnmatch(self->hosts[i], host, 0) == 0) {
            return true;
        }
    }
    return self->n_hosts == 0 && strcmp(self->name, host) == 0;
}

bool
identity_is_current(const identity_t *self, int64_t wall_s)
{
    return self->expires == 0 || wall_s < self->expires;
}

static int
cmp_name(const void *a, const void *b)
{
    const identity_t *x = a;
    const identity_t *y = b;
    int c = strcmp(x->name, y->name);

    return c != 0 ? c : (int)x->next - (int)y->next;
}

static int
cmp_key(const void *a, const void *b)
{
    const identity_t *const *x = a;
    const identity_t *const *y = b;

    return memcmp((*x)->key, (*y)->key, KEY_LEN);
}

static void
make_index(allowlist_t *self)
{
    if (self->n == 0) {
        return;
    }
    qsort(self->items, self->n, sizeof *self->items, cmp_name);
    self->by_key = xcalloc(self->n, sizeof *self->by_key);
    for (size_t i = 0; i < self->n; i++) {
        self->by_key[i] = &self->items[i];
    }
    qsort(self->by_key, self->n, sizeof *self->by_key, cmp_key);
}

static errcode_t
check_unique(const allowlist_t *self, const char *folder, buf_t *why)
{
    for (size_t i = 1; i < self->n; i++) {
        const identity_t *a = self->by_key[i - 1];
        const identity_t *b = self->by_key[i];
        if (memcmp(a->key, b->key, KEY_LEN) == 0) {
            buf_printf(why,
                "%s: %s and %s are the same key; remove one of them", folder,
                a->name, b->name);
            return ERR_MALFORMED;
        }
    }
    return ERR_OK;
}

static errcode_t
add_file(allowlist_t *self, const char *folder, const char *name, bool next,
    buf_t *why)
{
    char path[LIMIT_PATH];

    if (self->n == ALLOWED_MAX) {
        buf_printf(why, "%s holds too many keys", folder);
        return ERR_TOO_LARGE;
    }
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        buf_printf(why, "a path in %s is too long", folder);
        return ERR_TOO_LARGE;
    }
    self->items =
        xgrow(self->items, &self->cap, self->n + 1, sizeof *self->items);
    errcode_t rc = keyfile_load_public(path, &self->items[self->n], why);
    if (rc == ERR_OK && self->items[self->n].roles == 0) {
        buf_printf(why,
            "%s gives no role; write role = \"worker\", \"client\" or "
            "\"admin\" under metadata",
            path);
        rc = ERR_MALFORMED;
    }
    self->items[self->n].next = next;
    self->n += rc == ERR_OK ? 1 : 0;
    // Revoked between readdir and open: it is no longer in the folder.
    if (rc == ERR_NOT_FOUND) {
        buf_clear(why);
        return ERR_OK;
    }
    return rc;
}

// Names with a dot in front are files being written, or an editor's.
static errcode_t
read_folder(
    allowlist_t *self, const char *folder, DIR *dir, bool next, buf_t *why)
{
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0) {
            buf_printf(why, "cannot read %s: %s", folder, strerror(errno));
            return ERR_IO;
        }
        if (entry == NULL) {
            break;
        }
        if (entry->d_name[0] != '.') {
            rc = add_file(self, folder, entry->d_name, next, why);
        }
    }
    return rc;
}

// Who may put a file there lets himself in.
static errcode_t
check_folder(const char *folder, DIR *dir, buf_t *why)
{
    struct stat st;

    if (fstat(dirfd(dir), &st) != 0) {
        buf_printf(why, "cannot look at %s: %s", folder, strerror(errno));
        return ERR_IO;
    }
    if (st.st_uid != geteuid() && st.st_uid != 0) {
        buf_printf(why,
            "%s belongs to user %u, not to the user who runs this (%u)", folder,
            (unsigned)st.st_uid, (unsigned)geteuid());
        return ERR_DENIED;
    }
    if ((st.st_mode & 022) != 0) {
        buf_printf(why, "others may write in %s; mend with: chmod go-w %s",
            folder, folder);
        return ERR_DENIED;
    }
    return keypath_check(folder, why);
}

static errcode_t
load_folder(allowlist_t *self, const char *keys_dir, bool next, buf_t *why)
{
    char folder[LIMIT_PATH];
    int n = snprintf(
        folder, sizeof folder, "%s/%s", keys_dir, next ? "next" : "allowed");

    if (n < 0 || (size_t)n >= sizeof folder) {
        buf_printf(why, "the path of the key folder is too long");
        return ERR_TOO_LARGE;
    }
    DIR *dir = opendir(folder);
    if (dir == NULL && errno == ENOENT && next) {
        return ERR_OK;
    }
    if (dir == NULL) {
        buf_printf(why, "cannot open %s: %s%s", folder, strerror(errno),
            errno == ENOENT ? "; make it with: logtally keys init" : "");
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    size_t before = self->n;
    errcode_t rc = check_folder(folder, dir, why);
    if (rc == ERR_OK) {
        rc = read_folder(self, folder, dir, next, why);
    }
    closedir(dir);
    if (rc == ERR_OK && self->n == before && !next) {
        buf_printf(why, "%s is empty: nobody may speak", folder);
        rc = ERR_NOT_FOUND;
    }
    return rc;
}

// The first one of that name among those sorted; one with `next` comes last.
static const identity_t *
find_name(const allowlist_t *self, span_t name)
{
    size_t lo = 0;
    size_t hi = self->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (span_cmp(name, span_str(self->items[mid].name)) > 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < self->n && span_is(name, self->items[lo].name)
               ? &self->items[lo]
               : NULL;
}

// A key that is to take over counts only beside the one that it follows, and
// no longer once it has taken over. Both leave their order alone.
static void
drop_idle_next(allowlist_t *self)
{
    size_t kept = 0;

    qsort(self->items, self->n, sizeof *self->items, cmp_name);
    for (size_t i = 0; i < self->n; i++) {
        const identity_t *item = &self->items[i];
        const identity_t *before = kept > 0 ? &self->items[kept - 1] : NULL;
        if (item->next &&
            (before == NULL || strcmp(before->name, item->name) != 0 ||
                memcmp(before->key, item->key, KEY_LEN) == 0)) {
            continue;
        }
        self->items[kept++] = *item;
    }
    self->n = kept;
}

// DIR/next first: a key that takes over meanwhile is in DIR/allowed before
// it leaves there, so it is never seen in neither.
errcode_t
allowlist_load(const char *keys_dir, allowlist_t **out, buf_t *why)
{
    allowlist_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    errcode_t rc = load_folder(self, keys_dir, true, why);
    if (rc == ERR_OK) {
        rc = load_folder(self, keys_dir, false, why);
    }
    if (rc == ERR_OK) {
        drop_idle_next(self);
        make_index(self);
        rc = check_unique(self, keys_dir, why);
    }
    if (rc == ERR_OK) {
        *out = self;
        self = NULL;
    }
    allowlist_destroy(&self);
    return rc;
}

allowlist_t *
allowlist_of(const identity_t *only)
{
    return allowlist_of_all(only, only != NULL ? 1 : 0);
}

allowlist_t *
allowlist_of_all(const identity_t *items, size_t n)
{
    allowlist_t *self = xcalloc(1, sizeof *self);

    if (n > 0) {
        self->items = xmemdup(items, n * sizeof *items);
        self->n = n;
    }
    make_index(self);
    return self;
}

void
allowlist_destroy(allowlist_t **self_p)
{
    assert(self_p != NULL);
    if (*self_p != NULL) {
        free((*self_p)->items);
        free((*self_p)->by_key);
        free(*self_p);
        *self_p = NULL;
    }
}

size_t
allowlist_count(const allowlist_t *self)
{
    return self->n;
}

const identity_t *
allowlist_at(const allowlist_t *self, size_t i)
{
    assert(i < self->n);
    return &self->items[i];
}

const identity_t *
allowlist_by_key(const allowlist_t *self, const uint8_t key[KEY_LEN])
{
    size_t lo = 0;
    size_t hi = self->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = memcmp(key, self->by_key[mid]->key, KEY_LEN);
        if (c == 0) {
            return self->by_key[mid];
        }
        lo = c > 0 ? mid + 1 : lo;
        hi = c > 0 ? hi : mid;
    }
    return NULL;
}

const identity_t *
allowlist_by_name(const allowlist_t *self, const char *id)
{
    const char *hash = strchr(id, '#');
    char fingerprint[20];

    if (hash == NULL) {
        return find_name(self, span_str(id));
    }
    const span_t name = {(const uint8_t *)id, (size_t)(hash - id)};
    const identity_t *item = find_name(self, name);
    const identity_t *end = self->items + self->n;
    while (item != NULL && item < end && span_is(name, item->name)) {
        key_fingerprint(item->key, fingerprint);
        if (strcmp(fingerprint, hash + 1) == 0) {
            return item;
        }
        item++;
    }
    return NULL;
}

void
identity_id(const identity_t *self, char out[LIMIT_NAME])
{
    char fingerprint[20];

    if (!self->next) {
        snprintf(out, LIMIT_NAME, "%s", self->name);
        return;
    }
    key_fingerprint(self->key, fingerprint);
    snprintf(out, LIMIT_NAME, "%.*s#%s",
        (int)(LIMIT_NAME - sizeof fingerprint - 1), self->name, fingerprint);
}

void
allowlist_digest(const allowlist_t *self, uint8_t out[32])
{
    crypto_generichash_state state;
    buf_t buf = {0};

    crypto_generichash_init(&state, NULL, 0, 32);
    for (size_t i = 0; i < self->n; i++) {
        const identity_t *item = &self->items[i];
        buf_clear(&buf);
        buf_put_block(&buf, span_str(item->name));
        buf_put(&buf, item->key, KEY_LEN);
        buf_put_u32(&buf, item->roles);
        buf_put_u8(&buf, item->next);
        buf_put_u64(&buf, (uint64_t)item->expires);
        buf_put_u32(&buf, (uint32_t)item->n_hosts);
        for (size_t k = 0; k < item->n_hosts; k++) {
            buf_put_block(&buf, span_str(item->hosts[k]));
        }
        crypto_generichash_update(&state, buf.p, buf.len);
    }
    crypto_generichash_final(&state, out, 32);
    buf_fini(&buf);
}
