// SPDX-License-Identifier: Apache-2.0
// Where somebody asks: client.conf, keys, and what the coordinator says.
#include "common/base/xalloc.h"
#include "coordinator/cli/client_settings.h"
#include "coordinator/cli/doctor_io.h"
#include "coordinator/cli/passphrase_io.h"

#include <stdlib.h>
#include <string.h>

static void
common_fini(common_options_t *common)
{
    free(common->coordinator);
    free(common->keys);
    free(common->passphrase_file);
}

static common_options_t
copy_of(const common_options_t *given)
{
    return (common_options_t){.coordinator = given->coordinator != NULL
                                                 ? xstrdup(given->coordinator)
                                                 : NULL,
        .keys = given->keys != NULL ? xstrdup(given->keys) : NULL,
        .passphrase_file = given->passphrase_file != NULL
                               ? xstrdup(given->passphrase_file)
                               : NULL};
}

// A file with mistakes is one as well.
bool
doctor_has_client(const doctor_options_t *options)
{
    common_options_t common = copy_of(&options->common);
    buf_t why = {0};
    bool has = client_settings_look(&common, &why) != ERR_OK ||
               common.coordinator != NULL || common.keys != NULL;

    buf_fini(&why);
    common_fini(&common);
    return has;
}

static bool
read_settings(doctor_t *self, common_options_t *common)
{
    buf_t why = {0};
    errcode_t rc = client_settings_look(common, &why);

    if (rc != ERR_OK) {
        finding_t *f = doctor_find(
            self, "config-wrong", "%.*s", (int)why.len, (const char *)why.p);
        finding_advice(f, NULL,
            "correct that line; it may say coordinator, keys and format");
    } else if ((rc = client_settings_find(common, &why)) != ERR_OK) {
        finding_t *f = doctor_find(self, "setting-missing",
            "no configuration names the %s",
            common->coordinator == NULL ? "coordinator" : "key folder");
        finding_advice(f, NULL, "%.*s", (int)why.len, (const char *)why.p);
    }
    buf_fini(&why);
    return rc == ERR_OK;
}

static void
look(doctor_t *self, const common_options_t *common)
{
    const passphrase_source_t source =
        passphrase_source(common->passphrase_file);
    credentials_t keys = {0};
    identity_t own;
    view_t view = {0};
    const doctor_peer_t peer = {
        .address = common->coordinator, .folder = common->keys, .keys = &keys};

    if (doctor_load_keys(self, common->keys, &source, &keys, &own) &&
        doctor_ask(self, &peer, &view)) {
        doctor_check_coordinator(self, &view);
        doctor_check_workers(self, &view);
    }
    view_fini(&view);
    credentials_fini(&keys);
}

void
doctor_client(doctor_t *self, const doctor_options_t *options)
{
    common_options_t common = copy_of(&options->common);

    self->place = "client";
    if (read_settings(self, &common)) {
        look(self, &common);
    }
    common_fini(&common);
}
