// SPDX-License-Identifier: Apache-2.0
// keydir: a key folder that is being changed. Everything is done relative to
// one locked descriptor; a file is written under another name, synced and
// renamed, so a reader never sees half of one. *why (lent until
// keydir_close) gets the sentence of every error.
#ifndef LOGTALLY_CERTS_KEYDIR_IO_H
#define LOGTALLY_CERTS_KEYDIR_IO_H

#include "certs/keytext.h"

#include <sys/types.h>

typedef struct keydir {
    const char *dir; // as given
    int fd;          // -1: not open
    buf_t *why;
} keydir_t;

// A path below the folder. Names of keys are short, so it always fits.
typedef struct rel {
    char text[4 * KEY_NAME_MAX];
} rel_t;
rel_t rel(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// Opens and locks. *self is ready for keydir_close on error too.
MUST_CHECK errcode_t keydir_open(keydir_t *self, const char *dir, buf_t *why);
void keydir_close(keydir_t *self);

// Says why errno ended `what` with that path.
errcode_t keydir_failed(keydir_t *self, const char *what, const char *path);
bool keydir_has(const keydir_t *self, const char *path);
MUST_CHECK errcode_t keydir_mkdir(keydir_t *self, const char *path);
// Replaces folder/name if there is one. The text is not kept.
MUST_CHECK errcode_t keydir_put(keydir_t *self, const char *folder,
    const char *name, mode_t mode, span_t text);
// Renames and syncs both folders.
MUST_CHECK errcode_t keydir_move(keydir_t *self, const char *from_folder,
    const char *from, const char *to_folder, const char *to);
// Removes folder/name, if it is there, and syncs.
MUST_CHECK errcode_t keydir_unlink(
    keydir_t *self, const char *folder, const char *name);
// A second name for a file; one that has it already loses it.
MUST_CHECK errcode_t keydir_link(
    keydir_t *self, const char *from, const char *to);
// Folder `from` becomes `to`, and what had that name becomes `from`.
MUST_CHECK errcode_t keydir_exchange(
    keydir_t *self, const char *from, const char *to);
// Calls `each` for every entry of a folder without a dot in front, by name.
typedef errcode_t keydir_each_t(keydir_t *self, const char *name, void *ctx);
MUST_CHECK errcode_t keydir_each(
    keydir_t *self, const char *folder, keydir_each_t *each, void *ctx);
// Removes a folder with files of these names or their drafts, if it is there.
void keydir_remove(
    keydir_t *self, const char *path, const char *const *names, size_t n);
// An empty folder is closed to others; ERR_DENIED for one with other things
// in it that is open to them, or is not ours.
MUST_CHECK errcode_t keydir_make_private(keydir_t *self);

#endif
