/*
 * What must hold in a fleet: at every second (safety), and some time after all is well (liveness).
 *
 * Source: protocols.md 5.5 and 1.7, as far as the lower half of the core has what it speaks of.
 */

#ifndef SIM_FLEET_CHECK_H
#define SIM_FLEET_CHECK_H

#include "sim/fleet.h"

#define MCPZ_FLEET_WORDS_BYTES 160

/**
 * Incarnations do not go back, neither of who runs nor, in a fleet of no more than 512 without
 * churn, in anybody's view from one look to the next; views are within their bounds and disjoint;
 * nobody holds itself for dead; nobody who was well and connected for 30 s is held for dead by
 * such a one; nobody comes to hold for dead whom it hears over a link of its own. False, with what
 * does not hold in `words` (MCPZ_FLEET_WORDS_BYTES), if not.
 */
bool mcpz_fleet_is_safe(struct mcpz_fleet *fleet, char *words);

/**
 * Nodes whose view is wrong: that do not hold exactly the running nodes of their zone for alive,
 * each with its incarnation. Not more than `enough` are looked for.
 */
size_t mcpz_fleet_wrong_views(const struct mcpz_fleet *fleet, size_t enough);

/** Is no view wrong? For who asks again and again. */
bool mcpz_fleet_agrees(struct mcpz_fleet *fleet);

/** Other running nodes that hold a node for a member: alive or suspect. */
size_t mcpz_fleet_believers(const struct mcpz_fleet *fleet, size_t about);

/** What is wrong with one of the wrong views, in `words`. */
void mcpz_fleet_describe_wrong(const struct mcpz_fleet *fleet, char *words);

/** Parts into which the neighbours of running nodes fall: 1 is well. */
size_t mcpz_fleet_parts(const struct mcpz_fleet *fleet);

/**
 * The mean of the least round trips between neighbours, us; and of those in different zones. 0:
 * there are none.
 */
double mcpz_fleet_mean_rtt_us(const struct mcpz_fleet *fleet);
double mcpz_fleet_mean_far_rtt_us(const struct mcpz_fleet *fleet);

/** Neighbours that a running node has, on average. */
double mcpz_fleet_mean_degree(const struct mcpz_fleet *fleet);

/** Running nodes that the broadcast asked for last has not reached, of the zone it began in. */
size_t mcpz_fleet_untold(const struct mcpz_fleet *fleet);

/** Neighbours that do not hold a running node for one which holds them for one. */
size_t mcpz_fleet_one_sided(const struct mcpz_fleet *fleet);

#endif
