// SPDX-License-Identifier: Apache-2.0
// zone: the time zone that a person asked for with --tz, from the tz database
// of this machine. It is the process's own (TZ), set once before anything is
// printed; workers and coordinator know UTC only.
#ifndef LOGTALLY_COORDINATOR_CLI_ZONE_H
#define LOGTALLY_COORDINATOR_CLI_ZONE_H

#include "common/base/dec.h"

// An IANA name such as Europe/Berlin, or `local` for that of this machine;
// false when there is none of this name.
bool zone_set(const char *name);
bool zone_is_set(void);
// Seconds that the zone is ahead of UTC then; 0 while none is set.
int64_t zone_offset(int64_t utc);
// What a clock of the zone shows, as an instant. In the hour that a change of
// clocks leaves out or repeats it is one of the two readings.
dec_t zone_to_utc(dec_t clock);

#endif
