// SPDX-License-Identifier: Apache-2.0
// A text is a time between the years 1 and 9999, give or take an offset, or
// none, whichever way it may be written; a CLF time has one reading.
#include "worker/format/times.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    int64_t written;

    if (len < 2 + sizeof written) {
        return 0;
    }
    memcpy(&written, data + 2, sizeof written);
    span_t text = {data + 2 + sizeof written, len - 2 - sizeof written};
    dec_t time;
    dec_t dur;
    if (time_read(text, data[0], written, &time)) {
        assert(time >= DEC_INT(-62135683200) - DEC_INT(86400));
        assert(time < DEC_INT(253402300800) + DEC_INT(86400));
    }
    (void)dur_read(text, (dur_unit_t)(data[1] % (DUR_NS + 1)), &dur);
    return 0;
}
