// SPDX-License-Identifier: Apache-2.0
// What reports have as well are taken from there, so that they are
// in the program once; packed, all are here.
#include "coordinator/dashboard/assets.h"

#include "common/result/output.h"
#include "coordinator/dashboard_parts.h"

#include <string.h>

#define HTML "text/html; charset=utf-8"
#define JS   "text/javascript; charset=utf-8"
#define CSS  "text/css; charset=utf-8"
#define SVG  "image/svg+xml"

// Pages come without what they show, so who has not logged in may have them;
// but is sent to the login before, by site.c.
#define PART(path, type, name, open)                                           \
    {                                                                          \
        path, type, name##_etag, {name##_gzip, sizeof name##_gzip},            \
            {name, sizeof name}, -1, open                                      \
    }
#define SHARED(path, type, name, part)                                         \
    {                                                                          \
        path, type, name##_etag, {name##_gzip, sizeof name##_gzip}, {NULL, 0}, \
            part, true                                                         \
    }

span_t
asset_plain(const asset_t *self)
{
    return self->shared < 0 ? self->plain
                            : output_part((output_part_t)self->shared);
}

const asset_t *
asset_find(const char *path)
{
    static const asset_t assets[] = {
        PART("/overview.html", HTML, overview_html, false),
        PART("/job.html", HTML, job_html, false),
        PART("/login.html", HTML, login_html, true),
        PART("/base.css", CSS, base_css, true),
        PART("/base.js", JS, base_js, true),
        PART("/tables.js", JS, tables_js, true),
        PART("/overview.js", JS, overview_js, true),
        PART("/job.js", JS, job_js, true),
        PART("/login.js", JS, login_js, true),
        PART("/favicon.svg", SVG, favicon_svg, true),
        SHARED("/report.css", CSS, report_css, PART_STYLE),
        SHARED("/report.js", JS, report_js, PART_SCRIPT),
        SHARED("/charts.js", JS, charts_js, PART_CHARTS),
    };

    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++) {
        if (strcmp(assets[i].path, path) == 0) {
            return &assets[i];
        }
    }
    return NULL;
}
