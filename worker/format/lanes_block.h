// SPDX-License-Identifier: Apache-2.0
// What lanes.h asks for, written once. The file that includes it has defined
// for one kind of processor:
//
//   LANES_NAME          of the kind
//   LANES_STEP          lanes that are looked at together
//   is_wrong(self, at, words)
//                       whether one of the lanes from `at` on does not fit
//   LANES_TARGET        attributes of the functions
//
// Included by lanes_*.c alone, which have no other content.

static LANES_TARGET void
load(const uint8_t *text, const uint32_t *tokens, size_t n, uint32_t *out)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(&out[i], text + tokens[i], sizeof *out);
    }
}

static LANES_TARGET size_t
fit(const lanes_t *self, const uint32_t *words, size_t n)
{
    size_t i = 0;

    if (self->n < LANES_STEP) { // one look at a line
        while (i < n && !is_wrong(self, 0, words)) {
            words += self->n;
            i++;
        }
        return i;
    }
    for (; i < n; i++, words += self->n) {
        bool wrong = false;
        for (size_t at = 0; at <= self->n; at += LANES_STEP) {
            wrong |= is_wrong(self, at, words);
        }
        if (wrong) {
            break;
        }
    }
    return i;
}

const lanes_kind_t LANES_NAME = {load, fit};
