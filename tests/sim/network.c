// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

void
net_send(sim_t *s, where_t to, size_t worker, uint64_t peer, span_t bytes)
{
    unsigned copies = 1;

    if (!sim_is_calm(s) && one_in(s, 1000 / (s->harm + 1))) {
        copies = one_in(s, 2) ? 0 : 2;
    }
    for (; copies > 0 && s->n_flying < SIM_IN_FLIGHT; copies--) {
        flight_t *f = &s->flying[s->n_flying++];
        *f = (flight_t){.to = to, .worker = worker, .peer = peer};
        f->due = s->m.now + roll(s, sim_is_calm(s) ? 10 : 30);
        if (!sim_is_calm(s) && one_in(s, 10)) {
            f->due += roll(s, 1500);
        }
        buf_put_span(&f->frame, bytes);
    }
}

static void
arrive(sim_t *s, flight_t *f)
{
    const node_t *n = &s->nodes[f->worker];

    if (f->to == TO_CONTROL || f->to == TO_SINK) {
        if (!s->down && s->m.now >= n->mute_until) {
            leader_take(s, f);
        }
    } else if (n->down_until == 0 && s->m.now >= n->deaf_until) {
        supervisor_message(n->s,
            f->to == TO_INTAKE ? SUP_LINK_INTAKE : SUP_LINK_CONTROL,
            buf_span(&f->frame), s->m.now);
    }
}

// Frames to one that stands still wait, as they would in its socket.
static bool
waits(const sim_t *s, const flight_t *f)
{
    bool to_worker = f->to == TO_WORKER || f->to == TO_INTAKE;

    return f->due > s->m.now ||
           (to_worker && s->nodes[f->worker].stands_until > s->m.now);
}

void
net_deliver(sim_t *s)
{
    for (size_t i = s->n_flying; i-- > 0;) {
        flight_t f = s->flying[i];
        if (!waits(s, &f)) {
            s->flying[i] = s->flying[--s->n_flying];
            arrive(s, &f);
            buf_fini(&f.frame);
        }
    }
}

static void
drop(sim_t *s, bool to_worker, size_t worker)
{
    for (size_t i = s->n_flying; i-- > 0;) {
        flight_t *f = &s->flying[i];
        bool there = f->to == TO_WORKER || f->to == TO_INTAKE;
        if (there == to_worker && (!to_worker || f->worker == worker)) {
            buf_fini(&f->frame);
            *f = s->flying[--s->n_flying];
        }
    }
}

void
net_drop_to_coordinator(sim_t *s)
{
    drop(s, false, 0);
}

void
net_drop_worker(sim_t *s, size_t worker)
{
    drop(s, true, worker);
}
