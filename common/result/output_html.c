// SPDX-License-Identifier: Apache-2.0
// html: one file that needs nothing else, for people without logtally. The
// tables are whole as they come; the script of the page adds order, search and
// charts, and takes their figures from the tables, so that no figure is there
// twice. Its policy allows the scripts and the style by their hashes, and no
// request to anywhere.
#include "common/base/utf8.h"
#include "common/base/xalloc.h"
#include "common/result/html_parts.h"
#include "common/result/output_inside.h"
#include "common/result/shape.h"

#include <stdlib.h>
#include <string.h>

#define FIGURES_MOST 12u

void
html_text(span_t text, buf_t *out)
{
    buf_t safe = {0};

    utf8_put_safe(text, "", &safe);
    for (size_t i = 0; i < safe.len; i++) {
        switch (safe.p[i]) {
        case '<':
            buf_put_str(out, "&lt;");
            break;
        case '>':
            buf_put_str(out, "&gt;");
            break;
        case '&':
            buf_put_str(out, "&amp;");
            break;
        case '"':
            buf_put_str(out, "&quot;");
            break;
        case '\'':
            buf_put_str(out, "&#39;");
            break;
        default:
            buf_put_u8(out, safe.p[i]);
        }
    }
    buf_fini(&safe);
}

void
html_json(span_t text, buf_t *out)
{
    buf_t safe = {0};

    utf8_put_safe(text, "", &safe);
    buf_put_u8(out, '"');
    for (size_t i = 0; i < safe.len; i++) {
        uint8_t c = safe.p[i];
        if (c < 0x80 && strchr("\"\\<>&'", c) != NULL) {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_put_u8(out, c);
        }
    }
    buf_put_u8(out, '"');
    buf_fini(&safe);
}

static void
put_title(const result_t *result, buf_t *out)
{
    if (result->name == NULL) {
        html_text(span_str(result->query), out);
        return;
    }
    for (const result_t *r = result; r != NULL; r = r->next) {
        html_text(span_str(r->name), out);
        buf_put_str(out, r->next != NULL ? ", " : "");
    }
}

static void
put_head(const result_t *result, bool charts, buf_t *out)
{
    buf_put_str(out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta "
        "charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
        "'none'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'; "
        "style-src " PAGE_CSS_HASH "; script-src " PAGE_JS_HASH);
    buf_put_str(out, charts ? " " CHARTS_JS_HASH : "");
    buf_put_str(out,
        "\">\n<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
        "dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    put_title(result, out);
    buf_put_str(out, " - logtally</title>\n<style>");
    buf_put_str(out, page_css);
    buf_put_str(out, "</style>\n</head>\n<body>\n");
}

// ---- headline figures

static void
put_figure(span_t label, const buf_t *value, buf_t *out)
{
    buf_put_str(out, "<div><dt>");
    html_text(label, out);
    buf_put_str(out, "</dt><dd>");
    html_text(buf_span(value), out);
    buf_put_str(out, "</dd></div>\n");
}

static void
put_counter(const char *label, uint64_t n, buf_t *out)
{
    buf_t value = {0};

    put_grouped(n, &value);
    put_figure(span_str(label), &value, out);
    buf_fini(&value);
}

// The cells of a result that is one row of numbers.
static size_t
put_figures_of(const result_t *r, size_t room, buf_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_columns && r->n_rows == 1 && n < room; i++) {
        buf_t value = {0};
        html_figure(r, i, &value);
        put_figure(span_str(r->columns[i].name), &value, out);
        buf_fini(&value);
        n++;
    }
    return n;
}

static void
put_figures(const result_t *result, const shape_t *shapes, buf_t *out)
{
    const receipt_t *receipt = &result->receipt;
    const totals_t *t = &receipt->totals;
    size_t n = 0;
    buf_t value = {0};

    buf_put_str(out, "<dl class=\"figures\">\n");
    for (const result_t *r = result; r != NULL; r = r->next, shapes++) {
        if (shapes->kind == SHAPE_FIGURES) {
            n += put_figures_of(r, FIGURES_MOST - n, out);
        }
    }
    put_counter("lines accepted", t->accepted, out);
    put_counter("lines rejected", totals_rejected(t), out);
    put_bytes(t->bytes, &value);
    put_figure(SPAN_LIT("of logs"), &value, out);
    put_counter(receipt->n_hosts > 1 ? "hosts" : "files",
        receipt->n_hosts > 1 ? receipt->n_hosts : receipt->files, out);
    buf_put_str(out, "</dl>\n");
    buf_fini(&value);
}

// ---- the page

static void
put_nav(const result_t *result, buf_t *out)
{
    size_t i = 0;

    if (result->next == NULL) {
        return;
    }
    buf_put_str(out, "<nav aria-label=\"Results\"><ul>\n");
    for (const result_t *r = result; r != NULL; r = r->next) {
        buf_printf(out, "<li><a href=\"#r%zu\">", i++);
        html_text(span_str(r->name != NULL ? r->name : r->query), out);
        buf_put_str(out, "</a></li>\n");
    }
    buf_put_str(
        out, "<li><a href=\"#receipt\">receipt</a></li>\n</ul></nav>\n");
}

static void
put_header(const result_t *result, const shape_t *shapes, buf_t *out)
{
    const receipt_t *r = &result->receipt;

    buf_put_str(out, "<a class=\"skip\" href=\"#main\">To the results</a>\n"
                     "<header>\n<div id=\"top\"><h1>");
    if (result->name == NULL) {
        html_text(span_str(result->query), out);
    } else {
        buf_put_str(out, "What the logs say");
    }
    buf_put_str(out, "</h1></div>\n");
    if (!r->complete) {
        buf_put_str(out, "<p class=\"warning\"><strong>Incomplete.</strong> ");
        put_counted(
            r->n_missing, "thing is missing", "things are missing", out);
        buf_put_str(out, " from every figure on this page; "
                         "<a href=\"#receipt\">the receipt</a> names "
                         "it.</p>\n");
    }
    put_figures(result, shapes, out);
    put_nav(result, out);
    buf_put_str(out, "</header>\n<main id=\"main\">\n");
}

static void
put_section(const result_t *r, const shape_t *shape, size_t i, buf_t *out)
{
    bool chart = shape->kind > SHAPE_FIGURES && r->n_rows > 1;

    buf_printf(out, "<section id=\"r%zu\" aria-labelledby=\"h%zu\">\n", i, i);
    buf_printf(out, "<h2 id=\"h%zu\">", i);
    html_text(span_str(r->name != NULL ? r->name : "Result"), out);
    buf_put_str(out, "</h2>\n<p class=\"query\"><code>");
    html_text(span_str(r->query), out);
    buf_put_str(out, "</code></p>\n<div class=\"parts\">\n");
    buf_put_str(out, chart ? "<div class=\"chart\" hidden></div>\n" : "");
    buf_printf(out,
        "<div class=\"rows\"><div class=\"scroll\" role=\"region\" "
        "tabindex=\"0\" aria-labelledby=\"h%zu\">\n",
        i);
    html_table(r, shape->n_keys, out);
    buf_put_str(out, "</div></div>\n</div>\n</section>\n");
}

static void
put_values(const result_t *r, const shape_t *shape, buf_t *out)
{
    query_t *query = shape_query(r);
    const char *gap = "";

    buf_put_str(out, ",\"values\":[");
    for (size_t i = shape->n_keys; i < r->n_columns && query != NULL; i++) {
        type_t type = r->columns[i].type;
        if (type_is_number(type) && type != TYPE_TIME) {
            buf_printf(out, "%s{\"column\":%zu,\"adds\":%s}", gap, i,
                shape_adds(query, i) ? "true" : "false");
            gap = ",";
        }
    }
    buf_put_u8(out, ']');
    query_destroy(&query);
}

void
html_shape(const result_t *r, const shape_t *shape, buf_t *out)
{
    char step[DEC_TEXT_MAX];

    step[dec_format(shape->step, step)] = '\0';
    buf_printf(out,
        "{\"shape\":\"%s\",\"keys\":%zu,\"x\":%zu,\"y\":%zu,\"step\":%s,"
        "\"whole\":%s,\"columns\":[",
        shape_name(shape->kind), shape->n_keys, shape->x, shape->y, step,
        shape->whole ? "true" : "false");
    for (size_t i = 0; i < r->n_columns; i++) {
        buf_put_str(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        html_json(span_str(r->columns[i].name), out);
        buf_printf(out, ",\"type\":\"%s\"}", type_name(r->columns[i].type));
    }
    buf_put_u8(out, ']');
    put_values(r, shape, out);
    buf_put_u8(out, '}');
}

static void
put_scripts(
    const result_t *result, const shape_t *shapes, bool charts, buf_t *out)
{
    buf_put_str(out, "<script type=\"application/json\" id=\"shapes\">[");
    for (const result_t *r = result; r != NULL; r = r->next, shapes++) {
        html_shape(r, shapes, out);
        buf_put_str(out, r->next != NULL ? ",\n" : "");
    }
    buf_put_str(out, "]</script>\n");
    if (charts) {
        buf_put_str(out, "<script>");
        buf_put(out, charts_js, sizeof charts_js - 1);
        buf_put_str(out, "</script>\n");
    }
    buf_put_str(out, "<script>");
    buf_put_str(out, page_js);
    buf_put_str(out, "</script>\n</body>\n</html>\n");
}

span_t
output_part(output_part_t part)
{
    const span_t parts[] = {
        [PART_STYLE] = {(const uint8_t *)page_css, sizeof page_css - 1},
        [PART_SCRIPT] = {(const uint8_t *)page_js, sizeof page_js - 1},
        [PART_CHARTS] = {(const uint8_t *)charts_js, sizeof charts_js - 1},
    };

    return parts[part];
}

static bool
wants_charts(const result_t *result, const shape_t *shapes)
{
    for (const result_t *r = result; r != NULL; r = r->next, shapes++) {
        if (shapes->kind > SHAPE_HEAT || shapes->kind == SHAPE_TIME ||
            shapes->kind == SHAPE_STEPS) {
            return sizeof charts_js > 1;
        }
    }
    return false;
}

static shape_t *
shapes_of(const result_t *result)
{
    size_t n = 0;
    shape_t *shapes;

    for (const result_t *r = result; r != NULL; r = r->next) {
        n++;
    }
    shapes = xcalloc(n, sizeof *shapes);
    for (size_t i = 0; i < n; i++, result = result->next) {
        shape_of(result, &shapes[i]);
    }
    return shapes;
}

void
output_html(const result_t *result, buf_t *out)
{
    shape_t *shapes = shapes_of(result);
    bool charts = wants_charts(result, shapes);
    size_t i = 0;

    put_head(result, charts, out);
    put_header(result, shapes, out);
    for (const result_t *r = result; r != NULL; r = r->next, i++) {
        put_section(r, &shapes[i], i, out);
    }
    html_receipt(result, out);
    buf_put_str(out, "</main>\n");
    put_scripts(result, shapes, charts, out);
    free(shapes);
}
