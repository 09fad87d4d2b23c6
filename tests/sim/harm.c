// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim.h"

static void
harm_node(sim_t *s, size_t i)
{
    node_t *n = &s->nodes[i];
    int64_t until = s->m.now + roll(s, 9000);

    switch (roll(s, 5)) {
    case 0:
        if (n->down_until == 0) {
            node_kill(s, i);
        }
        break;
    case 1:
        n->stands_until = until;
        break;
    case 2:
        n->deaf_until = until;
        break;
    case 3:
        n->mute_until = until;
        break;
    default:
        n->deaf_until = n->mute_until = until;
        break;
    }
}

void
harm_step(sim_t *s)
{
    if (roll(s, 1000) < s->harm) {
        harm_node(s, roll(s, (uint32_t)s->n_nodes));
    }
    if (!s->down && roll(s, 8000) < s->harm) {
        leader_kill(s);
    }
    if (!s->down && s->stuck_until == 0 && roll(s, 8000) < s->harm) {
        s->stuck_until = s->m.now + roll(s, 5000);
        coordinator_journal_stuck(s->m.c, "No space left on device", s->m.now);
    }
}
