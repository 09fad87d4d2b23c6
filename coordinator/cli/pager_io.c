// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/pager_io.h"

#include "coordinator/cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16u
#define NOT_FOUND 127 // how env(1) says that there is no such program

extern char **environ;

// What `env` is started with: the pager's words, cut out of *copy.
typedef struct words {
    char *list[WORDS_MAX + 3];
    size_t n;
} words_t;

static void
add_words(words_t *self, char *copy)
{
    char *rest = NULL;

    for (char *word = strtok_r(copy, " \t", &rest);
         word != NULL && self->n < WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest)) {
        self->list[self->n++] = word;
    }
}

static bool
is_higher(const buf_t *text, size_t rows)
{
    size_t n = 0;

    for (size_t i = 0; i < text->len && n < rows; i++) {
        n += text->p[i] == '\n';
    }
    return rows > 0 && n >= rows;
}

// Its standard input is the pipe's end `in`; `out` is not for it.
static bool
start(const words_t *words, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none;

    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    error = error != 0 ? error : posix_spawn_file_actions_addclose(&files, out);
    error = error != 0 ? error
                       : posix_spawn(pid, "/usr/bin/env", &files, &attr,
                             words->list, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return error == 0;
}

// Up to the end, or until the reader has seen enough.
static void
feed(int out, const buf_t *text)
{
    size_t done = 0;

    while (done < text->len) {
        ssize_t n = write(out, text->p + done, text->len - done);
        if (n == -1 && errno != EINTR) {
            return;
        }
        done += n > 0 ? (size_t)n : 0;
    }
}

static bool
ended_well(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) == -1) {
        if (errno != EINTR) {
            return true;
        }
    }
    return !WIFEXITED(status) || WEXITSTATUS(status) != NOT_FOUND;
}

// Ctrl-C is for the pager as long as there is one.
static bool
run(const words_t *words, const buf_t *text)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, on_int, on_pipe;
    pid_t pid;
    int ends[2];

    if (pipe(ends) == -1) {
        return false;
    }
    bool shown = start(words, ends[0], ends[1], &pid);
    close(ends[0]);
    if (shown) {
        sigaction(SIGINT, &ignore, &on_int);
        sigaction(SIGPIPE, &ignore, &on_pipe);
        feed(ends[1], text);
        close(ends[1]);
        shown = ended_well(pid);
        sigaction(SIGINT, &on_int, NULL);
        sigaction(SIGPIPE, &on_pipe, NULL);
    } else {
        close(ends[1]);
    }
    return shown;
}

bool
pager_show(const buf_t *text)
{
    static char env[] = "env", less[] = "LESS=FRSX";
    const char *pager = getenv("PAGER");
    words_t words = {.list = {env}, .n = 1};
    bool shown = false;

    if (!terminal_is(STDOUT_FILENO) ||
        !is_higher(text, terminal_height(STDOUT_FILENO))) {
        return false;
    }
    char *copy = strdup(pager != NULL ? pager : "less");
    if (copy == NULL) {
        return false;
    }
    if (getenv("LESS") == NULL) {
        // Long lines are cut, not folded, and the page stays on the screen.
        words.list[words.n++] = less;
    }
    size_t before = words.n;
    add_words(&words, copy);
    if (words.n > before && strcmp(words.list[before], "cat") != 0) {
        shown = run(&words, text);
    }
    free(copy);
    return shown;
}
