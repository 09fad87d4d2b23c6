// SPDX-License-Identifier: Apache-2.0
// budget: bytes that may be taken, by threads side by side, and out of another
// budget where there is one around it.
#ifndef LOGTALLY_COMMON_BASE_BUDGET_H
#define LOGTALLY_COMMON_BASE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct budget {
    size_t limit;
    _Atomic size_t used;
    struct budget *around; // lent; or NULL
    _Atomic bool shut_out; // the one around had not so much left, once
} budget_t;

// false: there is not so much left, here or around; nothing is taken.
bool budget_take(budget_t *self, size_t bytes);
// Takes them whatever is left.
void budget_add(budget_t *self, size_t bytes);
// Of what was taken.
void budget_give_back(budget_t *self, size_t bytes);
void budget_give_all_back(budget_t *self);

#endif
