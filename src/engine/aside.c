#include "engine/aside.h"

#include <assert.h>

#include "core/crdt/document.h"
#include "core/crdt/horizon.h"
#include "core/crdt/origin.h"
#include "engine/internal.h"

/* Both sides come to the same, whichever looks. */
static bool gives_way(const struct mcpz_agreed *ours, const struct mcpz_agreed *theirs)
{
    return ours->hlc != theirs->hlc ? ours->hlc < theirs->hlc
                                    : mcpz_id_compare(&ours->root, &theirs->root) < 0;
}

static mcpz_error load_floor(struct mcpz_engine *engine, const struct mcpz_id *document,
                             struct mcpz_record *record)
{
    *record = (struct mcpz_record){.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    return engine->store.get(engine->store.context, record);
}

bool mcpz_aside_is_other(struct mcpz_engine *engine, const struct mcpz_msg_agreed *said)
{
    struct mcpz_record record;
    const struct mcpz_agreed *ours = &record.floor.agreed;

    return engine->node.agents.horizon.row.horizon_ms > 0 &&
           load_floor(engine, &said->document, &record) == MCPZ_OK &&
           !mcpz_origin_are_one(ours->versions, ours->version_count, said->agreed.versions,
                                said->agreed.version_count);
}

void mcpz_aside_meet(struct mcpz_engine *engine, const struct mcpz_id *from,
                     const struct mcpz_msg_agreed *said)
{
    const struct mcpz_horizon *horizon = &engine->node.agents.horizon;
    struct mcpz_record record;

    if (mcpz_horizon_is_stale(horizon) || mcpz_horizon_holds(horizon, from) ||
        load_floor(engine, &said->document, &record) != MCPZ_OK) {
        return;
    }
    if (gives_way(&record.floor.agreed, &said->agreed)) {
        mcpz_recheck_give_way(&engine->node.agents.recheck, &said->document);
    } else {
        mcpz_transfers_offer(engine, from, &said->document);
    }
}

size_t mcpz_aside_wanted(const struct mcpz_engine *engine, const struct mcpz_id **documents)
{
    const struct mcpz_recheck *recheck = &engine->node.agents.recheck;

    *documents = recheck->aside;
    return recheck->phase == MCPZ_RECHECK_ASIDE ? recheck->aside_count : 0;
}

static bool is_as_it_was(struct mcpz_engine *engine, const struct mcpz_aside_row *row)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = row->document}};

    return engine->store.get(engine->store.context, &record) == MCPZ_OK &&
           mcpz_document_digest(&record.document) == row->digest;
}

void mcpz_aside_done(struct mcpz_engine *engine, const struct mcpz_aside_row *rows, size_t count,
                     bool failed)
{
    struct mcpz_agents *agents = &engine->node.agents;
    size_t gone = 0;
    assert(engine->in_turn && !engine->stepping);

    if (agents->recheck.phase != MCPZ_RECHECK_ASIDE) {
        return; /* it was begun anew meanwhile, and asks for them again */
    }
    for (size_t i = 0; i < count; i++) {
        if (is_as_it_was(engine, &rows[i])) {
            mcpz_agents_forget(agents, &rows[i].document);
            gone++;
        }
    }
    mcpz_engine_keep_self(engine);
    mcpz_recheck_done(&agents->recheck, gone, failed || gone < count, engine->now);
}
