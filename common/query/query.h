// SPDX-License-Identifier: Apache-2.0
// query: a checked query, ready to run. Made by query_parse, immutable after
// that, shared by everything that runs it.
//
// The plan is split at the aggregate: filter, keys and aggs run on the
// workers; stages run once, on the merged table.
#ifndef LOGTALLY_COMMON_QUERY_QUERY_H
#define LOGTALLY_COMMON_QUERY_QUERY_H

#include "common/query/cell.h"

typedef enum {
    FIELD_HOST,
    FIELD_FILE,
    FIELD_LINE,
    FIELD_IP,
    FIELD_IDENT,
    FIELD_USER,
    FIELD_TIME,
    FIELD_REQUEST,
    FIELD_METHOD,
    FIELD_URL,
    FIELD_PATH,
    FIELD_QUERY,
    FIELD_PROTO,
    FIELD_STATUS,
    FIELD_BYTES,
    FIELD_REFERER,
    FIELD_UA,
    FIELD_VHOST,
    FIELD_PORT,
    FIELD_DUR,
    FIELD_COUNT
} field_t;

// One row per field: name, type, aliases ("$remote_addr", "c-ip", ...).
typedef struct field_info {
    const char *name;
    type_t type;
    const char *const *aliases; // NULL-terminated, or NULL
} field_info_t;
extern const field_info_t field_infos[FIELD_COUNT];
// By name or alias; false: there is none.
bool field_find(span_t name, field_t *out);

typedef struct expr expr_t;
typedef struct filter filter_t;

typedef enum {
    EXPR_LITERAL,
    EXPR_FIELD,  // before the aggregate
    EXPR_OWN,    // before it: by a name of the format's own
    EXPR_COLUMN, // after it: an index into the columns so far
    EXPR_NEG,    // args[0]
    EXPR_ADD,    // args[0], args[1]
    EXPR_SUB,
    EXPR_MUL,
    EXPR_DIV,
    EXPR_MOD,
    EXPR_CALL, // a function of the function table
} expr_kind_t;

struct expr {
    expr_kind_t kind;
    type_t type;
    cell_t literal; // text owned by the query
    field_t field;
    size_t name; // EXPR_OWN: index among the query's names
    bool quoted; // that name was written in backquotes
    size_t column;
    const struct func *func; // EXPR_CALL
    filter_t *filter;        // of if(filter, a, b); args are a and b
    size_t regex;            // of extract: index among n_regexes
    expr_t **args;
    size_t n_args;
    const char *let; // the name a `let` before the aggregate gave it, or NULL
};

typedef enum {
    FILTER_AND, // any number of subs
    FILTER_OR,  // any number of subs
    FILTER_NOT, // subs[0]
    FILTER_EQ,  // a, b; false when either is missing, as all below
    FILTER_NE,
    FILTER_LT,
    FILTER_LE,
    FILTER_GT,
    FILTER_GE,
    FILTER_REGEX, // a, text = the pattern
    FILTER_NOT_REGEX,
    FILTER_CONTAINS, // a, b (texts)
    FILTER_STARTSWITH,
    FILTER_ENDSWITH,
    FILTER_IN_SET,   // a, items[] sorted by cell_cmp
    FILTER_IN_RANGE, // a, items[0] .. items[1], both inside
    FILTER_IN_CIDR,  // a, net
    FILTER_LINE_HAS, // text: the line contains these bytes
} filter_kind_t;

// An IPv4 network has 4 address bytes, an IPv6 one 16.
typedef struct cidr {
    uint8_t addr[16];
    uint8_t addr_len;
    uint8_t prefix;
} cidr_t;

struct filter {
    filter_kind_t kind;
    filter_t **subs;
    size_t n_subs;
    expr_t *a;
    expr_t *b;
    span_t text;
    cell_t *items;
    size_t n_items;
    cidr_t net;
    size_t regex; // FILTER_REGEX: index among the query's n_regexes
    span_t must;  // FILTER_REGEX: in every text that it is found in; or none
};

typedef enum { BUCKET_NONE, BUCKET_STEP, BUCKET_NET } bucket_t;

typedef struct query_key {
    expr_t *expr;
    bucket_t bucket;
    dec_t step;     // BUCKET_STEP: floor to a multiple
    type_t written; // type of the step as it was written
    uint8_t prefix; // BUCKET_NET
    bool must;      // be there: a line without it is in no group
} query_key_t;

typedef enum {
    AGG_COUNT, // lines; with an argument, lines where it is not missing
    AGG_SUM,
    AGG_AVG,
    AGG_MIN,
    AGG_MAX,
    AGG_DISTINCT,
    AGG_DISTINCT_ABOUT,
    AGG_QUANTILE,
    AGG_FIRST, // by time
    AGG_LAST,
    AGG_FUNC_COUNT
} agg_func_t;

typedef struct query_agg {
    agg_func_t func;
    expr_t *arg;      // NULL: count of lines
    filter_t *filter; // NULL: no if(...)
    size_t condition; // the first aggregate with an equal filter
    dec_t quantile;   // 0 to 1
    // Of hist(x, width), which counts the lines of a bucket: the bucket, which
    // is the last of the keys, too. Else NULL.
    const struct query_key *hist;
} query_agg_t;

typedef struct column {
    char *name; // canonical text or the `as` name
    type_t type;
} column_t;

typedef struct sort_key {
    size_t column;
    bool descending;
} sort_key_t;

// Ties, and a table without a sort stage, follow the query's order.
typedef enum { STAGE_WHERE, STAGE_LET, STAGE_SORT, STAGE_HEAD } stage_kind_t;

typedef struct stage {
    stage_kind_t kind;
    filter_t *filter; // WHERE, over columns
    expr_t *expr;     // LET, over columns; fills the next column
    sort_key_t *sort; // SORT
    size_t n_sort;
    uint64_t head; // HEAD: first rows ...
    size_t *per;   // ... of each group of these columns
    size_t n_per;
} stage_t;

typedef struct query {
    char *canonical;
    filter_t *filter; // NULL: every line
    query_key_t *keys;
    size_t n_keys;
    query_agg_t *aggs;
    size_t n_aggs;
    stage_t *stages; // `top` is lowered to SORT and HEAD
    size_t n_stages;
    column_t *columns; // keys, aggs, then one per LET in order
    size_t n_columns;
    sort_key_t *order; // total default order, by column
    size_t n_order;
    uint32_t fields; // bit per field_t that the worker part reads
    span_t *names;   // of EXPR_OWN, up to LIMIT_FREE_NAMES
    size_t n_names;
    size_t n_regexes;
    struct query_memory *memory; // owns all of the above
} query_t;

typedef struct query_error {
    size_t begin; // byte offsets into the text
    size_t end;
    char message[512];    // "unknown field 'stauts'"
    char suggestion[256]; // "did you mean 'status'?" or empty
} query_error_t;

// Parses and checks. On ERR_QUERY *error is filled and *out is NULL.
MUST_CHECK errcode_t query_parse(
    const char *text, query_t **out, query_error_t *error);
// As query_parse, where names that are not built in are fields too, and names
// in backquotes always: for formats that have names of their own. A canonical
// text is the same query to both, if query_parse takes it.
MUST_CHECK errcode_t query_parse_free(
    const char *text, query_t **out, query_error_t *error);
void query_destroy(query_t **self_p);

// The longest text that a line must contain for the filter to pass, lent;
// p == NULL when there is none.
span_t query_literal(const query_t *self);

// A bit per field_t that is read of a line. NULL reads none.
uint32_t expr_reads(const expr_t *e);
uint32_t filter_reads(const filter_t *f);

// The three lines a person sees: message, text, caret and suggestion.
void query_error_print(
    const query_error_t *error, const char *text, buf_t *out);

// A text as a number: as dec_parse, and with an exponent or more than nine
// decimals (rounded half to even). false: it is none, or too large.
bool number_read(span_t s, dec_t *out);

// What --explain prints: canonical text, fields read, the text whose absence
// skips a line, worker part, final part.
void query_explain(const query_t *self, buf_t *out);

#endif
