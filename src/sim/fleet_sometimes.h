/*
 * What ought to come about in some story of a fleet: states and branches of the fabric's machines.
 * One that none of them reaches is one that none of them tests. Of whole nodes: sim/sometimes.h.
 *
 * Source: Antithesis, "sometimes assertions"; protocols.md 5.4, 7.
 */

#ifndef SIM_FLEET_SOMETIMES_H
#define SIM_FLEET_SOMETIMES_H

#include <stdint.h>

#include "core/fabric.h"
#include "sim/sometimes.h"

#define MCPZ_FLEET_SOMETIMES(X)                                                                   \
    X(LINK_CLOSED, "link_closed", "a link broke")                                                 \
    X(LINK_SILENT, "link_silent", "a link was given up because nothing was heard")                \
    X(LINK_FULL, "link_full", "a link was closed because nobody wanted it")                       \
    X(LINK_ONE_WAY, "link_one_way", "a link was given up because the other end did not hear us")  \
    X(LATE, "late", "a heartbeat was overdue")                                                    \
    X(PROMPT, "prompt", "who was late was heard again")                                           \
    X(STOOD_STILL, "stood_still", "a node noticed that it had stood still")                       \
    X(DIAL_SILENT, "dial_silent", "nobody answered a dial")                                       \
    X(DIAL_REFUSED, "dial_refused", "a dial was refused")                                         \
    X(DIAL_BUSY, "dial_busy", "too many dials were under way for one more")                       \
    X(NEIGHBOUR_LOST, "neighbour_lost", "a neighbour's link ended")                               \
    X(NEIGHBOUR_DROPPED, "neighbour_dropped", "a neighbour let us go")                            \
    X(NEIGHBOUR_EVICTED, "neighbour_evicted", "a neighbour made room for another")                \
    X(NEIGHBOUR_LEAVING, "neighbour_leaving", "a neighbour said goodbye")                         \
    X(CONTRADICTED, "contradicted", "a neighbour did not hold us for one")                        \
    X(REJOINED, "rejoined", "who had nobody left joined again")                                   \
    X(ASKS_FULL, "asks_full", "there was no room to ask one more to be a neighbour")              \
    X(XBOT_SCANNED, "xbot_scanned", "a nearer neighbour was looked for")                          \
    X(XBOT_SWAPPED, "xbot_swapped", "neighbours were exchanged")                                  \
    X(XBOT_REFUSED, "xbot_refused", "an exchange was refused")                                    \
    X(DUPLICATE, "duplicate", "a broadcast came twice: PRUNE")                                    \
    X(GRAFTED, "grafted", "what was announced did not come: GRAFT")                               \
    X(TREE_SWAPPED, "tree_swapped", "a shorter way took the place of one of the tree")            \
    X(GIVEN_UP, "given_up", "what was announced was nowhere to be had")                           \
    X(SUSPECT_LATE, "suspect_late", "a member was doubted: late")                                 \
    X(SUSPECT_SILENT, "suspect_silent", "... its link given up")                                  \
    X(SUSPECT_CLOSED, "suspect_closed", "... its link broken")                                    \
    X(SUSPECT_REFUSED, "suspect_refused", "... its machine refused")                              \
    X(SUSPECT_PROBE, "suspect_probe", "... two probes came to nothing")                           \
    X(SUSPECT_UNREACHABLE, "suspect_unreachable", "... no path led to it")                        \
    X(SUSPECT_RUMOUR, "suspect_rumour", "... elsewhere it was dead")                              \
    X(REFUTED, "refuted", "a suspect said that it lives")                                         \
    X(DEAD_SILENT, "dead_silent", "a member was convicted that links had lost")                   \
    X(DEAD_REFUSED, "dead_refused", "a member was convicted by refused redials")                  \
    X(DEAD_OTHERWISE, "dead_otherwise", "a member was convicted for another reason")              \
    X(LEFT, "left", "a member said goodbye")                                                      \
    X(SPARED, "spared", "a suspicion was not begun: alone, or too many")                          \
    X(COMPARED, "compared", "tables were compared")                                               \
    X(PROBE_WELL, "probe_well", "a probe found its member")                                       \
    X(PROBE_FAILED, "probe_failed", "a probe did not")                                            \
    X(PROBE_NACKED, "probe_nacked", "a hop said that it could not go on")

enum mcpz_fleet_sometimes {
#define X(name, word, help) MCPZ_FLEET_SOMETIMES_##name,
    MCPZ_FLEET_SOMETIMES(X)
#undef X
        MCPZ_FLEET_SOMETIMES_END,
};

extern const struct mcpz_sometimes_words mcpz_fleet_sometimes_words[MCPZ_FLEET_SOMETIMES_END];

/** A core has stated a fact: count it in `sometimes` (MCPZ_FLEET_SOMETIMES_END). */
void mcpz_fleet_sometimes_fact(uint64_t *sometimes, const struct mcpz_fact *fact);

/** Add what a core has counted in its life. */
void mcpz_fleet_sometimes_life(uint64_t *sometimes, const struct mcpz_fabric *fabric);

#endif
