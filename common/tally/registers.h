// SPDX-License-Identifier: Apache-2.0
// registers: HyperLogLog with 2^14 registers of a byte, in blocks of 64, so
// that few values take little. The hash is XXH3 without a seed, the same on
// every machine; who writes the lines can choose values that mislead the
// estimate, and needs `distinct` to be told from.
//
// The standard error is 1.04 / sqrt(2^14), 0.81 %.
#ifndef LOGTALLY_COMMON_TALLY_REGISTERS_H
#define LOGTALLY_COMMON_TALLY_REGISTERS_H

#include "common/base/bytes.h"

#define REGISTERS_BLOCKS 256u
#define REGISTERS_BLOCK  64u // registers, of a byte
#define REGISTERS_RANKS  52u // 0: nothing seen; 1 to 51

typedef struct registers_place {
    uint8_t block;
    uint8_t at; // in it
    uint8_t rank;
} registers_place_t;

registers_place_t registers_place(span_t value);
// From how many registers have each rank, those of blocks that are not there
// under 0; together there are REGISTERS_BLOCKS * REGISTERS_BLOCK. By O. Ertl,
// "New cardinality estimation algorithms for HyperLogLog sketches", 2017.
uint64_t registers_estimate(const uint32_t counts[REGISTERS_RANKS]);

#endif
