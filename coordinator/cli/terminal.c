// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/terminal.h"

#include "coordinator/cli/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROOM_DEFAULT 80

// The alternate screen, without wrapping and cursor; and back.
#define SCREEN_BEGIN "\033[?1049h\033[?7l\033[?25l"
#define SCREEN_END   "\033[?25h\033[?7h\033[?1049l"

static bool drawn;
static volatile sig_atomic_t has_screen;

bool
terminal_is(int fd)
{
    return isatty(fd) == 1;
}

bool
terminal_usable(int fd, const char *what, const char *instead)
{
    static const char *const names[] = {
        "standard input", "standard output", "standard error"};
    const char *term = getenv("TERM");
    buf_t why = {0};

    if (!terminal_is(fd)) {
        buf_printf(&why, "%s needs a terminal, and %s is none; %s", what,
            names[fd], instead);
    } else if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0) {
        buf_printf(&why,
            "%s cannot draw on this terminal, whose type ($TERM) is not set, "
            "or dumb; %s",
            what, instead);
    }
    bool usable = why.len == 0;
    complain(EXIT_USAGE, &why);
    buf_fini(&why);
    return usable;
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
    size_t done = 0;
    ssize_t n = 1;

    while (done < text->len && n > 0) {
        n = write(STDERR_FILENO, text->p + done, text->len - done);
        done += n > 0 ? (size_t)n : 0;
    }
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

// Ctrl-Z: the shell gets its screen, and ours is begun anew afterwards.
static void
on_stop(int number)
{
    static const char end[] = SCREEN_END;
    int saved = errno;

    if (has_screen) {
        ssize_t n = write(STDERR_FILENO, end, sizeof end - 1);
        (void)n;
        has_screen = false;
    }
    raise(number); // by now its own action is the usual one: it stops
    errno = saved;
}

static void
begin_screen(buf_t *out)
{
    const struct sigaction action = {
        .sa_handler = on_stop, .sa_flags = SA_RESETHAND | SA_NODEFER};

    sigaction(SIGTSTP, &action, NULL);
    buf_put_str(out, SCREEN_BEGIN);
    has_screen = true;
}

// All at once, and over what is there: nothing is blank in between.
void
terminal_screen(const buf_t *lines)
{
    size_t len = lines->len;
    buf_t out = {0};

    if (!has_screen) {
        begin_screen(&out);
    }
    buf_put_str(&out, "\033[H");
    len -= len > 0 && lines->p[len - 1] == '\n';
    for (size_t i = 0; i < len; i++) {
        if (lines->p[i] == '\n') {
            buf_put_str(&out, "\033[K\r\n");
        } else {
            buf_put_u8(&out, lines->p[i]);
        }
    }
    buf_put_str(&out, "\033[J");
    terminal_put(&out);
    buf_fini(&out);
}

bool
terminal_has_screen(void)
{
    return has_screen;
}

void
terminal_erase(void)
{
    buf_t out = {0};

    if (has_screen) {
        buf_put_str(&out, SCREEN_END);
        signal(SIGTSTP, SIG_DFL);
        terminal_put(&out);
        buf_clear(&out);
        has_screen = false;
    }
    if (drawn) {
        buf_put_str(&out, "\r\033[K");
        terminal_put(&out);
        drawn = false;
    }
    buf_fini(&out);
}
