// SPDX-License-Identifier: Apache-2.0
#include "coordinator/dashboard/site.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COOKIE_NAME "__Host-logtally"

// ---- who may ask

// "name:7780" or "[::1]:7780" without the port and brackets.
static bool
split_host(const char *header, char out[256])
{
    bool six = header[0] == '[';
    const char *begin = six ? header + 1 : header;
    size_t len = strcspn(begin, six ? "]" : ":");
    const char *port = begin + len + (six && begin[len] == ']');

    if (len == 0 || len > 255 || (six && begin[len] != ']') ||
        (port[0] != '\0' &&
            (port[0] != ':' || strspn(port + 1, "0123456789") > 5 ||
                port[1 + strspn(port + 1, "0123456789")] != '\0'))) {
        return false;
    }
    memcpy(out, begin, len);
    out[len] = '\0';
    return true;
}

static bool
is_address(const char *host)
{
    uint8_t bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 ||
           inet_pton(AF_INET6, host, bytes) == 1;
}

static bool
is_named(const char *hosts, const char *host)
{
    size_t want = strlen(host);

    while (hosts != NULL && *hosts != '\0') {
        size_t len;
        hosts += strspn(hosts, ", ");
        len = strcspn(hosts, ", ");
        if (len == want && strncasecmp(hosts, host, len) == 0) {
            return true;
        }
        hosts += len;
    }
    return false;
}

static bool
host_is_ours(const site_t *self, const char *header)
{
    char host[256];

    return header != NULL && split_host(header, host) &&
           (strcasecmp(host, "localhost") == 0 || is_address(host) ||
               is_named(self->hosts, host));
}

// Browsers say where a request comes from. That of another site may lead here
// by a link, and not by what its page does.
static bool
is_foreign(const request_t *r)
{
    bool other =
        r->fetch_site != NULL && (strcmp(r->fetch_site, "cross-site") == 0 ||
                                     strcmp(r->fetch_site, "same-site") == 0);

    return other &&
           (r->fetch_mode == NULL || strcmp(r->fetch_mode, "navigate") != 0);
}

void
site_session(const token_t *token, char out[SESSION_TEXT])
{
    static const char what[] = "logtally dashboard session";
    uint8_t key[32], hash[32];

    crypto_generichash(
        key, sizeof key, (const uint8_t *)token->text, token->len, NULL, 0);
    crypto_generichash(hash, sizeof hash, (const uint8_t *)what,
        sizeof what - 1, key, sizeof key);
    sodium_bin2hex(out, SESSION_TEXT, hash, sizeof hash);
    sodium_memzero(key, sizeof key);
}

static int
cookie_name(const site_t *self, char out[40])
{
    return snprintf(out, 40, COOKIE_NAME "-%u=", self->port);
}

// Secure: a browser sends it back over TLS, or to its own machine.
void
site_cookie(const site_t *self, buf_t *out)
{
    char name[40], session[SESSION_TEXT];

    (void)cookie_name(self, name);
    site_session(self->token, session);
    buf_printf(out,
        "%s%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=2592000",
        name, session);
    sodium_memzero(session, sizeof session);
}

static bool
has_cookie(const site_t *self, const char *header)
{
    char name[40], session[SESSION_TEXT];
    size_t n = (size_t)cookie_name(self, name);
    bool found = false;

    site_session(self->token, session);
    for (const char *at = header; at != NULL && *at != '\0' && !found;) {
        at += strspn(at, "; ");
        size_t len = strcspn(at, ";");
        found = len == n + SESSION_TEXT - 1 && memcmp(at, name, n) == 0 &&
                sodium_memcmp(at + n, session, SESSION_TEXT - 1) == 0;
        at += len;
    }
    sodium_memzero(session, sizeof session);
    return found;
}

static bool
may_read(const site_t *self, const request_t *r)
{
    return self->token->len == 0 ||
           token_is_right(self->token, r->authorization) ||
           has_cookie(self, r->cookie);
}

// ---- what is asked

static void
say(plan_t *out, unsigned status, const char *text)
{
    *out = (plan_t){.what = SITE_TEXT, .status = status, .text = text};
}

static bool
accepts_gzip(const char *header)
{
    const char *at = header != NULL ? strstr(header, "gzip") : NULL;
    const char *rest = at != NULL ? at + 4 + strspn(at + 4, " ") : NULL;

    return at != NULL && strncmp(rest, ";q=0,", 5) != 0 &&
           strcmp(rest, ";q=0") != 0;
}

static void
give_asset(const request_t *r, const char *path, plan_t *out)
{
    const asset_t *asset = asset_find(path);

    if (asset == NULL) {
        say(out, 404, "there is no such page\n");
        return;
    }
    *out = (plan_t){.what = SITE_ASSET,
        .status = 200,
        .asset = asset,
        .gzip = accepts_gzip(r->accept_encoding)};
    if (r->if_none_match != NULL &&
        strstr(r->if_none_match, asset->etag) != NULL) {
        out->status = 304;
    }
}

// Behind `prefix`: a number of up to 18 digits without zeros before it, and
// then `rest`.
static bool
names_job(const char *path, const char *prefix, const char *rest, uint64_t *job)
{
    size_t skip = strlen(prefix);
    size_t digits = strspn(
        path + (strncmp(path, prefix, skip) == 0 ? skip : 0), "0123456789");

    if (strncmp(path, prefix, skip) != 0 || digits == 0 || digits > 18 ||
        path[skip] == '0' || strcmp(path + skip + digits, rest) != 0) {
        return false;
    }
    *job = strtoull(path + skip, NULL, 10);
    return true;
}

static void
give_topic(site_what_t what, uint64_t topic, plan_t *out)
{
    *out = (plan_t){.what = what, .status = 200, .topic = topic};
}

static void
route(const request_t *r, plan_t *out)
{
    uint64_t job = OVERVIEW;

    if (strcmp(r->path, "/") == 0) {
        give_asset(r, "/overview.html", out);
    } else if (names_job(r->path, "/jobs/", "", &job)) {
        give_asset(r, "/job.html", out);
    } else if (names_job(r->path, "/jobs/", "/report", &job)) {
        give_topic(SITE_REPORT, job, out);
    } else if (strcmp(r->path, "/data/overview") == 0) {
        give_topic(SITE_DATA, OVERVIEW, out);
    } else if (strcmp(r->path, "/stream/overview") == 0) {
        give_topic(SITE_STREAM, OVERVIEW, out);
    } else if (names_job(r->path, "/data/jobs/", "", &job)) {
        give_topic(SITE_DATA, job, out);
    } else if (names_job(r->path, "/stream/jobs/", "", &job)) {
        give_topic(SITE_STREAM, job, out);
    } else {
        say(out, 404, "there is no such page\n");
    }
}

static bool
is_open(const char *path)
{
    const asset_t *asset = asset_find(path);

    return asset != NULL && asset->open;
}

static void
refuse_stranger(const request_t *r, plan_t *out)
{
    say(out, 401, "who is it? the token of the dashboard is needed\n");
    if (strcmp(r->path, "/") == 0 || strncmp(r->path, "/jobs/", 6) == 0) {
        say(out, 302, "log in first\n");
        out->location = "/login";
    }
}

// Before a token is looked at.
static bool
refuse(const site_t *self, const request_t *r, plan_t *out)
{
    if (!host_is_ours(self, r->host)) {
        say(out, 421,
            "this name is not one of the dashboard's; dashboard-host names "
            "more\n");
    } else if (strcmp(r->method, "GET") != 0 &&
               strcmp(r->method, "HEAD") != 0) {
        say(out, 405, "there is only GET\n");
    } else if (is_foreign(r)) {
        say(out, 403, "not for pages of others\n");
    } else {
        return false;
    }
    return true;
}

void
site_plan(const site_t *self, const request_t *r, plan_t *out)
{
    bool metrics =
        self->metrics_token != NULL && strcmp(r->path, "/metrics") == 0;

    if (metrics && strcmp(r->method, "GET") == 0) {
        say(out, 401, "who is it?\n");
        if (token_is_right(self->metrics_token, r->authorization)) {
            give_topic(SITE_METRICS, OVERVIEW, out);
        }
    } else if (refuse(self, r, out)) {
        return;
    } else if (strcmp(r->path, "/login") == 0) {
        give_asset(r, "/login.html", out);
    } else if (is_open(r->path)) {
        give_asset(r, r->path, out);
    } else if (!may_read(self, r)) {
        refuse_stranger(r, out);
    } else if (strcmp(r->path, "/session") == 0) {
        say(out, 204, "");
        out->log_in = self->token->len > 0;
    } else {
        route(r, out);
    }
}

// ---- headers

#define COMMON                                                                 \
    "X-Content-Type-Options", "nosniff", "Referrer-Policy", "no-referrer",     \
        "X-Frame-Options", "DENY", "Cross-Origin-Opener-Policy",               \
        "same-origin", "Cross-Origin-Resource-Policy", "same-origin"
#define POLICY                                                                 \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src "        \
    "'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "        \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; "             \
    "trusted-types 'none'"

const char *const *
site_headers(const plan_t *plan)
{
    static const char *const data[] = {COMMON, "Content-Security-Policy",
        POLICY, "Cache-Control", "no-store", NULL};
    // May be kept, and is asked about each time.
    static const char *const asset[] = {COMMON, "Content-Security-Policy",
        POLICY, "Cache-Control", "no-cache", "Vary", "Accept-Encoding", NULL};
    // It has a policy of its own, with the hashes of its scripts.
    static const char *const report[] = {COMMON, "Content-Security-Policy",
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "connect-src 'none'",
        "Cache-Control", "no-store", NULL};

    return plan->what == SITE_ASSET    ? asset
           : plan->what == SITE_REPORT ? report
                                       : data;
}
