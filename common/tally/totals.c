// SPDX-License-Identifier: Apache-2.0
#include "common/tally/totals.h"

#include "common/base/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[REJECT_COUNT] = {
    [REJECT_TOO_LONG] = "too long",
    [REJECT_STRUCTURE] = "a delimiter is missing",
    [REJECT_UNCLOSED] = "a quoted value does not end",
    [REJECT_TRAILING] = "text after the last field",
    [REJECT_EMPTY] = "a field is empty that may not be",
};

const char *
reject_name(reject_t reject)
{
    assert((unsigned)reject < REJECT_COUNT);
    return names[reject];
}

void
totals_fini(totals_t *self)
{
    free(self->samples);
    free(self->files);
    *self = (totals_t){0};
}

uint64_t
totals_rejected(const totals_t *self)
{
    uint64_t n = 0;

    for (size_t i = 0; i < REJECT_COUNT; i++) {
        n += self->rejected[i];
    }
    return n;
}

// *sum += v, false when it leaves 64 bits: a partial may hold any numbers.
static bool
add(uint64_t *sum, uint64_t v)
{
    return !__builtin_add_overflow(*sum, v, sum);
}

// Sound totals of several peers may leave 64 bits together; they stay at the
// top then.
static void
add_to_top(uint64_t *sum, uint64_t v)
{
    if (!add(sum, v)) {
        *sum = UINT64_MAX;
    }
}

static bool
lines_add_up(const totals_t *self)
{
    uint64_t lines = 0;
    bool ok = add(&lines, self->accepted) && add(&lines, self->blank) &&
              add(&lines, self->skipped);

    for (size_t i = 0; ok && i < REJECT_COUNT; i++) {
        ok = add(&lines, self->rejected[i]);
    }
    return ok && lines == self->lines;
}

bool
totals_add_up(const totals_t *self)
{
    uint64_t bytes = 0;
    uint64_t lines = 0;
    uint64_t accepted = 0;
    bool ok = lines_add_up(self);

    for (size_t i = 0; ok && i < self->n_files; i++) {
        const file_total_t *f = &self->files[i];
        ok = f->accepted <= f->lines && add(&bytes, f->bytes) &&
             add(&lines, f->lines) && add(&accepted, f->accepted);
    }
    return ok && self->unread <= bytes && bytes == self->bytes &&
           lines == self->lines && accepted == self->accepted;
}

// The first of [0, n) that is not below `file`. Most of what comes belongs
// behind the last.
static size_t
find_file(const totals_t *self, size_t n, uint32_t file)
{
    size_t low = 0;
    size_t high = n;

    if (n > 0 && self->files[n - 1].file < file) {
        return n;
    }
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        bool below = self->files[mid].file < file;
        low = below ? mid + 1 : low;
        high = below ? high : mid;
    }
    return low;
}

static bool
is_file(const totals_t *self, size_t at, size_t n, uint32_t file)
{
    return at < n && self->files[at].file == file;
}

// Opens `more` places at `at`.
static void
make_room(totals_t *self, size_t at, size_t more)
{
    self->files = xgrow(self->files, &self->cap_files, self->n_files + more,
        sizeof *self->files);
    if (at < self->n_files) {
        memmove(self->files + at + more, self->files + at,
            (self->n_files - at) * sizeof *self->files);
    }
    self->n_files += more;
}

file_total_t *
totals_file(totals_t *self, uint32_t file)
{
    size_t at = find_file(self, self->n_files, file);

    if (!is_file(self, at, self->n_files, file)) {
        make_room(self, at, 1);
        self->files[at] = (file_total_t){.file = file};
    }
    return &self->files[at];
}

static bool
comes_before(const sample_t *a, const sample_t *b)
{
    return a->file != b->file ? a->file < b->file : a->offset < b->offset;
}

// Keeps samples sorted by file and offset, the first LIMIT_SAMPLES of each
// file, of the first LIMIT_SAMPLE_FILES files: the same ones whatever the
// order of arrival.
static void
insert_sample(totals_t *self, const sample_t *sample)
{
    size_t at = self->n_samples;

    while (at > 0 && comes_before(sample, &self->samples[at - 1])) {
        at--;
    }
    self->samples =
        xrealloc(self->samples, (self->n_samples + 1) * sizeof *self->samples);
    memmove(self->samples + at + 1, self->samples + at,
        (self->n_samples - at) * sizeof *self->samples);
    self->samples[at] = *sample;
    self->n_samples++;
}

static void
drop_sample(totals_t *self, size_t at)
{
    memmove(self->samples + at, self->samples + at + 1,
        (self->n_samples - at - 1) * sizeof *self->samples);
    self->n_samples--;
}

static void
trim_samples(totals_t *self)
{
    size_t files = 0;
    size_t of_file = 0;

    for (size_t i = 0; i < self->n_samples;) {
        bool first =
            i == 0 || self->samples[i].file != self->samples[i - 1].file;
        files += first ? 1 : 0;
        of_file = first ? 1 : of_file + 1;
        if (files > LIMIT_SAMPLE_FILES) {
            self->n_samples = i;
        } else if (of_file > LIMIT_SAMPLES) {
            drop_sample(self, i);
        } else {
            i++;
        }
    }
}

void
totals_sample(totals_t *self, uint32_t file, uint64_t offset, reject_t reject,
    span_t line)
{
    sample_t sample = {.file = file, .offset = offset, .reject = reject};

    sample.len = (uint16_t)(line.len < LIMIT_SAMPLE ? line.len : LIMIT_SAMPLE);
    if (sample.len > 0) {
        memcpy(sample.text, line.p, sample.len);
    }
    insert_sample(self, &sample);
    trim_samples(self);
}

static void
add_file(file_total_t *to, const file_total_t *from)
{
    add_to_top(&to->bytes, from->bytes);
    add_to_top(&to->unpacked, from->unpacked);
    add_to_top(&to->lines, from->lines);
    add_to_top(&to->accepted, from->accepted);
    to->format = from->format;
}

static size_t
count_new(const totals_t *self, const totals_t *from)
{
    size_t n = 0;

    for (size_t i = 0; i < from->n_files; i++) {
        uint32_t file = from->files[i].file;
        size_t at = find_file(self, self->n_files, file);
        n += is_file(self, at, self->n_files, file) ? 0 : 1;
    }
    return n;
}

// From the last to the first, so that a file of ours moves once at most,
// however many of the others come before it.
static void
merge_files(totals_t *self, const totals_t *from)
{
    size_t more = count_new(self, from);
    size_t mine = self->n_files;

    make_room(self, mine, more);
    for (size_t i = from->n_files; i-- > 0;) {
        const file_total_t *f = &from->files[i];
        size_t at = find_file(self, mine, f->file);
        size_t behind = at + (is_file(self, at, mine, f->file) ? 1 : 0);
        if (more > 0) {
            memmove(self->files + behind + more, self->files + behind,
                (mine - behind) * sizeof *self->files);
        }
        if (behind > at) {
            add_file(&self->files[at], f);
        } else {
            self->files[at + --more] = *f;
        }
        mine = behind;
    }
}

void
totals_merge(totals_t *self, const totals_t *from)
{
    add_to_top(&self->bytes, from->bytes);
    add_to_top(&self->lines, from->lines);
    add_to_top(&self->accepted, from->accepted);
    for (size_t i = 0; i < REJECT_COUNT; i++) {
        add_to_top(&self->rejected[i], from->rejected[i]);
    }
    add_to_top(&self->blank, from->blank);
    add_to_top(&self->skipped, from->skipped);
    add_to_top(&self->bad_values, from->bad_values);
    add_to_top(&self->unread, from->unread);
    add_to_top(&self->disorder, from->disorder);
    self->guessed |= from->guessed;
    for (size_t i = 0; i < from->n_samples; i++) {
        insert_sample(self, &from->samples[i]);
    }
    trim_samples(self);
    merge_files(self, from);
}
