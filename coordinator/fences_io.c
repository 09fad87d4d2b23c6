// SPDX-License-Identifier: Apache-2.0
#include "coordinator/fences_io.h"

#include "certs/keypath.h"
#include "common/confine/confine.h"

#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORT_OF_ALL 1024 // those below take a right

// Of those that root has. A state folder of somebody else's is written by the
// right to, or not at all.
static uint64_t
rights(const coordinator_options_t *o, const uint16_t *ports, size_t n)
{
    struct stat st;
    uint64_t wanted = 0;

    if (stat(o->state, &st) == 0 && st.st_uid != geteuid()) {
        wanted |= RIGHT(CAP_DAC_OVERRIDE);
    }
    for (size_t i = 0; i < n; i++) {
        if (ports[i] != 0 && ports[i] < PORT_OF_ALL) {
            wanted |= RIGHT(CAP_NET_BIND_SERVICE);
        }
    }
    return wanted;
}

errcode_t
fences_put_up(const coordinator_options_t *o, buf_t *why)
{
    const confine_path_t paths[] = {
        {o->state, LANDLOCK_READ | LANDLOCK_WRITE},
        {o->keys, LANDLOCK_READ},
        {keypath_credentials(), LANDLOCK_READ},
        {o->metrics_token, LANDLOCK_READ},
        {o->dashboard_token, LANDLOCK_READ},
    };
    uint16_t ports[CONFINE_PORTS];
    confine_report_t report;

    if (o->confine == NULL) {
        return ERR_OK;
    }
    size_t n = coordinator_options_ports(o, ports, CONFINE_PORTS);
    const confine_options_t options = {.paths = paths,
        .n_paths = sizeof paths / sizeof *paths,
        .ports = ports,
        .n_ports = n,
        .rights = rights(o, ports, n)};
    return confine_as_set(o->confine, &options, &report, why);
}
