// SPDX-License-Identifier: Apache-2.0
// While the coordinator's key is rotated, its next one is put into the key
// folder of a worker that runs. Two small files are read every two seconds;
// what systemd handed over does not change until the unit is started again.
#include "worker/daemon_io.h"

#include "certs/keytext.h"
#include "common/base/log.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MS 2000

allowlist_t *
daemon_allowed(const daemon_t *self)
{
    identity_t who[PINS_MAX] = {0};

    // The fingerprint is in the id, so that a connection of a key that is no
    // longer taken for the coordinator's is not taken for one of the next.
    for (size_t i = 0; i < self->pins.n; i++) {
        strcpy(who[i].name, "coordinator");
        memcpy(who[i].key, self->pins.keys[i], KEY_LEN);
        who[i].roles = ROLE_COORDINATOR;
        who[i].next = true;
    }
    return allowlist_of_all(who, self->pins.n);
}

static void
log_pins(const pins_t *pins)
{
    char fingerprints[PINS_MAX][20] = {"", "-"};

    for (size_t i = 0; i < pins->n; i++) {
        key_fingerprint(pins->keys[i], fingerprints[i]);
    }
    log_event(LOG_INFO, "coordinator-keys", "key", fingerprints[0], "next",
        fingerprints[1], NULL);
}

static void
look(daemon_t *self)
{
    static log_limit_t limit = {.per_second = 1};
    pins_t pins;
    buf_t why = {0};

    if (pins_load(self->options->keys_dir, &pins, &why) != ERR_OK) {
        buf_put_u8(&why, 0);
        if (log_allowed(&limit, "coordinator-keys-kept")) {
            log_event(LOG_WARN, "coordinator-keys-kept", "why",
                (const char *)why.p, NULL);
        }
    } else if (!pins_equal(&pins, &self->pins)) {
        self->pins = pins;
        allowlist_t *allowed = daemon_allowed(self);
        zap_replace(self->zap, &allowed);
        log_pins(&pins);
    }
    buf_fini(&why);
}

int64_t
daemon_look_at_pins(daemon_t *self, int64_t now_ms)
{
    if (self->options->keys_dir == NULL) {
        return LOOK_MS;
    }
    if (now_ms >= self->pins_ms) {
        look(self);
        self->pins_ms = now_ms + LOOK_MS;
    }
    return self->pins_ms - now_ms;
}
