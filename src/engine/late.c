#include "engine/late.h"

#include <stdlib.h>

#include "core/crdt/document.h"
#include "core/crdt/lives.h"
#include "engine/intake.h"
#include "engine/internal.h"
#include "engine/rebase.h"
#include "wire/codec.h"

void mcpz_late_consider(struct mcpz_engine *engine, const struct mcpz_delta *delta)
{
    struct mcpz_late *late = &engine->late;
    struct mcpz_record record;
    bool took;

    if (late->count == MCPZ_LATE_MAX ||
        mcpz_document_find_delta(&engine->store, &delta->document, &delta->actor, delta->seq,
                                 &record) != MCPZ_OK) {
        return; /* it was not taken in */
    }
    const struct mcpz_delta *kept = &record.delta.delta;
    const struct mcpz_version *closing = mcpz_lives_closing(kept);
    if (closing != NULL && mcpz_lives_took_out(&engine->store, kept, closing, &took) == MCPZ_OK &&
        took) {
        late->closers[late->count++] = (struct mcpz_late_closer){
            .document = delta->document, .actor = delta->actor, .seq = delta->seq};
    }
}

/* Our own base of `document`, as if it came from somebody. Errors: MCPZ_ENOTFOUND  it has none */
static mcpz_error gather(struct mcpz_engine *engine, const struct mcpz_id *document,
                         struct mcpz_intake *intake)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    struct mcpz_base_part part = {.document = *document};
    uint8_t *buffer = malloc(MCPZ_MSG_BYTES_MAX);
    struct mcpz_msg msg;
    size_t length;

    mcpz_error error = buffer == NULL ? MCPZ_ENOMEM : MCPZ_OK;
    if (error == MCPZ_OK) {
        error = engine->store.get(engine->store.context, &record);
    }
    part.root = record.floor.agreed.root;
    while (error == MCPZ_OK && (part.index == 0 || !mcpz_intake_is_whole(intake))) {
        error = mcpz_engine_show_base(engine, &part, buffer, MCPZ_MSG_BYTES_MAX, &length);
        if (error == MCPZ_OK) {
            mcpz_arena_clear(&engine->scratch->decode_arena);
            error =
                mcpz_msg_decode(mcpz_bytes(buffer, length), &engine->scratch->decode_arena, &msg);
        }
        if (error == MCPZ_OK) {
            error = part.index++ == 0 ? mcpz_intake_init(intake, &msg.agreed)
                                      : mcpz_intake_take(intake, msg.base.bytes);
        }
    }
    free(buffer);
    return error;
}

/* There is no base: all that is here comes in again. */
static mcpz_error begin_with_nothing(struct mcpz_engine *engine, const struct mcpz_id *document,
                                     const struct mcpz_delta *closer)
{
    static const struct mcpz_agreed nothing;
    struct mcpz_rebase *rebase;

    mcpz_error error = mcpz_rebase_begin(engine, document, &nothing, closer, &rebase);
    if (error == MCPZ_OK) {
        mcpz_rebase_put_back(engine, rebase);
        mcpz_rebase_destroy(rebase);
    }
    return error;
}

static mcpz_error begin_anew(struct mcpz_engine *engine, const struct mcpz_id *document,
                             const struct mcpz_delta *closer)
{
    struct mcpz_intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = gather(engine, document, intake);
    if (error == MCPZ_OK) {
        error = mcpz_intake_begin_anew(engine, intake, closer);
    } else if (error == MCPZ_ENOTFOUND) {
        error = begin_with_nothing(engine, document, closer);
    }
    mcpz_intake_finish(intake);
    free(intake);
    return error;
}

static void settle(struct mcpz_engine *engine, const struct mcpz_late_closer *noted)
{
    struct mcpz_version versions[MCPZ_ACTORS_MAX];
    struct mcpz_record record;

    mcpz_error error = mcpz_document_find_delta(&engine->store, &noted->document, &noted->actor,
                                                noted->seq, &record);
    if (error == MCPZ_OK) {
        const struct mcpz_delta *kept = &record.delta.delta;
        const struct mcpz_delta closer = {
            .document = noted->document,
            .actor = noted->actor,
            .seq = noted->seq,
            .versions = versions,
            .version_count = kept->version_count,
        };
        memcpy(versions, kept->versions, kept->version_count * sizeof(versions[0]));
        error = begin_anew(engine, &noted->document, &closer);
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        mcpz_folding_alarm(engine, &noted->document); /* it stays as it is */
    }
}

void mcpz_late_settle(struct mcpz_engine *engine)
{
    const struct mcpz_late noted = engine->late;

    engine->late.count = 0; /* whatever is noted meanwhile is for the next turn */
    for (size_t i = 0; i < noted.count; i++) {
        settle(engine, &noted.closers[i]);
    }
}
