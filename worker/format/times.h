// SPDX-License-Identifier: Apache-2.0
// times: when a line says it was written, and how long a request took.
#ifndef LOGTALLY_WORKER_FORMAT_TIMES_H
#define LOGTALLY_WORKER_FORMAT_TIMES_H

#include "common/base/bytes.h"
#include "common/base/dec.h"

// Ways to write a time, one bit each. A fraction of a second has up to nine
// digits; more are cut off.
enum {
    TIME_CLF = 1,       // 10/Oct/2023:13:55:36 -0700
    TIME_CLF_LOCAL = 2, // 10/Oct/2023:13:55:36.123, without an offset; UTC
    TIME_ISO = 4,       // 2023-10-10T13:55:36.123+02:00, " " or "T"; UTC
    TIME_EPOCH = 8,     // 1696946136.123
    TIME_EPOCH_MS = 16, // 1696946136123
    TIME_EPOCH_US = 32, // 1696946136123456
    TIME_SLASHED = 64,  // 2023/10/10 13:55:36, UTC
    TIME_NAMED = 128,   // Tue Oct 10 13:55:36.123 2023, UTC, and without both
                        // a weekday and a year: Oct 10 13:55:36
    TIME_ANY = 1 | 2 | 4 | 8 | 64 | 128 // what can be told apart
};

// `written`: when the file was, in seconds; a time without a year is the last
// one such that is no more than a day later. 0: unknown, such a time is none.
bool time_read(span_t s, unsigned ways, int64_t written, dec_t *out);
// Of one that was read: whether `written` gave it its year.
bool time_lacks_year(span_t s);

typedef enum { DUR_NONE, DUR_S, DUR_MS, DUR_US, DUR_NS } dur_unit_t;

// A number of units; "12ms" where the unit is that.
bool dur_read(span_t s, dur_unit_t unit, dec_t *out);

#endif
