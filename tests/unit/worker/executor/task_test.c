// SPDX-License-Identifier: Apache-2.0
#include "worker/executor/task.h"

#include "tests/unit/cmocka_all.h"
#include "worker/executor/sealed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];

static int
setup(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int
teardown(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static size_t
count_open(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 1024; fd++) {
        n += fcntl(fd, F_GETFD) != -1;
    }
    return n;
}

static void
test_a_packet_arrives_whole_with_its_descriptors(void **state)
{
    task_packet_t p;
    int fds[2] = {open("/dev/null", O_RDONLY), open("/dev/zero", O_RDONLY)};
    char c = 'x';

    (void)state;
    CHECK_OK(task_send(pair[0], SPAN_LIT("hello"), fds, 2, 0));
    CHECK_OK(task_receive(pair[1], MSG_DONTWAIT, &p));
    CHECK_SPAN(((span_t){p.bytes, p.len}), "hello");
    CHECK_U64(p.n_fds, 2);
    CHECK_U64(read(p.fds[0], &c, 1), 0);
    CHECK_U64(read(p.fds[1], &c, 1), 1);
    assert_true((fcntl(p.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    task_packet_fini(&p);
    close(fds[0]);
    close(fds[1]);
}

static void
test_nothing_there_is_busy_and_an_end_is_an_end(void **state)
{
    task_packet_t p;

    (void)state;
    CHECK_ERR(task_receive(pair[1], MSG_DONTWAIT, &p), ERR_BUSY);
    close(pair[0]);
    CHECK_ERR(task_receive(pair[1], MSG_DONTWAIT, &p), ERR_TRUNCATED);
    CHECK_ERR(task_send(pair[1], SPAN_LIT("x"), NULL, 0, 0), ERR_IO);
    pair[0] = -1;
}

static void
test_a_packet_too_long_is_refused_and_its_descriptors_closed(void **state)
{
    uint8_t bytes[TASK_PACKET + 1] = {0};
    task_packet_t p;
    int fd = 0;
    char room[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec iov = {bytes, sizeof bytes};
    struct msghdr m = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = room,
        .msg_controllen = sizeof room};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    size_t before = count_open();

    (void)state;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    assert_int_equal(sendmsg(pair[0], &m, 0), sizeof bytes);
    CHECK_ERR(task_receive(pair[1], MSG_DONTWAIT, &p), ERR_MALFORMED);
    CHECK_U64(count_open(), before);
    CHECK_ERR(task_send(pair[0], (span_t){bytes, sizeof bytes}, NULL, 0, 0),
        ERR_TOO_LARGE);
}

static void
test_too_many_descriptors_are_refused_and_closed(void **state)
{
    enum { MANY = TASK_FDS + 20 };
    int fds[MANY] = {0};
    char room[CMSG_SPACE(sizeof fds)] = {0};
    char byte = 1;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = room,
        .msg_controllen = sizeof room};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    task_packet_t p;
    size_t before = count_open();

    (void)state;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    assert_int_equal(sendmsg(pair[0], &m, 0), 1);
    CHECK_ERR(task_receive(pair[1], MSG_DONTWAIT, &p), ERR_MALFORMED);
    CHECK_U64(count_open(), before);
}

static void
test_a_full_socket_is_busy_and_never_waits(void **state)
{
    errcode_t rc = ERR_OK;
    int n = 0;

    (void)state;
    while (rc == ERR_OK && n++ < 100000) {
        rc = task_send(pair[0], SPAN_LIT("x"), NULL, 0, MSG_DONTWAIT);
    }
    CHECK_ERR(rc, ERR_BUSY);
}

static void
test_a_report_comes_back_as_it_was_sent(void **state)
{
    task_packet_t p;
    task_report_t r;
    task_done_t done = {.rc = ERR_QUERY, .file = 7, .text = "no"};

    (void)state;
    CHECK_OK(task_send_progress(pair[0], 1ull << 40));
    CHECK_OK(task_send_done(pair[0], &done, -1));
    CHECK_OK(task_receive(pair[1], 0, &p));
    CHECK_OK(task_report_decode((span_t){p.bytes, p.len}, &r));
    CHECK_U64(r.kind, TASK_PROGRESS);
    CHECK_U64(r.bytes_done, 1ull << 40);
    CHECK_OK(task_receive(pair[1], 0, &p));
    CHECK_OK(task_report_decode((span_t){p.bytes, p.len}, &r));
    CHECK_U64(r.done.rc, ERR_QUERY);
    CHECK_U64(r.done.file, 7);
    assert_string_equal(r.done.text, "no");
}

// Refused, or something a supervisor may believe.
static void
try_report(span_t bytes)
{
    task_report_t r;

    if (task_report_decode(bytes, &r) == ERR_OK && r.kind == TASK_DONE) {
        assert_true(r.done.rc < ERR_COUNT);
        assert_true(strlen(r.done.text) < sizeof r.done.text);
    }
}

static void
test_broken_reports_are_refused_or_harmless(void **state)
{
    task_packet_t p;
    task_report_t r;
    task_done_t done = {.rc = ERR_QUERY, .file = 7, .text = "because"};

    (void)state;
    CHECK_OK(task_send_done(pair[0], &done, -1));
    CHECK_OK(task_receive(pair[1], 0, &p));
    for (size_t len = 0; len < p.len; len++) {
        CHECK_ERR(
            task_report_decode((span_t){p.bytes, len}, &r), ERR_MALFORMED);
    }
    for (size_t bit = 0; bit < p.len * 8; bit++) {
        p.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        try_report((span_t){p.bytes, p.len});
        p.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void
test_broken_readiness_is_refused_or_harmless(void **state)
{
    task_packet_t p;
    task_report_t r;
    task_ready_t ready = {.level = SANDBOX_WEAK, .taken = true, .text = "why"};

    (void)state;
    CHECK_OK(task_send_ready(pair[0], &ready));
    CHECK_OK(task_receive(pair[1], 0, &p));
    CHECK_OK(task_report_decode((span_t){p.bytes, p.len}, &r));
    CHECK_U64(r.kind, TASK_READY);
    CHECK_U64(r.ready.level, SANDBOX_WEAK);
    assert_true(r.ready.taken);
    assert_string_equal(r.ready.text, "why");
    for (size_t len = 0; len < p.len; len++) {
        CHECK_ERR(
            task_report_decode((span_t){p.bytes, len}, &r), ERR_MALFORMED);
    }
    for (size_t bit = 0; bit < p.len * 8; bit++) {
        p.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (task_report_decode((span_t){p.bytes, p.len}, &r) == ERR_OK &&
            r.kind == TASK_READY) {
            assert_true(r.ready.level < SANDBOX_LEVELS);
            assert_true(strlen(r.ready.text) < sizeof r.ready.text);
        }
        p.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void
test_only_sealed_bytes_are_read(void **state)
{
    buf_t out = {0};
    int fd;
    int plain = open("/dev/zero", O_RDONLY);

    (void)state;
    CHECK_OK(sealed_new(SPAN_LIT("bytes"), &fd));
    assert_int_equal(ftruncate(fd, 0), -1);
    CHECK_OK(sealed_read(fd, 5, &out));
    CHECK_SPAN(buf_span(&out), "bytes");
    CHECK_ERR(sealed_read(fd, 4, &out), ERR_CORRUPT);
    CHECK_ERR(sealed_read(plain, 5, &out), ERR_CORRUPT);
    CHECK_ERR(sealed_read(-1, 5, &out), ERR_CORRUPT);
    buf_fini(&out);
    close(plain);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_packet_arrives_whole_with_its_descriptors),
        TEST(test_nothing_there_is_busy_and_an_end_is_an_end),
        TEST(test_a_packet_too_long_is_refused_and_its_descriptors_closed),
        TEST(test_too_many_descriptors_are_refused_and_closed),
        TEST(test_a_full_socket_is_busy_and_never_waits),
        TEST(test_a_report_comes_back_as_it_was_sent),
        TEST(test_broken_reports_are_refused_or_harmless),
        TEST(test_broken_readiness_is_refused_or_harmless),
        TEST(test_only_sealed_bytes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
