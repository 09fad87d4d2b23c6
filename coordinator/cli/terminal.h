// SPDX-License-Identifier: Apache-2.0
// terminal: one line on standard error that is drawn over and over, or a
// screen of them, and how large a terminal is.
#ifndef LOGTALLY_COORDINATOR_CLI_TERMINAL_H
#define LOGTALLY_COORDINATOR_CLI_TERMINAL_H

#include "common/base/bytes.h"

bool terminal_is(int fd);
// Is it one whose cursor can be moved, by its name in $TERM? Complains: what
// wanted it, and what to do instead.
bool terminal_usable(int fd, const char *what, const char *instead);
size_t terminal_width(int fd); // 0: no terminal, or it does not say
size_t terminal_height(int fd);

// Columns that a drawn line may take.
size_t terminal_room(void);
void terminal_draw(const buf_t *line);
void terminal_put(const buf_t *text); // as it is; what cannot be shown is lost
void terminal_erase(void);            // nothing when nothing is drawn
// Draws lines over the whole terminal, on a screen of its own: what was there
// before is there again after terminal_erase. Lines that are too long are cut
// by the terminal.
void terminal_screen(const buf_t *lines);
bool terminal_has_screen(void);

#endif
