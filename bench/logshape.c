// SPDX-License-Identifier: Apache-2.0
// The logs that the measurements read. What all share: times that rise through
// one day, whatever the size, busy by day and calm by night; 1.5 % of status
// 5xx; the word `needle` in one line of 10,000 and nowhere else.
//
// Popularity falls as 1/rank, by octaves: the ranks 2^k to 2^(k+1) together
// are asked for as often as those of any other k.
#include "bench/logshape.h"

#include <stdbool.h>
#include <string.h>

enum {
    URL_OCTAVES = 19,    // 524,288 urls, of which 1 GB shows about 400,000
    CLIENT_OCTAVES = 17, // 131,072 clients
    NEEDLE_EVERY = 10000,
    BUSY_SUM = 2460,
    BUFFER = 1 << 20
};

typedef struct gen {
    uint64_t state;
    uint64_t salt;   // makes the urls of one seed differ from another's
    uint64_t lines;  // written so far
    uint64_t total;  // bytes to write
    uint64_t micros; // of the day
    unsigned second; // the one that `stamp` shows
    char stamp[32];  // "[14/Nov/2023:22:00:00 +0000]"
    unsigned day;
} gen_t;

struct logshape {
    const char *name;
    const char *help;
    char *(*line)(gen_t *, char *);
};

static uint64_t
mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t
next(gen_t *g)
{
    g->state += 0x9e3779b97f4a7c15u;
    return mix(g->state);
}

// 0 to n - 1. The bias of n / 2^32 does not matter here.
static unsigned
below(gen_t *g, unsigned n)
{
    return (unsigned)(((next(g) >> 32) * n) >> 32);
}

// 0 to 2^octaves - 1, the small ones the most frequent.
static unsigned
popular(gen_t *g, unsigned octaves)
{
    uint64_t r = next(g);
    unsigned k = (unsigned)(((r >> 32) * octaves) >> 32);
    unsigned first = k == 0 ? 0 : 1u << k;
    unsigned width = k == 0 ? 2 : 1u << k;
    return first + (unsigned)(((r & 0xffffffffu) * width) >> 32);
}

static char *
put(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

static char *
put_number(char *p, uint64_t n)
{
    char digits[20];
    unsigned len = 0;
    do {
        digits[len++] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    while (len > 0) {
        *p++ = digits[--len];
    }
    return p;
}

static char *
put_hex(char *p, uint64_t n, unsigned digits)
{
    for (unsigned i = 0; i < digits; i++) {
        *p++ = "0123456789abcdef"[(n >> (4 * (digits - 1 - i))) & 15];
    }
    return p;
}

static void
two_digits(char *p, unsigned n)
{
    p[0] = (char)('0' + n / 10);
    p[1] = (char)('0' + n % 10);
}

static const char *const words[] = {"amber", "anchor", "apron", "barrel",
    "basket", "bench", "blanket", "bottle", "bucket", "button", "cabinet",
    "candle", "canvas", "carpet", "chair", "copper", "cotton", "cradle",
    "curtain", "cushion", "drawer", "feather", "garden", "glass", "hammer",
    "handle", "jacket", "kettle", "ladder", "lantern", "leather", "linen",
    "marble", "mirror", "mitten", "oak", "olive", "paper", "pillow", "plate",
    "pocket", "pottery", "ribbon", "rope", "saddle", "saffron", "shelf",
    "silver", "spoon", "stone", "sugar", "table", "teapot", "ticket", "timber",
    "towel", "velvet", "violin", "walnut", "wicker", "willow", "window", "wool",
    "zipper"};

// The shift picks which bits of h choose the word.
static char *
put_word(char *p, uint64_t h, unsigned shift)
{
    return put(p, words[(h >> shift) & 63]);
}

static char *
put_slug(char *p, uint64_t h, unsigned n_words, unsigned rank)
{
    for (unsigned i = 0; i < n_words; i++) {
        p = put_word(p, h, 6 * i);
        *p++ = '-';
    }
    return put_number(p, rank);
}

// The url of a rank: always the same one, no two ranks alike.
static char *
put_url(char *p, uint64_t salt, unsigned rank)
{
    uint64_t h = mix(salt + rank);
    if (rank == 0) {
        return put(p, "/");
    }
    switch ((h >> 56) % 8) {
    case 0:
    case 1:
        p = put_hex(put(p, "/static/img/"), h, 2);
        p = put_number(put_hex(put(p, "/"), h >> 8, 10), rank);
        return put(p, ".jpg");
    case 2:
        p = put_word(put(p, "/api/v2/"), h, 0);
        return put_number(put(p, "/"), rank);
    case 3:
        p = put_word(put(p, "/search?q="), h, 0);
        p = put_word(put(p, "+"), h, 6);
        p = put_number(put(p, "&page="), (h >> 12) % 9 + 1);
        return put_number(put(p, "&ref="), rank);
    case 4:
        p = put_slug(put(p, "/blog/2023/11/"), h, 3, rank);
        return put(p, ".html");
    default:
        p = put_word(put(p, "/shop/"), h, 24);
        return put_slug(put(p, "/"), h, 2, rank);
    }
}

static char *
put_client(char *p, gen_t *g)
{
    uint64_t h = mix(g->salt ^ popular(g, CLIENT_OCTAVES));
    p = put_number(p, h % 222 + 1);
    for (unsigned shift = 8; shift <= 24; shift += 8) {
        *p++ = '.';
        p = put_number(p, (h >> shift) & 255);
    }
    return p;
}

static char *
put_status(char *p, gen_t *g)
{
    static const struct {
        unsigned below; // of 10,000
        const char *text;
    } table[] = {{8700, "200"}, {8800, "206"}, {8950, "301"}, {9050, "302"},
        {9450, "304"}, {9480, "400"}, {9500, "401"}, {9530, "403"},
        {9840, "404"}, {9850, "499"}, {9900, "500"}, {9940, "502"},
        {9980, "503"}, {10000, "504"}};
    unsigned n = below(g, 10000);
    unsigned i = 0;
    while (n >= table[i].below) {
        i++;
    }
    return put(p, table[i].text);
}

static char *
put_agent(char *p, gen_t *g)
{
    static const char *const agents[] = {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) Safari/604.1",
        "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 "
        "Firefox/120.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; "
        "+http://www.google.com/bot.html)",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15",
        "Mozilla/5.0 (Linux; Android 10; K) Chrome/119.0.0.0 Mobile",
        "curl/7.88.1", "Prometheus/2.48.0"};
    unsigned n = popular(g, 3);
    if (below(g, 2000) == 0) { // as a server writes a quote inside
        return put(p, "Fetcher/1.0 (\\\"batch\\\" mode)");
    }
    return put(p, agents[n]);
}

static char *
put_referer(char *p, gen_t *g)
{
    switch (below(g, 8)) {
    case 0:
        return put(p, "https://www.google.com/");
    case 1:
    case 2:
        p = put(p, "https://shop.example.com");
        return put_url(p, g->salt, popular(g, 8));
    default:
        return put(p, "-");
    }
}

static char *
put_stamp(char *p, gen_t *g)
{
    static const char frame[] = "[%%/Nov/2023:%%:%%:%% +0000]";
    unsigned s = (unsigned)(g->micros / 1000000);
    if (s != g->second) {
        g->second = s;
        memcpy(g->stamp, frame, sizeof(frame));
        two_digits(g->stamp + 1, g->day);
        two_digits(g->stamp + 13, s / 3600);
        two_digits(g->stamp + 16, s / 60 % 60);
        two_digits(g->stamp + 19, s % 60);
    }
    memcpy(p, g->stamp, 28);
    return p + 28;
}

// How much of the day goes by while n bytes are written, slower at noon.
static void
pass(gen_t *g, size_t n)
{
    // The traffic of each hour. Their sum makes the day end with the file.
    static const unsigned char busy[] = {40, 32, 27, 25, 26, 33, 50, 75, 100,
        122, 138, 146, 150, 152, 151, 150, 149, 150, 152, 156, 150, 128, 95,
        63};
    const uint64_t day_micros = UINT64_C(86400) * 1000000;
    unsigned hour = (unsigned)(g->micros / 3600 / 1000000);
    uint64_t mean = n * (day_micros / 1000) / (g->total / 1000 + 1);
    g->micros += mean * BUSY_SUM / (24 * (uint64_t)busy[hour]);
    if (g->micros >= day_micros) {
        g->micros = day_micros - 1;
    }
}

// ip - user [time] "
static char *
put_start(char *p, gen_t *g)
{
    p = put_client(p, g);
    p = put(p, " - ");
    p = below(g, 50) == 0 ? put_word(p, next(g), 0) : put(p, "-");
    *p++ = ' ';
    p = put_stamp(p, g);
    return put(p, below(g, 12) == 0 ? " \"POST " : " \"GET ");
}

//  HTTP/1.1" status bytes
static char *
put_answer(char *p, gen_t *g)
{
    p = put(p, " HTTP/1.1\" ");
    p = put_status(p, g);
    *p++ = ' ';
    return put_number(p, below(g, 90000) >> below(g, 8));
}

// "referer" "agent"; the referer is where the needle is hidden.
static char *
put_end(char *p, gen_t *g)
{
    p = put(p, " \"");
    p = below(g, NEEDLE_EVERY) == 0
            ? put(p, "https://search.example.org/?q=needle")
            : put_referer(p, g);
    p = put(p, "\" \"");
    p = put_agent(p, g);
    return put(p, "\"\n");
}

static char *
line_combined(gen_t *g, char *p)
{
    p = put_start(p, g);
    p = put_url(p, g->salt, popular(g, URL_OCTAVES));
    return put_end(put_answer(p, g), g);
}

static char *
line_few(gen_t *g, char *p)
{
    p = put_start(p, g);
    p = put_url(p, g->salt, popular(g, 3));
    return put_end(put_answer(p, g), g);
}

static char *
line_many(gen_t *g, char *p)
{
    p = put_start(p, g);
    p = put_hex(put(p, "/session/"), next(g), 16);
    return put_end(put_answer(p, g), g);
}

static char *
line_long(gen_t *g, char *p)
{
    unsigned len = 2000 + below(g, 18000);
    p = put_start(p, g);
    p = put_url(p, g->salt, popular(g, URL_OCTAVES));
    p = put(p, "?state=");
    for (unsigned i = 0; i < len; i += 16) {
        p = put_hex(p, next(g), 16);
    }
    return put_end(put_answer(p, g), g);
}

// The common format: no referer, no agent; so no needle in most of them.
static char *
line_short(gen_t *g, char *p)
{
    p = put(put_stamp(put(put_client(p, g), " - - "), g), " \"GET /");
    p = below(g, NEEDLE_EVERY) == 0 ? put(p, "needle")
                                    : put_number(p, popular(g, 10));
    p = put_answer(p, g);
    *p++ = '\n';
    return p;
}

static char *
put_member(char *p, const char *name)
{
    *p++ = ',';
    *p++ = '"';
    p = put(p, name);
    return put(p, "\":");
}

// One JSON object, as an application logs its requests.
static char *
line_json(gen_t *g, char *p)
{
    static const char *const levels[] = {
        "info", "info", "info", "info", "debug", "warn", "info", "error"};
    unsigned s = (unsigned)(g->micros / 1000000);
    char when[] = "2023-11-%%T%%:%%:%%.";

    two_digits(when + 8, g->day);
    two_digits(when + 11, s / 3600);
    two_digits(when + 14, s / 60 % 60);
    two_digits(when + 17, s % 60);
    p = put(put(p, "{\"time\":\""), when);
    p = put_number(p, 100000 + g->micros % 900000);
    p = put(put_member(put(p, "Z\""), "level"), "\"");
    p = put(put(p, levels[below(g, 8)]), "\"");
    p = put(put_member(p, "logger"), "\"http.access\"");
    p = put_hex(put(put_member(p, "trace"), "\""), next(g), 16);
    p = put_client(put(put_member(put(p, "\""), "ip"), "\""), g);
    p = put(put_member(put(p, "\""), "request"), "{\"method\":\"GET\"");
    p = put(put_member(p, "uri"), "\"");
    p = put_url(p, g->salt, popular(g, URL_OCTAVES));
    p = put_status(put_member(put(p, "\"}"), "status"), g);
    p = put_number(put_member(p, "bytes"), below(g, 90000) >> below(g, 8));
    p = put_number(put(put_member(p, "dur"), "0.0"), below(g, 100000) + 1);
    p = put_agent(put(put_member(p, "ua"), "\""), g);
    p = put(put_member(put(p, "\""), "message"), "\"");
    p = put(p, below(g, NEEDLE_EVERY) == 0 ? "needle" : "handled request");
    return put(p, "\"}\n");
}

static const logshape_t shapes[] = {
    {"combined", "about 200 bytes a line, 400,000 urls in 1 GB", line_combined},
    {"few", "the same with eight urls", line_few},
    {"many", "the same, nearly every line a new url", line_many},
    {"long", "lines of 2 to 20 KB", line_long},
    {"short", "lines of about 80 bytes, without referer and agent", line_short},
    {"json", "one JSON object of about 350 bytes a line", line_json},
};

enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

const logshape_t *
logshape_find(const char *name)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            return &shapes[i];
        }
    }
    return NULL;
}

void
logshape_list(FILE *to)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        fprintf(to, "  %-10s%s\n", shapes[i].name, shapes[i].help);
    }
}

int
logshape_write(const logshape_t *shape, uint64_t seed, uint64_t megabytes,
    unsigned day, FILE *to)
{
    static char buffer[BUFFER];
    gen_t g = {.state = mix(seed),
        .salt = mix(~seed),
        .day = day,
        .total = megabytes * 1000000,
        .second = 86400};
    uint64_t left = g.total;
    char *p = buffer;
    for (;;) {
        char *end = shape->line(&g, p);
        size_t n = (size_t)(end - p);
        if (n > left) {
            break;
        }
        left -= n;
        p = end;
        pass(&g, n);
        if ((size_t)(p - buffer) > sizeof(buffer) - LOGSHAPE_LINE_MAX) {
            if (fwrite(buffer, (size_t)(p - buffer), 1, to) != 1) {
                return -1;
            }
            p = buffer;
        }
    }
    size_t rest = (size_t)(p - buffer);
    return fwrite(buffer, 1, rest, to) == rest && fflush(to) == 0 ? 0 : -1;
}
