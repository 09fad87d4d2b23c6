// SPDX-License-Identifier: Apache-2.0
#include "common/query/time_bounds.h"

static void
raise_since(time_bounds_t *self, dec_t t)
{
    self->since = t > self->since ? t : self->since;
}

static void
lower_until(time_bounds_t *self, dec_t t)
{
    self->until = t < self->until ? t : self->until;
}

// The instant behind t.
static dec_t
after(dec_t t)
{
    return t < TIME_GREATEST ? t + 1 : t;
}

static void
narrow_compared(time_bounds_t *self, const filter_t *f)
{
    dec_t t = f->b->literal.number;

    switch (f->kind) {
    case FILTER_EQ:
        raise_since(self, t);
        lower_until(self, after(t));
        break;
    case FILTER_LT:
        lower_until(self, t);
        break;
    case FILTER_LE:
        lower_until(self, after(t));
        break;
    case FILTER_GT:
        raise_since(self, after(t));
        break;
    case FILTER_GE:
        raise_since(self, t);
        break;
    case FILTER_AND:
    case FILTER_OR:
    case FILTER_NOT:
    case FILTER_NE:
    case FILTER_REGEX:
    case FILTER_NOT_REGEX:
    case FILTER_CONTAINS:
    case FILTER_STARTSWITH:
    case FILTER_ENDSWITH:
    case FILTER_IN_SET:
    case FILTER_IN_RANGE:
    case FILTER_IN_CIDR:
    case FILTER_LINE_HAS:
        break;
    }
}

static bool
is_time(const expr_t *e)
{
    return e != NULL && e->kind == EXPR_FIELD && e->field == FIELD_TIME;
}

// By what every line that passes the filter has to be.
static void
narrow(time_bounds_t *self, const filter_t *f)
{
    if (f == NULL) {
        return;
    }
    for (size_t i = 0; f->kind == FILTER_AND && i < f->n_subs; i++) {
        narrow(self, f->subs[i]);
    }
    if (!is_time(f->a)) {
        return;
    }
    if (f->kind == FILTER_IN_RANGE) {
        raise_since(self, f->items[0].number);
        lower_until(self, after(f->items[1].number));
    } else if (f->b != NULL && f->b->kind == EXPR_LITERAL &&
               f->b->literal.kind == CELL_NUMBER) {
        narrow_compared(self, f);
    }
}

bool
time_bounds(const queries_t *queries, time_bounds_t *out)
{
    *out = (time_bounds_t){TIME_GREATEST, TIME_LEAST};
    for (size_t i = 0; i < queries->n; i++) {
        time_bounds_t one = {TIME_LEAST, TIME_GREATEST};
        narrow(&one, queries->list[i].query->filter);
        out->since = one.since < out->since ? one.since : out->since;
        out->until = one.until > out->until ? one.until : out->until;
    }
    return out->since != TIME_LEAST || out->until != TIME_GREATEST;
}
