// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/numbers.h"

#include "common/base/xalloc.h"
#include "worker/scan/places.h"

#include <stdlib.h>

void
numbers_fini(numbers_t *self)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        free(self->columns[i]);
    }
    *self = (numbers_t){0};
}

void
numbers_forget(numbers_t *self)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (self->columns[i] != NULL) {
            self->columns[i]->known = false;
        }
    }
}

static void
read_column(field_numbers_t *self, const batch_t *batch,
    const line_fields_t *of, field_t field)
{
    place_t place = place_of(batch, field);

    for (size_t row = 0; row < batch->n; row++) {
        cell_t cell;
        bool bad;
        format_value(of, field, text_at(batch, &place, row), &cell, &bad);
        self->kinds[row] = cell.kind == CELL_NUMBER ? NUMBER_THERE
                           : bad                    ? NUMBER_BAD
                                                    : NUMBER_MISSING;
        self->values[row] = cell.number;
    }
    self->known = true;
}

const field_numbers_t *
numbers_of(numbers_t *self, const batch_t *batch, const line_fields_t *of,
    field_t field)
{
    type_t type = field_infos[field].type;

    if (!type_is_number(type) || type == TYPE_TIME) {
        return NULL;
    }
    if (self->columns[field] == NULL) {
        self->columns[field] = xcalloc(1, sizeof *self->columns[field]);
    }
    if (!self->columns[field]->known) {
        read_column(self->columns[field], batch, of, field);
    }
    return self->columns[field];
}
