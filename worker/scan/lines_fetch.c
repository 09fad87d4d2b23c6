// SPDX-License-Identifier: Apache-2.0
// A mapped file is copied by ourselves, while it is looked at: the memory is
// waited for once, and not by the kernel first and by us again. Windows are
// short, so that few pages are ours at a time; of each step the end is copied
// at once, up to a newline, for whoever copies the rest has to know where the
// last whole line ends.
#include "worker/scan/lines_inside.h"

#include <string.h>

#define WINDOW ((uint64_t)2 << 20)
#define WORTH  ((uint64_t)128 << 10) // to be mapped
#define STEP   ((size_t)256 << 10)
#define TAIL   ((size_t)512) // copied at once; again, without newline

static void
open_window(lines_t *self, uint64_t pos)
{
    uint64_t left = pos < self->end ? self->end - pos : 0;
    uint64_t len = left < WINDOW ? left : WINDOW;

    if (pos < self->look_from || len < WORTH) {
        return;
    }
    if (source_look(self->source, pos, pos + len, &self->mapped)) {
        self->window_at = pos;
        self->window_len = self->mapped.len;
    } else {
        self->look_from = pos + LOOK_PAUSE;
    }
}

// Reading says what is wrong with the window; or nothing, when it was only
// for a moment.
static errcode_t
ask(lines_t *self)
{
    size_t left = self->window_len;
    size_t got = 1;
    errcode_t rc = ERR_OK;

    source_seek(self->source, self->window_at);
    while (rc == ERR_OK && left > 0 && got > 0) {
        rc = source_read(self->source, self->bytes,
            left < READ_STEP ? left : READ_STEP, &got);
        left -= got;
    }
    return rc != ERR_OK ? rc : ERR_CHANGED;
}

errcode_t
lines_fetched(lines_t *self)
{
    errcode_t rc = ERR_OK;

    if (self->window_len > 0) {
        rc = source_looked(self->source) ? ERR_OK : ask(self);
        self->window_len = 0;
        self->mapped = (span_t){0};
    }
    return rc;
}

// The end of what is seen, back to the last newline and a little more. Returns
// how many bytes before it are late.
static size_t
copy_tail(span_t seen, uint8_t *to)
{
    size_t late = seen.len;
    const uint8_t *nl = NULL;

    while (nl == NULL && late > 0) {
        size_t some = late < TAIL ? late : TAIL;
        late -= some;
        memcpy(to + late, seen.p + late, some);
        nl = memrchr(to + late, '\n', some);
    }
    return late;
}

static void
take_step(lines_t *self)
{
    size_t room = sizeof self->bytes - self->fill;
    size_t len = self->mapped.len < STEP ? self->mapped.len : STEP;
    span_t seen = {self->mapped.p, len < room ? len : room};

    self->from = seen.p;
    self->late = self->fill;
    self->late_end = self->fill + copy_tail(seen, self->bytes + self->fill);
    self->fill += seen.len;
    self->mapped.p += seen.len;
    self->mapped.len -= seen.len;
}

errcode_t
lines_fetch(lines_t *self)
{
    uint64_t pos = self->offset + (self->fill - self->at);
    errcode_t rc = self->mapped.len > 0 ? ERR_OK : lines_fetched(self);

    if (rc == ERR_OK && self->window_len == 0) {
        open_window(self, pos);
    }
    if (rc != ERR_OK || self->window_len == 0) {
        return rc != ERR_OK ? rc : lines_read(self);
    }
    lines_make_room(self);
    take_step(self);
    source_seek(self->source, self->offset + (self->fill - self->at));
    return ERR_OK;
}
