// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file and a command line: refused with one
// sentence, or what is printed parses back to the same.
#include "common/base/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARGS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef struct values {
    char *keys;
    char *config;
    settings_list_t roots;
    bool quiet;
    int64_t port;
    int64_t memory;
    int64_t deadline;
} values_t;

#define AT(field) offsetof(values_t, field)

static const setting_t table[] = {
    {"keys", 'k', SETTING_TEXT, AT(keys), NULL, 0, 0, "DIR", "keys", false},
    {"config", 'c', SETTING_TEXT, AT(config), NULL, 0, 0, "FILE", "file", true},
    {"root", 'r', SETTING_LIST, AT(roots), "/var/log", 0, 0, "PATH", "what",
        false},
    {"quiet", 'q', SETTING_FLAG, AT(quiet), NULL, 0, 0, NULL, "less", false},
    {"port", 'p', SETTING_NUMBER, AT(port), "7700", 1, 65535, "PORT", "here",
        false},
    {"memory", 'm', SETTING_SIZE, AT(memory), "1GiB", 1, 1ll << 40, "SIZE",
        "at most", false},
    {"deadline", 'd', SETTING_DURATION, AT(deadline), "1h", 0, 86400000, "TIME",
        "no longer", false},
};
#define N (sizeof table / sizeof *table)

static const char *
file_of(span_t text)
{
    static char path[64];
    static int fd = -1;

    if (fd == -1) {
        fd = memfd_create("settings", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    assert(ftruncate(fd, 0) == 0);
    assert(pwrite(fd, text.p, text.len, 0) == (ssize_t)text.len);
    return path;
}

// A refusal has a sentence; what was filled is freed by then.
static errcode_t
parse(int argc, char **argv, span_t file, values_t *v, settings_list_t *rest)
{
    buf_t why = {0};
    errcode_t rc =
        settings_parse(table, N, argc, argv, file_of(file), v, rest, &why);

    assert(rc == ERR_OK ? why.len == 0 : rc == ERR_CONFIG && why.len > 0);
    assert(why.len == 0 || memchr(why.p, '\n', why.len) == NULL);
    buf_fini(&why);
    return rc;
}

static void
check_printed(const values_t *v)
{
    char program[] = "program";
    char *argv[] = {program, NULL};
    settings_list_t rest = {0};
    values_t again = {0};
    buf_t once = {0}, twice = {0};

    settings_print(table, N, v, &once);
    if (parse(1, argv, buf_span(&once), &again, &rest) == ERR_OK) {
        settings_print(table, N, &again, &twice);
        // A comment stands for what no line can hold; it does not come back.
        assert(memmem(once.p, once.len, "# ", 2) != NULL ||
               span_eq(buf_span(&once), buf_span(&twice)));
    } else {
        assert(false);
    }
    settings_free(table, N, &again);
    settings_list_free(&rest);
    buf_fini(&once);
    buf_fini(&twice);
}

// The first byte is the number of words; each ends at a zero byte, and what
// is left is the file.
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = strndup((const char *)data, len);
    char *argv[ARGS_MAX + 2] = {text};
    char *copy = malloc(len + 1);
    size_t at = 1;
    int argc = 1;
    settings_list_t rest = {0};
    values_t v = {0};

    memcpy(copy, data, len);
    copy[len] = '\0';
    while (len > 0 && argc <= data[0] % ARGS_MAX && at < len) {
        argv[argc++] = copy + at;
        at += strlen(copy + at) + 1;
    }
    at = at < len ? at : len;
    // A file that is named from outside may be a device that never ends.
    bool names_a_file = false;
    for (int i = 1; i < argc; i++) {
        names_a_file = names_a_file || strchr(argv[i], 'c') != NULL;
    }
    span_t file = {data + at, len - at};
    if (!names_a_file && parse(argc, argv, file, &v, &rest) == ERR_OK) {
        check_printed(&v);
    }
    settings_free(table, N, &v);
    settings_list_free(&rest);
    free(copy);
    free(text);
    return 0;
}
