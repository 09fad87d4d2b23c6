// SPDX-License-Identifier: Apache-2.0
// board: what the loop shows to the threads of the dashboard. They say what
// they look at (the overview, or a job); the loop makes that once a second and
// hangs it up; they take it, each at its own pace, and never touch the machine.
// Every document is whole and never changes, and goes when the last one who
// reads it has let go of it. For any thread: a lock is held for moments alone.
//
// Bounded: WATCHERS_MOST look at BOARD_TOPICS at a time, at one document each.
#ifndef LOGTALLY_COORDINATOR_DASHBOARD_BOARD_H
#define LOGTALLY_COORDINATOR_DASHBOARD_BOARD_H

#include "common/base/bytes.h"

#define BOARD_TOPICS  16u
#define WATCHERS_MOST 24u
#define OVERVIEW      UINT64_C(0) // a topic; the others are ids of jobs

typedef struct document {
    uint64_t number; // rises by one for each of its topic
    bool all;        // understood without the one before it
    bool gone;       // there is no such job
    bool over;       // its result is in the store
    buf_t json;
    buf_t rows;    // encoded result, or empty
    uint64_t made; // another one for other rows
    unsigned refs; // the board's own
} document_t;

typedef struct board board_t;

board_t *board_new(void);
// Nobody may be inside of any call by then; see board_end.
void board_destroy(board_t **self_p);
// Whoever waits, now or later, gets NULL at once.
void board_end(board_t *self);
bool board_has_ended(board_t *self);

// ---- for those who look

// false: there are as many already.
bool board_join(board_t *self, uint64_t topic);
void board_leave(board_t *self, uint64_t topic);
// The newest document, once it is another than `seen` (its number; 0: none)
// and can be understood after that one. NULL: none came within timeout_ms. To
// be let go of. Only between join and leave.
document_t *board_wait(
    board_t *self, uint64_t topic, uint64_t seen, int64_t timeout_ms);
void board_let_go(board_t *self, document_t **doc_p);

// ---- for the loop

// Readable when somebody waits for the first document; read it empty.
int board_fd(const board_t *self);
typedef struct board_want {
    uint64_t topic;
    bool all;      // somebody needs all of it
    uint64_t made; // of the rows that hang there, or 0
} board_want_t;
// What is looked at; returns how many.
size_t board_wants(board_t *self, board_want_t out[BOARD_TOPICS]);
// Takes the buffers of doc. rows_same: those of the document before.
void board_put(board_t *self, uint64_t topic, document_t *doc, bool rows_same);

#endif
