// SPDX-License-Identifier: Apache-2.0
// What a supervisor keeps: its roots, which it only reads, and the start of
// executors, which have narrower fences of their own.
#include "common/base/xalloc.h"
#include "common/confine/confine.h"
#include "worker/daemon_io.h"

#include <link.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define PORT_OF_ALL 1024 // those below take a right
#define OTHERS      4    // paths that are no roots

// An executor is loaded by the loader that loaded this program.
static int
take_loader(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_INTERP) {
            *(const char **)out =
                (const char *)(uintptr_t)(info->dlpi_addr +
                                          info->dlpi_phdr[i].p_vaddr);
        }
    }
    return 1; // the first one is this program
}

static const char *
loader(void)
{
    const char *path = NULL;

    (void)dl_iterate_phdr(take_loader, &path);
    return path;
}

static size_t
fill(const worker_options_t *o, const char *program, confine_path_t *out)
{
    const unsigned run = LANDLOCK_READ | LANDLOCK_EXECUTE;
    const confine_path_t others[OTHERS] = {
        {o->keys_dir, LANDLOCK_READ},
        {o->metrics_token, LANDLOCK_READ},
        {program, run},
        {loader(), run},
    };
    size_t n = 0;

    for (size_t i = 0; i < OTHERS; i++) {
        out[n++] = others[i];
    }
    for (size_t i = 0; i < o->n_roots; i++) {
        out[n++] = (confine_path_t){o->roots[i], LANDLOCK_READ};
    }
    return n;
}

static size_t
fill_ports(const worker_options_t *o, uint16_t *out)
{
    const char *colon = o->metrics != NULL ? strrchr(o->metrics, ':') : NULL;
    size_t n = 0;

    out[n++] = o->intake_port;
    if (colon != NULL) {
        out[n++] = (uint16_t)strtoul(colon + 1, NULL, 10);
    }
    return n;
}

// Root reads logs of others, makes executors another user's, and ends them.
static uint64_t
rights(const worker_options_t *o)
{
    uint64_t wanted = RIGHT(CAP_DAC_READ_SEARCH) | RIGHT(CAP_SETUID) |
                      RIGHT(CAP_SETGID) | RIGHT(CAP_KILL);

    if (o->intake_port != 0 && o->intake_port < PORT_OF_ALL) {
        wanted |= RIGHT(CAP_NET_BIND_SERVICE);
    }
    return wanted;
}

errcode_t
daemon_put_up_fences(const daemon_t *self, const char *program, buf_t *why)
{
    const worker_options_t *o = self->options;
    uint16_t ports[CONFINE_PORTS];
    confine_report_t report;

    if (o->confine == NULL) {
        return ERR_OK;
    }
    confine_path_t *paths = xcalloc(OTHERS + o->n_roots, sizeof *paths);
    const confine_options_t options = {.paths = paths,
        .n_paths = fill(o, program, paths),
        .ports = ports,
        .n_ports = fill_ports(o, ports),
        .programs = true,
        .rights = rights(o)};
    errcode_t rc = confine_as_set(o->confine, &options, &report, why);
    free(paths);
    return rc;
}
