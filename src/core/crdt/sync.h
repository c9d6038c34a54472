/* What comparing with others works with, for a step. */

#ifndef CORE_CRDT_SYNC_H
#define CORE_CRDT_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "core/crdt/catchup.h"
#include "core/crdt/forgotten.h"
#include "core/crdt/holdings.h"
#include "core/crdt/horizon.h"
#include "core/crdt/mail.h"
#include "core/crdt/scope.h"
#include "core/crdt/wanted.h"

struct mcpz_sync {
    struct mcpz_holdings *holdings;
    const struct mcpz_scope *scope;
    struct mcpz_mail *mail;
    struct mcpz_wanted *wanted;
    struct mcpz_horizon *horizon;
    const struct mcpz_forgotten *forgotten; /* NULL: nothing was */
    mcpz_time now;
    uint64_t wall_ms;
    uint64_t epoch; /* of our changes */
    bool is_full;   /* no room for documents we do not have */
};

static inline struct mcpz_catchup mcpz_sync_catchup(const struct mcpz_sync *sync,
                                                    const struct mcpz_id *peer)
{
    return (struct mcpz_catchup){
        .store = &sync->holdings->store,
        .mail = sync->mail,
        .wanted = sync->wanted,
        .forgotten = sync->forgotten,
        .now = sync->now,
        .peer = peer,
        .is_full = sync->is_full,
        .is_held = mcpz_horizon_holds(sync->horizon, peer),
    };
}

#endif
