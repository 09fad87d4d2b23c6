// SPDX-License-Identifier: Apache-2.0
// parse: what the files of the parser share. Nothing outside common/query
// includes this.
//
// Functions that return a pointer return NULL, and those that return bool
// false, once the error is set; the first error stands.
#ifndef LOGTALLY_COMMON_QUERY_PARSE_H
#define LOGTALLY_COMMON_QUERY_PARSE_H

#include "common/base/limits.h"
#include "common/query/funcs.h"
#include "common/query/query.h"
#include "common/query/time_text.h"

typedef struct query_memory query_memory_t;
query_memory_t *query_memory_new(void);
void query_memory_destroy(query_memory_t **self_p);
void *query_alloc(query_memory_t *self, size_t n, size_t len); // zeroed
span_t query_keep(query_memory_t *self, span_t s);             // NUL behind it

typedef enum {
    TOK_END,
    TOK_NAME,
    TOK_OWN, // in backquotes: text is what stands between them
    TOK_NUMBER,
    TOK_CLASS,  // 5xx: number is 5
    TOK_STRING, // text is decoded
    TOK_ADDR,   // an address; prefix >= 0: a network
    TOK_OP,     // text is one of the lexer's operators
} tok_kind_t;

typedef struct tok {
    tok_kind_t kind;
    size_t begin;
    size_t end;
    span_t text;
    dec_t number;
    type_t type; // of a number
    bool unit;   // the number was written with one
    int prefix;
} tok_t;

// An expression with what its checks need. Every expr_t of a query is one.
typedef struct node {
    expr_t e;
    size_t height;
    size_t size;
} node_t;

typedef struct let {
    span_t name;
    expr_t *expr;
} let_t;

// How a column may be spelled later: as written and as canonical.
typedef struct spelling {
    tok_t *toks;
    size_t n;
    size_t column;
} spelling_t;

#define MAX_SPELLINGS (3 * LIMIT_QUERY_COLUMNS)

typedef struct parser {
    const char *text;
    query_memory_t *mem;
    tok_t *toks;
    size_t n_toks;
    size_t at;
    query_t *q;
    query_error_t *error;
    bool failed;
    bool free_names;
    bool after; // behind the aggregate: names are columns
    size_t filter_depth;
    size_t expr_depth;
    let_t lets[LIMIT_QUERY_STAGES];
    size_t n_lets;
    spelling_t spellings[MAX_SPELLINGS];
    size_t n_spellings;
    buf_t agg_text; // the aggregate stage, canonical
    buf_t tail;     // the stages behind it
    size_t stages_seen;
} parser_t;

// lexer.c
bool lex(parser_t *p, const char *text, tok_t **out, size_t *n);

// error.c
bool fail_at(parser_t *p, size_t begin, size_t end, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool fail_tok(parser_t *p, const tok_t *t, const char *what); // "what 'tok'"
void suggest(parser_t *p, const char *word);
void suggest_usage(parser_t *p, const char *usage);
size_t text_shown(const uint8_t *p, size_t len, buf_t *out, size_t *width);

// words.c
bool word_is_reserved(span_t s);
typedef struct agg_info {
    const char *name;
    agg_func_t func;
    dec_t quantile; // of pNN; 0 where it is an argument
    bool hist;
} agg_info_t;
extern const agg_info_t agg_infos[];
const agg_info_t *agg_find(span_t s);
typedef struct guess {
    span_t word;
    size_t best;
    char found[80];
} guess_t;
void guess_try(guess_t *g, span_t candidate);
void guess_fields(guess_t *g);
void guess_aggs(guess_t *g);
void guess_stages(guess_t *g);
void guess_funcs(guess_t *g);

// parser.c
const tok_t *peek(parser_t *p);
bool tok_is(const tok_t *t, const char *word); // operator or reserved word
bool take_if(parser_t *p, const char *word);
bool expect(parser_t *p, const char *word);

// parse_expr.c
expr_t *parse_expr(parser_t *p);
expr_t *expr_literal(parser_t *p, cell_t cell, type_t type);
expr_t *expr_field(parser_t *p, field_t field);
bool match_column(parser_t *p, size_t *out);
bool expr_as_time(parser_t *p, expr_t *e, const tok_t *t);
bool unknown_name(parser_t *p, const tok_t *t);
// args has two places; filter is that of an `if`, or NULL.
expr_t *expr_call(parser_t *p, const func_t *f, type_t type,
    expr_t *const *args, filter_t *filter, size_t regex);

// own_names.c
expr_t *expr_own(parser_t *p, const tok_t *t); // takes t
// e, or where it is an own field read as text the same field read as a number
// or a time, if type is one.
expr_t *expr_read_as(parser_t *p, expr_t *e, type_t type);
bool own_name_is(const query_t *q, span_t name);

// parse_call.c
expr_t *parse_call(parser_t *p, const func_t *f);

// parse_filter.c
filter_t *parse_filter(parser_t *p);
filter_t *filter_both(parser_t *p, filter_t *a, filter_t *b);
// Numbers the regex of the string t; `group`: it must have one.
bool check_regex(
    parser_t *p, const tok_t *t, span_t text, bool group, size_t *out);
// Levels and nodes, those of its expressions with them.
void filter_measure(const filter_t *f, size_t *height, size_t *size);

// parse_agg.c
bool unknown_agg(parser_t *p, const tok_t *t);
// As far as its `if`; *type is that of its column.
bool parse_agg_call(parser_t *p, query_agg_t *a, type_t *type);

// parse_aggs.c
// A bucket of steps of the size that comes next, behind k->expr.
bool parse_step(parser_t *p, query_key_t *k, const char *expected);
bool parse_agg_stage(parser_t *p);
void lower_hist(parser_t *p); // once the canonical text is written
bool parse_new_name(parser_t *p, char **out);
bool parse_count_of(parser_t *p, uint64_t *out);
bool add_column(parser_t *p, const char *name, type_t type, size_t begin,
    size_t end, const char *also);
stage_t *stage_new(parser_t *p, stage_kind_t kind);
void set_order(parser_t *p);
char *keep_buf(parser_t *p, buf_t *b);

// parse_stage.c
bool parse_query(parser_t *p);
bool starts_aggs(parser_t *p);

// canonical.c
void canon_expr(const query_t *q, const expr_t *e, buf_t *out);
void canon_filter(const query_t *q, const filter_t *f, buf_t *out);
void canon_key(const query_t *q, const query_key_t *k, buf_t *out);
void canon_agg(const query_t *q, const query_agg_t *a, buf_t *out);

#endif
