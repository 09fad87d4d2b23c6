// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

const char *const sim_event_texts[SIM_EVENT_COUNT] = {
#define X(name, text) [SIM_##name] = text,
    SIM_EVENTS(X)
#undef X
};
