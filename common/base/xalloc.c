// SPDX-License-Identifier: Apache-2.0
#include "common/base/xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *p)
{
    if (p == NULL) {
        fputs("error out-of-memory\n", stderr);
        abort();
    }
    return p;
}

void *
xmalloc(size_t len)
{
    return checked(malloc(len > 0 ? len : 1));
}

void *
xcalloc(size_t n, size_t len)
{
    return checked(calloc(n > 0 ? n : 1, len > 0 ? len : 1));
}

void *
xrealloc(void *p, size_t len)
{
    return checked(realloc(p, len > 0 ? len : 1));
}

void *
xgrow(void *p, size_t *cap, size_t need, size_t item_len)
{
    size_t want = *cap > 0 ? *cap : 8;

    if (need <= *cap) {
        return p;
    }
    while (want < need) {
        want *= 2;
    }
    if (want > SIZE_MAX / item_len) {
        return checked(NULL);
    }
    *cap = want;
    return xrealloc(p, want * item_len);
}

char *
xstrdup(const char *s)
{
    return checked(strdup(s));
}

char *
xstrndup(const char *s, size_t len)
{
    char *copy = xmalloc(len + 1);

    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void *
xmemdup(const void *p, size_t len)
{
    void *copy = xmalloc(len);

    if (len > 0) {
        memcpy(copy, p, len);
    }
    return copy;
}

char *
xasprintf(const char *fmt, ...)
{
    va_list args;
    char *s = NULL;

    va_start(args, fmt);
    int n = vasprintf(&s, fmt, args);
    va_end(args);
    return checked(n < 0 ? NULL : s);
}
