#include "core/crdt/install.h"

#include <string.h>

#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "core/crdt/floor.h"
#include "core/crdt/naming.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"
#include "core/crdt/shown.h"

/* ---- What has been seen ------------------------------------------------------------------- */

/* Move `joined` on to those of theirs that close lives, or to the others. */
static bool advance(const struct mcpz_checkpoint_head *theirs, bool closing,
                    struct mcpz_clock *joined)
{
    for (size_t i = 0; i < theirs->version_count; i++) {
        if (mcpz_version_closes(&theirs->versions[i]) == closing &&
            !mcpz_clock_advance(joined, &theirs->versions[i])) {
            return false;
        }
    }
    return true;
}

/* What both sides have seen together. */
static mcpz_error join_clocks(const struct mcpz_clock *ours,
                              const struct mcpz_checkpoint_head *theirs, bool brings_more,
                              struct mcpz_clock *joined)
{
    *joined = *ours;
    for (size_t i = 0; i < theirs->version_count; i++) {
        const struct mcpz_version *version = &theirs->versions[i];
        const struct mcpz_version *known =
            mcpz_clock_find(ours->versions, ours->count, &version->actor);
        if (known != NULL && known->seq == version->seq && !mcpz_version_closes(known) &&
            mcpz_actor_compare(&known->actor, &version->actor) == 0 &&
            !mcpz_head_equal(&known->head, &version->head)) {
            return MCPZ_ECONFLICT;
        }
        brings_more = brings_more || !mcpz_clock_has(ours->versions, ours->count, version);
    }
    /* What is closed makes room. */
    if (!advance(theirs, true, joined) || !advance(theirs, false, joined)) {
        return MCPZ_EFULL;
    }
    return brings_more ? MCPZ_OK : MCPZ_ENOTFOUND;
}

/* No branches of ours begin within the checkpoint: those that are above it stay as they are. */
static bool is_below_cuts(const struct mcpz_checkpoint_head *theirs, const struct mcpz_cuts *ours)
{
    for (size_t i = 0; i < ours->count; i++) {
        const struct mcpz_cut *cut = &ours->cuts[i];
        if (mcpz_clock_get(theirs->versions, theirs->version_count, &cut->actor) >= cut->seq) {
            return false;
        }
    }
    return true;
}

/* Who is cut in either. False: of somebody there are other branches here than there. */
static bool join_cuts(const struct mcpz_document *ours, const struct mcpz_checkpoint_head *theirs,
                      struct mcpz_document *joined, bool *brings_more)
{
    const struct mcpz_seen seen = mcpz_seen_of(&ours->clock, &ours->cuts);

    for (size_t i = 0; i < theirs->cut_count; i++) {
        const struct mcpz_cut *cut = &theirs->cuts[i];
        if (mcpz_floor_has_cut(&seen, cut)) {
            continue;
        }
        if (mcpz_cuts_find(ours->cuts.cuts, ours->cuts.count, &cut->actor) != NULL ||
            mcpz_clock_get(ours->clock.versions, ours->clock.count, &cut->actor) >= cut->seq ||
            joined->cuts.count == MCPZ_ACTORS_MAX) {
            return false;
        }
        mcpz_cuts_put(&joined->cuts, cut);
        *brings_more = true;
    }
    return true;
}

static bool has_seen(const struct mcpz_version *versions, size_t count, const struct mcpz_dot *dot)
{
    return dot->seq <= mcpz_clock_get(versions, count, &dot->actor);
}

/* ---- Entries ------------------------------------------------------------------------------ */

/* Both sides walk in the order of paths, types and dots. */
static int compare(const struct mcpz_record_entry *a, const struct mcpz_record_entry *b)
{
    const size_t shorter = a->path.length < b->path.length ? a->path.length : b->path.length;
    const int order = memcmp(a->path.data, b->path.data, shorter);

    if (order != 0) {
        return order;
    }
    if (a->path.length != b->path.length) {
        return a->path.length < b->path.length ? -1 : 1;
    }
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    return mcpz_shown_compare_dots(&a->dot, &b->dot);
}

/* One walk through both. */
struct walk {
    const struct mcpz_store *store;
    const struct mcpz_document *document; /* as it was */
    const struct mcpz_checkpoint *checkpoint;
    struct mcpz_record ours;
    bool has_ours;
    struct mcpz_record_entry theirs;
    bool has_theirs;
    uint32_t count; /* of those that stay or come */
};

static mcpz_error next_ours(struct walk *walk, bool first)
{
    if (first) {
        walk->ours = (struct mcpz_record){.kind = MCPZ_RECORD_ENTRY,
                                          .entry = {.document = walk->document->id}};
    }
    mcpz_error error =
        walk->store->next(walk->store->context, MCPZ_SCAN_DOCUMENT, first, &walk->ours);
    walk->has_ours = error == MCPZ_OK;
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static mcpz_error next_theirs(struct walk *walk)
{
    mcpz_error error = walk->checkpoint->next(walk->checkpoint->context, &walk->theirs);

    walk->has_theirs = error == MCPZ_OK;
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Ours alone has it: it stays unless the other side has seen it, and so removed it. */
static void judge_ours(struct walk *walk)
{
    const struct mcpz_checkpoint_head *head = &walk->checkpoint->head;

    if (has_seen(head->versions, head->version_count, &walk->ours.entry.dot)) {
        walk->store->remove(walk->store->context, &walk->ours);
    } else {
        walk->count++;
    }
}

static void judge_theirs(struct walk *walk)
{
    const struct mcpz_clock *clock = &walk->document->clock;
    const struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY, .entry = walk->theirs};

    if (!has_seen(clock->versions, clock->count, &walk->theirs.dot)) {
        walk->store->put(walk->store->context, &record);
        walk->count++;
    }
}

static mcpz_error join_one(struct walk *walk)
{
    int order = walk->has_ours ? -1 : 1;
    mcpz_error error = MCPZ_OK;

    if (walk->has_ours && walk->has_theirs) {
        order = compare(&walk->ours.entry, &walk->theirs);
    }
    if (order == 0) {
        walk->count++;
    } else if (order < 0) {
        judge_ours(walk);
    } else {
        judge_theirs(walk);
    }
    if (order <= 0) {
        error = next_ours(walk, false);
    }
    return error == MCPZ_OK && order >= 0 ? next_theirs(walk) : error;
}

/* What cannot be read is found out before anything is written. */
static mcpz_error read_all(struct walk *walk)
{
    mcpz_error error = next_ours(walk, true);

    while (error == MCPZ_OK && walk->has_ours) {
        error = next_ours(walk, false);
    }
    return error;
}

static mcpz_error join_entries(struct walk *walk)
{
    mcpz_error error = read_all(walk);

    if (error == MCPZ_OK) {
        error = next_ours(walk, true);
    }
    if (error == MCPZ_OK) {
        error = next_theirs(walk);
    }
    while (error == MCPZ_OK && (walk->has_ours || walk->has_theirs)) {
        error = join_one(walk);
    }
    return error;
}

/* ---- What is shown of the reserved registers ---------------------------------------------- */

static mcpz_error read_shown(const struct mcpz_store *store, struct mcpz_document *document)
{
    struct mcpz_shown life;
    struct mcpz_shown id;
    struct mcpz_naming naming;
    struct mcpz_bytes text;

    mcpz_error error =
        mcpz_shown_find(store, &document->id, mcpz_paths_life, MCPZ_ENTRY_FENCED, &life);
    if (error == MCPZ_OK) {
        error = mcpz_shown_find(store, &document->id, mcpz_paths_id, MCPZ_ENTRY_REGISTER, &id);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    document->deleted = life.is_there && mcpz_number_text_decode(life.value, &text) &&
                        mcpz_bytes_equal(text, mcpz_text(MCPZ_LIFE_DELETED));
    bool is_named = id.is_there && mcpz_naming_read(id.value, &naming);
    document->name = is_named ? naming.name : mcpz_bytes(NULL, 0);
    return MCPZ_OK;
}

/* Whose it is must be known before the first entry is put: it is sealed for them. */
static void take_tenant(const struct mcpz_store *store, struct mcpz_document *document,
                        const struct mcpz_checkpoint_head *head)
{
    if (document->tenant.length == 0) {
        document->tenant = head->tenant;
    }
    if (!document->exists) {
        mcpz_document_store(store, document);
    }
}

mcpz_error mcpz_install(const struct mcpz_store *store, struct mcpz_document *document,
                        const struct mcpz_checkpoint *checkpoint)
{
    struct mcpz_document after = *document;
    struct walk walk = {.store = store, .document = document, .checkpoint = checkpoint};

    bool brings_more = false;

    if (!is_below_cuts(&checkpoint->head, &document->cuts) ||
        !join_cuts(document, &checkpoint->head, &after, &brings_more)) {
        return MCPZ_ECONFLICT;
    }
    mcpz_error error = join_clocks(&document->clock, &checkpoint->head, brings_more, &after.clock);
    if (error == MCPZ_OK && !mcpz_document_has_places(&after)) {
        error = MCPZ_EFULL;
    }
    if (error == MCPZ_OK) {
        take_tenant(store, &after, &checkpoint->head);
        error = join_entries(&walk);
    }
    if (error == MCPZ_OK) {
        error = read_shown(store, &after);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    after.exists = true;
    after.entry_count = walk.count;
    after.hlc = checkpoint->head.hlc > after.hlc ? checkpoint->head.hlc : after.hlc;
    mcpz_document_store(store, &after);
    *document = after;
    return MCPZ_OK;
}
