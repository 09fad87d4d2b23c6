// SPDX-License-Identifier: Apache-2.0
#include "coordinator/coordinator_inside.h"

#include "common/base/xalloc.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static errcode_t
refuse(job_source_t *out, buf_t *why, const char *text, const char *what)
{
    buf_printf(why, "source '%.300s': %s", text, what);
    free(out->text);
    *out = (job_source_t){0};
    return ERR_QUERY;
}

// The part before the colon, into out.
static bool
take_who(job_source_t *out, const char *who, size_t len)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-*?[]!";

    if (len == 0 || len >= LIMIT_NAME) {
        return false;
    }
    memcpy(out->who, who, len);
    out->who[len] = '\0';
    return strspn(out->who, plain) == len;
}

errcode_t
source_parse(const char *text, bool local, job_source_t *out, buf_t *why)
{
    *out = (job_source_t){.text = xstrdup(text), .from = FROM_LOCAL};
    out->pattern = out->text;
    if (local) {
        return text[0] != '\0' ? ERR_OK
                               : refuse(out, why, text, "the name is empty");
    }
    const char *colon = strchr(out->text, ':');
    if (colon == NULL || out->text[0] == '/') {
        return refuse(out, why, text,
            "no host is named; write HOST:/path, 'web*:/path', @LABEL:/path "
            "or shared:/path (files of this machine: logtally run)");
    }
    bool label = out->text[0] == '@';
    const char *who = out->text + (label ? 1 : 0);
    out->pattern = colon + 1;
    if (!take_who(out, who, (size_t)(colon - who))) {
        return refuse(out, why, text, "this cannot be a host or label");
    }
    if (out->pattern[0] != '/') {
        return refuse(out, why, text, "the path must begin with '/'");
    }
    if (strlen(out->pattern) >= LIMIT_PATH) {
        return refuse(out, why, text, "the path is too long");
    }
    out->from = label                             ? FROM_LABEL
                : strcmp(out->who, "shared") == 0 ? FROM_SHARED
                                                  : FROM_HOSTS;
    return ERR_OK;
}

bool
source_wants(const job_source_t *source, const worker_t *worker)
{
    if (worker->forgotten) {
        return false;
    }
    switch (source->from) {
    case FROM_LOCAL:
    case FROM_SHARED:
        return true;
    case FROM_LABEL:
        return worker_has_label(worker, source->who);
    case FROM_HOSTS:
        return fnmatch(source->who, worker->name, 0) == 0;
    }
    return false;
}

bool
source_allows(const job_source_t *source, const char *path)
{
    return source->from != FROM_SHARED || strcmp(source->pattern, path) == 0 ||
           fnmatch(source->pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0;
}
