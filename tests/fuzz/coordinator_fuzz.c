// SPDX-License-Identifier: Apache-2.0
// Frames of a worker that was lent nothing and of a stranger's client, and
// steps of time, against a coordinator with a job that runs.
#include "common/base/log.h"
#include "tests/unit/coordinator/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// One step: sender u8, type u8, length u8, then the frame after its header.
static bool
step(machine_t *m, fake_t *w, fake_t *evil, const identity_t *bob, rd_t *r)
{
    uint8_t sender, type, len;
    span_t rest;
    buf_t frame = {0};

    if (rd_u8(r, &sender) != ERR_OK || rd_u8(r, &type) != ERR_OK ||
        rd_u8(r, &len) != ERR_OK || rd_bytes(r, len, &rest) != ERR_OK) {
        return false;
    }
    if (sender % 4 == 3) {
        machine_tick(m, type % 100 * 10);
        fake_beat(m, w, NULL);
        return true;
    }
    frame_encode(&frame, (proto_type_t)type, EPOCH, NULL, NULL, (span_t){0});
    frame.len -= 4; // the length of meta is the fuzzer's
    buf_put_span(&frame, rest);
    static const link_t links[] = {
        LINK_CONTROL, LINK_SINK, LINK_CONTROL, LINK_LANE};
    machine_bytes(m, links[sender / 4 % 4], sender % 4 == 0 ? 7 : evil->peer,
        sender % 4 == 0 ? bob : &evil->who, buf_span(&frame));
    buf_fini(&frame);
    return true;
}

static uint16_t
lane_port(void *ctx)
{
    (void)ctx;
    return 7702;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const identity_t bob = {.name = "bob", .roles = ROLE_CLIENT};
    machine_t m = {0};
    rd_t r = rd_init((span_t){data, size});
    coordinator_config_t config = machine_config(&m);

    log_set_level(LOG_ERROR);
    config.lane_port = lane_port;
    machine_init_with(&m, &config);
    fake_t *w = machine_worker(&m, "web1", 1);
    fake_t *evil = machine_worker(&m, "web2", 1);
    uint64_t job = machine_job(&m, w, 300, 100);
    while (step(&m, w, evil, &bob, &r)) {
    }
    machine_forget(&m);
    assert(machine_status(&m, job).state != lt_JobState_JOB_DONE);
    assert(coordinator_stats(m.c)->commits == 0);
    machine_fini(&m);
    return 0;
}
