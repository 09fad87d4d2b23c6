// SPDX-License-Identifier: Apache-2.0
// The main() of a fuzzer that any compiler builds: every input of
// tests/fuzz/seeds/NAME once, no input, and the beginnings of each. The file
// is netstrings: a length in digits, a colon, so many bytes, a comma.
#include "common/base/bytes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A copy of its own, so that a sanitizer sees what reads past its end.
static void
run(span_t input)
{
    uint8_t *copy = malloc(input.len > 0 ? input.len : 1);

    assert(copy != NULL);
    memcpy(copy, input.p, input.len);
    (void)LLVMFuzzerTestOneInput(copy, input.len);
    free(copy);
}

static void
run_beginnings(span_t input)
{
    run(input);
    for (size_t len = input.len / 2; len > 0; len /= 2) {
        run((span_t){input.p, len});
        run((span_t){input.p, input.len - len});
    }
}

static bool
next_input(span_t *rest, span_t *out)
{
    char *end;

    if (rest->len == 0) {
        return false;
    }
    size_t len = strtoul((const char *)rest->p, &end, 10);
    size_t head = (size_t)(end - (const char *)rest->p) + 1;
    assert(*end == ':' && head + len < rest->len);
    *out = (span_t){rest->p + head, len};
    assert(rest->p[head + len] == ',');
    *rest = (span_t){rest->p + head + len + 1, rest->len - head - len - 1};
    return true;
}

int
main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    buf_t bytes = {0};
    span_t rest, input;
    size_t n = 0, got = 1;

    if (file == NULL) {
        fprintf(stderr, "usage: NAME_replay SEEDS\n");
        return 2;
    }
    while (got > 0) {
        got = fread(buf_reserve(&bytes, 65536), 1, 65536, file);
        bytes.len += got;
    }
    fclose(file);
    buf_put_u8(&bytes, '\0'); // numbers end
    rest = (span_t){bytes.p, bytes.len - 1};
    run((span_t){bytes.p, 0});
    while (next_input(&rest, &input)) {
        run_beginnings(input);
        n++;
    }
    buf_fini(&bytes);
    printf("%zu inputs\n", n);
    return n > 0 ? 0 : 1;
}
