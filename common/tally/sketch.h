// SPDX-License-Identifier: Apache-2.0
// sketch: numbers in buckets that grow with them, as DDSketch has it, so that
// a bucket tells what is in it to within 1 %. All in whole units of 1e-9 and
// integers: every machine puts a number into the same bucket.
//
//   bound(1) = 1, bound(i+1) = max(bound(i) + 1, bound(i) * 1009 / 991)
//
// rounded down. Bucket i > 0 has bound(i) to bound(i+1) - 1, bucket -i the
// same below zero, bucket 0 has zero.
#ifndef LOGTALLY_COMMON_TALLY_SKETCH_H
#define LOGTALLY_COMMON_TALLY_SKETCH_H

#include "common/base/dec.h"

// Of every dec_t: |sketch_bucket(v)| is below.
#define SKETCH_BUCKETS 8192

int sketch_bucket(dec_t v);
// Whether there is such a bucket.
bool sketch_has(int64_t bucket);
// What stands for a bucket: its middle, in four significant digits. whole:
// the numbers in it are integers, and one that is alone is exact.
dec_t sketch_value(int bucket, bool whole);

// The number of the value of that quantile (0 to 1) among n > 0 values, the
// first is 0.
uint64_t sketch_rank(dec_t quantile, uint64_t n);

#endif
