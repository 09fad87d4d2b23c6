// SPDX-License-Identifier: Apache-2.0
#include "common/base/xalloc.h"
#include "common/result/memory.h"

#include <stdlib.h>
#include <string.h>

static char *
keep_text(const char *text, size_t max)
{
    size_t len = strlen(text);

    return xstrndup(text, len < max ? len : max);
}

void
receipt_add_host(receipt_t *self, const char *host, uint64_t files,
    uint64_t bytes, uint64_t lines)
{
    size_t at = self->n_hosts;

    while (at > 0 && strncmp(self->hosts[at - 1].host, host, LIMIT_NAME) > 0) {
        at--;
    }
    if (at == 0 || strncmp(self->hosts[at - 1].host, host, LIMIT_NAME) != 0) {
        self->hosts =
            xrealloc(self->hosts, (self->n_hosts + 1) * sizeof *self->hosts);
        memmove(self->hosts + at + 1, self->hosts + at,
            (self->n_hosts - at) * sizeof *self->hosts);
        self->hosts[at] = (receipt_host_t){.host = keep_text(host, LIMIT_NAME)};
        self->n_hosts++;
        at++;
    }
    self->hosts[at - 1].files += files;
    self->hosts[at - 1].bytes += bytes;
    self->hosts[at - 1].lines += lines;
}

static void
add_text(char ***list, size_t *n, const char *text)
{
    *list = xrealloc(*list, (*n + 1) * sizeof **list);
    (*list)[(*n)++] = keep_text(text, SENTENCE_MAX);
}

void
receipt_add_missing(receipt_t *self, const char *sentence)
{
    add_text(&self->missing, &self->n_missing, sentence);
}

void
receipt_add_note(receipt_t *self, const char *sentence)
{
    add_text(&self->notes, &self->n_notes, sentence);
}

void
receipt_add_sample(
    receipt_t *self, const char *host, const char *file, const sample_t *sample)
{
    if (self->n_samples >= SAMPLES_MAX) {
        return;
    }
    self->samples =
        xrealloc(self->samples, (self->n_samples + 1) * sizeof *self->samples);
    self->samples[self->n_samples++] = (receipt_sample_t){
        keep_text(host, LIMIT_NAME), keep_text(file, LIMIT_PATH), *sample};
}

void
receipt_fini(receipt_t *self)
{
    for (size_t i = 0; i < self->n_hosts; i++) {
        free(self->hosts[i].host);
    }
    for (size_t i = 0; i < self->n_samples; i++) {
        free(self->samples[i].host);
        free(self->samples[i].file);
    }
    for (size_t i = 0; i < self->n_missing; i++) {
        free(self->missing[i]);
    }
    for (size_t i = 0; i < self->n_notes; i++) {
        free(self->notes[i]);
    }
    free(self->hosts);
    free(self->samples);
    free(self->missing);
    free(self->notes);
    *self = (receipt_t){0};
}
