// SPDX-License-Identifier: Apache-2.0
// A query joins the table of another, its host, when
//
//   - its filter begins with the host's: what is behind that is told by the
//     keys (told.h), and looked at once for each group at the end; or else it
//     becomes a condition of each aggregate, with a count of the lines that
//     met it, for groups without any are none of the query's. Aggregates that
//     the host has not get the condition in any case, so that nothing is
//     remembered of lines that nobody asked for;
//   - its keys are the host's, and any aggregates are added to the table; or
//     are told by them, and the aggregates are there already: a count apart,
//     they would cost more in the finer table than they do in one of their own.
//
// Texts are compared, not trees: canonical text is equal for equal parts, and
// a table is put together from it and parsed as any other query. Names given
// by `let` would have to come along, and hist drops lines by a key: such
// queries stay alone. So do all if their tables cannot be parsed.
#include "common/query/shared.h"

#include "common/base/xalloc.h"
#include "common/query/parse.h"
#include "common/query/told.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A query in parts, as canonical texts.
typedef struct parts {
    const query_t *query;
    bool alone;
    const filter_t *const *conditions; // all of them must be met
    size_t n_conditions;
    char **conditions_text;
    char **keys;
    char **aggs;
} parts_t;

// A table on its way to be a query.
typedef struct draft {
    const parts_t *host;
    size_t members;
    char *aggs[LIMIT_QUERY_COLUMNS];
    size_t n_aggs;
} draft_t;

typedef struct maker {
    const queries_t *queries;
    parts_t *parts; // of each query
    draft_t *drafts;
    size_t n_drafts;
    share_t *list;
    bool failed; // too many columns
} maker_t;

static char *
take_text(buf_t *text)
{
    char *out = xstrndup((const char *)text->p, text->len);

    buf_fini(text);
    return out;
}

static void
put_condition(const query_t *q, const filter_t *f, buf_t *out)
{
    buf_put_str(out, f->kind == FILTER_OR ? "(" : "");
    canon_filter(q, f, out);
    buf_put_str(out, f->kind == FILTER_OR ? ")" : "");
}

static bool
is_alone(const query_t *q)
{
    bool alone = strncmp(q->canonical, "let ", 4) == 0;

    for (size_t i = 0; i < q->n_keys; i++) {
        alone = alone || q->keys[i].must;
    }
    for (size_t i = 0; i < q->n_aggs; i++) {
        alone = alone || q->aggs[i].hist != NULL;
    }
    return alone;
}

static void
take_conditions(parts_t *self)
{
    const query_t *q = self->query;

    if (q->filter != NULL && q->filter->kind == FILTER_AND) {
        self->conditions = (const filter_t *const *)q->filter->subs;
        self->n_conditions = q->filter->n_subs;
    } else if (q->filter != NULL) {
        self->conditions = (const filter_t *const *)&q->filter;
        self->n_conditions = 1;
    }
    self->conditions_text =
        xcalloc(self->n_conditions + 1, sizeof *self->conditions_text);
    for (size_t i = 0; i < self->n_conditions; i++) {
        buf_t text = {0};
        put_condition(q, self->conditions[i], &text);
        self->conditions_text[i] = take_text(&text);
    }
}

static parts_t
take_apart(const query_t *q)
{
    parts_t self = {.query = q, .alone = is_alone(q)};

    take_conditions(&self);
    self.keys = xcalloc(q->n_keys + 1, sizeof *self.keys);
    for (size_t i = 0; i < q->n_keys; i++) {
        buf_t text = {0};
        canon_key(q, &q->keys[i], &text);
        self.keys[i] = take_text(&text);
    }
    self.aggs = xcalloc(q->n_aggs + 1, sizeof *self.aggs);
    for (size_t i = 0; i < q->n_aggs; i++) {
        buf_t text = {0};
        canon_agg(q, &q->aggs[i], &text);
        self.aggs[i] = take_text(&text);
    }
    return self;
}

static void
free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(texts[i]);
    }
    free(texts);
}

static bool
are_equal(char *const *a, char *const *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(a[i], b[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool
has_same_keys(const parts_t *self, const parts_t *host)
{
    return self->query->n_keys == host->query->n_keys &&
           are_equal(self->keys, host->keys, self->query->n_keys);
}

// Whether the keys tell which groups the conditions behind the host's leave.
// Where there are none, there is one row, whatever is left of it.
static bool
are_told(const parts_t *self, const parts_t *host)
{
    bool told = host->query->n_keys > 0;

    for (size_t i = host->n_conditions; told && i < self->n_conditions; i++) {
        told = told_filter(self->conditions[i], host->query);
    }
    return told;
}

static bool
is_conditional(const parts_t *self, const parts_t *host)
{
    return self->n_conditions > host->n_conditions && !are_told(self, host);
}

static bool
has_agg(const parts_t *self, const char *agg)
{
    for (size_t i = 0; i < self->query->n_aggs; i++) {
        if (strcmp(self->aggs[i], agg) == 0) {
            return true;
        }
    }
    return false;
}

static bool
can_roll(const parts_t *self, const parts_t *host)
{
    bool can = host->query->n_keys > 0;

    for (size_t i = 0; can && i < self->query->n_keys; i++) {
        can = told_key(&self->query->keys[i], host->query);
    }
    for (size_t i = 0; can && i < self->query->n_aggs; i++) {
        const query_agg_t *agg = &self->query->aggs[i];
        can = (agg->func == AGG_COUNT && agg->arg == NULL) ||
              (!is_conditional(self, host) && has_agg(host, self->aggs[i]));
    }
    return can;
}

static bool
can_join(const parts_t *self, const parts_t *host)
{
    return !self->alone && !host->alone &&
           host->n_conditions <= self->n_conditions &&
           are_equal(self->conditions_text, host->conditions_text,
               host->n_conditions) &&
           (has_same_keys(self, host) || can_roll(self, host));
}

// Of two that could join each other the first is the host.
static bool
would_join(const maker_t *self, size_t query, size_t host)
{
    return query != host && can_join(&self->parts[query], &self->parts[host]) &&
           (host < query || !can_join(&self->parts[host], &self->parts[query]));
}

static bool
is_host(const maker_t *self, size_t query)
{
    for (size_t i = 0; i < self->queries->n; i++) {
        if (would_join(self, query, i)) {
            return false;
        }
    }
    return true;
}

// A host with the same keys, or else any, or else itself.
static size_t
host_of(const maker_t *self, size_t query, const bool *hosts)
{
    size_t found = query;

    for (size_t i = 0; i < self->queries->n && !hosts[query]; i++) {
        if (!hosts[i] || !would_join(self, query, i)) {
            continue;
        }
        if (has_same_keys(&self->parts[query], &self->parts[i])) {
            return i;
        }
        found = found == query ? i : found;
    }
    return found;
}

// The table's aggregate of this text, which is taken.
static size_t
agg_at(maker_t *self, draft_t *to, char *text)
{
    size_t i = 0;

    while (i < to->n_aggs && strcmp(to->aggs[i], text) != 0) {
        i++;
    }
    if (i < to->n_aggs) {
        free(text);
    } else if (i + to->host->query->n_keys < LIMIT_QUERY_COLUMNS) {
        to->aggs[to->n_aggs++] = text;
    } else {
        free(text);
        self->failed = true;
    }
    return i;
}

// An aggregate of the lines that meet the conditions behind the host's, too.
static char *
conditional(const parts_t *self, const parts_t *host, const query_agg_t *agg)
{
    query_agg_t bare = *agg;
    buf_t text = {0};

    bare.filter = NULL;
    canon_agg(self->query, &bare, &text);
    buf_put_str(&text, " if(");
    for (size_t i = host->n_conditions; i < self->n_conditions; i++) {
        buf_put_str(&text, i > host->n_conditions ? " and " : "");
        buf_put_str(&text, self->conditions_text[i]);
    }
    if (agg->filter != NULL) {
        buf_put_str(&text, " and ");
        put_condition(self->query, agg->filter, &text);
    }
    buf_put_str(&text, ")");
    return take_text(&text);
}

// What the query's aggregate is in the table.
static char *
agg_of(const parts_t *self, const parts_t *host, size_t agg)
{
    const query_agg_t *a = &self->query->aggs[agg];
    bool every =
        self->n_conditions == host->n_conditions ||
        (are_told(self, host) && (has_agg(host, self->aggs[agg]) ||
                                     (a->func == AGG_COUNT && a->arg == NULL)));

    return every ? xstrdup(self->aggs[agg]) : conditional(self, host, a);
}

static void
join(maker_t *self, size_t query, draft_t *to)
{
    static const query_agg_t lines = {.func = AGG_COUNT};
    const parts_t *from = &self->parts[query];
    share_t *share = &self->list[query];
    bool if_met = is_conditional(from, to->host);

    *share = (share_t){.table = (size_t)(to - self->drafts),
        .rolls = !has_same_keys(from, to->host),
        .counted = SHARED_ALL};
    for (size_t i = 0; i < from->query->n_aggs; i++) {
        share->aggs[i] = agg_at(self, to, agg_of(from, to->host, i));
    }
    if (if_met && from->query->n_keys > 0) {
        share->counted = agg_at(self, to, conditional(from, to->host, &lines));
    } else if (!if_met) {
        share->n_filters = from->n_conditions - to->host->n_conditions;
        share->filters = share->n_filters > 0
                             ? from->conditions + to->host->n_conditions
                             : NULL;
    }
    to->members++;
}

static draft_t *
draft_of(maker_t *self, const parts_t *host)
{
    for (size_t i = 0; i < self->n_drafts; i++) {
        if (self->drafts[i].host == host) {
            return &self->drafts[i];
        }
    }
    draft_t *to = &self->drafts[self->n_drafts++];
    to->host = host;
    join(self, (size_t)(host - self->parts), to);
    return to;
}

// One that nobody joined is asked as it was.
static void
leave_alone(const query_t *q, size_t table, share_t *out)
{
    *out = (share_t){.table = table, .counted = SHARED_ALL};
    for (size_t i = 0; i < q->n_aggs; i++) {
        out->aggs[i] = i;
    }
}

static void
choose(maker_t *self)
{
    bool hosts[LIMIT_QUERIES];
    size_t n = self->queries->n;

    for (size_t i = 0; i < n; i++) {
        hosts[i] = is_host(self, i);
    }
    for (size_t i = 0; i < n; i++) {
        size_t host = host_of(self, i, hosts);
        draft_t *to = draft_of(self, &self->parts[host]);
        if (host != i) {
            join(self, i, to);
        }
    }
    for (size_t i = 0; i < self->n_drafts; i++) {
        const parts_t *host = self->drafts[i].host;
        if (self->drafts[i].members == 1) {
            leave_alone(host->query, i, &self->list[host - self->parts]);
        }
    }
}

static void
put_list(char *const *texts, size_t n, buf_t *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, i > 0 ? ", " : "");
        buf_put_str(out, texts[i]);
    }
}

static void
put_table(const draft_t *self, buf_t *out)
{
    const query_t *q = self->host->query;

    if (q->filter != NULL) {
        canon_filter(q, q->filter, out);
        buf_put_str(out, " | ");
    }
    put_list(self->aggs, self->n_aggs, out);
    if (q->n_keys > 0) {
        buf_put_str(out, " by ");
        put_list(self->host->keys, q->n_keys, out);
    }
}

static errcode_t
parse_tables(const maker_t *self, queries_t **out)
{
    query_error_t error;
    buf_t text = {0};

    for (size_t i = 0; i < self->n_drafts; i++) {
        const draft_t *d = &self->drafts[i];
        const char *name =
            self->queries->list[(size_t)(d->host - self->parts)].name;
        if (name != NULL) {
            buf_printf(&text, "%s%s: ", i > 0 ? "\n" : "", name);
        }
        if (d->members > 1) {
            put_table(d, &text);
        } else {
            buf_put_str(&text, d->host->query->canonical);
        }
    }
    buf_put_u8(&text, 0);
    errcode_t rc = queries_parse((const char *)text.p, out, &error);
    buf_fini(&text);
    return rc;
}

static void
stay_alone(const queries_t *queries, shared_t *out)
{
    query_error_t error;
    errcode_t rc = queries_parse(queries->canonical, &out->tables, &error);

    assert(rc == ERR_OK); // it did before
    for (size_t i = 0; i < queries->n; i++) {
        leave_alone(queries->list[i].query, i, &out->list[i]);
    }
}

static void
share_tables(const queries_t *queries, shared_t *out)
{
    maker_t m = {.queries = queries, .list = out->list};

    m.parts = xcalloc(queries->n, sizeof *m.parts);
    m.drafts = xcalloc(queries->n, sizeof *m.drafts);
    for (size_t i = 0; i < queries->n; i++) {
        m.parts[i] = take_apart(queries->list[i].query);
    }
    choose(&m);
    if (m.n_drafts == queries->n || m.failed ||
        parse_tables(&m, &out->tables) != ERR_OK) {
        stay_alone(queries, out);
    }
    for (size_t i = 0; i < m.n_drafts; i++) {
        for (size_t a = 0; a < m.drafts[i].n_aggs; a++) {
            free(m.drafts[i].aggs[a]);
        }
    }
    for (size_t i = 0; i < queries->n; i++) {
        const query_t *q = m.parts[i].query;
        free_texts(m.parts[i].conditions_text, m.parts[i].n_conditions);
        free_texts(m.parts[i].keys, q->n_keys);
        free_texts(m.parts[i].aggs, q->n_aggs);
    }
    free(m.parts);
    free(m.drafts);
}

errcode_t
shared_new(const queries_t *queries, uint32_t rules, shared_t **out)
{
    *out = NULL;
    if (rules > SHARED_RULES) {
        return ERR_UNSUPPORTED;
    }
    shared_t *self = xcalloc(1, sizeof *self);
    self->list = xcalloc(queries->n, sizeof *self->list);
    if (rules == 0) {
        stay_alone(queries, self);
    } else {
        share_tables(queries, self);
    }
    *out = self;
    return ERR_OK;
}

void
shared_destroy(shared_t **self_p)
{
    shared_t *self = *self_p;

    if (self != NULL) {
        queries_destroy(&self->tables);
        free(self->list);
        free(self);
        *self_p = NULL;
    }
}
