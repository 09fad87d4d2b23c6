// SPDX-License-Identifier: Apache-2.0
// What every line that passes the filter must contain. Only texts that stand
// in the line as they were logged count: a field is a piece of its line, but
// for host and file, and so is what ext, segment and extract take from one.
#include "common/query/funcs.h"
#include "common/query/query.h"

#include <string.h>

static bool
is_piece_of_line(const expr_t *e)
{
    if (e != NULL && e->kind == EXPR_CALL) {
        return (e->func->kind == FUNC_EXT || e->func->kind == FUNC_SEGMENT ||
                   e->func->kind == FUNC_EXTRACT) &&
               is_piece_of_line(e->args[0]);
    }
    return e != NULL && e->kind == EXPR_FIELD && e->field != FIELD_HOST &&
           e->field != FIELD_FILE && !type_is_number(e->type);
}

static span_t
longer(span_t a, span_t b)
{
    return b.len > a.len ? b : a;
}

static span_t
text_of(const expr_t *e)
{
    return e != NULL && e->kind == EXPR_LITERAL && e->literal.kind == CELL_TEXT
               ? e->literal.text
               : (span_t){0};
}

// Either side of an equation may be the field.
static span_t
of_equation(const filter_t *f)
{
    if (is_piece_of_line(f->a)) {
        return text_of(f->b);
    }
    return is_piece_of_line(f->b) ? text_of(f->a) : (span_t){0};
}

static span_t
needed(const filter_t *f)
{
    span_t best = {0};

    switch (f->kind) {
    case FILTER_AND:
        for (size_t i = 0; i < f->n_subs; i++) {
            best = longer(best, needed(f->subs[i]));
        }
        return best;
    case FILTER_LINE_HAS:
        return f->text;
    case FILTER_EQ:
        return of_equation(f);
    case FILTER_CONTAINS:
    case FILTER_STARTSWITH:
    case FILTER_ENDSWITH:
        return is_piece_of_line(f->a) ? text_of(f->b) : best;
    case FILTER_REGEX:
        return is_piece_of_line(f->a) ? f->must : best;
    case FILTER_OR:
    case FILTER_NOT:
    case FILTER_NE:
    case FILTER_LT:
    case FILTER_LE:
    case FILTER_GT:
    case FILTER_GE:
    case FILTER_NOT_REGEX:
    case FILTER_IN_SET:
    case FILTER_IN_RANGE:
    case FILTER_IN_CIDR:
        break;
    }
    return best;
}

span_t
query_literal(const query_t *self)
{
    span_t text = self->filter != NULL ? needed(self->filter) : (span_t){0};
    bool ends_lines =
        text.len > 0 && (memchr(text.p, '\n', text.len) != NULL ||
                            memchr(text.p, '\r', text.len) != NULL);

    return text.len == 0 || ends_lines ? (span_t){0} : text;
}
