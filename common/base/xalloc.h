// SPDX-License-Identifier: Apache-2.0
// xalloc: allocation of our own small objects. Out of memory ends the
// process (the coordinator lends the shard again). Sizes that come from
// outside are checked against limits.h before they get here.
#ifndef LOGTALLY_COMMON_BASE_XALLOC_H
#define LOGTALLY_COMMON_BASE_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t len);
void *xcalloc(size_t n, size_t len);
void *xrealloc(void *p, size_t len);
// Grows an array by doubling until it holds `need` items; *cap is updated.
void *xgrow(void *p, size_t *cap, size_t need, size_t item_len);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len); // always ends in NUL
void *xmemdup(const void *p, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
