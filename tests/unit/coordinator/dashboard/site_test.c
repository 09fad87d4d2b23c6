// SPDX-License-Identifier: Apache-2.0
#include "coordinator/dashboard/site.h"

#include "coordinator/dashboard/board.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "0123456789abcdef-token"

static const token_t none = {.len = 0};
static const token_t token = {TOKEN, sizeof TOKEN - 1};

static request_t
get(const char *path)
{
    return (request_t){.method = "GET", .path = path, .host = "localhost"};
}

static plan_t
plan_of(const site_t *site, const request_t *request)
{
    plan_t plan;

    site_plan(site, request, &plan);
    return plan;
}

static unsigned
status_of(const token_t *wanted, request_t request)
{
    const site_t site = {.token = wanted, .port = 7780};

    return plan_of(&site, &request).status;
}

static void
test_pages_and_topics(void **state)
{
    static const struct {
        const char *path;
        site_what_t what;
        uint64_t topic;
    } rows[] = {
        {"/", SITE_ASSET, 0},
        {"/jobs/12", SITE_ASSET, 0},
        {"/charts.js", SITE_ASSET, 0},
        {"/report.css", SITE_ASSET, 0},
        {"/data/overview", SITE_DATA, OVERVIEW},
        {"/data/jobs/12", SITE_DATA, 12},
        {"/stream/overview", SITE_STREAM, OVERVIEW},
        {"/stream/jobs/999999999999999999", SITE_STREAM, 999999999999999999},
        {"/jobs/12/report", SITE_REPORT, 12},
    };
    const site_t site = {.token = &none, .port = 7780};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        request_t r = get(rows[i].path);
        plan_t plan = plan_of(&site, &r);
        assert_int_equal(plan.status, 200);
        assert_int_equal(plan.what, rows[i].what);
        CHECK_U64(plan.topic, rows[i].topic);
    }
}

static void
test_there_is_nothing_else(void **state)
{
    static const char *const paths[] = {"", "x", "//", "/jobs", "/jobs/",
        "/jobs/0", "/jobs/012", "/jobs/1 ", "/jobs/1/", "/jobs/1/reports",
        "/jobs/9999999999999999999", "/jobs/-1", "/data", "/data/jobs/0",
        "/overview", "/metrics", "/../", "/%00"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(status_of(&none, get(paths[i])), 404);
    }
}

static void
test_only_reading(void **state)
{
    static const char *const methods[] = {
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "get", ""};
    request_t r = get("/data/overview");

    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        r.method = methods[i];
        assert_int_equal(status_of(&none, r), 405);
    }
    r.method = "HEAD";
    assert_int_equal(status_of(&none, r), 200);
}

static void
test_names_that_are_not_ours(void **state)
{
    static const struct {
        const char *host;
        unsigned status;
    } rows[] = {
        {"localhost", 200},
        {"LocalHost:7780", 200},
        {"127.0.0.1", 200},
        {"127.8.9.10:1", 200},
        {"10.1.2.3:443", 200},
        {"[::1]", 200},
        {"[::1]:7780", 200},
        {"logs.example", 200},
        {"two.example:443", 200},
        {NULL, 421},
        {"", 421},
        {":7780", 421},
        {"[", 421},
        {"[]", 421},
        {"[::1", 421},
        {"[::1]x", 421},
        {"localhost:", 200},
        {"localhost:123456", 421},
        {"localhost:80x", 421},
        {"localhost.", 421},
        {"localhost.evil.example", 421},
        {"evil.example", 421},
        {"logs.example.evil", 421},
        {"logs", 421},
        {"127.0.0.1.evil.example", 421},
        {"0x7f.1", 421},
        {"two.example, logs.example", 421},
    };
    const site_t site = {
        .token = &none, .port = 7780, .hosts = "logs.example, two.example"};
    request_t r = get("/");

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        r.host = rows[i].host;
        assert_int_equal(plan_of(&site, &r).status, rows[i].status);
    }
}

static void
test_pages_of_others_may_link_and_no_more(void **state)
{
    request_t r = get("/data/overview");

    (void)state;
    r.fetch_site = "cross-site";
    assert_int_equal(status_of(&none, r), 403);
    r.fetch_mode = "no-cors";
    assert_int_equal(status_of(&none, r), 403);
    r.fetch_mode = "navigate";
    assert_int_equal(status_of(&none, r), 200);
    r.fetch_mode = "cors";
    r.fetch_site = "same-origin";
    assert_int_equal(status_of(&none, r), 200);
}

static void
test_token_by_header_or_cookie(void **state)
{
    const site_t site = {.token = &token, .port = 7780};
    request_t r = get("/data/overview");
    buf_t cookie = {0};

    (void)state;
    assert_int_equal(status_of(&token, r), 401);
    r.authorization = "Bearer " TOKEN;
    assert_int_equal(status_of(&token, r), 200);
    r.authorization = "Bearer " TOKEN "x";
    assert_int_equal(status_of(&token, r), 401);
    r.authorization = NULL;
    site_cookie(&site, &cookie);
    assert_null(memmem(cookie.p, cookie.len, TOKEN, sizeof TOKEN - 1));
    *(uint8_t *)memchr(cookie.p, ';', cookie.len) = '\0';
    r.cookie = (const char *)cookie.p;
    assert_int_equal(status_of(&token, r), 200);
    cookie.p[strlen((char *)cookie.p) - 1] ^= 1;
    assert_int_equal(status_of(&token, r), 401);
    r.cookie = "__Host-logtally-7780=";
    assert_int_equal(status_of(&token, r), 401);
    buf_fini(&cookie);
}

static void
test_cookies_of_others_beside_ours(void **state)
{
    char session[SESSION_TEXT], header[400];
    request_t r = get("/data/overview");

    (void)state;
    site_session(&token, session);
    snprintf(header, sizeof header,
        "a=b;__Host-logtally-7781=%s; __Host-logtally-7780=%s;c=d", session,
        session);
    r.cookie = header;
    assert_int_equal(status_of(&token, r), 200);
    snprintf(header, sizeof header, "__Host-logtally-7781=%s", session);
    assert_int_equal(status_of(&token, r), 401);
    snprintf(header, sizeof header, "x__Host-logtally-7780=%s", session);
    assert_int_equal(status_of(&token, r), 401);
}

static void
test_who_has_not_logged_in_gets_the_login(void **state)
{
    const site_t site = {.token = &token, .port = 7780};
    static const char *const open[] = {
        "/login", "/login.js", "/base.js", "/base.css", "/favicon.svg"};
    request_t r = get("/jobs/7");

    (void)state;
    plan_t plan = plan_of(&site, &r);
    assert_int_equal(plan.status, 302);
    assert_string_equal(plan.location, "/login");
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        assert_int_equal(status_of(&token, get(open[i])), 200);
    }
    assert_int_equal(status_of(&token, get("/session")), 401);
    assert_int_equal(status_of(&token, get("/nothing")), 401);
    r = get("/session");
    r.authorization = "Bearer " TOKEN;
    plan = plan_of(&site, &r);
    assert_int_equal(plan.status, 204);
    assert_true(plan.log_in);
    assert_int_equal(status_of(&none, get("/session")), 204);
}

static void
test_metrics_have_a_token_of_their_own(void **state)
{
    static const token_t scrape = {"fedcba9876543210", 16};
    const site_t site = {
        .token = &token, .metrics_token = &scrape, .port = 7780};
    request_t r = get("/metrics");

    (void)state;
    r.host = "prometheus.asks.by.any.name";
    assert_int_equal(plan_of(&site, &r).status, 401);
    r.authorization = "Bearer " TOKEN;
    assert_int_equal(plan_of(&site, &r).status, 401);
    r.authorization = "Bearer fedcba9876543210";
    assert_int_equal(plan_of(&site, &r).what, SITE_METRICS);
    r.path = "/data/overview";
    r.host = "localhost";
    assert_int_equal(plan_of(&site, &r).status, 401);
}

static void
test_assets_are_packed_and_known_again(void **state)
{
    const site_t site = {.token = &none, .port = 7780};
    request_t r = get("/charts.js");

    (void)state;
    assert_false(plan_of(&site, &r).gzip);
    r.accept_encoding = "deflate, gzip;q=1.0, br";
    plan_t plan = plan_of(&site, &r);
    assert_true(plan.gzip);
    assert_memory_equal(plan.asset->gzip.p, "\x1f\x8b", 2);
    assert_true(asset_plain(plan.asset).len >= plan.asset->gzip.len ||
                asset_plain(plan.asset).len == 0);
    r.accept_encoding = "gzip;q=0";
    assert_false(plan_of(&site, &r).gzip);
    r.if_none_match = plan.asset->etag;
    assert_int_equal(plan_of(&site, &r).status, 304);
    r.if_none_match = "\"another\"";
    assert_int_equal(plan_of(&site, &r).status, 200);
}

static const char *
header_of(const plan_t *plan, const char *name)
{
    for (const char *const *h = site_headers(plan); *h != NULL; h += 2) {
        if (strcmp(h[0], name) == 0) {
            return h[1];
        }
    }
    return "";
}

static void
test_every_answer_has_its_headers(void **state)
{
    static const char *const paths[] = {
        "/", "/data/overview", "/jobs/1/report", "/base.js", "/nothing"};
    const site_t site = {.token = &none, .port = 7780};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        request_t r = get(paths[i]);
        plan_t plan = plan_of(&site, &r);
        const char *policy = header_of(&plan, "Content-Security-Policy");
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        assert_null(strstr(policy, "unsafe"));
        assert_string_equal(
            header_of(&plan, "X-Content-Type-Options"), "nosniff");
        assert_string_equal(header_of(&plan, "Referrer-Policy"), "no-referrer");
        assert_string_equal(header_of(&plan, "Cache-Control"),
            plan.what == SITE_ASSET ? "no-cache" : "no-store");
        assert_string_equal(
            header_of(&plan, "Access-Control-Allow-Origin"), "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_and_topics),
        cmocka_unit_test(test_there_is_nothing_else),
        cmocka_unit_test(test_only_reading),
        cmocka_unit_test(test_names_that_are_not_ours),
        cmocka_unit_test(test_pages_of_others_may_link_and_no_more),
        cmocka_unit_test(test_token_by_header_or_cookie),
        cmocka_unit_test(test_cookies_of_others_beside_ours),
        cmocka_unit_test(test_who_has_not_logged_in_gets_the_login),
        cmocka_unit_test(test_metrics_have_a_token_of_their_own),
        cmocka_unit_test(test_assets_are_packed_and_known_again),
        cmocka_unit_test(test_every_answer_has_its_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
