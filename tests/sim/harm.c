// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

static void
cut_link(sim_t *s, node_t *n, int64_t until)
{
    unsigned how = 1 + roll(s, 3); // one way, the other, both

    n->deaf_until = (how & 1) != 0 ? until : n->deaf_until;
    n->mute_until = (how & 2) != 0 ? until : n->mute_until;
    s->events[SIM_LINK_CUT]++;
}

static void
drop_lane(sim_t *s, const node_t *n)
{
    if (!s->down && n->lane != 0) {
        coordinator_lane_down(s->m.c, n->lane, s->m.now);
        s->events[SIM_LANE_DOWN]++;
    }
}

// Refused until it is allowed again.
static void
revoke(sim_t *s, node_t *n, int64_t until)
{
    if (!s->down) {
        coordinator_revoked(s->m.c, n->name, s->m.now);
        n->mute_until = n->deaf_until = until;
        s->events[SIM_REVOKED]++;
    }
}

static void
harm_process(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];
    int64_t until = s->m.now + roll(s, 9000);

    switch (roll(s, 8)) {
    case 0:
    case 1:
        node_kill(s, i);
        break;
    case 2:
        n->stands_until = until;
        s->events[SIM_STOOD]++;
        break;
    case 3:
        node_bye(s, i);
        break;
    case 4:
        drop_lane(s, n);
        break;
    case 5:
        (one_in(s, 4) ? revoke : cut_link)(s, n, until);
        break;
    default:
        cut_link(s, n, until);
        break;
    }
}

static void
harm_node(sim_t *s)
{
    size_t i = roll(s, (uint32_t)s->n_nodes);

    if (s->nodes[i].down_until == 0) {
        harm_process(s, i);
    } else if (i >= s->n_hosts && one_in(s, 4)) {
        node_start(s, i);
        s->events[SIM_TWICE]++;
    }
}

void
harm_step(sim_t *s)
{
    // As many in a hundred of a crowd as elsewhere.
    for (size_t n = 0; n < s->n_nodes; n += 8) {
        if (roll(s, 1000) < s->harm) {
            harm_node(s);
        }
    }
    if (!s->down && roll(s, 8000) < s->harm) {
        leader_kill(s);
    }
    if (!s->down && s->stuck_until == 0 && roll(s, 8000) < s->harm) {
        s->stuck_until = s->m.now + roll(s, 5000);
        s->events[SIM_JOURNAL_STUCK]++;
        coordinator_journal_stuck(s->m.c, "No space left on device", s->m.now);
    }
}
