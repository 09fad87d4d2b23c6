// SPDX-License-Identifier: Apache-2.0
#include "common/base/xalloc.h"
#include "common/result/result.h"

#include <string.h>

void
receipt_add_host(receipt_t *self, const char *host, uint64_t files,
    uint64_t bytes, uint64_t lines)
{
    size_t at = self->n_hosts;

    while (at > 0 && strcmp(self->hosts[at - 1].host, host) > 0) {
        at--;
    }
    if (at == 0 || strcmp(self->hosts[at - 1].host, host) != 0) {
        self->hosts =
            xrealloc(self->hosts, (self->n_hosts + 1) * sizeof *self->hosts);
        memmove(self->hosts + at + 1, self->hosts + at,
            (self->n_hosts - at) * sizeof *self->hosts);
        self->hosts[at] = (receipt_host_t){.host = xstrdup(host)};
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
    (*list)[(*n)++] = xstrdup(text);
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
    self->samples =
        xrealloc(self->samples, (self->n_samples + 1) * sizeof *self->samples);
    self->samples[self->n_samples++] =
        (receipt_sample_t){xstrdup(host), xstrdup(file), *sample};
}
