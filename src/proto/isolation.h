/*
 * How what a capability runs is kept from the rest of its machine, weakest first. Numbers travel
 * (CAPABILITIES, OPEN); append, never reuse.
 */

#ifndef PROTO_ISOLATION_H
#define PROTO_ISOLATION_H

enum mcpz_isolation {
    MCPZ_ISOLATION_UNSAID = 0, /* in a configuration: not settled yet; of others: not told */
    MCPZ_ISOLATION_NONE,       /* the node's own rights; only what exec/keeper.h does for all */
    MCPZ_ISOLATION_DEGRADED,   /* all that this machine can do; what is missing is told */
    MCPZ_ISOLATION_STRICT,     /* all there is, or the capability is not offered */
    MCPZ_ISOLATION_END,
};

#endif
