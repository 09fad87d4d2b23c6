// SPDX-License-Identifier: Apache-2.0
#include "common/service/httpd_io.h"

#include <errno.h>
#include <string.h>

errcode_t
httpd_start(const httpd_options_t *o, const struct sockaddr_storage *at,
    struct MHD_Daemon **out, uint16_t *port, buf_t *why)
{
    unsigned flags = o->flags | (at->ss_family == AF_INET6 ? MHD_USE_IPv6 : 0u);

    *out = MHD_start_daemon(flags, 0, NULL, NULL, o->on_request, o->ctx,
        MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)at,
        MHD_OPTION_CONNECTION_LIMIT, o->connections,
        MHD_OPTION_CONNECTION_TIMEOUT, o->timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, o->connection_bytes,
        MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        *out == NULL ? NULL
                     : MHD_get_daemon_info(*out, MHD_DAEMON_INFO_BIND_PORT);
    if (info == NULL) {
        buf_printf(why, "cannot serve %s: %s", o->what, strerror(errno));
        return ERR_IO;
    }
    *port = info->port;
    return ERR_OK;
}
