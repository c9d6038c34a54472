#include "core/keeping/along.h"

#include "core/crdt/catchup.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"

bool mcpz_along_is_valid(const struct mcpz_along *along)
{
    return !mcpz_id_is_zero(&along->document) &&
           mcpz_clock_is_valid(along->versions, along->version_count) &&
           mcpz_cuts_is_valid(along->cuts, along->cut_count);
}

bool mcpz_along_lacks(struct mcpz_keeping_step *step, const struct mcpz_document *document,
                      const struct mcpz_along *along)
{
    const struct mcpz_msg_want said = {.document = along->document,
                                       .versions = along->versions,
                                       .version_count = along->version_count,
                                       .cuts = along->cuts,
                                       .cut_count = along->cut_count};
    bool lacks = true;

    if (mcpz_catchup_lacks(step->keeping->store, document, &said, &lacks) != MCPZ_OK) {
        step->keeping->store_failures++;
        return true;
    }
    return lacks;
}

bool mcpz_along_load(struct mcpz_keeping_step *step, const struct mcpz_id *id,
                     struct mcpz_document *document)
{
    if (mcpz_document_load(step->keeping->store, id, document) == MCPZ_OK) {
        return true;
    }
    step->keeping->store_failures++;
    return false;
}

bool mcpz_along_keep(struct mcpz_outbox *out, const struct mcpz_record_document *record,
                     struct mcpz_along *along)
{
    struct mcpz_version *versions =
        mcpz_arena_take(&out->arena, record->version_count, sizeof(*versions));
    struct mcpz_cut *cuts = mcpz_arena_take(&out->arena, record->cut_count, sizeof(*cuts));

    if (versions == NULL || cuts == NULL) {
        return false;
    }
    for (size_t i = 0; i < record->version_count; i++) {
        versions[i] = record->versions[i];
    }
    for (size_t i = 0; i < record->cut_count; i++) {
        cuts[i] = record->cuts[i];
    }
    *along = (struct mcpz_along){.document = record->id,
                                 .versions = versions,
                                 .version_count = record->version_count,
                                 .cuts = cuts,
                                 .cut_count = record->cut_count};
    return true;
}

void mcpz_along_offer(struct mcpz_keeping_step *step, const struct mcpz_document *document,
                      const struct mcpz_id *to)
{
    const struct mcpz_record_document record = mcpz_document_record(document);
    struct mcpz_along along;

    if (!mcpz_along_keep(step->out, &record, &along)) {
        return; /* the next try will do */
    }
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_HANDOVER,
                                 .handover = {.document = document->id,
                                              .digest = mcpz_document_digest_of(document),
                                              .versions = along.versions,
                                              .version_count = along.version_count,
                                              .cuts = along.cuts,
                                              .cut_count = along.cut_count}};
    mcpz_outbox_send(step->out, to, &msg);
    step->out->actions[step->out->count - 1].durable = true; /* as deltas are */
}
