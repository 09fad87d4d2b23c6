// SPDX-License-Identifier: Apache-2.0
// loggen: writes believable access logs (combined), the same for the same
// seed: few paths and clients make most of the traffic, days are busier than
// nights, bots ask for robots.txt, some requests fail.
//
//     loggen [SHAPE] SEED MEGABYTES [DAY] > access.log
//
// Without a shape: the log of the demonstration, in no order of time. The
// shapes are those of the measurements, see logshape.c.
#include "bench/logshape.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATHS = 20000, CLIENTS = 60000 };

static uint64_t state;

static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static double
unit(void)
{
    return (double)(next() >> 11) / 9007199254740992.0;
}

// Rank 0 is the most frequent; the density falls as 1/rank.
static unsigned
zipf(unsigned n)
{
    return (unsigned)(exp(unit() * log((double)n + 1.0)) - 1.0) % n;
}

static unsigned
second_of_day(void)
{
    for (;;) {
        unsigned s = (unsigned)(next() % 86400);
        double busy = 0.55 - 0.45 * cos((double)s / 86400.0 * 6.2831853);
        if (unit() < busy) {
            return s;
        }
    }
}

static int
status(void)
{
    unsigned n = (unsigned)(next() % 1000);
    if (n < 900) {
        return 200;
    }
    if (n < 950) {
        return 304;
    }
    return n < 985 ? 404 : n < 995 ? 500 : 503;
}

static int
line(unsigned day, unsigned second)
{
    static const char *const agents[] = {
        "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
        "Googlebot/2.1 (+http://www.google.com/bot.html)", "curl/7.88.1"};
    unsigned c = zipf(CLIENTS);
    unsigned bot = c % 17 == 0;
    char path[40];
    if (bot && next() % 8 == 0) {
        (void)snprintf(path, sizeof(path), "/robots.txt");
    } else {
        (void)snprintf(path, sizeof(path), "/shop/item-%u", zipf(PATHS));
    }
    return printf("10.%u.%u.%u - - [%02u/Nov/2023:%02u:%02u:%02u +0000] "
                  "\"GET %s HTTP/1.1\" %d %u \"-\" \"%s\"\n",
        c >> 14, (c >> 7) & 127, c & 127, day, second / 3600, second / 60 % 60,
        second % 60, path, status(), (unsigned)(next() % 40000),
        agents[bot ? 3 : c % 5]);
}

static int
write_demo(uint64_t seed, uint64_t megabytes, unsigned day)
{
    state = seed * 2654435761u + 88172645463325252u;
    uint64_t left = megabytes * 1000000;
    for (;;) {
        int n = line(day, second_of_day());
        if (n <= 0) {
            return -1;
        }
        if ((uint64_t)n >= left) {
            return fflush(stdout) == 0 ? 0 : -1;
        }
        left -= (uint64_t)n;
    }
}

static int
usage(void)
{
    fprintf(stderr, "usage: loggen [SHAPE] SEED MEGABYTES [DAY]\n");
    logshape_list(stderr);
    return 2;
}

int
main(int argc, char **argv)
{
    const logshape_t *shape = NULL;
    if (argc > 1 && !isdigit((unsigned char)argv[1][0])) {
        if ((shape = logshape_find(argv[1])) == NULL) {
            return usage();
        }
        argc--;
        argv++;
    }
    if (argc < 3) {
        return usage();
    }
    uint64_t seed = strtoull(argv[1], NULL, 10);
    uint64_t megabytes = strtoull(argv[2], NULL, 10);
    unsigned day = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 14;
    if (day < 1 || day > 30) {
        return usage();
    }
    int rc = shape == NULL
                 ? write_demo(seed, megabytes, day)
                 : logshape_write(shape, seed, megabytes, day, stdout);
    return rc == 0 ? 0 : 1;
}
