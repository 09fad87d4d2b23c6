// SPDX-License-Identifier: Apache-2.0
// A result carries its query as text alone, also over the wire and in the
// coordinator's folder; it is parsed again here.
#include "common/result/shape.h"

#include "common/query/funcs.h"

const char *
shape_name(shape_kind_t kind)
{
    static const char *const names[SHAPE_COUNT_] = {
        [SHAPE_NONE] = "none",
        [SHAPE_FIGURES] = "figures",
        [SHAPE_TIME] = "time",
        [SHAPE_STEPS] = "steps",
        [SHAPE_HEAT] = "heat",
        [SHAPE_BARS] = "bars",
    };

    return names[kind];
}

query_t *
shape_query(const result_t *result)
{
    query_t *query;
    query_error_t error;

    if (query_parse_free(result->query, &query, &error) != ERR_OK) {
        return NULL;
    }
    if (query->n_columns != result->n_columns) {
        query_destroy(&query);
    }
    return query;
}

bool
shape_adds(const query_t *query, size_t column)
{
    if (column < query->n_keys || column >= query->n_keys + query->n_aggs) {
        return false;
    }
    agg_func_t func = query->aggs[column - query->n_keys].func;
    return func == AGG_COUNT || func == AGG_SUM;
}

static bool
is_call(const query_key_t *key, func_kind_t kind)
{
    return key->expr->kind == EXPR_CALL && key->expr->func->kind == kind &&
           key->bucket == BUCKET_NONE;
}

// The column of the key that is this, or n_keys.
static size_t
find_call(const query_t *q, func_kind_t kind)
{
    size_t i = 0;

    while (i < q->n_keys && !is_call(&q->keys[i], kind)) {
        i++;
    }
    return i;
}

// The first key in steps, of a time or of other numbers; or n_keys.
static size_t
find_steps(const query_t *q, bool time)
{
    size_t i = 0;

    while (i < q->n_keys && (q->keys[i].bucket != BUCKET_STEP ||
                                (q->columns[i].type == TYPE_TIME) != time)) {
        i++;
    }
    return i;
}

static bool
is_whole(const query_t *q)
{
    for (size_t i = 0; i < q->n_stages; i++) {
        if (q->stages[i].kind == STAGE_WHERE ||
            q->stages[i].kind == STAGE_HEAD) {
            return false;
        }
    }
    return true;
}

static bool
has_number(const query_t *q)
{
    for (size_t i = q->n_keys; i < q->n_columns; i++) {
        if (type_is_number(q->columns[i].type) &&
            q->columns[i].type != TYPE_TIME) {
            return true;
        }
    }
    return false;
}

static void
set_steps(const query_t *q, shape_kind_t kind, size_t x, shape_t *out)
{
    out->kind = kind;
    out->x = x;
    out->step = q->keys[x].bucket == BUCKET_STEP ? q->keys[x].step : DEC_ONE;
}

static void
choose(const query_t *q, shape_t *out)
{
    size_t hour = find_call(q, FUNC_HOUR), day = find_call(q, FUNC_WEEKDAY);
    size_t time = find_steps(q, true), number = find_steps(q, false);

    if (!has_number(q)) {
        return;
    }
    if (q->n_keys == 0) {
        out->kind = SHAPE_FIGURES;
    } else if (q->n_keys == 2 && hour < 2 && day < 2) {
        set_steps(q, SHAPE_HEAT, hour, out);
        out->y = day;
    } else if (time < q->n_keys) {
        set_steps(q, SHAPE_TIME, time, out);
    } else if (number < q->n_keys) {
        set_steps(q, SHAPE_STEPS, number, out);
    } else if (hour < q->n_keys || day < q->n_keys) {
        set_steps(q, SHAPE_STEPS, hour < q->n_keys ? hour : day, out);
    } else {
        out->kind = SHAPE_BARS;
    }
}

void
shape_of(const result_t *result, shape_t *out)
{
    query_t *q = shape_query(result);

    *out = (shape_t){.kind = SHAPE_NONE};
    if (q != NULL) {
        out->n_keys = q->n_keys;
        out->whole = is_whole(q);
        choose(q, out);
    }
    query_destroy(&q);
}
