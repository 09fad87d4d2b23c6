// SPDX-License-Identifier: Apache-2.0
// map: uthash with a keyed hash (SipHash, secret per process): keys come from
// peers and logs, and must not be able to collide on purpose. Include this,
// never <uthash.h>.
#ifndef LOGTALLY_COMMON_BASE_MAP_H
#define LOGTALLY_COMMON_BASE_MAP_H

#include <stddef.h>

unsigned map_hash(const void *key, size_t len);

#define HASH_FUNCTION(key, len, hash) ((hash) = map_hash(key, len))
#include <uthash.h>

#endif
