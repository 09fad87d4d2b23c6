// SPDX-License-Identifier: Apache-2.0
// doctor_io: gathers what the checks want to know, and has them look at it.
// One thread; sockets are opened and closed within a call.
#ifndef LOGTALLY_COORDINATOR_CLI_DOCTOR_IO_H
#define LOGTALLY_COORDINATOR_CLI_DOCTOR_IO_H

#include "certs/keyfile.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/doctor_checks.h"

typedef struct doctor_options {
    common_options_t common;
    char *config; // of the daemon of that place; NULL: where it is installed
    char *output;
    bool json;
} doctor_options_t;

// The places. Each looks at everything that it can, whatever else is wrong.
void doctor_coordinator(doctor_t *self, const doctor_options_t *options);
void doctor_worker(doctor_t *self, const doctor_options_t *options);
void doctor_client(doctor_t *self, const doctor_options_t *options);
// Is this machine one, as far as its files tell?
bool doctor_has_coordinator(void);
bool doctor_has_worker(void);
bool doctor_has_client(const doctor_options_t *options);

// ---- what they share

// Secret or public half; says what is wrong with it. True when it is good.
// source: of the passphrase that it may be under; NULL for a daemon's.
bool doctor_load_secret(doctor_t *self, const char *path,
    const passphrase_source_t *source, keypair_t *out);
bool doctor_load_public(doctor_t *self, const char *path, identity_t *out);
// All of a folder keys/issued/NAME, with the last day of the key.
bool doctor_load_keys(doctor_t *self, const char *folder,
    const passphrase_source_t *source, credentials_t *out, identity_t *own);

// Dials with `keys`, asks for the workers, hangs up. True: *view is filled
// (view_fini in any case), and the connection to the coordinator was as it
// should be.
typedef struct doctor_peer {
    char *address; // as written in a configuration
    char *folder;  // of the keys
    const credentials_t *keys;
} doctor_peer_t;
bool doctor_ask(doctor_t *self, const doctor_peer_t *peer, view_t *view);
void doctor_dial_sink(doctor_t *self, const doctor_peer_t *peer, uint16_t port);
void view_fini(view_t *view);

// errno of binding that port, or 0.
int doctor_try_port(const char *address, uint16_t port);

// Where root looks at what another user's daemon owns, it looks with that
// user's rights: as the owner of `path`, until doctor_be_myself.
void doctor_be_owner(const char *path);
void doctor_be_myself(void);

#endif
