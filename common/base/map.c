// SPDX-License-Identifier: Apache-2.0
#include "common/base/map.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>

static unsigned char secret[crypto_shorthash_KEYBYTES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_secret(void)
{
    randombytes_buf(secret, sizeof secret);
}

unsigned
map_hash(const void *key, size_t len)
{
    uint64_t hash;

    pthread_once(&once, make_secret);
    crypto_shorthash((unsigned char *)&hash, key, len, secret);
    return (unsigned)hash;
}
