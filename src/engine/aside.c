#include "engine/aside.h"

#include <assert.h>

#include "core/crdt/document.h"
#include "engine/internal.h"

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
