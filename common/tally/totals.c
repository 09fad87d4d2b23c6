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
    return ok && bytes == self->bytes && lines == self->lines &&
           accepted == self->accepted;
}

file_total_t *
totals_file(totals_t *self, uint32_t file)
{
    size_t at = self->n_files;

    while (at > 0 && self->files[at - 1].file > file) {
        at--;
    }
    if (at > 0 && self->files[at - 1].file == file) {
        return &self->files[at - 1];
    }
    self->files =
        xrealloc(self->files, (self->n_files + 1) * sizeof *self->files);
    memmove(self->files + at + 1, self->files + at,
        (self->n_files - at) * sizeof *self->files);
    self->n_files++;
    self->files[at] = (file_total_t){.file = file};
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
merge_files(totals_t *self, const totals_t *from)
{
    for (size_t i = 0; i < from->n_files; i++) {
        const file_total_t *f = &from->files[i];
        file_total_t *mine = totals_file(self, f->file);
        add_to_top(&mine->bytes, f->bytes);
        add_to_top(&mine->lines, f->lines);
        add_to_top(&mine->accepted, f->accepted);
        mine->format = f->format;
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
    for (size_t i = 0; i < from->n_samples; i++) {
        insert_sample(self, &from->samples[i]);
    }
    trim_samples(self);
    merge_files(self, from);
}
