#include "engine/refill.h"

#include <assert.h>

#include "core/crdt/document.h"
#include "core/crdt/floor.h"
#include "engine/agreement.h"
#include "engine/base.h"
#include "engine/internal.h"

bool mcpz_refill_is_needed(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    struct mcpz_floor floor;

    mcpz_error error = mcpz_floor_load(&engine->store, document, &floor);
    if (error == MCPZ_OK && floor.exists) {
        error = engine->store.get(engine->store.context, &record);
    }
    if (error == MCPZ_OK && floor.exists) {
        error = mcpz_base_check(&engine->store, &record.floor);
    }
    return error == MCPZ_ECORRUPT;
}

/*
 * Is all above `agreed` here? Rows go from the lowest on, so the first one tells of all; nobody
 * knows any more how far they went.
 */
static bool is_all_above_here(struct mcpz_engine *engine, const struct mcpz_id *id,
                              const struct mcpz_agreed *agreed)
{
    struct mcpz_document document;
    struct mcpz_record record;

    mcpz_error error = mcpz_document_load(&engine->store, id, &document);
    for (size_t i = 0; error == MCPZ_OK && i < document.clock.count; i++) {
        const struct mcpz_version *version = &document.clock.versions[i];
        const uint64_t below =
            mcpz_clock_get(agreed->versions, agreed->version_count, &version->actor);
        if (mcpz_version_closes(version) && below != UINT64_MAX) {
            return false; /* a life that is over: its deltas are gone */
        }
        if (below < version->seq && !mcpz_version_closes(version)) {
            error =
                mcpz_document_find_delta(&engine->store, id, &version->actor, below + 1, &record);
        }
    }
    return error == MCPZ_OK;
}

bool mcpz_refill_will_do(struct mcpz_engine *engine, const struct mcpz_id *document,
                         const struct mcpz_agreed *agreed)
{
    const struct mcpz_seen seen = mcpz_seen_in(agreed);
    struct mcpz_floor floor;

    const mcpz_error error = mcpz_floor_load(&engine->store, document, &floor);
    if (error == MCPZ_ECORRUPT) {
        return is_all_above_here(engine, document, agreed);
    }
    return error == MCPZ_OK && floor.exists && mcpz_floor_is_reached(&floor, &seen) &&
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
