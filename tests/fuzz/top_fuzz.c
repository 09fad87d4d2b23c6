// SPDX-License-Identifier: Apache-2.0
// Any frames of a coordinator and any keys: each screen has its size, and
// nothing on it that a terminal would obey. The input is steps: what kind, how
// long, and so many bytes.
#include "coordinator/cli/top.h"

#include "common/base/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_screen(top_t *top, size_t columns, size_t lines, int64_t now_ms)
{
    canvas_t canvas;

    top_draw(top, columns, lines, now_ms, &canvas);
    for (size_t i = 0; i < canvas.columns * canvas.lines; i++) {
        const char *text = canvas.cells[i].text;
        uint32_t code = ' ';
        size_t len = strlen(text);
        assert(len == 0 || utf8_next((const uint8_t *)text, len, &code) == len);
        assert(!utf8_is_harmful(code));
    }
    canvas_fini(&canvas);
}

static void
step(top_t *top, uint8_t kind, span_t bytes, int64_t now_ms)
{
    buf_t asked = {0};
    frame_t frame = {.version = PROTOCOL_VERSION, .type = kind};

    if (kind < 8) {
        for (size_t i = 0; i < bytes.len; i++) {
            uint32_t special = TOP_UP + bytes.p[i] % 8;
            (void)top_key(top, kind == 0 ? special : bytes.p[i], now_ms);
        }
    } else if (kind == 8) {
        top_lost(top, now_ms);
    } else if (kind == 9) {
        top_back(top);
    } else if (bytes.len > 0) {
        size_t meta = bytes.p[0] < bytes.len - 1 ? bytes.p[0] : bytes.len - 1;
        frame.meta = (span_t){bytes.p + 1, meta};
        frame.payload = (span_t){bytes.p + 1 + meta, bytes.len - 1 - meta};
        top_take(top, &frame, now_ms);
    }
    while (top_asks(top, now_ms, &asked)) {
        buf_clear(&asked);
    }
    buf_fini(&asked);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const top_options_t options = {.endpoint = "tcp://c:7700",
        .interval_ms = 1000,
        .charset = {.utf8 = size % 2 == 0}};
    top_t *top = top_new(&options);
    int64_t now_ms = 1000;

    while (size > 2) {
        size_t len = data[1] < size - 2 ? data[1] : size - 2;
        step(top, data[0], (span_t){data + 2, len}, now_ms);
        check_screen(top, 1 + data[0], 1 + len % 70, now_ms);
        now_ms += 700;
        data += 2 + len;
        size -= 2 + len;
    }
    top_destroy(&top);
    return 0;
}
