// SPDX-License-Identifier: Apache-2.0
// doctor: what is wrong and what mends it. Pure: facts go in, findings come
// out; the doctor_*_io files gather the facts. One thread.
#ifndef LOGTALLY_COORDINATOR_CLI_DOCTOR_H
#define LOGTALLY_COORDINATOR_CLI_DOCTOR_H

#include "common/base/bytes.h"

typedef struct finding {
    const char *id;    // never changes; static
    const char *place; // "coordinator", "worker", "client"; static
    char *text;
    char *cure;   // a command, or words; never NULL once it is printed
    bool command; // cure can be run as it stands
    char *where;  // the machine that it is for; NULL: this one
} finding_t;

typedef struct doctor {
    const char *place; // of what is found from now on
    finding_t *findings;
    size_t n, cap;
    char **skipped; // what could not be looked at, and why
    size_t n_skipped, cap_skipped;
} doctor_t; // zeroed is ready

void doctor_fini(doctor_t *self);
// Lent until the next one is found.
finding_t *doctor_find(doctor_t *self, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_skip(doctor_t *self, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
// What mends it. `where` is the name of a machine, or NULL for this one.
void finding_command(finding_t *self, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void finding_advice(finding_t *self, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// A sentence that ends with its cure, as errors of this program do:
// "WHAT; mend with: COMMAND" or "WHAT; WORDS". Without one the cure is
// `otherwise`.
finding_t *doctor_find_said(
    doctor_t *self, const char *id, span_t sentence, const char *otherwise);

// A line for each finding, and one for each of the places where nothing is
// wrong.
void doctor_print(const doctor_t *self, const char *const *places,
    size_t n_places, buf_t *out);
void doctor_print_json(const doctor_t *self, const char *const *places,
    size_t n_places, buf_t *out);

#endif
