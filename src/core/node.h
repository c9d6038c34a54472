/*
 * One node's core: the machines in their line, from the network to the application.
 *
 *   event -> fabric (links, overlay, plumtree, members) -> relay -> registry -> calls -> drain
 *         -> tasks -> layouts -> agents -> keeping -> outbox
 *
 * In one step facts rise: what a machine appends as FACT is shown, in the same step, to the
 * machines after it. Requests sink: what asks for BROADCAST or REACH is carried down by the
 * fabric, what asks for a CALL by the calls; what calls send to peers without a link is carried by
 * the relay. One sweep each; what a request comes to at once rises in one more. A machine may look
 * at, never change, a machine below it. This file holds wiring only.
 */

#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "base/time.h"
#include "core/agents.h"
#include "core/calls.h"
#include "core/drain.h"
#include "core/event.h"
#include "core/fabric.h"
#include "core/keeping.h"
#include "core/layouts.h"
#include "core/ledger.h"
#include "core/outbox.h"
#include "core/registry.h"
#include "core/relay.h"
#include "core/tasks.h"
#include "proto/store.h"

struct mcpz_node_config {
    struct mcpz_fabric_config fabric;
    struct mcpz_calls_config calls;
    struct mcpz_sealer sealer;          /* without one nothing of ours goes through others */
    const struct mcpz_planner *planner; /* borrowed */
    size_t relayed_max;                 /* peers reached through others; 0: that of a server */
    uint32_t generation;                /* of our actor, see struct mcpz_actor */
    uint64_t grace_ms;                  /* who is away is waited for so long; 0: the default */
    struct mcpz_layout_opener opener;   /* without one there are no layouts */
    size_t layout_nodes_max;            /* in one; 0: MCPZ_LAYOUT_NODES_MAX */
};

struct mcpz_node {
    struct mcpz_fabric fabric;
    struct mcpz_relay relay;
    struct mcpz_registry registry;
    struct mcpz_calls calls;
    struct mcpz_drain drain;
    struct mcpz_ledger ledger; /* between the calls and the provider's edge */
    struct mcpz_tasks tasks;
    struct mcpz_layouts layouts;
    struct mcpz_agents agents;
    struct mcpz_keeping keeping; /* looks at what agents say */
    const struct mcpz_planner *planner;
    void *memory; /* of the fabric, of the relay behind it, and of calls; borrowed */
};

/** How large a block mcpz_node_init() needs. */
size_t mcpz_node_bytes(const struct mcpz_node_config *config);

/**
 * Start alone. Borrowed for the node's life: `store`, which only the ledger, tasks and agents
 * hold, and `memory` of mcpz_node_bytes(), all zeros and
 * aligned for any type.
 */
void mcpz_node_init(struct mcpz_node *node, const struct mcpz_node_config *config,
                    const struct mcpz_store *store, void *memory, mcpz_time now);

/** Forget all other nodes, keep what is our own: the mesh has changed. All links are gone. */
void mcpz_node_start_over(struct mcpz_node *node, const struct mcpz_node_config *config,
                          mcpz_time now);

/** Take in one event and append to `out` what follows. Never fails, never blocks. */
void mcpz_node_step(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                    struct mcpz_outbox *out);

/** See core/calls.h. */
void mcpz_node_explain(struct mcpz_node *node, mcpz_time now, struct mcpz_bytes capability,
                       struct mcpz_explanation *explanation);

/** When the next TICK is due. */
mcpz_time mcpz_node_deadline(const struct mcpz_node *node);

#endif
