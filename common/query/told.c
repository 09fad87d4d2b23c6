// SPDX-License-Identifier: Apache-2.0
// A bucket holds back part of its field, so what is made of that field is told
// only where a bucket of steps fits into it a whole number of times: a day has
// 24 hours, and every line of an hour has the hour and the weekday of its
// beginning.
#include "common/query/told.h"

#include "common/query/funcs.h"

#define HOUR DEC_INT(3600)

static bool
is_field(const expr_t *e, field_t field)
{
    return e->kind == EXPR_FIELD && e->field == field;
}

size_t
told_field(field_t field, const query_t *by)
{
    size_t bucket = SIZE_MAX;

    for (size_t i = 0; i < by->n_keys; i++) {
        const query_key_t *key = &by->keys[i];
        if (is_field(key->expr, field) && key->bucket == BUCKET_NONE) {
            return i;
        }
        if (is_field(key->expr, field) && key->bucket == BUCKET_STEP) {
            bucket = i;
        }
    }
    return bucket;
}

// Whether a step of that size has a whole number of those that `by` has of the
// field; a field that is no bucket is finer than any.
static bool
fits_in(field_t field, dec_t step, const query_t *by)
{
    size_t at = told_field(field, by);

    return at != SIZE_MAX && (by->keys[at].bucket == BUCKET_NONE ||
                                 step % by->keys[at].step == 0);
}

// A key without a bucket, that is.
static bool
is_whole(field_t field, const query_t *by)
{
    size_t at = told_field(field, by);

    return at != SIZE_MAX && by->keys[at].bucket == BUCKET_NONE;
}

static bool
told_expr(const expr_t *e, const query_t *by)
{
    bool told = true;

    switch (e->kind) {
    case EXPR_FIELD:
        return is_whole(e->field, by);
    case EXPR_OWN:
    case EXPR_COLUMN:
        return false;
    case EXPR_CALL:
        if ((e->func->kind == FUNC_HOUR || e->func->kind == FUNC_WEEKDAY) &&
            is_field(e->args[0], FIELD_TIME)) {
            return fits_in(FIELD_TIME, HOUR, by);
        }
        told = e->filter == NULL || told_filter(e->filter, by);
        break;
    case EXPR_LITERAL:
    case EXPR_NEG:
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_MUL:
    case EXPR_DIV:
    case EXPR_MOD:
        break;
    }
    for (size_t i = 0; told && i < e->n_args; i++) {
        told = told_expr(e->args[i], by);
    }
    return told;
}

bool
told_filter(const filter_t *filter, const query_t *by)
{
    bool told = filter->kind != FILTER_LINE_HAS;

    told = told && (filter->a == NULL || told_expr(filter->a, by));
    told = told && (filter->b == NULL || told_expr(filter->b, by));
    for (size_t i = 0; told && i < filter->n_subs; i++) {
        told = told_filter(filter->subs[i], by);
    }
    return told;
}

bool
told_key(const query_key_t *key, const query_t *by)
{
    if (key->bucket == BUCKET_STEP && key->expr->kind == EXPR_FIELD) {
        return fits_in(key->expr->field, key->step, by);
    }
    return told_expr(key->expr, by);
}

static bool
expr_may_fail(const expr_t *e)
{
    bool may = e->kind != EXPR_FIELD && e->kind != EXPR_OWN &&
               e->kind != EXPR_COLUMN && e->kind != EXPR_LITERAL &&
               e->kind != EXPR_CALL;

    may = may || (e->kind == EXPR_CALL && e->func->kind == FUNC_EXTRACT);
    may = may || (e->filter != NULL && filter_may_fail(e->filter));
    for (size_t i = 0; !may && i < e->n_args; i++) {
        may = expr_may_fail(e->args[i]);
    }
    return may;
}

bool
filter_may_fail(const filter_t *filter)
{
    bool may = filter->kind == FILTER_REGEX || filter->kind == FILTER_NOT_REGEX;

    may = may || (filter->a != NULL && expr_may_fail(filter->a));
    may = may || (filter->b != NULL && expr_may_fail(filter->b));
    for (size_t i = 0; !may && i < filter->n_subs; i++) {
        may = filter_may_fail(filter->subs[i]);
    }
    return may;
}
