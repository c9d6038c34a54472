/*
 * What most events need to know of the fabric's machines that they do not concern.
 *
 * A machine is looked at again only when it may have changed: whoever changes it touches it here.
 * So a heartbeat is not shown to who joins and repairs, a broadcast not to who keeps neighbours,
 * and a TICK only to whom it is due for. Of thousands of simulated nodes none is in the cache when
 * its turn comes: what is not looked at need not be fetched.
 */

#ifndef CORE_FABRIC_VIEW_H
#define CORE_FABRIC_VIEW_H

#include "core/fabric.h"

/* The line, from the network up. */
enum mcpz_fabric_level {
    MCPZ_FABRIC_LINKS,
    MCPZ_FABRIC_OVERLAY,
    MCPZ_FABRIC_PLUMTREE,
    MCPZ_FABRIC_MEMBERS,
    MCPZ_FABRIC_ABOVE
};

/** A machine is about to be changed, or may be. */
void mcpz_fabric_view_touch(struct mcpz_fabric_view *view, enum mcpz_fabric_level level);

/** Look again at those that have been touched. */
void mcpz_fabric_view_look(struct mcpz_fabric *fabric);

/** When a machine above the links wants a TICK: at once, if it has been touched. */
mcpz_time mcpz_fabric_view_due(const struct mcpz_fabric_view *view, enum mcpz_fabric_level level);

/** Too few neighbours of our scope, and no candidate? */
bool mcpz_fabric_view_lacks_scope(const struct mcpz_overlay *overlay);

#endif
