/*
 * The way to a member over links that exist.
 *
 * Every member tells of its neighbours (link-state adjacency), so everybody knows the graph and
 * finds a shortest path of it. What goes such a way carries it along, source-routed: it cannot go
 * in circles, and nobody on it has to know anything. The map may be a little old: a hop that
 * cannot go on says so, and the next search avoids that step.
 *
 * Source: protocols.md 1.6, rule 4.
 */

#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/roster.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_ROUTE_NOWHERE UINT16_MAX
#define MCPZ_ROUTE_SLOTS                                                                          \
    (2 * MCPZ_MEMBERS_MAX) /* of the index of names: half of them are free                        \
                            */

/* From one member straight to another. */
struct mcpz_route_step {
    struct mcpz_short from;
    struct mcpz_short to;
};

/* Where each member lies on a walk from ourselves. Rows as in the roster. */
struct mcpz_route_map {
    uint16_t slots[MCPZ_ROUTE_SLOTS];  /* rows by name, open addressing */
    uint16_t parent[MCPZ_MEMBERS_MAX]; /* MCPZ_ROUTE_NOWHERE: no path leads there */
    uint16_t queue[MCPZ_MEMBERS_MAX];
    uint16_t slow[MCPZ_MEMBERS_MAX]; /* behind all of the queue */
};

/* How a walk goes. */
struct mcpz_route_walk {
    mcpz_time now;
    uint32_t turn; /* every member's neighbours are looked at from this one on: another turn may
                    * find another way */
    const struct mcpz_route_step *avoid;
    size_t avoid_count;
};

/**
 * Walk from ourselves over members that are alive, breadth first. No path leads over who is slow
 * if there is another: what waits there says nothing of its target.
 */
void mcpz_route_draw(struct mcpz_route_map *map, const struct mcpz_roster *roster,
                     const struct mcpz_route_walk *walk);

/** Does a path lead to the member in row `row`? To ourselves none does. */
bool mcpz_route_leads_to(const struct mcpz_route_map *map, uint16_t row);

/** Is it a neighbour of ours on this map? */
bool mcpz_route_is_next(const struct mcpz_route_map *map, uint16_t row);

/**
 * Write the path to the member in row `row`, to whom one leads: us first, it last. Returns how
 * many it has; 0: it would be more than MCPZ_OVERLAY_WALK_MAX. `path` has room for so many.
 */
size_t mcpz_route_trace(const struct mcpz_route_map *map, const struct mcpz_roster *roster,
                        uint16_t row, struct mcpz_short *path);

#endif
