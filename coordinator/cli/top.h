// SPDX-License-Identifier: Apache-2.0
// top: what `logtally top` knows and shows, without terminal, socket and
// clock: messages, keys and time go in; requests and a screen come out.
#ifndef LOGTALLY_COORDINATOR_CLI_TOP_H
#define LOGTALLY_COORDINATOR_CLI_TOP_H

#include "common/wire/frame.h"
#include "coordinator/cli/canvas.h"

typedef struct top top_t;

typedef struct top_options {
    const char *endpoint; // lent; where the coordinator is
    int64_t interval_ms;  // between two questions of a kind
    canvas_charset_t charset;
} top_options_t;

top_t *top_new(const top_options_t *options);
void top_destroy(top_t **self_p);

// A frame of the coordinator; what makes no sense changes nothing.
void top_take(top_t *self, const frame_t *frame, int64_t now_ms);
// The connection is down, and up again.
void top_lost(top_t *self, int64_t now_ms);
void top_back(top_t *self);

// Keys are characters, or one of these.
enum {
    TOP_TAB = '\t',
    TOP_ENTER = '\n',
    TOP_ESCAPE = 0x1b,
    TOP_BACKSPACE = 0x7f,
    TOP_UP = 0x110000, // above all characters
    TOP_DOWN,
    TOP_PAGE_UP,
    TOP_PAGE_DOWN,
    TOP_HOME,
    TOP_END,
    TOP_BACK_TAB,
};
// False: that ends it.
bool top_key(top_t *self, uint32_t key, int64_t now_ms);

// Appends the next request that is due; false: none is.
bool top_asks(top_t *self, int64_t now_ms, buf_t *frame);
// When the next one will be.
int64_t top_wakes(const top_t *self, int64_t now_ms);
// Every list has come at least once.
bool top_is_whole(const top_t *self);

// The canvas is made here; canvas_fini frees it.
void top_draw(
    top_t *self, size_t columns, size_t lines, int64_t now_ms, canvas_t *out);

#endif
