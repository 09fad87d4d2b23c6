// SPDX-License-Identifier: Apache-2.0
// top_io: `logtally top` on a terminal (ncurses), over a connection.
#ifndef LOGTALLY_COORDINATOR_CLI_TOP_IO_H
#define LOGTALLY_COORDINATOR_CLI_TOP_IO_H

#include "coordinator/cli/client_io.h"

// Is there a terminal that can be drawn on? Complains. Before anything else.
bool top_io_usable(void);
// Until it is ended; an exit code.
MUST_CHECK int top_io_run(client_t *client, int64_t interval_ms, buf_t *why);
// One screen as text, of the size that $COLUMNS and $LINES name, else of the
// terminal, else of 80 columns and 24 lines. An exit code.
MUST_CHECK int top_io_once(client_t *client, buf_t *why);

#endif
