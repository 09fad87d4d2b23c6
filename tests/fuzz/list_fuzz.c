// SPDX-License-Identifier: Apache-2.0
// What a client makes of any bytes that a coordinator could send as a list.
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
    buf_t text = {0};
    list_t list = {.record = take_record, .ctx = &text};
    frame_t frame;
    bool last;

    if (frame_decode((span_t){data, size}, &frame) == ERR_OK) {
        (void)!list_take(&list, &frame, &last);
    }
    buf_fini(&text);
    return 0;
}
