// SPDX-License-Identifier: Apache-2.0
// What the files of entries share: the version, texts.
#ifndef LOGTALLY_COORDINATOR_ENTRIES_INSIDE_H
#define LOGTALLY_COORDINATOR_ENTRIES_INSIDE_H

#include "coordinator/entries.h"

#define ENTRY_VERSION 1u

// Reads the version; ERR_VERSION for one of a later release.
MUST_CHECK errcode_t entry_open(span_t bytes, rd_t *r);
void entry_put_text(buf_t *out, const char *text);
// Of less than `size` bytes, without a NUL among them, into `out`.
MUST_CHECK errcode_t entry_get_text(rd_t *r, char *out, size_t size);
// Of at most `max` bytes; the caller frees *out.
MUST_CHECK errcode_t entry_get_string(rd_t *r, size_t max, char **out);
MUST_CHECK errcode_t entry_get_u32(rd_t *r, uint32_t *out);
MUST_CHECK errcode_t entry_get_flag(rd_t *r, bool *out);

#endif
