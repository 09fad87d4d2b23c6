// SPDX-License-Identifier: Apache-2.0
// ncurses compares what is to be shown with what is, so that the whole screen
// is drawn every time and only what changed is sent. What is drawn are cells
// that the canvas made harmless.
#include "coordinator/cli/top_io.h"

#include "common/base/clock.h"
#include "coordinator/cli/terminal.h"
#include "coordinator/cli/top.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define ESCAPE_MS     25   // for the rest of a key that begins with Escape
#define SILENT_MAX    1000 // in a row: its end
#define COLOURS       8    // what a terminal has at least that has any
#define SIZE_MAX_ONCE 10000

static canvas_charset_t
charset(void)
{
    setlocale(LC_CTYPE, "");
    return (canvas_charset_t){
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0, .width = wcwidth};
}

bool
top_io_usable(void)
{
    static const char instead[] =
        "`logtally top --once` prints one screen as text";

    return terminal_usable(STDIN_FILENO, "top", instead) &&
           terminal_usable(STDOUT_FILENO, "top", instead);
}

// ---- the terminal

static void
use_colours(void)
{
    const char *none = getenv("NO_COLOR");

    if ((none != NULL && none[0] != '\0') || !has_colors() ||
        start_color() == ERR || COLORS < COLOURS) {
        return;
    }
    use_default_colors();
    init_pair(STYLE_GOOD, COLOR_GREEN, -1);
    init_pair(STYLE_WARN, COLOR_YELLOW, -1);
    init_pair(STYLE_BAD, COLOR_RED, -1);
}

static SCREEN *
open_terminal(void)
{
    SCREEN *screen = newterm(NULL, stdout, stdin);

    if (screen != NULL) {
        set_escdelay(ESCAPE_MS);
        cbreak();
        noecho();
        nonl();
        keypad(stdscr, TRUE);
        nodelay(stdscr, TRUE);
        leaveok(stdscr, TRUE);
        (void)curs_set(0);
        use_colours();
    }
    return screen;
}

static attr_t
attribute(style_t style)
{
    switch (style) {
    case STYLE_PLAIN:
        return A_NORMAL;
    case STYLE_HEAD:
        return A_BOLD | A_UNDERLINE;
    case STYLE_SELECTED:
        return A_REVERSE;
    case STYLE_GOOD:
    case STYLE_WARN:
        return (attr_t)COLOR_PAIR(style);
    case STYLE_BAD:
        return A_BOLD | (attr_t)COLOR_PAIR(style);
    }
    return A_NORMAL;
}

static void
draw_cells(const canvas_t *canvas)
{
    for (size_t line = 0; line < canvas->lines; line++) {
        for (size_t column = 0; column < canvas->columns; column++) {
            const canvas_cell_t *c = canvas_cell(canvas, line, column);
            attrset((int)attribute((style_t)c->style));
            if (c->text[0] != '\0') {
                (void)mvaddstr((int)line, (int)column, c->text);
            }
        }
    }
}

static void
draw(top_t *top)
{
    canvas_t canvas;

    top_draw(top, COLS > 0 ? (size_t)COLS : 1, LINES > 0 ? (size_t)LINES : 1,
        clock_mono_ms(), &canvas);
    erase();
    draw_cells(&canvas);
    refresh();
    canvas_fini(&canvas);
}

// ---- keys

static uint32_t
key_of(int status, wint_t c)
{
    static const struct {
        wint_t curses;
        uint32_t key;
    } keys[] = {
        {KEY_UP, TOP_UP},
        {KEY_DOWN, TOP_DOWN},
        {KEY_PPAGE, TOP_PAGE_UP},
        {KEY_NPAGE, TOP_PAGE_DOWN},
        {KEY_HOME, TOP_HOME},
        {KEY_END, TOP_END},
        {KEY_BTAB, TOP_BACK_TAB},
        {KEY_BACKSPACE, TOP_BACKSPACE},
        {KEY_ENTER, TOP_ENTER},
    };

    if (status != KEY_CODE_YES) {
        return c == '\r' ? TOP_ENTER : (uint32_t)c;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].curses == c) {
            return keys[i].key;
        }
    }
    return 0; // a change of the size among them: it is drawn anew anyway
}

// All that were typed; *any: there were some. False: that ends it.
static bool
take_keys(top_t *top, bool *any)
{
    wint_t c;
    int status;

    *any = false;
    while ((status = get_wch(&c)) != ERR) {
        uint32_t key = key_of(status, c);
        *any = true;
        if (key == 'L' - '@') { // Ctrl-L
            clearok(curscr, TRUE);
        } else if (key != 0 && !top_key(top, key, clock_mono_ms())) {
            return false;
        }
    }
    return true;
}

// ---- the loop

static void
send_requests(top_t *top, client_t *client)
{
    buf_t frame = {0};

    while (top_asks(top, clock_mono_ms(), &frame)) {
        // When the connection is down, client_wait says so.
        (void)client_send(client, buf_span(&frame));
        buf_clear(&frame);
    }
    buf_fini(&frame);
}

// COMMAND_GOES_ON, or an exit code.
static int
on_event(top_t *top, client_t *client, client_event_t event,
    const frame_t *frame, buf_t *why)
{
    switch (event) {
    case CLIENT_FRAME:
        if (frame->version != PROTOCOL_VERSION) {
            return client_nonsense(client, frame, why);
        }
        top_take(top, frame, clock_mono_ms());
        return COMMAND_GOES_ON;
    case CLIENT_LOST:
        top_lost(top, clock_mono_ms());
        return COMMAND_GOES_ON;
    case CLIENT_BACK:
        top_back(top);
        return COMMAND_GOES_ON;
    case CLIENT_FAILED:
        return client_explain(client, why);
    case CLIENT_INTERRUPTED:
        return EXIT_DONE;
    case CLIENT_TIMEOUT:
    case CLIENT_INPUT:
        return COMMAND_GOES_ON;
    }
    return EXIT_FAILED;
}

static int
loop(top_t *top, client_t *client, buf_t *why)
{
    int code = COMMAND_GOES_ON;
    unsigned silent = 0; // times that there was nothing to read where there was
    bool any = false;
    frame_t frame;

    while (code == COMMAND_GOES_ON) {
        send_requests(top, client);
        draw(top);
        client_event_t event =
            client_wait(client, top_wakes(top, clock_mono_ms()), &frame);
        code = on_event(top, client, event, &frame, why);
        // Keys are looked at after anything: a signal may have been one.
        if (code == COMMAND_GOES_ON && !take_keys(top, &any)) {
            code = EXIT_DONE;
        }
        silent = event == CLIENT_INPUT && !any ? silent + 1 : 0;
        if (silent > SILENT_MAX) {
            buf_put_str(why, "the terminal is gone");
            code = EXIT_FAILED;
        }
    }
    return code;
}

static top_t *
make_top(client_t *client, int64_t interval_ms)
{
    const top_options_t options = {.endpoint = client_endpoint(client),
        .interval_ms = interval_ms,
        .charset = charset()};

    return top_new(&options);
}

int
top_io_run(client_t *client, int64_t interval_ms, buf_t *why)
{
    top_t *top = make_top(client, interval_ms);
    SCREEN *screen = open_terminal();
    int code = EXIT_FAILED;

    if (screen == NULL) {
        buf_printf(why,
            "top cannot draw on a terminal of type '%.60s' ($TERM); `logtally "
            "top --once` prints one screen as text",
            getenv("TERM"));
    } else {
        client_watch(client, STDIN_FILENO);
        code = loop(top, client, why);
        client_watch(client, -1);
        endwin();
        delscreen(screen);
    }
    top_destroy(&top);
    return code;
}

// ---- one screen

static size_t
size_of(const char *name, size_t terminal, size_t fallback)
{
    const char *text = getenv(name);
    long n = text != NULL ? strtol(text, NULL, 10) : 0;

    return n > 0 && n < SIZE_MAX_ONCE ? (size_t)n
           : terminal > 0             ? terminal
                                      : fallback;
}

static int
print_once(top_t *top)
{
    canvas_t canvas;
    buf_t text = {0};

    top_draw(top, size_of("COLUMNS", terminal_width(STDOUT_FILENO), 80),
        size_of("LINES", terminal_height(STDOUT_FILENO), 24), clock_mono_ms(),
        &canvas);
    // Without the line about keys.
    for (size_t i = 0; i + 1 < canvas.lines; i++) {
        canvas_line(&canvas, i, &text);
        buf_put_u8(&text, '\n');
    }
    int code = print_out(&text);
    buf_fini(&text);
    canvas_fini(&canvas);
    return code;
}

int
top_io_once(client_t *client, buf_t *why)
{
    const int64_t until_ms = clock_mono_ms() + CLIENT_ANSWER_MS;
    top_t *top = make_top(client, CLIENT_ANSWER_MS);
    int code = COMMAND_GOES_ON;
    frame_t frame;

    while (code == COMMAND_GOES_ON && !top_is_whole(top)) {
        send_requests(top, client);
        client_event_t event = client_wait(client, until_ms, &frame);
        code = on_event(top, client, event, &frame, why);
        if (event == CLIENT_TIMEOUT) {
            buf_printf(why, "no answer from the coordinator at %s within %d s",
                client_endpoint(client), CLIENT_ANSWER_MS / 1000);
            code = EXIT_UNREACHABLE;
        } else if (event == CLIENT_INTERRUPTED) {
            code = EXIT_INTERRUPTED;
        }
    }
    code = code == COMMAND_GOES_ON ? print_once(top) : code;
    top_destroy(&top);
    return code;
}
