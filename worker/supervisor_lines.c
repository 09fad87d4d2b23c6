// SPDX-License-Identifier: Apache-2.0
// Which executor counts what. Each has a line of shards that it was given:
// one large one, or some small ones. It counts the first, and when it dies
// that one is to blame, and no other.
#include "worker/supervisor_inside.h"

#include "common/wire/credit.h"

#include <stdlib.h>
#include <string.h>

// A start the driver has not seen yet is taken back; true when it was.
static bool
take_back_start(supervisor_t *self, const item_t *item)
{
    for (size_t i = 0; i < self->n_out; i++) {
        if (self->out[i]->kind == SUP_START &&
            self->out[i]->shard == item->shard) {
            free(self->out[i]);
            self->n_out--;
            memmove(self->out + i, self->out + i + 1,
                (self->n_out - i) * sizeof *self->out);
            return true;
        }
    }
    return false;
}

static void
unlink_item(line_t *line, item_t *item)
{
    item_t **at = &line->first;

    while (*at != item) {
        at = &(*at)->behind;
    }
    *at = item->behind;
    item->behind = NULL;
    line->credit -= item->credit;
    line->is_full = line->is_full && line->first != NULL;
}

void
sup_advance_line(supervisor_t *self, uint32_t slot)
{
    line_t *line = &self->lines[slot];

    unlink_item(line, line->first);
    if (line->first != NULL) {
        line->first->alive_ms = self->now;
    }
}

void
sup_break_line(supervisor_t *self, uint32_t slot)
{
    line_t *line = &self->lines[slot];

    while (line->first != NULL) {
        item_t *item = line->first;
        (void)take_back_start(self, item);
        unlink_item(line, item);
        item->state = ITEM_QUEUED;
        item->bytes_done = 0;
    }
}

void
sup_leave_line(supervisor_t *self, item_t *item)
{
    uint32_t slot = item->slot;
    bool was_given = !take_back_start(self, item);

    unlink_item(&self->lines[slot], item);
    item->state = ITEM_QUEUED;
    if (was_given) {
        self->n_killed++;
        sup_break_line(self, slot);
        sup_push(self, SUP_KILL)->slot = slot;
    }
}

void
sup_not_given(supervisor_t *self, item_t *item)
{
    line_t *line = &self->lines[item->slot];

    unlink_item(line, item);
    item->state = ITEM_QUEUED;
    line->is_full = line->first != NULL;
}

// The job whose turn is longest ago, then the oldest of its shards.
static item_t *
next_queued(supervisor_t *self)
{
    item_t *best = NULL;

    for (size_t i = 0; i < self->n_items; i++) {
        item_t *it = self->items[i];
        if (it->state == ITEM_QUEUED &&
            (best == NULL || it->turn < best->turn ||
                (it->turn == best->turn && it->seq < best->seq))) {
            best = it;
        }
    }
    return best;
}

static void
start(supervisor_t *self, item_t *item, uint32_t slot)
{
    sup_output_t *out = sup_push(self, SUP_START);
    line_t *line = &self->lines[slot];
    item_t **end = &line->first;

    self->turn++;
    for (size_t i = 0; i < self->n_items; i++) {
        if (self->items[i]->shard->job == item->shard->job) {
            self->items[i]->turn = self->turn;
        }
    }
    while (*end != NULL) {
        end = &(*end)->behind;
    }
    *end = item;
    line->credit += item->credit;
    item->state = ITEM_RUNNING;
    item->slot = slot;
    item->alive_ms = self->now;
    out->slot = slot;
    out->shard = item->shard;
}

// The shortest line that has room, or the number of slots.
static uint32_t
slot_for(const supervisor_t *self, const item_t *item)
{
    uint32_t best = self->config.executors;

    for (uint32_t slot = 0; slot < self->config.executors; slot++) {
        const line_t *line = &self->lines[slot];
        bool fits =
            line->first == NULL ||
            (!line->is_full && line->credit + item->credit <= CREDIT_WHOLE);
        if (fits && (best == self->config.executors ||
                        line->credit < self->lines[best].credit)) {
            best = slot;
        }
    }
    return best;
}

void
sup_start_free(supervisor_t *self)
{
    item_t *item;

    while ((item = next_queued(self)) != NULL) {
        uint32_t slot = slot_for(self, item);
        if (slot == self->config.executors) {
            return;
        }
        start(self, item, slot);
    }
}

// While the driver has not taken a kill of this slot, or the start of its
// first shard, what it reports is of the shard before: believed, it would be
// counted for another.
item_t *
sup_reporting(supervisor_t *self, uint32_t slot)
{
    item_t *first =
        slot < self->config.executors ? self->lines[slot].first : NULL;

    for (size_t i = 0; i < self->n_out && first != NULL; i++) {
        const sup_output_t *out = self->out[i];
        if (out->slot == slot &&
            (out->kind == SUP_KILL ||
                (out->kind == SUP_START && out->shard == first->shard))) {
            return NULL;
        }
    }
    return first;
}
