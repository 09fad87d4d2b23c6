// SPDX-License-Identifier: Apache-2.0
// keymaker: makes the files of a key folder (layout in keyfile.h) and takes
// keys out of use. A file is written under another name, synced and renamed,
// so a reader never sees half of one; a lock on the folder keeps two makers
// apart. A secret goes from sodium_malloc memory to a file of mode 600 and
// nowhere else.
//
// *why gets one sentence on error: what is wrong and what to do.
// ERR_CONFIG: name, role or hosts are not possible.
#ifndef LOGTALLY_CERTS_KEYMAKER_IO_H
#define LOGTALLY_CERTS_KEYMAKER_IO_H

#include "certs/keylock.h"

#define KEYMAKER_ADMIN "admin"

// Makes DIR (or takes an empty one) with the coordinator's key and an admin's,
// whose public halves are filled in. ERR_DENIED when it has a coordinator key.
MUST_CHECK errcode_t keymaker_init(
    const char *dir, identity_t *coordinator, identity_t *admin, buf_t *why);

// Name, roles and hosts of *who are given, its key is made: issued/NAME first,
// allowed/NAME last. ERR_DENIED when the name is or was in use.
MUST_CHECK errcode_t keymaker_new(const char *dir, identity_t *who, buf_t *why);
// The same under a passphrase, for those who are not daemons.
MUST_CHECK errcode_t keymaker_new_sealed(
    const char *dir, identity_t *who, const keyseal_t *seal, buf_t *why);

// Moves allowed/NAME to revoked/NAME, whatever is in it; issued/NAME stays.
MUST_CHECK errcode_t keymaker_revoke(
    const char *dir, const char *name, buf_t *why);

#endif
