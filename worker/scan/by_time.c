// SPDX-License-Identifier: Apache-2.0
#include "worker/scan/by_time.h"

bool
by_time_keeps(dec_t *latest, dec_t time)
{
    bool keeps = *latest < TIME_LEAST + BY_TIME_WINDOW ||
                 time >= *latest - BY_TIME_WINDOW;

    *latest = time > *latest ? time : *latest;
    return keeps;
}

static bool
is_before(const time_bounds_t *bounds, dec_t time)
{
    return bounds->since >= TIME_LEAST + BY_TIME_WINDOW &&
           time < bounds->since - BY_TIME_WINDOW;
}

static bool
is_behind(const time_bounds_t *bounds, dec_t time)
{
    return bounds->until <= TIME_GREATEST - BY_TIME_WINDOW &&
           time >= bounds->until + BY_TIME_WINDOW;
}

static errcode_t
look_around(uint64_t begin, uint64_t end, by_time_look_t look, void *ctx,
    bool *disorder)
{
    dec_t latest = TIME_LEAST;
    errcode_t rc = ERR_OK;

    for (unsigned i = 0; rc == ERR_OK && i <= BY_TIME_LOOKS; i++) {
        by_time_line_t line = {0};
        uint64_t len = end - begin - BY_TIME_GRAIN;
        rc = look(ctx, begin + len / BY_TIME_LOOKS * i, &line);
        if (rc == ERR_OK && line.found && line.begin < end &&
            !by_time_keeps(&latest, line.time)) {
            *disorder = true;
        }
    }
    return rc;
}

// The last line found that is before `since`, or the beginning.
static errcode_t
find_begin(const time_bounds_t *bounds, by_time_look_t look, void *ctx,
    by_time_t *self)
{
    uint64_t high = self->end;
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && high - self->begin > BY_TIME_GRAIN) {
        uint64_t middle = self->begin + (high - self->begin) / 2;
        by_time_line_t line = {0};
        rc = look(ctx, middle, &line);
        if (rc == ERR_OK && line.found && line.begin < high &&
            is_before(bounds, line.time)) {
            self->begin = line.begin;
        } else {
            high = middle;
        }
    }
    return rc;
}

// The first line found that is behind `until`, or the end.
static errcode_t
find_end(const time_bounds_t *bounds, by_time_look_t look, void *ctx,
    by_time_t *self)
{
    uint64_t low = self->begin;
    errcode_t rc = ERR_OK;

    while (rc == ERR_OK && self->end - low > BY_TIME_GRAIN) {
        uint64_t middle = low + (self->end - low) / 2;
        by_time_line_t line = {0};
        rc = look(ctx, middle, &line);
        if (rc == ERR_OK && line.found && line.begin < self->end &&
            is_behind(bounds, line.time)) {
            self->end = line.begin;
        } else {
            low = middle;
        }
    }
    return rc;
}

errcode_t
by_time_find(const time_bounds_t *bounds, uint64_t begin, uint64_t end,
    by_time_look_t look, void *ctx, by_time_t *out)
{
    errcode_t rc = ERR_OK;

    *out = (by_time_t){begin, end, false};
    if (end - begin < BY_TIME_LEAST) {
        return ERR_OK;
    }
    rc = look_around(begin, end, look, ctx, &out->disorder);
    if (rc != ERR_OK || out->disorder) {
        return rc;
    }
    rc = find_begin(bounds, look, ctx, out);
    rc = rc != ERR_OK ? rc : find_end(bounds, look, ctx, out);
    if (rc == ERR_OK && out->begin == begin && out->end < end) {
        // The first line may be behind `until`, too: nothing is to be read.
        by_time_line_t line = {0};
        rc = look(ctx, begin, &line);
        if (rc == ERR_OK && line.found && line.begin < out->end &&
            is_behind(bounds, line.time)) {
            out->end = line.begin;
        }
    }
    return rc;
}
