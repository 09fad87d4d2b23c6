// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TZ_FOLDER "/usr/share/zoneinfo"

static bool is_set;

// libc takes any name that it does not know for UTC, so the file is looked at.
static bool
is_known(const char *name)
{
    char path[256], magic[4];
    size_t len = strlen(name);

    if (len == 0 || len > 100 || strstr(name, "..") != NULL ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                     "0123456789_+-/") != len ||
        name[0] == '/') {
        return false;
    }
    snprintf(path, sizeof path, "%s/%s", TZ_FOLDER, name);
    FILE *f = fopen(path, "rb");
    bool ok = f != NULL && fread(magic, 1, 4, f) == 4 &&
              memcmp(magic, "TZif", 4) == 0;
    if (f != NULL) {
        fclose(f);
    }
    return ok;
}

bool
zone_set(const char *name)
{
    char value[128];

    if (strcmp(name, "UTC") == 0) {
        is_set = false;
        return true;
    }
    if (strcmp(name, "local") != 0) {
        if (!is_known(name)) {
            return false;
        }
        snprintf(value, sizeof value, ":%s", name);
        if (setenv("TZ", value, 1) != 0) {
            return false;
        }
    }
    tzset();
    is_set = true;
    return true;
}

bool
zone_is_set(void)
{
    return is_set;
}

int64_t
zone_offset(int64_t utc)
{
    time_t t = utc;
    struct tm tm;

    return is_set && localtime_r(&t, &tm) != NULL ? tm.tm_gmtoff : 0;
}

dec_t
zone_to_utc(dec_t clock)
{
    int64_t s = (int64_t)(clock / DEC_ONE);
    int64_t first = zone_offset(s);

    return clock - DEC_INT(zone_offset(s - first));
}
