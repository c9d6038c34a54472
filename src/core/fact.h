/* What became true: told by one machine to those above it, and to people in the log. */

#ifndef CORE_FACT_H
#define CORE_FACT_H

#include <stdint.h>

#include "base/bytes.h"
#include "proto/id.h"

enum mcpz_fact_kind {
    MCPZ_FACT_LINKED = 1,       /* we can send to it */
    MCPZ_FACT_UNLINKED,         /* we no longer can; `reason` says why */
    MCPZ_FACT_ALIVE,            /* a member we did not hold for alive is */
    MCPZ_FACT_SUSPECT,          /* it is silent */
    MCPZ_FACT_DEAD,             /* it has been silent for too long */
    MCPZ_FACT_LEFT,             /* it said goodbye */
    MCPZ_FACT_REFUTED,          /* we were called suspect or dead, and said otherwise */
    MCPZ_FACT_CAPABILITIES,     /* what a member offers has changed */
    MCPZ_FACT_CALL_FAILED,      /* a provider did not answer for a call */
    MCPZ_FACT_AGENT_MERGED,     /* a document took in somebody else's delta */
    MCPZ_FACT_NEIGHBOUR_UP,     /* the overlay counts on the link to it */
    MCPZ_FACT_NEIGHBOUR_DOWN,   /* no longer */
    MCPZ_FACT_GOSSIP_DELIVERED, /* a broadcast has come, for the first time */
    MCPZ_FACT_LATE,             /* a linked peer's heartbeat is overdue */
    MCPZ_FACT_PROMPT,           /* it is heard again */
    MCPZ_FACT_UNREACHABLE,      /* a node we tried to reach is not linked; `reason` says why */
    MCPZ_FACT_DIFFERS,          /* a neighbour holds something else for true than we do */
    MCPZ_FACT_PROBED,           /* a probe of this member has ended; `reason`: 0 well, else not */
    MCPZ_FACT_RELAYED,          /* a node that is not linked can be called through others */
    MCPZ_FACT_UNRELAYED,        /* no longer */
    MCPZ_FACT_DRAINED,          /* we offer nothing, and nothing is under way any more */
    MCPZ_FACT_LAYOUT,           /* a layout is known that was not; `incarnation`: its version */
    MCPZ_FACT_LAYOUT_SETTLED,   /* only one is live any more; `incarnation`: its version */
    MCPZ_FACT_AGENT_DIVERGED,   /* replicas have seen the same of a document, and hold other things
                                 */
    MCPZ_FACT_STORE_REPAIRED,   /* our store was damaged, and was begun anew */
    MCPZ_FACT_SNAPSHOT_FAILED,  /* a backup that we make by ourselves could not be made */
    MCPZ_FACT_AGENT_FORKED,     /* an actor has contradicted itself in a document */
    MCPZ_FACT_AGENT_FOLDED,     /* a document's old deltas were folded into its base */
    MCPZ_FACT_REVOKED,          /* a node is gone for good: LEFT comes with it */
    MCPZ_FACT_KIND_END,
};

enum mcpz_neighbour_down_reason {
    MCPZ_NEIGHBOUR_LOST = 1, /* the link to it is gone */
    MCPZ_NEIGHBOUR_DROPPED,  /* it let us go */
    MCPZ_NEIGHBOUR_EVICTED,  /* we needed its place for another */
    MCPZ_NEIGHBOUR_LEAVING,  /* one of us says goodbye to everybody */
};

enum mcpz_unreachable {
    MCPZ_UNREACHABLE_SILENT = 1, /* nobody answered, or not as one of the mesh */
    MCPZ_UNREACHABLE_REFUSED,    /* its machine answered that nobody listens there */
    MCPZ_UNREACHABLE_NO_ADDRESS, /* it dials out only */
    MCPZ_UNREACHABLE_BUSY,       /* too many dials are under way */
};

struct mcpz_fact {
    enum mcpz_fact_kind kind;
    struct mcpz_id about;     /* a node; AGENT_MERGED, _DIVERGED, _FORKED: a document;
                                 GOSSIP_DELIVERED: the     neighbour that sent it */
    uint64_t incarnation;     /* ALIVE .. REFUTED; AGENT_FORKED: the actor's generation */
    uint32_t reason;          /* UNLINKED: enum mcpz_link_down_reason; CALL_FAILED: enum mcpz_code;
                               GOSSIP_DELIVERED: the round;
                               NEIGHBOUR_DOWN: enum mcpz_neighbour_down_reason;
                               SUSPECT, DEAD: enum mcpz_suspicion;
                               UNREACHABLE: enum mcpz_unreachable */
    struct mcpz_bytes detail; /* ALIVE: its address, if it may be dialled; GOSSIP_DELIVERED: the
                                 payload; AGENT_FORKED: the actor's node; borrowed */
};

/** A lower-case word for logs and traces. */
const char *mcpz_fact_word(enum mcpz_fact_kind kind);

#endif
