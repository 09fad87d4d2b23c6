// SPDX-License-Identifier: Apache-2.0
// The terminal is /dev/tty and not standard input, which may be a log. Byte
// by byte, so that nothing behind the line is taken from a pipe, and no
// buffer of stdio keeps a copy.
#include "coordinator/cli/passphrase_io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define N_ENDING (sizeof ending / sizeof *ending)

typedef struct terminal {
    int fd;
    struct termios was;
    struct sigaction acts[N_ENDING];
} terminal_t;

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
    caught = number;
}

// Up to the end of the line or of the file. ERR_TOO_LARGE: no end of line
// within what a passphrase may have.
static errcode_t
read_line(int fd, uint8_t *out, size_t *len)
{
    *len = 0;
    for (;;) {
        uint8_t c;
        ssize_t n = caught != 0 ? -1 : read(fd, &c, 1);
        if (n < 0 && errno == EINTR && caught == 0) {
            continue;
        }
        if (n < 0) {
            return ERR_IO;
        }
        if (n == 0 || c == '\n') {
            return ERR_OK;
        }
        if (*len == LIMIT_PASSPHRASE) {
            return ERR_TOO_LARGE;
        }
        out[(*len)++] = c;
    }
}

static errcode_t
explain_line(errcode_t rc, const char *what, size_t len, buf_t *why)
{
    if (rc == ERR_TOO_LARGE) {
        buf_printf(why, "%s: a passphrase has at most %u bytes", what,
            LIMIT_PASSPHRASE);
    } else if (rc != ERR_OK) {
        buf_printf(
            why, "cannot read a passphrase from %s: %s", what, strerror(errno));
    } else if (len == 0) {
        buf_printf(why, "no passphrase came from %s", what);
        rc = ERR_MALFORMED;
    }
    return rc;
}

// A pipe of a shell is nobody else's; a file may be.
static errcode_t
check_file(int fd, const char *file, buf_t *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        buf_printf(why, "cannot look at %s: %s", file, strerror(errno));
        return ERR_IO;
    }
    if (S_ISREG(st.st_mode) &&
        ((st.st_mode & 077) != 0 ||
            (st.st_uid != geteuid() && st.st_uid != 0))) {
        buf_printf(why,
            "others may use the passphrase in %s; mend with: chmod 600 %s, "
            "as its owner",
            file, file);
        return ERR_DENIED;
    }
    return ERR_OK;
}

static errcode_t
from_file(const char *file, uint8_t *out, size_t *len, buf_t *why)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        buf_printf(why, "cannot open %s: %s", file, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    errcode_t rc = check_file(fd, file, why);
    if (rc == ERR_OK) {
        rc = read_line(fd, out, len);
        rc = explain_line(rc, file, *len, why);
    }
    close(fd);
    return rc;
}

// A signal that would end the program must not leave a terminal that shows
// nothing: it is taken, and given on when the echo is back. One that is
// ignored stays so.
static void
catch_signals(terminal_t *t)
{
    const struct sigaction act = {.sa_handler = on_signal};

    caught = 0;
    for (size_t i = 0; i < N_ENDING; i++) {
        sigaction(ending[i], NULL, &t->acts[i]);
        if (t->acts[i].sa_handler != SIG_IGN) {
            sigaction(ending[i], &act, NULL);
        }
    }
}

static void
close_terminal(terminal_t *t)
{
    while (tcsetattr(t->fd, TCSAFLUSH, &t->was) == -1 && errno == EINTR) {
    }
    close(t->fd);
    for (size_t i = 0; i < N_ENDING; i++) {
        sigaction(ending[i], &t->acts[i], NULL);
    }
    if (caught != 0) {
        raise(caught);
    }
}

static errcode_t
open_terminal(terminal_t *t)
{
    struct termios quiet;

    t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (t->fd < 0 || tcgetattr(t->fd, &t->was) != 0) {
        if (t->fd >= 0) {
            close(t->fd);
        }
        return ERR_NOT_FOUND;
    }
    catch_signals(t);
    quiet = t->was;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    if (tcsetattr(t->fd, TCSAFLUSH, &quiet) != 0) {
        close_terminal(t);
        return ERR_IO;
    }
    return ERR_OK;
}

static void
say(const terminal_t *t, const buf_t *text)
{
    ssize_t n = write(t->fd, text->p, text->len);
    (void)n; // the question is asked all the same
}

static errcode_t
ask(const char *before, const char *path, uint8_t *out, size_t *len, buf_t *why)
{
    terminal_t t;
    buf_t text = {0};
    errcode_t rc = open_terminal(&t);

    *len = 0;
    if (rc != ERR_OK) {
        buf_printf(why,
            "there is no terminal to ask for the passphrase of %s; give "
            "--passphrase-file FILE, yours alone, or a descriptor such as "
            "/dev/fd/3",
            path);
        return rc;
    }
    buf_printf(&text, "%s %s: ", before, path);
    say(&t, &text);
    rc = read_line(t.fd, out, len);
    buf_clear(&text);
    buf_put_str(&text, "\n");
    say(&t, &text);
    rc = explain_line(rc, "the terminal", *len, why);
    close_terminal(&t);
    buf_fini(&text);
    return rc;
}

static errcode_t
ask_known(void *ctx, const char *path, bool again, uint8_t *out, size_t *len,
    buf_t *why)
{
    (void)ctx;
    return ask(again ? "That is not it. Passphrase of" : "Passphrase of", path,
        out, len, why);
}

static errcode_t
read_known(void *ctx, const char *path, bool again, uint8_t *out, size_t *len,
    buf_t *why)
{
    (void)path;
    (void)again;
    return from_file(ctx, out, len, why);
}

passphrase_source_t
passphrase_source(const char *file)
{
    if (file == NULL) {
        return (passphrase_source_t){ask_known, NULL, PASSPHRASE_TRIES};
    }
    return (passphrase_source_t){
        read_known, (void *)(uintptr_t)file, 1}; // only read
}

static errcode_t
ask_twice(const char *path, uint8_t *out, size_t *len, buf_t *why)
{
    uint8_t *again = sodium_malloc(LIMIT_PASSPHRASE);
    size_t again_len = 0;

    if (again == NULL) {
        buf_printf(why, "no guarded memory for a passphrase");
        return ERR_IO;
    }
    errcode_t rc = ask("New passphrase of", path, out, len, why);
    if (rc == ERR_OK) {
        rc = ask(
            "Once more, the new passphrase of", path, again, &again_len, why);
    }
    if (rc == ERR_OK &&
        (again_len != *len || sodium_memcmp(again, out, *len) != 0)) {
        buf_printf(why, "the two passphrases differ; nothing was changed");
        rc = ERR_MALFORMED;
    }
    sodium_free(again);
    return rc;
}

errcode_t
passphrase_new(
    const char *file, const char *path, uint8_t *out, size_t *len, buf_t *why)
{
    errcode_t rc = file != NULL ? from_file(file, out, len, why)
                                : ask_twice(path, out, len, why);

    if (rc == ERR_OK && *len < PASSPHRASE_MIN) {
        buf_printf(why, "a passphrase has at least %d bytes; take some words",
            PASSPHRASE_MIN);
        rc = ERR_MALFORMED;
    }
    return rc;
}
