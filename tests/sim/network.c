// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

static void
fly(sim_t *s, where_t to, size_t node, uint64_t peer, span_t bytes)
{
    s->flying =
        xgrow(s->flying, &s->cap_flying, s->n_flying + 1, sizeof *s->flying);
    flight_t *f = &s->flying[s->n_flying++];

    *f = (flight_t){.to = to, .node = node, .peer = peer};
    f->due = s->m.now;
    if (!sim_is_calm(s) && one_in(s, 3)) {
        f->due += roll(s, one_in(s, 3) ? 1500 : 150);
    }
    buf_put_span(&f->frame, bytes);
}

void
net_send(sim_t *s, where_t to, size_t node, uint64_t peer, span_t bytes)
{
    unsigned copies = 1;

    if (!sim_is_calm(s) && one_in(s, 1000 / (s->harm + 1))) {
        copies = one_in(s, 2) ? 0 : 2;
        s->events[copies == 0 ? SIM_FRAME_LOST : SIM_FRAME_DOUBLED]++;
    }
    for (; copies > 0; copies--) {
        fly(s, to, node, peer, bytes);
    }
}

static void
send_piece(sim_t *s, size_t node, const frame_t *whole, const lt_Partial *meta,
    size_t at, size_t len)
{
    lt_Partial piece = *meta;
    buf_t frame = {0};

    piece.offset += at;
    piece.last = meta->last && at + len == whole->payload.len;
    if (!piece.last) {
        piece.hash.size = 0;
    }
    frame_encode(&frame, PROTO_PARTIAL, whole->epoch, lt_Partial_fields, &piece,
        (span_t){whole->payload.p + at, len});
    net_send(s, TO_SINK, node, s->nodes[node].peer, buf_span(&frame));
    buf_fini(&frame);
}

// Made-up partials are small. They go in several pieces all the same, as a
// worker with smaller chunks would send them; and a bit of one may turn over.
void
net_send_chunk(sim_t *s, size_t node, span_t bytes)
{
    lt_Partial meta;
    frame_t whole;
    buf_t copy = {0};
    size_t at = 0, n = 1 + roll(s, 3);

    buf_put_span(&copy, bytes);
    assert(frame_decode(buf_span(&copy), &whole) == ERR_OK);
    if (whole.type != PROTO_PARTIAL) {
        net_send(s, TO_SINK, node, s->nodes[node].peer, bytes);
        buf_fini(&copy);
        return;
    }
    assert(frame_meta(&whole, lt_Partial_fields, &meta) == ERR_OK);
    if (!sim_is_calm(s) && s->bad_luck > 0 && one_in(s, 40)) {
        size_t flip = copy.len - 1 - roll(s, (uint32_t)whole.payload.len);
        copy.p[flip] ^= (uint8_t)(1u << roll(s, 8));
        s->bad_luck--;
        s->events[SIM_FRAME_SPOILED]++;
    }
    n = n < whole.payload.len ? n : 1;
    s->events[SIM_CHUNKS] += n > 1;
    for (size_t i = 0; i < n; i++) {
        size_t end = whole.payload.len * (i + 1) / n;
        send_piece(s, node, &whole, &meta, at, end - at);
        at = end;
    }
    buf_fini(&copy);
}

static bool
is_to_node(const flight_t *f)
{
    return f->to == TO_WORKER || f->to == TO_INTAKE;
}

static void
arrive(sim_t *s, flight_t *f)
{
    const node_t *n = &s->nodes[f->node];

    if (!is_to_node(f)) {
        if (!s->down && s->m.now >= n->mute_until) {
            sim_trace(s, "from", f->node, buf_span(&f->frame));
            leader_take(s, f);
        }
    } else if (n->down_until == 0 && s->m.now >= n->deaf_until) {
        sim_trace(s, "to", f->node, buf_span(&f->frame));
        supervisor_message(n->s,
            f->to == TO_INTAKE ? SUP_LINK_INTAKE : SUP_LINK_CONTROL,
            buf_span(&f->frame), s->m.now);
    }
}

// Frames to one that stands still wait, as they would in its socket.
static bool
waits(const sim_t *s, const flight_t *f)
{
    return f->due > s->m.now ||
           (is_to_node(f) && s->nodes[f->node].stands_until > s->m.now);
}

// What is due at once comes in the order in which it was sent.
void
net_deliver(sim_t *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n_flying; i++) {
        flight_t *f = &s->flying[i];
        if (waits(s, f)) {
            s->flying[kept++] = *f;
        } else {
            arrive(s, f);
            buf_fini(&f->frame);
        }
    }
    s->n_flying = kept;
}

// What was in the sender's own queue arrives at who comes next.
static void
drop(sim_t *s, bool to_node, size_t node, int64_t back_at)
{
    for (size_t i = s->n_flying; i-- > 0;) {
        flight_t *f = &s->flying[i];
        if (is_to_node(f) != to_node || (to_node && f->node != node)) {
            continue;
        }
        if (one_in(s, 4)) {
            f->due = (back_at < INT64_MAX ? back_at : s->m.now) + roll(s, 500);
            s->events[SIM_FRAME_SURVIVED]++;
        } else {
            buf_fini(&f->frame);
            *f = s->flying[--s->n_flying];
        }
    }
}

void
net_leader_died(sim_t *s)
{
    drop(s, false, 0, s->down_until);
}

void
net_node_died(sim_t *s, size_t node)
{
    drop(s, true, node, s->nodes[node].down_until);
}
