// SPDX-License-Identifier: Apache-2.0
// errcode: the one error enum of the program. 0 is success; every function
// that can fail returns it and is MUST_CHECK.
#ifndef LOGTALLY_COMMON_BASE_ERRCODE_H
#define LOGTALLY_COMMON_BASE_ERRCODE_H

#define MUST_CHECK __attribute__((warn_unused_result))

typedef enum {
    ERR_OK = 0,
    ERR_IO,          // a system call failed; errno says which way
    ERR_NOT_FOUND,   // no such file, job, worker, key
    ERR_DENIED,      // not allowed: role, root, file mode
    ERR_CHANGED,     // the file is not the one that was planned
    ERR_TRUNCATED,   // bytes ended before the value did
    ERR_MALFORMED,   // bytes that no correct writer makes
    ERR_TOO_LARGE,   // over a limit of common/base/limits.h or a budget
    ERR_UNSUPPORTED, // a kind or version this program does not know
    ERR_OVERFLOW,    // arithmetic left 128 bits
    ERR_QUERY,       // the query is wrong; a query_error_t says where
    ERR_FORMAT,      // no format fits, or two fit equally well
    ERR_CORRUPT,     // an archive or partial that fails its own check
    ERR_REGEX,       // a regex needed more steps than its limit
    ERR_CONFIG,      // a setting is unknown or out of range
    ERR_AUTH,        // a key was refused
    ERR_UNREACHABLE, // nobody answers at the address
    ERR_VERSION,     // the peer speaks another protocol version
    ERR_TIMEOUT,     // a deadline passed
    ERR_CANCELLED,   // somebody asked for the work to stop
    ERR_CRASHED,     // an executor died while it held the work
    ERR_STALE,       // an epoch, incarnation or attempt of the past
    ERR_BUSY,        // no room now; ask again
    ERR_COUNT
} errcode_t;

// A short lower-case text, static, never NULL: "no such file or name".
const char *err_text(errcode_t rc);

// Exit codes of every program (docs: query language, "Results").
enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_PARTIAL = 3,
    EXIT_NO_FIT = 4,
    EXIT_UNREACHABLE = 5,
    EXIT_DEADLINE = 124,
    EXIT_INTERRUPTED = 130,
};

#endif
