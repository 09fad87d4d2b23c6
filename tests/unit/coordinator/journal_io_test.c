// SPDX-License-Identifier: Apache-2.0
#include "coordinator/journal_io.h"

#include "common/base/xalloc.h"
#include "coordinator/journal_file_io.h"
#include "tests/unit/cmocka_all.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000

typedef struct folder {
    char dir[40];
    char path[64];
} folder_t;

static folder_t
folder_new(void)
{
    folder_t f;

    snprintf(f.dir, sizeof f.dir, "/tmp/journal-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.path, sizeof f.path, "%s/journal.db", f.dir);
    return f;
}

static void
folder_fini(const folder_t *f)
{
    static const char *const ends[] = {"", "-wal", ".damaged", ".copy"};
    char name[80];

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(name, sizeof name, "%s%s", f->path, ends[i]);
        unlink(name);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

// What was loaded, as text: "job.kind.n=length:first byte " or "...=bad ".
typedef struct loaded {
    buf_t text;
    size_t n, bad;
} loaded_t;

static void
note(void *ctx, const entry_key_t *key, const span_t *bytes)
{
    loaded_t *l = ctx;

    l->n++;
    buf_printf(&l->text, "%llu.%d.%llu=", (unsigned long long)key->job,
        (int)key->kind, (unsigned long long)key->n);
    if (bytes == NULL) {
        l->bad++;
        buf_put_str(&l->text, "bad ");
    } else {
        buf_printf(&l->text, "%zu:%c ", bytes->len, bytes->p[0]);
    }
}

static journal_io_t *
open_journal(const folder_t *f)
{
    journal_io_t *j = NULL;
    buf_t why = {0};

    CHECK_OK(journal_io_open(f->path, &j, &why));
    CHECK_U64(why.len, 0);
    buf_fini(&why);
    return j;
}

static void
start(journal_io_t *j)
{
    buf_t why = {0};

    CHECK_OK(journal_io_start(j, &why));
    buf_fini(&why);
}

static uint64_t
put(journal_io_t *j, uint64_t job, entry_kind_t kind, uint64_t n, char byte,
    size_t len)
{
    journal_t seam = journal_io_seam(j);
    buf_t bytes = {0};

    memset(buf_reserve(&bytes, len), byte, len);
    bytes.len = len;
    return seam.put(seam.ctx, &(entry_key_t){job, kind, n}, &bytes);
}

static void
drop(journal_io_t *j, uint64_t job, bool all)
{
    journal_t seam = journal_io_seam(j);

    seam.drop(seam.ctx, job, all);
}

static void
wait_durable(journal_io_t *j, uint64_t number)
{
    buf_t why = {0};

    while (journal_io_state(j, &why) < number) {
        struct pollfd p = {.fd = journal_io_fd(j), .events = POLLIN};
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    }
    CHECK_U64(why.len, 0);
    buf_fini(&why);
}

static void
check_holds(const folder_t *f, const char *want)
{
    journal_io_t *j = open_journal(f);
    loaded_t l = {0};
    buf_t why = {0};

    CHECK_OK(journal_io_load(j, note, &l, &why));
    buf_put_u8(&l.text, '\0');
    assert_string_equal((const char *)l.text.p, want);
    buf_fini(&l.text);
    buf_fini(&why);
    journal_io_close(&j);
}

static void
test_what_was_put_is_there_in_order(void **state)
{
    folder_t f = folder_new();
    journal_io_t *j = open_journal(&f);

    (void)state;
    start(j);
    put(j, 2, ENTRY_JOB, 0, 'a', 3);
    put(j, 1, ENTRY_COMMIT, 10, 'b', 4);
    put(j, 1, ENTRY_COMMIT, 9, 'c', 5);
    wait_durable(j, put(j, 1, ENTRY_JOB, 0, 'd', 6));
    journal_io_close(&j);
    check_holds(&f, "1.1.0=6:d 1.6.9=5:c 1.6.10=4:b 2.1.0=3:a ");
    folder_fini(&f);
}

static void
test_an_ended_job_keeps_its_two_entries(void **state)
{
    folder_t f = folder_new();
    journal_io_t *j = open_journal(&f);

    (void)state;
    start(j);
    for (entry_kind_t kind = ENTRY_JOB; kind < ENTRY_KINDS; kind++) {
        put(j, 1, kind, 0, 'a', 1);
        put(j, 2, kind, 0, 'b', 1);
    }
    drop(j, 1, false);
    drop(j, 2, true);
    wait_durable(j, put(j, 3, ENTRY_JOB, 0, 'c', 1));
    journal_io_close(&j);
    check_holds(&f, "1.1.0=1:a 1.7.0=1:a 3.1.0=1:c ");
    folder_fini(&f);
}

static void
test_an_entry_larger_than_a_row_is_whole(void **state)
{
    folder_t f = folder_new();
    journal_io_t *j = open_journal(&f);

    (void)state;
    start(j);
    wait_durable(j, put(j, 1, ENTRY_COMMIT, 0, 'x', (40u << 20) + 1));
    journal_io_close(&j);
    check_holds(&f, "1.6.0=41943041:x ");
    folder_fini(&f);
}

static void
test_the_file_is_for_its_owner_alone(void **state)
{
    folder_t f = folder_new();
    journal_io_t *j = open_journal(&f);
    struct stat st;

    (void)state;
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    journal_io_close(&j);
    folder_fini(&f);
}

// A child that may not make files longer than now: every write fails.
static int
child_without_room(const folder_t *f)
{
    journal_io_t *j = NULL;
    buf_t why = {0};
    struct rlimit room = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    if (journal_io_open(f->path, &j, &why) != ERR_OK ||
        journal_io_start(j, &why) != ERR_OK ||
        setrlimit(RLIMIT_FSIZE, &room) != 0) {
        return 1;
    }
    uint64_t number = put(j, 1, ENTRY_JOB, 0, 'a', 100000);
    do {
        struct pollfd p = {.fd = journal_io_fd(j), .events = POLLIN};
        if (poll(&p, 1, WAIT_MS) != 1) {
            return 2;
        }
        if (journal_io_state(j, &why) >= number) {
            return 3;
        }
    } while (why.len == 0);
    room.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &room);
    while (journal_io_state(j, &why) < number) {
        struct pollfd p = {.fd = journal_io_fd(j), .events = POLLIN};
        if (poll(&p, 1, WAIT_MS) != 1) {
            return 4;
        }
    }
    int rc = why.len == 0 ? 0 : 5;
    journal_io_close(&j);
    buf_fini(&why);
    return rc;
}

static void
test_a_full_disk_is_told_and_nothing_is_lost(void **state)
{
    folder_t f = folder_new();
    int status = -1;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(child_without_room(&f));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    check_holds(&f, "1.1.0=100000:a ");
    folder_fini(&f);
}

static void
test_a_later_release_is_not_touched(void **state)
{
    folder_t f = folder_new();
    journal_io_t *j = open_journal(&f);
    buf_t why = {0};

    (void)state;
    journal_io_close(&j);
    FILE *file = fopen(f.path, "r+");
    fseek(file, 63, SEEK_SET); // last byte of user_version
    fputc(2, file);
    fclose(file);
    CHECK_ERR(journal_io_open(f.path, &j, &why), ERR_VERSION);
    assert_non_null(memmem(why.p, why.len, "later release", 13));
    buf_fini(&why);
    folder_fini(&f);
}

// ---- damage

static void
read_all(const char *path, buf_t *out)
{
    FILE *file = fopen(path, "r");
    size_t n;

    assert_non_null(file);
    do {
        n = fread(buf_reserve(out, 65536), 1, 65536, file);
        out->len += n;
    } while (n > 0);
    fclose(file);
}

static void
write_all(const char *path, span_t bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes.p, 1, bytes.len, file), bytes.len);
    fclose(file);
}

// Whatever the file is like: it is refused, or set aside, or what it yields
// are entries that were put, with the bytes they were put with.
static void
check_no_lie(const folder_t *f, const char *truth)
{
    journal_io_t *j = NULL;
    loaded_t l = {0};
    buf_t why = {0};

    if (journal_io_open(f->path, &j, &why) == ERR_OK &&
        journal_io_load(j, note, &l, &why) == ERR_OK) {
        buf_put_u8(&l.text, '\0');
        char *rest = NULL;
        for (char *word = strtok_r((char *)l.text.p, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            assert_true(strstr(word, "=bad") || strstr(truth, word));
        }
    }
    journal_io_close(&j);
    buf_fini(&l.text);
    buf_fini(&why);
}

#define TRUTH "1.1.0=3:a 1.4.0=20:p 1.6.0=200:b 1.6.1=300:c "

static void
make_small(const folder_t *f, buf_t *db, buf_t *wal)
{
    char name[80];
    journal_io_t *j = open_journal(f);

    start(j);
    put(j, 1, ENTRY_JOB, 0, 'a', 3);
    put(j, 1, ENTRY_PLAN, 0, 'p', 20);
    put(j, 1, ENTRY_COMMIT, 0, 'b', 200);
    wait_durable(j, put(j, 1, ENTRY_COMMIT, 1, 'c', 300));
    snprintf(name, sizeof name, "%s-wal", f->path);
    if (wal != NULL) { // as a crash leaves it
        read_all(f->path, db);
        read_all(name, wal);
    }
    journal_io_close(&j);
    if (wal == NULL) {
        read_all(f->path, db);
    }
}

// Every `step`-th byte, one bit of it; LOGTALLY_EVERY=1 takes them all.
static size_t
step(size_t usual)
{
    const char *every = getenv("LOGTALLY_EVERY");

    return every != NULL ? strtoul(every, NULL, 10) : usual;
}

static void
test_no_flipped_bit_of_the_file_is_believed(void **state)
{
    folder_t f = folder_new();
    buf_t db = {0};

    (void)state;
    make_small(&f, &db, NULL);
    for (size_t i = 0; i < db.len; i += step(13)) {
        db.p[i] ^= (uint8_t)(1u << (i % 8));
        write_all(f.path, buf_span(&db));
        check_no_lie(&f, TRUTH);
        db.p[i] ^= (uint8_t)(1u << (i % 8));
    }
    buf_fini(&db);
    folder_fini(&f);
}

static void
test_no_length_of_the_file_is_believed(void **state)
{
    folder_t f = folder_new();
    buf_t db = {0};

    (void)state;
    make_small(&f, &db, NULL);
    for (size_t len = 0; len < db.len; len += step(101)) {
        write_all(f.path, (span_t){db.p, len});
        check_no_lie(&f, TRUTH);
    }
    buf_fini(&db);
    folder_fini(&f);
}

static void
test_no_damaged_write_ahead_log_is_believed(void **state)
{
    folder_t f = folder_new();
    buf_t db = {0};
    buf_t wal = {0};
    char name[80];

    (void)state;
    make_small(&f, &db, &wal);
    snprintf(name, sizeof name, "%s-wal", f.path);
    for (size_t i = 0; i < wal.len; i += step(97)) {
        wal.p[i] ^= 0x10;
        write_all(f.path, buf_span(&db));
        write_all(name, buf_span(&wal));
        check_no_lie(&f, TRUTH);
        wal.p[i] ^= 0x10;
        write_all(f.path, buf_span(&db));
        write_all(name, (span_t){wal.p, i});
        check_no_lie(&f, TRUTH);
    }
    buf_fini(&db);
    buf_fini(&wal);
    folder_fini(&f);
}

static void
test_a_damaged_file_is_set_aside(void **state)
{
    folder_t f = folder_new();
    buf_t db = {0};
    buf_t why = {0};
    journal_io_t *j = NULL;
    char aside[80];

    (void)state;
    make_small(&f, &db, NULL);
    memset(db.p, 'x', 100);
    write_all(f.path, buf_span(&db));
    CHECK_OK(journal_io_open(f.path, &j, &why));
    assert_non_null(memmem(why.p, why.len, "set aside", 9));
    journal_io_close(&j);
    check_holds(&f, "");
    snprintf(aside, sizeof aside, "%s.damaged", f.path);
    assert_int_equal(access(aside, F_OK), 0);
    buf_fini(&db);
    buf_fini(&why);
    folder_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_there_in_order),
        cmocka_unit_test(test_an_ended_job_keeps_its_two_entries),
        cmocka_unit_test(test_an_entry_larger_than_a_row_is_whole),
        cmocka_unit_test(test_the_file_is_for_its_owner_alone),
        cmocka_unit_test(test_a_full_disk_is_told_and_nothing_is_lost),
        cmocka_unit_test(test_a_later_release_is_not_touched),
        cmocka_unit_test(test_no_flipped_bit_of_the_file_is_believed),
        cmocka_unit_test(test_no_length_of_the_file_is_believed),
        cmocka_unit_test(test_no_damaged_write_ahead_log_is_believed),
        cmocka_unit_test(test_a_damaged_file_is_set_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
