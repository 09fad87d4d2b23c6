// SPDX-License-Identifier: Apache-2.0
// asked: what a command line asks: its first operand, the file of -q, or what
// --where, --by and --top say.
#ifndef LOGTALLY_COORDINATOR_CLI_ASKED_IO_H
#define LOGTALLY_COORDINATOR_CLI_ASKED_IO_H

#include "coordinator/cli/range.h"

typedef struct asked {
    settings_list_t operands; // the query or queries, then what to read
    char *text;               // where it is no operand
} asked_t;

// A file of queries has a line `NAME: QUERY` for each; lines that begin with a
// space go on with the one before, blank ones and those that begin with # are
// left out. operands are lent for the life. EXIT_DONE, or EXIT_USAGE after the
// mistake was printed.
MUST_CHECK int asked_open(const range_options_t *options,
    const settings_list_t *operands, asked_t *out);
void asked_close(asked_t *self);

// The lines of such a text as queries_parse takes them. path is for mistakes.
MUST_CHECK int asked_join(const char *path, span_t text, buf_t *out);

#endif
