#include "engine/refill.h"

#include <assert.h>

#include "core/crdt/floor.h"
#include "engine/agreement.h"
#include "engine/base.h"
#include "engine/internal.h"

bool mcpz_refill_is_needed(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};

    return engine->store.get(engine->store.context, &record) == MCPZ_OK &&
           mcpz_base_check(&engine->store, &record.floor) == MCPZ_ECORRUPT;
}

bool mcpz_refill_will_do(struct mcpz_engine *engine, const struct mcpz_id *document,
                         const struct mcpz_agreed *agreed)
{
    struct mcpz_floor floor;

    return mcpz_floor_load(&engine->store, document, &floor) == MCPZ_OK && floor.exists &&
           mcpz_floor_is_reached(&floor, agreed->versions, agreed->version_count) &&
           mcpz_refill_is_needed(engine, document);
}

void mcpz_refill_ask(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    const struct mcpz_msg want = {.kind = MCPZ_MSG_WANT, .want = {.document = *document}};
    struct mcpz_keepers keepers;

    if (engine->now < engine->refill_us || !mcpz_refill_is_needed(engine, document)) {
        return;
    }
    engine->refill_us = engine->now + MCPZ_REFILL_PAUSE_US;
    engine->counters.bases_damaged++;
    mcpz_keepers_find(engine, document, &keepers);
    for (size_t i = 0; i < keepers.count; i++) {
        struct mcpz_link_row *row = mcpz_link_rows_of(engine, &keepers.others[i]);
        if (row != NULL) {
            mcpz_link_rows_send(engine, row, &want);
        }
    }
}

void mcpz_engine_refill(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    assert(engine->in_turn);
    mcpz_refill_ask(engine, document);
}
