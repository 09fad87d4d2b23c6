// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/doctor.h"

#include "common/base/json_put.h"
#include "common/base/xalloc.h"
#include "coordinator/cli/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEND "; mend with: "

static char *printed(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

static char *
printed(const char *fmt, va_list ap)
{
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) == -1) {
        abort(); // as xcalloc
    }
    return text;
}

void
doctor_fini(doctor_t *self)
{
    for (size_t i = 0; i < self->n; i++) {
        free(self->findings[i].text);
        free(self->findings[i].cure);
        free(self->findings[i].where);
    }
    for (size_t i = 0; i < self->n_skipped; i++) {
        free(self->skipped[i]);
    }
    free(self->findings);
    free(self->skipped);
    *self = (doctor_t){0};
}

static finding_t *
add(doctor_t *self, const char *id)
{
    self->findings =
        xgrow(self->findings, &self->cap, self->n + 1, sizeof *self->findings);
    finding_t *f = &self->findings[self->n++];
    *f = (finding_t){.id = id, .place = self->place};
    return f;
}

finding_t *
doctor_find(doctor_t *self, const char *id, const char *fmt, ...)
{
    finding_t *f = add(self, id);
    va_list ap;

    va_start(ap, fmt);
    f->text = printed(fmt, ap);
    va_end(ap);
    return f;
}

void
doctor_skip(doctor_t *self, const char *fmt, ...)
{
    va_list ap;

    self->skipped = xgrow(self->skipped, &self->cap_skipped,
        self->n_skipped + 1, sizeof *self->skipped);
    va_start(ap, fmt);
    self->skipped[self->n_skipped++] = printed(fmt, ap);
    va_end(ap);
}

static void
set_cure(finding_t *self, bool command, const char *where, char *cure)
{
    free(self->cure);
    free(self->where);
    self->cure = cure;
    self->command = command;
    self->where = where != NULL ? xstrdup(where) : NULL;
}

void
finding_command(finding_t *self, const char *where, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_cure(self, true, where, printed(fmt, ap));
    va_end(ap);
}

void
finding_advice(finding_t *self, const char *where, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_cure(self, false, where, printed(fmt, ap));
    va_end(ap);
}

// The last "; ", or NULL.
static const char *
last_part(const char *text)
{
    const char *found = NULL;

    for (const char *p = text; (p = strstr(p, "; ")) != NULL; p += 2) {
        found = p;
    }
    return found;
}

finding_t *
doctor_find_said(
    doctor_t *self, const char *id, span_t sentence, const char *otherwise)
{
    finding_t *f = add(self, id);

    f->text = xstrndup(
        sentence.len > 0 ? (const char *)sentence.p : "", sentence.len);
    char *mend = strstr(f->text, MEND);
    const char *last = last_part(f->text);
    if (mend != NULL) {
        finding_command(f, NULL, "%s", mend + strlen(MEND));
        *mend = '\0';
    } else if (last != NULL) {
        finding_advice(f, NULL, "%s", last + 2);
        f->text[last - f->text] = '\0';
    } else {
        finding_advice(f, NULL, "%s", otherwise);
    }
    return f;
}

// ---- printing. Texts may come from a peer.

static void
print_one(const finding_t *f, buf_t *out)
{
    buf_printf(out, "%s: %s: ", f->place, f->id);
    text_safe(f->text, out);
    buf_put_str(out, "; ");
    if (f->where != NULL) {
        buf_put_str(out, "on ");
        text_safe(f->where, out);
        buf_put_str(out, f->command ? " mend with: " : ": ");
    } else {
        buf_put_str(out, f->command ? "mend with: " : "");
    }
    text_safe(f->cure, out);
    buf_put_u8(out, '\n');
}

static bool
has_findings(const doctor_t *self, const char *place)
{
    for (size_t i = 0; i < self->n; i++) {
        if (strcmp(self->findings[i].place, place) == 0) {
            return true;
        }
    }
    return false;
}

void
doctor_print(const doctor_t *self, const char *const *places, size_t n_places,
    buf_t *out)
{
    for (size_t i = 0; i < self->n; i++) {
        print_one(&self->findings[i], out);
    }
    for (size_t i = 0; i < n_places; i++) {
        if (!has_findings(self, places[i])) {
            buf_printf(out, "%s: nothing is wrong\n", places[i]);
        }
    }
}

static void
put_texts(buf_t *out, const char *key, const char *const *texts, size_t n)
{
    json_open(out, key, '[');
    for (size_t i = 0; i < n; i++) {
        json_text(out, NULL, texts[i]);
    }
    json_close(out, ']');
}

void
doctor_print_json(const doctor_t *self, const char *const *places,
    size_t n_places, buf_t *out)
{
    json_open(out, NULL, '{');
    json_open(out, "findings", '[');
    for (size_t i = 0; i < self->n; i++) {
        const finding_t *f = &self->findings[i];
        json_open(out, NULL, '{');
        json_text(out, "place", f->place);
        json_text(out, "id", f->id);
        json_text(out, "text", f->text);
        json_text(out, "cure", f->cure);
        json_flag(out, "command", f->command);
        json_text(out, "where", f->where != NULL ? f->where : "");
        json_close(out, '}');
    }
    json_close(out, ']');
    put_texts(out, "places", places, n_places);
    put_texts(
        out, "skipped", (const char *const *)self->skipped, self->n_skipped);
    json_close(out, '}');
    buf_put_u8(out, '\n');
}
