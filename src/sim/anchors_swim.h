/*
 * Failure detection held against SWIM, Lifeguard and Rapid: table A5; and what no paper has: table
 * B. On a fleet (sim/fleet.h): the core that ships, over links.
 *
 * Ours is built differently, and should be far better where it is. SWIM finds out by asking: every
 * T' = 1 s each asks one other. Ours has neighbours whose links tell: a process that dies resets
 * them and refuses new ones; a machine that vanishes is silent, and then heartbeats are overdue.
 *
 *   latency    one of n vanishes, or is killed: until the first suspects it, the first holds it
 *              for dead, all do. Lifeguard, section 5; its figures for alpha = 4, which are its
 *              fastest in the table, and which is what ours has
 *   load       messages sent, and received, by a member in a second when nothing happens. SWIM,
 *              section 5; its period is T'
 *   false      C of n are blocked, all at once: frozen for D, let go for I, each drawn anew from
 *   positives  what the paper's interval experiments use. Counted is every view that came to hold
 *              one which was never blocked for dead (FP), and of these views those of members
 * never blocked themselves (FP-). Lifeguard, section 5 and figure 1, whose load is CPU exhaustion,
 * for 5 minutes as here stability  1 % are faulty: deaf for 20 s out of 40, or 80 % of what they
 * send is lost. A view that comes to hold a member for dead, or for alive again, has changed its
 * mind. Rapid, section 7
 *
 * B: the stories crash, idle and pause (sim/fleet_story.h) in zones of 64. Every number of theirs
 * that has a bound is a row. What did not come about at all is MCPZ_ANCHORS_NEVER.
 */

#ifndef SIM_ANCHORS_SWIM_H
#define SIM_ANCHORS_SWIM_H

#include "sim/anchors.h"

#define MCPZ_ANCHORS_SWIM_NODES 128
#define MCPZ_ANCHORS_NEVER 1e6

struct mcpz_swim_sizes {
    size_t nodes;     /* of one scope, to MCPZ_FLEET_FLAT_MAX: latency, false positives */
    size_t trials;    /* that vanish, and that are killed; fewer than nodes */
    size_t minutes;   /* of false positives and of stability */
    size_t blocked;   /* the most that are, to half of the nodes */
    size_t load_most; /* nodes of one scope: load */
    size_t zoned;     /* nodes, in zones: stability */
};

/** A5 in full: `nodes` to a scope, stability with eight times as many in zones of 64. */
void mcpz_anchors_a5(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);

/** A5 in a size of one's own. */
void mcpz_anchors_swim(struct mcpz_anchors *anchors, const struct mcpz_swim_sizes *sizes,
                       uint64_t seed);

/** B in full: storms of ten minutes. */
void mcpz_anchors_b(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);

/** B with shorter storms. */
void mcpz_anchors_beyond(struct mcpz_anchors *anchors, size_t nodes, uint64_t storm_minutes,
                         uint64_t seed);

#endif
