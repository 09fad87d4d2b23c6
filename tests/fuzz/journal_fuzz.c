// SPDX-License-Identifier: Apache-2.0
// Entries of a journal in any order and state, into a coordinator that then
// goes on with what it made of them.
#include "common/base/log.h"
#include "tests/unit/coordinator/memory_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// kind u8, job u8, n u8, length u16, bytes.
static bool
restore_one(machine_t *m, rd_t *r)
{
    uint8_t kind, job, n;
    uint16_t len;
    span_t bytes;

    if (rd_u8(r, &kind) != ERR_OK || rd_u8(r, &job) != ERR_OK ||
        rd_u8(r, &n) != ERR_OK || rd_u16(r, &len) != ERR_OK ||
        rd_bytes(r, len, &bytes) != ERR_OK) {
        return false;
    }
    const entry_key_t key = {job % 4u, (entry_kind_t)(kind % 12u), n};
    if (coordinator_restore(m->c, &key, bytes) != ERR_OK) {
        coordinator_restore_damaged(m->c, &key);
    }
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    machine_t m;
    memory_journal_t journal;
    rd_t r = rd_init((span_t){data, size});

    log_set_level(LOG_ERROR);
    memory_init(&m, &journal);
    while (restore_one(&m, &r)) {
    }
    coordinator_restored(m.c);
    machine_pump(&m);
    fake_t *w = machine_worker(&m, "web1", 1);
    for (int i = 0; i < 20; i++) {
        machine_tick(&m, 1000);
        fake_beat(&m, w, NULL);
        machine_forget(&m);
    }
    memory_fini(&m);
    return 0;
}
