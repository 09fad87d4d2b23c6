// SPDX-License-Identifier: Apache-2.0
#include "common/query/parse.h"

#define ALIASES(...) ((const char *const[]){__VA_ARGS__, NULL})

const field_info_t field_infos[FIELD_COUNT] = {
    [FIELD_HOST] = {"host", TYPE_TEXT, NULL},
    [FIELD_FILE] = {"file", TYPE_TEXT, NULL},
    [FIELD_LINE] = {"line", TYPE_TEXT, NULL},
    [FIELD_IP] = {"ip", TYPE_IP, ALIASES("$remote_addr", "c-ip")},
    [FIELD_IDENT] = {"ident", TYPE_TEXT, NULL},
    [FIELD_USER] = {"user", TYPE_TEXT, ALIASES("$remote_user", "cs-username")},
    [FIELD_TIME] = {"time", TYPE_TIME, ALIASES("$time_local", "$time_iso8601")},
    [FIELD_REQUEST] = {"request", TYPE_TEXT, ALIASES("$request")},
    [FIELD_METHOD] = {"method", TYPE_TEXT,
        ALIASES("$request_method", "cs-method")},
    [FIELD_URL] = {"url", TYPE_TEXT, ALIASES("$request_uri", "cs-uri")},
    [FIELD_PATH] = {"path", TYPE_TEXT, ALIASES("$uri", "cs-uri-stem")},
    [FIELD_QUERY] = {"query", TYPE_TEXT,
        ALIASES("$args", "$query_string", "cs-uri-query")},
    [FIELD_PROTO] = {"proto", TYPE_TEXT,
        ALIASES("$server_protocol", "cs-version")},
    [FIELD_STATUS] = {"status", TYPE_INTEGER, ALIASES("$status", "sc-status")},
    [FIELD_BYTES] = {"bytes", TYPE_SIZE,
        ALIASES("$body_bytes_sent", "$bytes_sent", "sc-bytes")},
    [FIELD_REFERER] = {"referer", TYPE_TEXT,
        ALIASES("$http_referer", "cs(Referer)")},
    [FIELD_UA] = {"ua", TYPE_TEXT,
        ALIASES("$http_user_agent", "cs(User-Agent)")},
    [FIELD_VHOST] = {"vhost", TYPE_TEXT,
        ALIASES("$host", "$http_host", "$server_name", "cs-host")},
    [FIELD_PORT] = {"port", TYPE_INTEGER, ALIASES("$server_port", "s-port")},
    [FIELD_DUR] = {"dur", TYPE_DURATION,
        ALIASES("$request_time", "time-taken")},
};

bool
field_find(span_t s, field_t *out)
{
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        bool hit = span_is(s, field_infos[f].name);
        const char *const *a = field_infos[f].aliases;
        for (; a != NULL && *a != NULL && !hit; a++) {
            hit = span_is(s, *a);
        }
        if (hit) {
            *out = (field_t)f;
            return true;
        }
    }
    return false;
}
