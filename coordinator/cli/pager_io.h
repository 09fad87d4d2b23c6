// SPDX-License-Identifier: Apache-2.0
// pager: a long table on a terminal, a page at a time.
#ifndef LOGTALLY_COORDINATOR_CLI_PAGER_IO_H
#define LOGTALLY_COORDINATOR_CLI_PAGER_IO_H

#include "common/base/bytes.h"

// Shows a text that is higher than the terminal by the program that $PAGER
// names (`less` when it is not set; `cat` or nothing turns it off), and
// returns when that has ended. No shell reads $PAGER: it is a program and words
// for it, with spaces between. false: the text has not been shown.
MUST_CHECK bool pager_show(const buf_t *text);

#endif
