// SPDX-License-Identifier: Apache-2.0
#include "coordinator/journal_file_io.h"

#include "common/base/xalloc.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA     1
#define PIECE_MAX  (16u << 20) // SQLite keeps less than 1 GB in a row
#define VACUUM_MAX "1000"      // free pages given back at a time

struct journal_file {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *insert;
    sqlite3_stmt *drop_work;
    sqlite3_stmt *drop_all;
};

typedef struct piece {
    entry_key_t key;
    uint64_t at; // 0, 1, ...
    bool last;
    span_t bytes;
} piece_t;

static void
hash_piece(const piece_t *piece, uint8_t out[32])
{
    crypto_generichash_state state;
    const uint64_t head[] = {piece->key.job, (uint64_t)piece->key.kind,
        piece->key.n, piece->at, piece->last};

    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, (const uint8_t *)head, sizeof head);
    crypto_generichash_update(&state, piece->bytes.p, piece->bytes.len);
    crypto_generichash_final(&state, out, 32);
}

static errcode_t
explain(const journal_file_t *self, buf_t *why)
{
    buf_clear(why);
    buf_printf(why, "%s: %s", self->path,
        self->db != NULL ? sqlite3_errmsg(self->db) : "out of memory");
    return ERR_IO;
}

static errcode_t
run(journal_file_t *self, const char *sql, buf_t *why)
{
    return sqlite3_exec(self->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? ERR_OK
               : explain(self, why);
}

// The first column of the first row, as text.
static bool
first_text_is(journal_file_t *self, const char *sql, const char *want)
{
    sqlite3_stmt *row = NULL;
    bool same = false;

    if (sqlite3_prepare_v2(self->db, sql, -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(row, 0);
        same = text != NULL && strcmp((const char *)text, want) == 0;
    }
    sqlite3_finalize(row);
    return same;
}

static errcode_t
prepare(journal_file_t *self, buf_t *why)
{
    const struct {
        sqlite3_stmt **statement;
        const char *sql;
    } rows[] = {
        {&self->insert, "INSERT OR REPLACE INTO entry VALUES"
                        " (?1, ?2, ?3, ?4, ?5, ?6, ?7)"},
        {&self->drop_work,
            "DELETE FROM entry WHERE job = ?1 AND kind NOT IN (?2, ?3)"},
        {&self->drop_all, "DELETE FROM entry WHERE job = ?1"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (sqlite3_prepare_v3(self->db, rows[i].sql, -1,
                SQLITE_PREPARE_PERSISTENT, rows[i].statement,
                NULL) != SQLITE_OK) {
            return explain(self, why);
        }
    }
    return ERR_OK;
}

static errcode_t
check_schema(journal_file_t *self, buf_t *why)
{
    static const char make[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE entry (job INTEGER NOT NULL, kind INTEGER NOT NULL,"
        " n INTEGER NOT NULL, piece INTEGER NOT NULL, last INTEGER NOT NULL,"
        " hash BLOB NOT NULL, bytes BLOB NOT NULL);"
        "CREATE UNIQUE INDEX place ON entry (job, kind, n, piece);"
        "PRAGMA user_version = 1;"
        "COMMIT";

    if (first_text_is(self, "PRAGMA user_version", "1")) {
        return ERR_OK;
    }
    if (first_text_is(self, "PRAGMA user_version", "0")) {
        return run(self, make, why);
    }
    buf_printf(why,
        "%s was written by a later release; install that one, or give this "
        "one a state folder of its own with --state",
        self->path);
    return ERR_VERSION;
}

// One connection, which has the file to itself: no shared memory file.
static errcode_t
open_file(journal_file_t *self, buf_t *why)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    errcode_t rc =
        sqlite3_open_v2(self->path, &self->db, flags, NULL) == SQLITE_OK
            ? ERR_OK
            : explain(self, why);

    rc = rc != ERR_OK ? rc
                      : run(self,
                            "PRAGMA locking_mode = EXCLUSIVE;"
                            "PRAGMA auto_vacuum = INCREMENTAL;"
                            "PRAGMA temp_store = MEMORY;" // no other folder
                            "PRAGMA journal_mode = WAL;"
                            "PRAGMA synchronous = FULL",
                            why);
    if (rc == ERR_OK &&
        !first_text_is(self, "PRAGMA integrity_check(1)", "ok")) {
        buf_printf(why, "%s: the integrity check found damage", self->path);
        rc = ERR_CORRUPT;
    }
    rc = rc != ERR_OK ? rc : check_schema(self, why);
    return rc != ERR_OK ? rc : prepare(self, why);
}

static void
close_file(journal_file_t *self)
{
    sqlite3_finalize(self->insert);
    sqlite3_finalize(self->drop_work);
    sqlite3_finalize(self->drop_all);
    sqlite3_close(self->db);
    self->insert = self->drop_work = self->drop_all = NULL;
    self->db = NULL;
}

static bool
is_damage(const journal_file_t *self, errcode_t rc)
{
    int code = self->db != NULL ? sqlite3_errcode(self->db) & 0xff : 0;

    return rc == ERR_CORRUPT ||
           (rc == ERR_IO && (code == SQLITE_CORRUPT || code == SQLITE_NOTADB ||
                                code == SQLITE_ERROR));
}

// The damaged file is kept for whoever wants to look at it.
static errcode_t
set_aside(journal_file_t *self, buf_t *why)
{
    char *aside = xasprintf("%s.damaged", self->path);
    char *wal = xasprintf("%s-wal", self->path);
    errcode_t rc = ERR_OK;

    buf_printf(
        why, "; it is set aside as %s, and its jobs are forgotten", aside);
    if (rename(self->path, aside) != 0) {
        buf_printf(why, ", which failed");
        rc = ERR_IO;
    }
    unlink(wal); // of the file that was set aside
    free(aside);
    free(wal);
    return rc;
}

errcode_t
journal_file_open(const char *path, journal_file_t **out, buf_t *why)
{
    journal_file_t *self = xcalloc(1, sizeof *self);

    *out = NULL;
    self->path = xstrdup(path);
    // SQLite would make it readable for all that the umask lets in.
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd != -1) {
        close(fd);
    }
    errcode_t rc = open_file(self, why);
    if (is_damage(self, rc)) {
        close_file(self);
        rc = set_aside(self, why);
        if (rc == ERR_OK) {
            buf_t again = {0};
            rc = open_file(self, &again);
            if (rc != ERR_OK) {
                buf_clear(why);
                buf_put_span(why, buf_span(&again));
            }
            buf_fini(&again);
        }
    }
    if (rc != ERR_OK) {
        journal_file_close(&self);
    }
    *out = self;
    return rc;
}

void
journal_file_close(journal_file_t **self_p)
{
    journal_file_t *self = *self_p;

    if (self != NULL) {
        *self_p = NULL;
        close_file(self);
        free(self->path);
        free(self);
    }
}

static bool
bind_piece(sqlite3_stmt *s, const piece_t *piece, const uint8_t hash[32])
{
    return sqlite3_bind_int64(s, 1, (int64_t)piece->key.job) == SQLITE_OK &&
           sqlite3_bind_int(s, 2, (int)piece->key.kind) == SQLITE_OK &&
           sqlite3_bind_int64(s, 3, (int64_t)piece->key.n) == SQLITE_OK &&
           sqlite3_bind_int64(s, 4, (int64_t)piece->at) == SQLITE_OK &&
           sqlite3_bind_int(s, 5, piece->last) == SQLITE_OK &&
           sqlite3_bind_blob(s, 6, hash, 32, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_blob64(s, 7,
               piece->bytes.len > 0 ? (const void *)piece->bytes.p : "",
               piece->bytes.len, SQLITE_STATIC) == SQLITE_OK;
}

static bool
insert(journal_file_t *self, const journal_op_t *op)
{
    span_t left = buf_span(&op->bytes);
    piece_t piece = {.key = op->key};
    bool done = true;

    for (; done && !piece.last; piece.at++) {
        uint8_t hash[32];
        size_t len = left.len < PIECE_MAX ? left.len : PIECE_MAX;
        piece.bytes = (span_t){left.p, len};
        left = (span_t){left.p + len, left.len - len};
        piece.last = left.len == 0;
        hash_piece(&piece, hash);
        done = bind_piece(self->insert, &piece, hash) &&
               sqlite3_step(self->insert) == SQLITE_DONE;
        sqlite3_reset(self->insert);
    }
    return done;
}

static bool
drop(journal_file_t *self, const journal_op_t *op)
{
    sqlite3_stmt *s = op->drop == DROP_ALL ? self->drop_all : self->drop_work;
    bool done = sqlite3_bind_int64(s, 1, (int64_t)op->key.job) == SQLITE_OK &&
                (op->drop == DROP_ALL ||
                    (sqlite3_bind_int(s, 2, ENTRY_JOB) == SQLITE_OK &&
                        sqlite3_bind_int(s, 3, ENTRY_END) == SQLITE_OK)) &&
                sqlite3_step(s) == SQLITE_DONE;

    sqlite3_reset(s);
    return done;
}

errcode_t
journal_file_write(
    journal_file_t *self, const journal_op_t *ops, size_t n, buf_t *why)
{
    bool dropped = false;
    errcode_t rc = run(self, "BEGIN IMMEDIATE", why);

    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        bool done = ops[i].drop == DROP_NONE ? insert(self, &ops[i])
                                             : drop(self, &ops[i]);
        dropped = dropped || ops[i].drop != DROP_NONE;
        rc = done ? ERR_OK : explain(self, why);
    }
    rc = rc != ERR_OK ? rc : run(self, "COMMIT", why);
    if (rc != ERR_OK) {
        (void)sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
    } else if (dropped) {
        // Room given back late is no error.
        (void)sqlite3_exec(self->db,
            "PRAGMA incremental_vacuum(" VACUUM_MAX ")", NULL, NULL, NULL);
    }
    return rc;
}

// ---- loading

static void
read_piece(sqlite3_stmt *row, piece_t *out)
{
    *out = (piece_t){.key = {.job = (uint64_t)sqlite3_column_int64(row, 0),
                         .kind = (entry_kind_t)sqlite3_column_int(row, 1),
                         .n = (uint64_t)sqlite3_column_int64(row, 2)},
        .at = (uint64_t)sqlite3_column_int64(row, 3),
        .last = sqlite3_column_int(row, 4) == 1};
    const void *bytes = sqlite3_column_blob(row, 6);
    out->bytes = (span_t){bytes, (size_t)sqlite3_column_bytes(row, 6)};
}

static bool
piece_is_whole(sqlite3_stmt *row, const piece_t *piece)
{
    uint8_t hash[32];
    const void *there = sqlite3_column_blob(row, 5);

    hash_piece(piece, hash);
    return sqlite3_column_bytes(row, 5) == (int)sizeof hash &&
           memcmp(there, hash, sizeof hash) == 0;
}

static bool
same_entry(const entry_key_t *a, const entry_key_t *b)
{
    return a->job == b->job && a->kind == b->kind && a->n == b->n;
}

typedef struct loading {
    journal_take_t *take;
    void *ctx;
    entry_key_t key; // of the entry whose pieces come in
    uint64_t n;      // pieces so far; 0: none
    bool whole;
    bool last;
    buf_t bytes;
} loading_t;

static void
hand_over(loading_t *l)
{
    span_t bytes = buf_span(&l->bytes);

    if (l->n > 0) {
        l->take(l->ctx, &l->key, l->whole && l->last ? &bytes : NULL);
    }
    buf_clear(&l->bytes);
    l->n = 0;
    l->whole = true;
    l->last = false;
}

static void
take_row(loading_t *l, sqlite3_stmt *row)
{
    piece_t piece;

    read_piece(row, &piece);
    if (!same_entry(&piece.key, &l->key)) {
        hand_over(l);
        l->key = piece.key;
    }
    l->whole =
        l->whole && piece.at == l->n && !l->last && piece_is_whole(row, &piece);
    l->last = piece.last;
    l->n++;
    buf_put_span(&l->bytes, piece.bytes);
}

errcode_t
journal_file_load(
    journal_file_t *self, journal_take_t *take, void *ctx, buf_t *why)
{
    sqlite3_stmt *row = NULL;
    loading_t l = {.take = take, .ctx = ctx, .whole = true};
    int step = SQLITE_ERROR;

    if (sqlite3_prepare_v2(self->db,
            "SELECT job, kind, n, piece, last, hash, bytes FROM entry"
            " ORDER BY job, kind, n, piece",
            -1, &row, NULL) == SQLITE_OK) {
        while ((step = sqlite3_step(row)) == SQLITE_ROW) {
            take_row(&l, row);
        }
        hand_over(&l);
    }
    errcode_t rc = step == SQLITE_DONE ? ERR_OK : explain(self, why);
    sqlite3_finalize(row);
    buf_fini(&l.bytes);
    return rc;
}
