// SPDX-License-Identifier: Apache-2.0
// queries: what one job asks, one query or several with names, of the same
// lines.
//
// As text it is the query, or a line for each: `NAME: QUERY`. No query begins
// with a name and a colon, so the one is never taken for the other.
#ifndef LOGTALLY_COMMON_QUERY_QUERIES_H
#define LOGTALLY_COMMON_QUERY_QUERIES_H

#include "common/query/query.h"

typedef struct named_query {
    char *name; // NULL: it is the only one and has none
    query_t *query;
} named_query_t;

typedef struct queries {
    named_query_t *list;
    size_t n;
    char *canonical;
    // What they read together: fields and names; nothing else is set.
    query_t reads;
} queries_t;

// As query_parse_free, for each; an error's place is in the text of its own
// query, its message says the name. ERR_QUERY too for two of one name, more
// than LIMIT_QUERIES or LIMIT_FREE_NAMES and a canonical text longer than
// LIMIT_QUERY_TEXT. *out is NULL then.
MUST_CHECK errcode_t queries_parse(
    const char *text, queries_t **out, query_error_t *error);
void queries_destroy(queries_t **self_p);

// Letters, digits, `_` and `-`, the first one a letter, LIMIT_NAME at most.
bool queries_name_fits(span_t name);
// The name that a line begins with, and what is behind it; false: none.
bool queries_split(span_t line, span_t *name, span_t *query);

// The next line of such a text from *at on, its name if it has one; a query
// without a name is the whole text. false: there is no more.
bool queries_next(const char **at, span_t *name, span_t *query);

// As query_literal; of several queries there is none.
span_t queries_literal(const queries_t *self);

#endif
