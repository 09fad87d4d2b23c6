// SPDX-License-Identifier: Apache-2.0
// expiry: the last moment of a key, as a key file writes it: "2027-01-31"
// (to the end of that day) or "2027-01-31T18:00:00Z", always UTC.
#ifndef LOGTALLY_CERTS_EXPIRY_H
#define LOGTALLY_CERTS_EXPIRY_H

#include "common/base/bytes.h"

#define EXPIRY_TEXT 21 // with the NUL

// *out gets the first second (of 1970) at which the key is no longer good.
// ERR_MALFORMED for anything but the two forms, or no date of the calendar.
MUST_CHECK errcode_t expiry_parse(span_t text, int64_t *out);
// The form with a time; parses back to the same value.
void expiry_print(int64_t value, char out[EXPIRY_TEXT]);

#endif
