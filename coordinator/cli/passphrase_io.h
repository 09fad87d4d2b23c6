// SPDX-License-Identifier: Apache-2.0
// passphrase: from the terminal, without echo, or from a file or descriptor
// that a script names. Never from the command line or the environment, which
// others can read. It is the first line, without its end.
#ifndef LOGTALLY_COORDINATOR_CLI_PASSPHRASE_IO_H
#define LOGTALLY_COORDINATOR_CLI_PASSPHRASE_IO_H

#include "certs/keyunseal.h"

#define PASSPHRASE_MIN   8 // bytes, of a new one
#define PASSPHRASE_TRIES 3 // on a terminal

// That of a key that is there. file NULL: the terminal is asked.
passphrase_source_t passphrase_source(const char *file);

// A new one, into LIMIT_PASSPHRASE bytes of guarded memory; the terminal is
// asked twice.
MUST_CHECK errcode_t passphrase_new(
    const char *file, const char *path, uint8_t *out, size_t *len, buf_t *why);

#endif
