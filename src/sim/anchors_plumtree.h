/*
 * Plumtree held against its paper: table A4.
 *
 * The core's machine, one a node, on a random graph in which every node has five neighbours (the
 * paper's HyParView views of that size; here the graph is drawn, so that broadcast is measured
 * apart from the overlay). Every message takes one hop of virtual time. As in the paper, the
 * views are still filling while the first broadcasts run: mean degree 4.03 in cycle 0, 4.90 in
 * cycle 1, 5 from cycle 50 on. One broadcast a cycle, from one sender (s-s) or from a random one
 * each time (m-s); Opt swaps links at a lead of 3 (s-s) or 7 (m-s).
 *
 *   RMR = payload messages / (n - 1) - 1: what is received in vain, relative to what is needed
 *   LDH = the most links that one broadcast crossed
 *
 * Source: Leitao, Pereira, Rodrigues, SRDS 2007, section 4.
 */

#ifndef SIM_ANCHORS_PLUMTREE_H
#define SIM_ANCHORS_PLUMTREE_H

#include "sim/anchors.h"

/** All five variants, 250 cycles each. */
void mcpz_anchors_a4(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);

#endif
