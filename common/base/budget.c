// SPDX-License-Identifier: Apache-2.0
#include "common/base/budget.h"

static bool
take_here(budget_t *self, size_t bytes)
{
    size_t used = atomic_fetch_add(&self->used, bytes);

    if (used > self->limit || bytes > self->limit - used) {
        atomic_fetch_sub(&self->used, bytes);
        return false;
    }
    return true;
}

bool
budget_take(budget_t *self, size_t bytes)
{
    if (!take_here(self, bytes)) {
        return false;
    }
    if (self->around != NULL && !budget_take(self->around, bytes)) {
        atomic_fetch_sub(&self->used, bytes);
        self->shut_out = true;
        return false;
    }
    return true;
}

void
budget_add(budget_t *self, size_t bytes)
{
    for (; self != NULL; self = self->around) {
        atomic_fetch_add(&self->used, bytes);
    }
}

void
budget_give_back(budget_t *self, size_t bytes)
{
    for (; self != NULL; self = self->around) {
        atomic_fetch_sub(&self->used, bytes);
    }
}

void
budget_give_all_back(budget_t *self)
{
    budget_give_back(self, self->used);
}
