#include "engine/remake.h"

#include "core/crdt/document.h"
#include "core/crdt/floor.h"

mcpz_error mcpz_remake_init(struct mcpz_remake *remake, const struct mcpz_store *source,
                            const struct mcpz_id *document, const struct mcpz_agreed *agreed)
{
    struct mcpz_document place = {.id = *document, .exists = true};
    struct mcpz_floor floor;

    remake->rest.count = 0;
    remake->rest_at = 0;
    remake->is_rest = false;
    remake->behind = (struct mcpz_tip){.seq = 0};
    mcpz_cuts_set(&remake->cuts, agreed->cuts, agreed->cut_count);
    mcpz_clock_set(&place.clock, agreed->versions, agreed->version_count);
    mcpz_branches_init(&remake->walk, &place); /* so it ends there, and before each cut */
    mcpz_error error = mcpz_replay_create(source, document, &floor, &remake->replay);
    if (error != MCPZ_OK) {
        return error;
    }
    for (size_t i = 0; i < remake->cuts.count; i++) {
        const struct mcpz_cut *cut = &remake->cuts.cuts[i];
        if (mcpz_cuts_find(floor.cuts.cuts, floor.cuts.count, &cut->actor) == NULL) {
            mcpz_cuts_put(&remake->rest, cut);
        }
    }
    return mcpz_branches_follow_all(&remake->walk, source);
}

void mcpz_remake_finish(struct mcpz_remake *remake)
{
    mcpz_replay_destroy(remake->replay);
    remake->replay = NULL;
}

static mcpz_error set_cuts(struct mcpz_remake *remake, const struct mcpz_cuts *cuts)
{
    const struct mcpz_store *made = mcpz_replay_store(remake->replay);
    struct mcpz_document document;

    mcpz_error error = mcpz_document_load(made, &remake->walk.document.id, &document);
    if (error == MCPZ_OK) {
        document.exists = true;
        document.cuts = *cuts;
        mcpz_document_store(made, &document);
    }
    return error;
}

/* What comes next does not count. Whose it is is taken for overrun: then it is not looked at. */
static mcpz_error begin_rest(struct mcpz_remake *remake)
{
    static const struct mcpz_tip many = {.seq = MCPZ_BRANCHES_MAX + 1};
    struct mcpz_cuts cuts = remake->cuts;

    for (size_t i = 0; i < cuts.count; i++) {
        cuts.cuts[i].overrun = true;
        cuts.cuts[i].tips[0] = many;
        cuts.cuts[i].tip_count = 1;
    }
    remake->is_rest = true;
    return set_cuts(remake, &cuts);
}

/* Find the next delta of who is cut, from its cut on. At the end cuts are what was signed. */
static mcpz_error next_of_rest(struct mcpz_remake *remake, const struct mcpz_store *source,
                               struct mcpz_record *record)
{
    while (remake->rest_at < remake->rest.count) {
        const struct mcpz_cut *cut = &remake->rest.cuts[remake->rest_at];
        const bool is_first = remake->behind.seq == 0;
        *record = (struct mcpz_record){
            .kind = MCPZ_RECORD_DELTA,
            .delta = {.delta = {.document = remake->walk.document.id,
                                .actor = cut->actor,
                                .seq = is_first ? cut->seq : remake->behind.seq},
                      .head = remake->behind.head},
        };
        mcpz_error error = source->next(source->context, MCPZ_SCAN_ACTOR, is_first, record);
        if (error != MCPZ_ENOTFOUND) {
            remake->behind = (struct mcpz_tip){record->delta.delta.seq, record->delta.head};
            return error;
        }
        remake->rest_at++;
        remake->behind = (struct mcpz_tip){.seq = 0};
    }
    mcpz_error error = set_cuts(remake, &remake->cuts);
    return error == MCPZ_OK ? MCPZ_ENOTFOUND : error;
}

mcpz_error mcpz_remake_next(struct mcpz_remake *remake, const struct mcpz_store *source)
{
    const struct mcpz_store *made = mcpz_replay_store(remake->replay);
    struct mcpz_record record;

    mcpz_error error = mcpz_branches_next(&remake->walk, source, &record);
    if (error == MCPZ_ENOTFOUND && remake->rest.count > 0) {
        error = remake->is_rest ? MCPZ_OK : begin_rest(remake);
        if (error == MCPZ_OK) {
            error = next_of_rest(remake, source, &record);
        }
    }
    if (error == MCPZ_OK) {
        error = mcpz_replay_apply(remake->replay, &record.delta.delta);
        made->remove(made->context, &record); /* nothing of it is looked at again */
    }
    return error;
}
