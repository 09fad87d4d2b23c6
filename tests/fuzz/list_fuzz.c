// SPDX-License-Identifier: Apache-2.0
// What a client makes of any bytes that a coordinator could send as a list: a
// byte that says how long the frame's fields are, those, and the records.
#include "coordinator/cli/job_text.h"
#include "coordinator/cli/list.h"
#include "coordinator/cli/progress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static errcode_t
take_record(void *ctx, rd_t *r)
{
    buf_t *text = ctx;
    lt_JobUpdate job;
    errcode_t rc = record_get(r, lt_JobUpdate_fields, &job);

    if (rc == ERR_OK) {
        progress_line(&(progress_t){0}, &job, 80, text);
        job_details(&job, text);
        job_json(&job, text);
        job_end(&job, text);
        buf_clear(text);
    }
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rd_t r = rd_init((span_t){data, size});
    buf_t text = {0};
    list_t list = {.record = take_record, .ctx = &text};
    frame_t frame = {.version = PROTOCOL_VERSION, .type = PROTO_JOB_LIST};
    uint8_t len;
    bool last;

    if (rd_u8(&r, &len) == ERR_OK && rd_bytes(&r, len, &frame.meta) == ERR_OK) {
        frame.payload = (span_t){r.p, rd_left(&r)};
        (void)!list_take(&list, &frame, &last);
    }
    buf_fini(&text);
    return 0;
}
