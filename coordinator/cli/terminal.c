// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define ROOM_DEFAULT 80

static bool drawn;

bool
terminal_is(int fd)
{
    return isatty(fd) == 1;
}

size_t
terminal_width(int fd)
{
    struct winsize size;

    return terminal_is(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col
                                                                : 0;
}

size_t
terminal_height(int fd)
{
    struct winsize size;

    return terminal_is(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row
                                                                : 0;
}

// One column stays free: a full line would wrap on some terminals.
size_t
terminal_room(void)
{
    size_t width = terminal_width(STDERR_FILENO);

    return (width > 1 ? width : ROOM_DEFAULT) - 1;
}

void
terminal_put(const buf_t *text)
{
    // Progress that cannot be shown must not stop the job.
    ssize_t n = write(STDERR_FILENO, text->p, text->len);
    (void)n;
}

void
terminal_draw(const buf_t *line)
{
    buf_t out = {0};

    buf_put_str(&out, "\r");
    buf_put_span(&out, buf_span(line));
    buf_put_str(&out, "\033[K");
    terminal_put(&out);
    buf_fini(&out);
    drawn = true;
}

void
terminal_erase(void)
{
    buf_t out = {0};

    if (drawn) {
        buf_put_str(&out, "\r\033[K");
        terminal_put(&out);
        drawn = false;
    }
    buf_fini(&out);
}
