// SPDX-License-Identifier: Apache-2.0
// places: where the bytes of a field are in a batch: in a span of its own, or
// in that of the url or request it is part of.
#ifndef LOGTALLY_WORKER_SCAN_PLACES_H
#define LOGTALLY_WORKER_SCAN_PLACES_H

#include "worker/scan/batch.h"

#define NO_SLOT SIZE_MAX // host and file; and what the format does not log

typedef struct place {
    field_t field;
    size_t slot;
} place_t;

// FIELD_COUNT is no field, though spans of no use have it.
static inline size_t
slot_of(const batch_t *batch, field_t field)
{
    for (size_t i = 0; field != FIELD_COUNT && i < batch->n_spans; i++) {
        if (batch->fields[i] == field) {
            return i;
        }
    }
    return NO_SLOT;
}

static inline place_t
place_of(const batch_t *batch, field_t field)
{
    size_t slot = slot_of(batch, field);

    if (slot == NO_SLOT && (field == FIELD_PATH || field == FIELD_QUERY)) {
        slot = slot_of(batch, FIELD_URL);
    }
    if (slot == NO_SLOT && format_is_of_request(field)) {
        slot = slot_of(batch, FIELD_REQUEST);
    }
    return (place_t){field, slot};
}

static inline span_t
text_at(const batch_t *batch, const place_t *at, size_t row)
{
    if (at->slot == NO_SLOT) {
        return (span_t){0};
    }
    span_t text = batch->spans[at->slot][row];
    if (batch->fields[at->slot] == at->field) {
        return text;
    }
    return batch->fields[at->slot] == FIELD_URL
               ? format_url_part(text, at->field)
               : format_request_part(text, at->field);
}

#endif
