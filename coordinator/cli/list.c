// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/list.h"

static errcode_t
take_meta(const list_t *self, const frame_t *frame, uint32_t *n, bool *last)
{
    lt_Records meta;

    if (self->meta != NULL) {
        return self->meta(self->ctx, frame, n, last);
    }
    errcode_t rc = frame_meta(frame, lt_Records_fields, &meta);
    if (rc == ERR_OK) {
        *n = meta.n;
        *last = meta.last;
    }
    return rc;
}

errcode_t
list_take(const list_t *self, const frame_t *frame, bool *last)
{
    uint32_t n = 0;
    rd_t r = rd_init(frame->payload);
    errcode_t rc = take_meta(self, frame, &n, last);

    for (uint32_t i = 0; i < n && rc == ERR_OK; i++) {
        rc = self->record(self->ctx, &r);
    }
    return rc == ERR_OK ? rd_end(&r) : rc;
}

static int
fetch(const list_t *self, client_t *client, span_t request, buf_t *why)
{
    frame_t frame;
    bool last = false;
    int code = client_ask_patiently(
        client, request, self->answer, self->patience_ms, &frame, why);

    while (code == EXIT_DONE) {
        if (list_take(self, &frame, &last) != ERR_OK) {
            return client_nonsense(client, &frame, why);
        }
        if (last) {
            return EXIT_DONE;
        }
        code = client_next(client, self->answer, &frame, why);
    }
    return code;
}

int
list_fetch(const list_t *self, common_options_t *common, buf_t *why)
{
    client_t *client = NULL;
    buf_t request = {0};
    int code = client_open(common, &client, why);

    if (self->request.len > 0) {
        buf_put_span(&request, self->request);
    } else {
        frame_encode(&request, self->ask, 0, lt_Empty_fields, &(lt_Empty){0},
            (span_t){0});
    }
    if (code == EXIT_DONE) {
        code = fetch(self, client, buf_span(&request), why);
    }
    buf_fini(&request);
    client_close(&client);
    return code;
}
