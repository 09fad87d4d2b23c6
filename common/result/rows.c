// SPDX-License-Identifier: Apache-2.0
// The default order, then the stages behind the aggregate, one after the
// other over a list of rows. Rows stay where they are; the list moves.
//
// qsort_r of glibc is a merge sort, which takes 32 bytes a row for as long as
// it lasts: most comparisons are settled by the first eight bytes of what the
// first column sorts by, without a look at the row.
#include "common/result/rows.h"

#include "common/base/map.h"
#include "common/base/xalloc.h"
#include "common/query/eval.h"

#include <stdlib.h>
#include <string.h>

static int
cmp_by(const cell_t *a, const cell_t *b, const sort_key_t *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int c = cell_cmp(&a[keys[i].column], &b[keys[i].column]);
        if (c != 0) {
            return keys[i].descending ? -c : c;
        }
    }
    return 0;
}

static int
cmp_rows(const void *a, const void *b, void *ctx)
{
    const cell_t *const *x = a;
    const cell_t *const *y = b;
    const ordering_t *o = ctx;
    int c = cmp_by(*x, *y, o->keys, o->n);

    return c != 0 ? c : cmp_by(*x, *y, o->query->order, o->query->n_order);
}

// Smaller for a cell that comes before; often equal, never the wrong way.
static uint64_t
abbreviation(const cell_t *cell)
{
    uint64_t v = 0;

    if (cell->kind == CELL_NUMBER) {
        double d = (double)cell->number; // rounding keeps order
        memcpy(&v, &d, sizeof v);
        return v >> 63 != 0 ? ~v : v | 1ull << 63;
    }
    for (size_t i = 0; cell->kind == CELL_TEXT && i < 8; i++) {
        v = v << 8 | (i < cell->text.len ? cell->text.p[i] : 0);
    }
    return v;
}

typedef struct item {
    uint64_t first; // abbreviation; turned round where that descends
    cell_t *row;
} item_t;

static int
cmp_items(const void *a, const void *b, void *ctx)
{
    const item_t *x = a;
    const item_t *y = b;

    if (x->first != y->first) {
        return x->first < y->first ? -1 : 1;
    }
    return cmp_rows(&x->row, &y->row, ctx);
}

static void
sort_list(cell_t **list, size_t n, ordering_t *ordering)
{
    const query_t *q = ordering->query;
    const sort_key_t *key = ordering->n > 0  ? ordering->keys
                            : q->n_order > 0 ? q->order
                                             : NULL;
    if (n < 2 || key == NULL) {
        return;
    }
    item_t *items = xcalloc(n, sizeof *items);
    for (size_t i = 0; i < n; i++) {
        uint64_t first = abbreviation(&list[i][key->column]);
        items[i] = (item_t){key->descending ? ~first : first, list[i]};
    }
    qsort_r(items, n, sizeof *items, cmp_items, ordering);
    for (size_t i = 0; i < n; i++) {
        list[i] = items[i].row;
    }
    free(items);
}

static void
swap_rows(cell_t **list, size_t a, size_t b)
{
    cell_t *row = list[a];

    list[a] = list[b];
    list[b] = row;
}

// Lets the row at `at` sink in a heap whose last one in order is on top.
static void
sink(cell_t **list, size_t n, size_t at, ordering_t *ordering)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n &&
            cmp_rows(&list[child], &list[child + 1], ordering) < 0) {
            child++;
        }
        if (cmp_rows(&list[at], &list[child], ordering) >= 0) {
            return;
        }
        swap_rows(list, at, child);
    }
}

// The first `head` rows of the order come to the front, in no order yet.
static void
select_rows(cell_t **list, size_t n, size_t head, ordering_t *ordering)
{
    for (size_t i = head / 2; i-- > 0;) {
        sink(list, head, i, ordering);
    }
    for (size_t i = head; i < n; i++) {
        if (cmp_rows(&list[i], &list[0], ordering) < 0) {
            swap_rows(list, i, 0);
            sink(list, head, 0, ordering);
        }
    }
}

// What the stages begin with: an order, and how many rows of it are left.
static uint64_t
first_head(const query_t *q, ordering_t *order)
{
    bool sorts = q->n_stages > 0 && q->stages[0].kind == STAGE_SORT;
    size_t next = sorts ? 1 : 0;

    *order = (ordering_t){.query = q};
    if (sorts) {
        order->keys = q->stages[0].sort;
        order->n = q->stages[0].n_sort;
    }
    return next < q->n_stages && q->stages[next].kind == STAGE_HEAD &&
                   q->stages[next].n_per == 0
               ? q->stages[next].head
               : UINT64_MAX;
}

void
rows_begin(rows_t *self, size_t n)
{
    uint64_t head = first_head(self->query, &self->order);

    // A heap of many costs more than a sort of all.
    self->room = head > 0 && head < n / 8 ? (size_t)head : n;
    self->few = self->room < n;
    self->n_all = self->room + 1;
    self->cells = xcalloc(self->n_all * self->query->n_columns, sizeof(cell_t));
    self->list = xcalloc(self->n_all, sizeof(cell_t *));
    for (size_t i = 0; i < self->n_all; i++) {
        self->list[i] = self->cells + i * self->query->n_columns;
    }
}

cell_t *
rows_next(rows_t *self)
{
    return self->list[self->n];
}

void
rows_put(rows_t *self)
{
    cell_t **list = self->list;

    if (self->n < self->room) {
        self->n++;
        for (size_t i = self->few && self->n == self->room ? self->n / 2 : 0;
             i-- > 0;) {
            sink(list, self->n, i, &self->order);
        }
    } else if (cmp_rows(&list[self->n], &list[0], &self->order) < 0) {
        swap_rows(list, self->n, 0);
        sink(list, self->n, 0, &self->order);
    }
}

bool
rows_is_behind(const rows_t *self, const cell_t *row)
{
    const ordering_t *o = &self->order;
    const sort_key_t *key = o->n > 0 ? o->keys : self->query->order;

    if (!self->few || self->n < self->room ||
        o->n + self->query->n_order == 0 || key->column < self->query->n_keys) {
        return false;
    }
    int c = cell_cmp(&row[key->column], &self->list[0][key->column]);
    return key->descending ? c < 0 : c > 0;
}

// Sorts. Where a head of all rows comes next, the others need no order.
static void
sort_rows(rows_t *self, const sort_key_t *keys, size_t n, const stage_t *next)
{
    ordering_t ordering = {keys, n, self->query};
    bool cut = next != NULL && next->kind == STAGE_HEAD && next->n_per == 0 &&
               next->head < self->n / 8;

    if (cut && next->head > 0) {
        select_rows(self->list, self->n, next->head, &ordering);
    }
    self->n = cut ? next->head : self->n;
    sort_list(self->list, self->n, &ordering);
}

static void
get_column(void *ctx, size_t column, cell_t *out)
{
    const cell_t *row = ctx;

    *out = row[column];
}

// Rows that are kept move up. Those that are not end up behind them: the list
// always names every row there is.
static errcode_t
run_where(rows_t *self, eval_t *eval, const filter_t *filter)
{
    size_t kept = 0;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < self->n && rc == ERR_OK; i++) {
        eval_row_t row = {.column = get_column, .ctx = self->list[i]};
        bool yes = false;
        eval_next_row(eval);
        rc = eval_filter(eval, filter, &row, &yes);
        if (rc == ERR_OK && yes) {
            swap_rows(self->list, kept++, i);
        }
    }
    self->n = rc == ERR_OK ? kept : self->n;
    return rc;
}

static errcode_t
run_let(rows_t *self, eval_t *eval, const expr_t *expr)
{
    const query_t *q = self->query;
    size_t column = q->n_keys + q->n_aggs + self->lets++;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < self->n && rc == ERR_OK; i++) {
        eval_row_t row = {.column = get_column, .ctx = self->list[i]};
        cell_t cell;
        eval_next_row(eval);
        rc = eval_expr(eval, expr, &row, &cell);
        if (rc == ERR_OK && cell.kind == CELL_TEXT) {
            cell.text = result_keep(self->memory, cell.text);
        }
        if (rc == ERR_OK) {
            self->list[i][column] = cell;
        }
    }
    return rc;
}

// How many rows of each group have passed.
typedef struct passed {
    uint8_t *key;
    uint64_t n;
    UT_hash_handle hh;
} passed_t;

static uint64_t
pass(passed_t **table, const stage_t *s, const cell_t *row, buf_t *key)
{
    passed_t *found;

    buf_clear(key);
    for (size_t i = 0; i < s->n_per; i++) {
        cell_encode(&row[s->per[i]], key);
    }
    HASH_FIND(hh, *table, key->p, key->len, found);
    if (found == NULL) {
        found = xcalloc(1, sizeof *found);
        found->key = xmemdup(key->p, key->len);
        HASH_ADD_KEYPTR(hh, *table, found->key, key->len, found);
    }
    return found->n++;
}

static void
run_head(rows_t *self, const stage_t *s)
{
    passed_t *table = NULL, *item, *next;
    buf_t key = {0};
    size_t kept = 0;

    if (s->n_per == 0) {
        self->n = s->head < self->n ? s->head : self->n;
        return;
    }
    for (size_t i = 0; i < self->n; i++) {
        if (pass(&table, s, self->list[i], &key) < s->head) {
            swap_rows(self->list, kept++, i);
        }
    }
    self->n = kept;
    HASH_ITER(hh, table, item, next)
    {
        HASH_DEL(table, item);
        free(item->key);
        free(item);
    }
    buf_fini(&key);
}

static errcode_t
run_stage(rows_t *self, eval_t *eval, const stage_t *s, const stage_t *next)
{
    switch (s->kind) {
    case STAGE_WHERE:
        return run_where(self, eval, s->filter);
    case STAGE_LET:
        return run_let(self, eval, s->expr);
    case STAGE_SORT:
        sort_rows(self, s->sort, s->n_sort, next);
        return ERR_OK;
    case STAGE_HEAD:
        run_head(self, s);
        return ERR_OK;
    }
    return ERR_UNSUPPORTED;
}

// A sort is a total order, so whatever order was before it is lost work.
static bool
needs_default_order(const query_t *q)
{
    for (size_t i = 0; i < q->n_stages; i++) {
        if (q->stages[i].kind == STAGE_SORT) {
            return false;
        }
        if (q->stages[i].kind == STAGE_HEAD) {
            return true;
        }
    }
    return true;
}

// What comes behind a stage, the cut to the rows that are wanted among it.
static const stage_t *
stage_behind(const rows_t *self, size_t i, const stage_t *cut)
{
    const query_t *q = self->query;

    return i < q->n_stages ? &q->stages[i] : self->most > 0 ? cut : NULL;
}

static errcode_t
run_stages(rows_t *self, eval_t *eval, const stage_t *cut)
{
    const query_t *q = self->query;
    errcode_t rc = ERR_OK;

    for (size_t i = 0; i < q->n_stages && rc == ERR_OK; i++) {
        size_t before = self->n;
        rc = run_stage(
            self, eval, &q->stages[i], stage_behind(self, i + 1, cut));
        // A sort may have left out those that are cut off anyway.
        self->total = q->stages[i].kind == STAGE_SORT ? before : self->n;
    }
    return rc;
}

errcode_t
rows_run(rows_t *self)
{
    const query_t *q = self->query;
    const stage_t cut = {.kind = STAGE_HEAD, .head = self->most};
    eval_t *eval = NULL;
    errcode_t rc = ERR_OK;

    self->total = self->n;
    if (needs_default_order(q)) {
        sort_rows(self, NULL, 0, stage_behind(self, 0, &cut));
    }
    if (q->n_stages > 0) {
        rc = eval_new(q, &eval);
    }
    if (rc == ERR_OK) {
        rc = run_stages(self, eval, &cut);
    }
    if (self->most > 0) {
        run_head(self, &cut);
    }
    eval_destroy(&eval);
    return rc;
}
