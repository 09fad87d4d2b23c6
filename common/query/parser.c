// SPDX-License-Identifier: Apache-2.0
// query_parse: text to a checked query. One pass over the tokens resolves
// names and types as it goes; the canonical text is written from the result,
// so it cannot say anything else than what will run.
#include "common/query/parse.h"

#include "common/base/xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const tok_t *
peek(parser_t *p)
{
    return &p->toks[p->at];
}

bool
tok_is(const tok_t *t, const char *word)
{
    size_t n = strlen(word);

    return (t->kind == TOK_OP && span_is(t->text, word)) ||
           (t->kind == TOK_NAME && t->text.len == n &&
               strncasecmp((const char *)t->text.p, word, n) == 0);
}

bool
take_if(parser_t *p, const char *word)
{
    if (!tok_is(peek(p), word)) {
        return false;
    }
    p->at++;
    return true;
}

bool
expect(parser_t *p, const char *word)
{
    char what[64] = "expected '";

    if (take_if(p, word)) {
        return true;
    }
    strncat(what, word, 20);
    strcat(what, peek(p)->kind == TOK_END ? "'" : "' before");
    return fail_tok(p, peek(p), what);
}

static bool
parse_text(parser_t *p)
{
    size_t len = strlen(p->text);

    if (len > LIMIT_QUERY_TEXT) {
        return fail_at(p, LIMIT_QUERY_TEXT, LIMIT_QUERY_TEXT,
            "the query is longer than %u bytes", LIMIT_QUERY_TEXT);
    }
    return lex(p, p->text, &p->toks, &p->n_toks) && parse_query(p);
}

static errcode_t
parse(const char *text, bool free_names, query_t **out, query_error_t *error)
{
    parser_t *p = xcalloc(1, sizeof *p);
    errcode_t rc = ERR_OK;

    *out = NULL;
    memset(error, 0, sizeof *error);
    p->text = text;
    p->error = error;
    p->free_names = free_names;
    p->mem = query_memory_new();
    p->q = query_alloc(p->mem, 1, sizeof *p->q);
    p->q->memory = p->mem;
    if (parse_text(p)) {
        *out = p->q;
    } else {
        rc = ERR_QUERY;
        query_memory_destroy(&p->mem);
    }
    buf_fini(&p->agg_text);
    buf_fini(&p->tail);
    free(p);
    return rc;
}

errcode_t
query_parse(const char *text, query_t **out, query_error_t *error)
{
    return parse(text, false, out, error);
}

errcode_t
query_parse_free(const char *text, query_t **out, query_error_t *error)
{
    return parse(text, true, out, error);
}
