/* One step of the agents, for those it is handed down to. For core/agents*.c only. */

#ifndef CORE_AGENTS_STEP_H
#define CORE_AGENTS_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/agents.h"
#include "core/crdt/catchup.h"
#include "core/crdt/document.h"
#include "core/crdt/mail.h"
#include "core/crdt/sync.h"
#include "proto/agent.h"
#include "proto/id.h"
#include "proto/limits.h"

struct mcpz_agents_step {
    struct mcpz_agents *agents;
    mcpz_time now;
    uint64_t wall_ms;
    struct mcpz_mail mail;
};

static inline bool mcpz_agents_has_room(const struct mcpz_agents *agents)
{
    return agents->document_count < MCPZ_AGENTS_MAX;
}

/** What comparing works with. It changes within a step: made anew for each use. */
static inline struct mcpz_sync mcpz_agents_sync(struct mcpz_agents_step *step)
{
    struct mcpz_agents *agents = step->agents;

    return (struct mcpz_sync){
        .holdings = &agents->entropy.holdings,
        .scope = &agents->entropy.holdings.shared.scope,
        .mail = &step->mail,
        .wanted = &agents->wanted,
        .horizon = &agents->horizon,
        .forgotten = &agents->forgotten,
        .now = step->now,
        .wall_ms = step->wall_ms,
        .epoch = mcpz_holdings_epoch(&agents->entropy.holdings, agents->actor.generation),
        .is_full = !mcpz_agents_has_room(agents),
    };
}

/** What catching up with `peer` works with. */
static inline struct mcpz_catchup mcpz_agents_catchup(struct mcpz_agents_step *step,
                                                      const struct mcpz_id *peer)
{
    const struct mcpz_sync sync = mcpz_agents_sync(step);

    return mcpz_sync_catchup(&sync, peer);
}

/**
 * If somebody has seen more of us than we remember, or something else, our store was set back.
 * What we lost comes in like any other delta; what we write from now on is somebody else's, so
 * that no dot is given out twice. crdt 1.6.
 */
void mcpz_agents_notice_lost(struct mcpz_agents *agents, const struct mcpz_document *document,
                             const struct mcpz_version *versions, size_t count);

#endif
