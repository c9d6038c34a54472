/* Anchor tables A1 and A2: HyParView's graph, and what it stands. */

#ifndef SIM_ANCHORS_OVERLAY_H
#define SIM_ANCHORS_OVERLAY_H

#include "sim/anchors.h"

/** The graph after joins and 50 cycles. Source: HyParView, section 5.4 and table 1. */
void mcpz_anchors_a1(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);

/** Reliability after many crash at once. Source: HyParView, section 5.2 and figure 2. */
void mcpz_anchors_a2(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);

#endif
