/*
 * X-BOT in whole nodes: a fleet of several zones, twice the same but for the exchanges.
 *
 * Round trips within a zone are a few milliseconds, all in the nearest ring; those between zones
 * are drawn for each pair: what there is to gain is among the far neighbours. The paper's cost is
 * the mean of the links' costs as well; how much it falls depends on how costs are spread, so its
 * figures are no bound for ours. That it falls, that the graph stays whole and that nobody loses
 * neighbours by it is what is asked.
 *
 * Source: X-BOT (Leitao, Marques, Pereira, Rodrigues, SRDS 2009), section 5.
 */

#ifndef SIM_ANCHORS_XBOT_H
#define SIM_ANCHORS_XBOT_H

#include "sim/anchors.h"

#define MCPZ_ANCHORS_XBOT_NODES 1000

/** In zones of 64, for ten minutes after all have joined. */
void mcpz_anchors_x(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);

/** In zones, and for minutes, of one's own. */
void mcpz_anchors_xbot(struct mcpz_anchors *anchors, size_t nodes, size_t zone_size,
                       uint64_t minutes, uint64_t seed);

#endif
