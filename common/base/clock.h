// SPDX-License-Identifier: Apache-2.0
// clock: read only by *_io.c files and main.c.
#ifndef LOGTALLY_COMMON_BASE_CLOCK_H
#define LOGTALLY_COMMON_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);
int64_t clock_wall_ms(void); // time of day, since 1970

#endif
