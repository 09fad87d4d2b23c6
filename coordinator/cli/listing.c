// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/listing.h"

#include "coordinator/cli/terminal.h"

#include <stdio.h>
#include <unistd.h>

static int
print_table(const table_t *table)
{
    buf_t text = {0};

    table_print(table, terminal_width(STDOUT_FILENO), &text);
    int code = print_out(&text);
    buf_fini(&text);
    return code;
}

static int
print(const listing_t *self, listing_out_t *out, bool json)
{
    if (json) {
        json_close(&out->json, ']');
        buf_put_u8(&out->json, '\n');
        return print_out(&out->json);
    }
    if (table_rows(out->table) == 0) {
        fprintf(stderr, "%s\n", self->empty);
        return EXIT_DONE;
    }
    return print_table(out->table);
}

int
listing_print(const listing_t *self, listing_options_t *options, buf_t *why)
{
    listing_out_t out = {.table = table_new(self->columns, self->n_columns)};
    list_t list = {.ask = self->ask,
        .answer = self->answer,
        .record = self->record,
        .ctx = &out};

    json_open(&out.json, NULL, '[');
    int code = list_fetch(&list, &options->common, why);
    if (code == EXIT_DONE) {
        code = print(self, &out, options->json);
    }
    table_destroy(&out.table);
    buf_fini(&out.json);
    return code;
}
