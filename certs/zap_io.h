// SPDX-License-Identifier: Apache-2.0
// zap: our own ZAP handler, a thread on inproc://zeromq.zap.01. Bound before
// any server socket, closed after all of them. Role check per domain:
// "control" worker, client or admin; "sink" and "lane" worker; "intake"
// coordinator.
// User-Id of an accepted peer is its id (identity_id).
#ifndef LOGTALLY_CERTS_ZAP_IO_H
#define LOGTALLY_CERTS_ZAP_IO_H

#include "certs/allowlist.h"

typedef struct zap zap_t;

// Returns once the handler is bound. Takes the list. keys_dir: reread when an
// unknown key knocks (at most five times a second; more strangers than that
// are told to come again, which libzmq does by itself) and by zap_refresh;
// NULL for a fixed list. A list that cannot be read keeps the old one and is
// logged; a folder that is empty or gone allows nobody.
MUST_CHECK errcode_t zap_start(
    void *zmq_ctx, allowlist_t **list_p, const char *keys_dir, zap_t **out);
void zap_stop(zap_t **self_p); // joins the thread

// Rereads keys_dir when it changed; true when the list is another one.
bool zap_refresh(zap_t *self);
// The same, and tells what came of it: how many keys are in the list now, and
// in *why the fault for which the old list was kept.
typedef struct zap_reload {
    bool changed;
    size_t allowed;
} zap_reload_t;
zap_reload_t zap_reload(zap_t *self, buf_t *why);
// Another fixed list, of a handler without keys_dir. Takes it.
void zap_replace(zap_t *self, allowlist_t **list_p);
// Copies the identity of that id from the current list; ERR_NOT_FOUND when
// it is no longer allowed or has expired. Checked for every message.
MUST_CHECK errcode_t zap_identity(zap_t *self, const char *id, identity_t *out);

// Every identity of the list in force, under its lock: `each` is quick.
void zap_each(
    zap_t *self, void (*each)(void *ctx, const identity_t *), void *ctx);

typedef struct zap_stats {
    uint64_t accepted;
    uint64_t refused_unknown;
    uint64_t refused_role;
    uint64_t refused_expired;
    uint64_t deferred; // strangers told to come again
} zap_stats_t;
zap_stats_t zap_stats(zap_t *self);

#endif
