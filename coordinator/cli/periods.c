// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/periods.h"

#include "common/query/time_text.h"

static int
parse_all(const char *since, const char *until, const char *compare,
    int64_t now, periods_t *out)
{
    int code = range_instant("--since", since, now, &out->since);

    out->until = DEC_INT(now);
    if (code == EXIT_DONE && until != NULL) {
        code = range_instant("--until", until, now, &out->until);
    }
    if (code == EXIT_DONE) {
        code = range_instant("--compare", compare, now, &out->before);
    }
    return code;
}

int
periods_parse(const char *since, const char *until, const char *compare,
    int64_t now, periods_t *out)
{
    if (since == NULL) {
        return complain_text(EXIT_USAGE,
            "--compare says where the other period begins; --since, and "
            "--until, say which one is compared with it");
    }
    int code = parse_all(since, until, compare, now, out);
    if (code != EXIT_DONE) {
        return code;
    }
    dec_t length = out->until - out->since;
    if (length <= 0) {
        return complain_text(EXIT_USAGE, "--since is not before --until");
    }
    if (out->before < out->until && out->since < out->before + length) {
        return complain_text(EXIT_USAGE,
            "the periods overlap: that of --compare is as long as the one "
            "from --since to --until, or to now");
    }
    return EXIT_DONE;
}

static void
put_between(
    const char *lead, dec_t since, const char *mid, dec_t until, buf_t *out)
{
    buf_put_str(out, lead);
    time_print(since, out);
    buf_put_str(out, mid);
    time_print(until, out);
}

static dec_t
other_end(const periods_t *self)
{
    return self->before + self->until - self->since;
}

static void
put_filter(dec_t since, dec_t until, buf_t *out)
{
    put_between("time >= \"", since, "\" and time < \"", until, out);
    buf_put_str(out, "\"");
}

void
periods_filter(const periods_t *self, buf_t *out)
{
    put_filter(self->since, self->until, out);
}

void
periods_filter_before(const periods_t *self, buf_t *out)
{
    put_filter(self->before, other_end(self), out);
}

void
periods_note(const periods_t *self, buf_t *out)
{
    put_between("from ", self->since, " until ", self->until, out);
    put_between(", compared with (_before) from ", self->before, " until ",
        other_end(self), out);
}
