// SPDX-License-Identifier: Apache-2.0
#include "worker/format/reading_inside.h"

#include "common/base/xalloc.h"

#include <stdlib.h>

// The fields that those of the query are cut from, with them.
static uint32_t
with_wholes(uint32_t fields)
{
    static const uint32_t of_url = 1u << FIELD_PATH | 1u << FIELD_QUERY;

    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if ((fields >> f & 1u) != 0 && format_is_of_request((field_t)f)) {
            fields |= 1u << FIELD_REQUEST;
        }
    }
    return fields | ((fields & of_url) != 0 ? 1u << FIELD_URL : 0);
}

static bool
is_table(const format_t *format)
{
    return format->reads == READ_CSV || format->reads == READ_TSV ||
           format->reads == READ_W3C;
}

static bool
is_wrapped(const format_t *format)
{
    return format->reads == READ_CRI || format->reads == READ_DOCKER;
}

reading_t *
reading_new(const format_t *format, const query_t *query)
{
    reading_t *self = xcalloc(1, sizeof *self);

    self->format = format;
    self->query = query;
    self->fields = query != NULL ? with_wholes(query->fields) : UINT32_MAX;
    if (is_wrapped(format)) {
        self->inner = format_wants_reading(format->inner)
                          ? reading_new(format->inner, query)
                          : NULL;
    } else if (!is_table(format)) {
        by_name_prepare(self);
    }
    return self;
}

void
reading_destroy(reading_t **self_p)
{
    reading_t *self = *self_p;

    if (self != NULL) {
        reading_destroy(&self->inner);
        buf_fini(&self->scratch);
        free(self);
        *self_p = NULL;
    }
}

void
reading_restart(reading_t *self)
{
    self->has_header = self->cleared = false;
    self->n_columns = 0;
}

bool
reading_header(reading_t *self, span_t line, uint64_t offset)
{
    return is_table(self->format) && table_header(self, line, offset);
}

reading_need_t
reading_needs(const reading_t *self)
{
    return self->format->reads == READ_W3C ? READING_LATEST
           : is_table(self->format)        ? READING_FIRST
                                           : READING_ALONE;
}
