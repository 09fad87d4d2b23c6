// SPDX-License-Identifier: Apache-2.0
// limits: every bound on what a peer, a file or a command line may ask for.
// Sizes in bytes, times in milliseconds. A value from outside is compared
// with its row here before it sizes anything.
#ifndef LOGTALLY_COMMON_BASE_LIMITS_H
#define LOGTALLY_COMMON_BASE_LIMITS_H

#define LIMIT_LINE            (1u << 20) // a log line without its ending
#define LIMIT_QUERY_TEXT      32767u
#define LIMIT_QUERIES         32u // of one job
#define LIMIT_QUERY_STAGES    64u
#define LIMIT_QUERY_COLUMNS   64u  // keys plus aggregates plus lets
#define LIMIT_QUERY_DEPTH     200u // nesting of expressions and filters
#define LIMIT_SET_ITEMS       4096u
#define LIMIT_NAME            128u  // key, host, label, job names
#define LIMIT_FORMAT_NAME     1024u // a name, later a whole LogFormat string
#define LIMIT_PATH            4096u
#define LIMIT_ENDPOINT        256u
#define LIMIT_TEXT            1024u        // an error or reason on the wire
#define LIMIT_KEY             (4u << 20)   // one encoded group key
#define LIMIT_PARTIAL         (1u << 30)   // one encoded partial
#define LIMIT_CHUNK           (1u << 20)   // payload of one PARTIAL message
#define LIMIT_CONTROL         (256u << 10) // a frame on the control socket
#define LIMIT_INTAKE          (1u << 20)   // a frame on an intake socket
#define LIMIT_LANE            4096u        // a frame to the lane socket
#define LIMIT_SINK            (LIMIT_CHUNK + 4096u) // a frame on the sink
#define LIMIT_BATCH           (64u << 10) // frames that share a message
#define LIMIT_BATCH_FRAMES    256u
#define LIMIT_CURVE_OVERHEAD  33u // added by CURVE; counts for MAXMSGSIZE
#define LIMIT_RESULT          (1u << 30) // one encoded result
#define LIMIT_RESULT_CHUNK    (128u << 10)
#define LIMIT_SOURCES         1024u     // per job
#define LIMIT_JOB_FILES       1000000u  // per job
#define LIMIT_JOB_SHARDS      10000000u // per job
#define LIMIT_SHARD_RANGES    128u      // descriptors in one SCM_RIGHTS: 253
#define LIMIT_JOBS            1000u     // alive at once
#define LIMIT_WORKERS         4096u
#define LIMIT_EXECUTORS       1024u // per worker
#define LIMIT_LABELS          16u   // per worker
#define LIMIT_HOSTS           16u   // host patterns per key
#define LIMIT_PASSPHRASE      1024u // bytes
#define LIMIT_KDF_OPS         8u    // passes of Argon2id over its memory, and
#define LIMIT_KDF_MEMORY      (1ull << 30) // that memory, to open a key file
#define LIMIT_SAMPLES         5u           // rejected lines kept per file
#define LIMIT_SAMPLE_FILES    100u         // files with samples kept per job
#define LIMIT_SAMPLE          200u         // bytes kept of a rejected line
#define LIMIT_DETECT_LINES    100u  // non-blank lines that `auto` looks at
#define LIMIT_FREE_NAMES      32u   // fields of a query that are not built in
#define LIMIT_TABLE_COLUMNS   1024u // of a header
#define LIMIT_JSON_DEPTH      64u   // nesting of a JSON line
#define LIMIT_ATTEMPTS        3u
#define LIMIT_EXECUTOR_MEMORY (4ull << 30)  // group table budget, default
#define LIMIT_STAGING         (1ull << 30)  // granted and unmerged partials
#define LIMIT_UNPACKED        (64ull << 30) // given by an archive, and
#define LIMIT_UNPACKED_TIMES  1100u         // so often its size (gzip: 1032)
#define LIMIT_CUTS            4096u // places where an archive can be cut, and
#define LIMIT_CUTS_BYTES      (32u << 10)  // as a listing tells them
#define LIMIT_FRAMES          (1u << 22)   // headers looked at to find them
#define LIMIT_GUESS_BYTES     (256u << 20) // read for a job to guess cuts
#define SHARD_MIN             (16ull << 20)
#define SHARD_MAX             (1ull << 30)
#define CREDIT_PER_EXECUTOR   2u         // shards of CREDIT_WHOLE_BYTES
#define CREDIT_WHOLE_BYTES    (1u << 20) // or more, common/wire/credit.h
#define CREDIT_PART_BYTES     (32u << 10)
#define CREDIT_SHARDS         4096u // of one worker: a heartbeat names each

#define HEARTBEAT_MS          1000
#define WORKER_LOST_MS        3000 // silence after which a worker is lost
#define WORKER_FORGET_MS      (7ll * 86400 * 1000) // gone: nobody waits for it
#define LEASE_MS              5000 // dispatch to first mention in a heartbeat
#define HANDSHAKE_MS          2000
#define EXECUTOR_SILENT_MS    60000 // no progress: it is stuck, and ended
#define CLIENT_CONNECT_MS     4000  // the CLI gives up connecting after this

#endif
