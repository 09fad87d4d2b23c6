// SPDX-License-Identifier: Apache-2.0
#include "common/base/errcode.h"

#include <assert.h>
#include <stddef.h>

static const char *const texts[ERR_COUNT] = {
    [ERR_OK] = "ok",
    [ERR_IO] = "input/output error",
    [ERR_NOT_FOUND] = "not found",
    [ERR_DENIED] = "not allowed",
    [ERR_CHANGED] = "file changed since it was planned",
    [ERR_TRUNCATED] = "bytes end too early",
    [ERR_MALFORMED] = "malformed bytes",
    [ERR_TOO_LARGE] = "over the limit",
    [ERR_UNSUPPORTED] = "not supported",
    [ERR_OVERFLOW] = "arithmetic overflow",
    [ERR_QUERY] = "wrong query",
    [ERR_FORMAT] = "no single format fits",
    [ERR_CORRUPT] = "corrupt archive or partial",
    [ERR_REGEX] = "regex needs too many steps",
    [ERR_CONFIG] = "wrong setting",
    [ERR_AUTH] = "key refused",
    [ERR_UNREACHABLE] = "cannot be reached",
    [ERR_VERSION] = "other protocol version",
    [ERR_TIMEOUT] = "deadline passed",
    [ERR_CANCELLED] = "cancelled",
    [ERR_CRASHED] = "executor crashed",
    [ERR_STALE] = "of a past epoch or attempt",
    [ERR_BUSY] = "no room now",
};

const char *
err_text(errcode_t rc)
{
    if ((unsigned)rc >= ERR_COUNT || texts[rc] == NULL) {
        return "unknown error";
    }
    return texts[rc];
}
