// SPDX-License-Identifier: Apache-2.0
// Large blocks of the program under a fuzzer, in slots that are used again: the
// sanitizer maps and unmaps each one and its shadow, which takes longer than
// what is fuzzed. Here, too, a block's end and what was freed are poisoned.
// Linked with --wrap of these functions.
#include <assert.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>

#define LEAST   ((size_t)128 << 10) // what the sanitizer does not map anew
#define SLOT    ((size_t)4 << 20)
#define REDZONE ((size_t)4096)
#define SLOTS   ((size_t)64)

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *p, size_t len);
void __real_free(void *p);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *p, size_t len);
void __wrap_free(void *p);

static uint8_t *base;
static size_t lens[SLOTS];
// The one that was freed last is used last.
static size_t ring[SLOTS], first, n_free;

static bool
is_ours(const void *p)
{
    return (uintptr_t)p - (uintptr_t)base < SLOTS * SLOT && base != NULL;
}

static void
begin(void)
{
    base = mmap(NULL, SLOTS * SLOT, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(base != MAP_FAILED);
    __asan_poison_memory_region(base, SLOTS * SLOT);
    __lsan_register_root_region(base, SLOTS * SLOT);
    for (n_free = 0; n_free < SLOTS; n_free++) {
        ring[n_free] = n_free;
    }
}

void *
__wrap_malloc(size_t len)
{
    if (base == NULL) {
        begin();
    }
    if (len <= LEAST || len > SLOT - REDZONE || n_free == 0) {
        return __real_malloc(len);
    }
    size_t slot = ring[first];
    first = (first + 1) % SLOTS;
    n_free--;
    lens[slot] = len;
    __asan_unpoison_memory_region(base + slot * SLOT, len);
    return base + slot * SLOT;
}

void *
__wrap_calloc(size_t n, size_t len)
{
    if (n > SLOT / (len > 0 ? len : 1) || n * len <= LEAST) {
        return __real_calloc(n, len);
    }
    void *p = __wrap_malloc(n * len);
    return p != NULL ? memset(p, 0, n * len) : NULL;
}

void
__wrap_free(void *p)
{
    if (!is_ours(p)) {
        __real_free(p);
        return;
    }
    size_t slot = (size_t)((uint8_t *)p - base) / SLOT;
    assert(p == base + slot * SLOT && lens[slot] > 0);
    __asan_poison_memory_region(p, lens[slot]);
    lens[slot] = 0;
    ring[(first + n_free++) % SLOTS] = slot;
}

void *
__wrap_realloc(void *p, size_t len)
{
    if (!is_ours(p) && len <= LEAST) {
        return __real_realloc(p, len);
    }
    size_t had = is_ours(p)  ? lens[(size_t)((uint8_t *)p - base) / SLOT]
                 : p != NULL ? malloc_usable_size(p)
                             : 0;
    void *more = __wrap_malloc(len);
    if (more != NULL && p != NULL) {
        memcpy(more, p, had < len ? had : len);
        __wrap_free(p);
    }
    return more;
}
