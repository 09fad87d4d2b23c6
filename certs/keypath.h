// SPDX-License-Identifier: Apache-2.0
// keypath: are the folders above a key such that nobody else can put another
// key in its place?
#ifndef LOGTALLY_CERTS_KEYPATH_H
#define LOGTALLY_CERTS_KEYPATH_H

#include "common/base/bytes.h"

// Looks at `folder`, links resolved, and all folders above it: each belongs
// to root or to the user who runs this, and others may write there only
// where the sticky bit guards what is not theirs (/tmp). ERR_DENIED with a
// sentence in *why; ERR_IO.
MUST_CHECK errcode_t keypath_check(const char *folder, buf_t *why);

// Is that file a credential that systemd gave this service? It belongs to
// root there, and an access list may let its user read it.
bool keypath_is_credential(const char *path);
// The folder of them, or NULL.
const char *keypath_credentials(void);

#endif
