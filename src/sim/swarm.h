/*
 * Draws a schedule from a seed. First which kinds of faults this run has and how often each comes
 * (a run with everything on hides what only some of it brings out), then when and to whom.
 *
 * Source: Groce et al., "Swarm Testing", ISSTA 2012, section 2; the ranges after TigerBeetle's
 * VOPR, options_swarm.
 */

#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "sim/schedule.h"

/**
 * Fill an empty `schedule`: nodes, seed, end, work, and, if `faults`, faults. Every fault that
 * lasts is ended in time by a line of its own, often; what is not, the liveness phase ends.
 */
void mcpz_swarm_draw(struct mcpz_schedule *schedule, size_t node_count, uint64_t minutes,
                     uint64_t seed, bool faults);

#endif
