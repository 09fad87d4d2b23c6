// SPDX-License-Identifier: Apache-2.0
// The port that workers dial, opened when the machine asks for it.
#include "coordinator/coordinator_inside_io.h"

#include "common/base/log.h"

#include <stdio.h>

uint16_t
coordinator_io_lane_port(void *ctx)
{
    static log_limit_t limit = {.per_second = 1};
    coordinator_io_t *self = ctx;
    bool was_open = lanes_socket(self->lanes) != NULL;
    char text[8];
    buf_t why = {0};
    uint16_t port =
        lanes_listen(self->lanes, self->listen, self->lane_port, &why);

    snprintf(text, sizeof text, "%u", port);
    buf_put_u8(&why, '\0');
    if (port == 0 && log_allowed(&limit, "lane-closed")) {
        log_event(LOG_ERROR, "lane-closed", "why", (const char *)why.p, NULL);
    } else if (port != 0 && !was_open) {
        log_event(LOG_INFO, "lane-open", "port", text, NULL);
    }
    buf_fini(&why);
    return port;
}
