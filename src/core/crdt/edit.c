#include "core/crdt/edit.h"

#include <assert.h>

#include "core/crdt/clock.h"

struct mcpz_outcome mcpz_edit_store_failed(void)
{
    return (struct mcpz_outcome){MCPZ_CODE_STORE_FAILED, "the store cannot be read; see the log"};
}

/* A delta being put together. */
struct draft {
    const struct mcpz_add *adds;
    size_t add_count;
    struct mcpz_remove removes[MCPZ_DELTA_REMOVES_MAX];
    size_t remove_count;
};

static const struct mcpz_outcome ok = {.code = MCPZ_CODE_OK, .text = ""};

/* ---- Writing deltas ----------------------------------------------------------------------- */

uint64_t mcpz_edit_own_seq(const struct mcpz_writer *writer)
{
    const struct mcpz_clock *clock = &writer->document->clock;
    return mcpz_clock_get(clock->versions, clock->count, &writer->actor);
}

/*
 * What a delta says that we have seen of others. Of one that contradicts itself we go on naming
 * what we have named before we knew, as what one has seen only grows (crdt 1.4, V5).
 */
static mcpz_error name_past(const struct mcpz_writer *writer, const struct mcpz_version *own,
                            struct mcpz_clock *past)
{
    const struct mcpz_document *document = writer->document;
    struct mcpz_record before = {.kind = MCPZ_RECORD_DELTA};

    *past = document->clock;
    mcpz_clock_forget(past, &writer->actor);
    if (document->cuts.count == 0 || own == NULL) {
        return MCPZ_OK;
    }
    before.delta = (struct mcpz_record_delta){
        .delta = {.document = document->id, .actor = writer->actor, .seq = own->seq},
        .head = own->head,
    };
    mcpz_error error = writer->store->get(writer->store->context, &before);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error; /* folded into a checkpoint */
    }
    for (size_t i = 0; i < before.delta.delta.version_count; i++) {
        const struct mcpz_version *seen = &before.delta.delta.versions[i];
        if (mcpz_cuts_is_tainted(&document->cuts, &seen->actor, seen->seq) &&
            !mcpz_clock_advance(past, seen)) {
            return MCPZ_ECORRUPT; /* document.c: cuts and versions are no more actors than that */
        }
    }
    return MCPZ_OK;
}

/* Store what is in the draft and start the next. `*untold`: it was not broadcast. */
static mcpz_error flush(struct mcpz_writer *writer, struct draft *draft, bool *untold)
{
    struct mcpz_document *document = writer->document;
    struct mcpz_clock past;
    uint64_t hlc = *writer->hlc;
    const struct mcpz_version *own =
        mcpz_clock_find(document->clock.versions, document->clock.count, &writer->actor);
    struct mcpz_id delta_id;

    mcpz_error error = name_past(writer, own, &past);
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_delta delta = {
        .document = document->id,
        .actor = writer->actor,
        .seq = own != NULL ? own->seq + 1 : 1,
        .prev = own != NULL ? own->head : (struct mcpz_head){{0}},
        .hlc = mcpz_clock_tick(&hlc, writer->wall_ms, document->hlc),
        .versions = past.versions,
        .version_count = past.count,
        .adds = draft->adds,
        .add_count = draft->add_count,
        .removes = draft->removes,
        .remove_count = draft->remove_count,
    };
    assert(mcpz_document_delta_is_valid(&delta));

    writer->store->delta_id(writer->store->context, &delta, &delta_id);
    error = mcpz_document_apply(writer->store, document, &delta, &delta_id, writer->wall_ms);
    if (error != MCPZ_OK) {
        return error;
    }
    *writer->hlc = hlc;
    writer->delta_count++;

    /* Once one is held back, those after it would come too early: hold them back as well. */
    *untold = *untold || !mcpz_mail_delta(writer->mail, NULL, NULL, &delta);
    draft->add_count = 0;
    draft->remove_count = 0;
    return MCPZ_OK;
}

static bool is_of_this_write(const struct mcpz_writer *writer, uint64_t seq_before,
                             const struct mcpz_dot *dot)
{
    return dot->seq > seq_before && mcpz_actor_compare(&dot->actor, &writer->actor) == 0;
}

/* Note that `entry` goes; a draft that is full is flushed before. */
static mcpz_error take_out(struct mcpz_writer *writer, struct draft *draft,
                           const struct mcpz_record_entry *entry, bool *untold)
{
    if (draft->remove_count == MCPZ_DELTA_REMOVES_MAX) {
        mcpz_error error = flush(writer, draft, untold);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    draft->removes[draft->remove_count++] =
        (struct mcpz_remove){.type = entry->type, .path = entry->path, .dot = entry->dot};
    return MCPZ_OK;
}

static mcpz_error write_deltas(struct mcpz_writer *writer, const struct mcpz_edit *edit,
                               bool *untold)
{
    struct draft draft = {.adds = edit->adds, .add_count = edit->add_count};
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;
    const uint64_t seq_before = mcpz_edit_own_seq(writer);

    mcpz_finder_init(&finder, writer->store, &edit->query);
    mcpz_error error = mcpz_finder_next(&finder, &entry);
    while (error == MCPZ_OK) {
        if (!is_of_this_write(writer, seq_before, &entry.dot)) {
            error = take_out(writer, &draft, &entry, untold);
        }
        if (error == MCPZ_OK) {
            error = mcpz_finder_next(&finder, &entry);
        }
    }
    /* Only the finder runs out. */
    return error == MCPZ_ENOTFOUND ? flush(writer, &draft, untold) : error;
}

/* ---- Looking before writing --------------------------------------------------------------- */

static mcpz_error count_found(const struct mcpz_writer *writer, const struct mcpz_edit *edit,
                              size_t *count)
{
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;
    *count = 0;

    mcpz_finder_init(&finder, writer->store, &edit->query);
    mcpz_error error = mcpz_finder_next(&finder, &entry);
    while (error == MCPZ_OK) {
        (*count)++;
        error = mcpz_finder_next(&finder, &entry);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static struct mcpz_outcome check_limits(const struct mcpz_writer *writer,
                                        const struct mcpz_edit *edit, size_t found)
{
    const struct mcpz_document *document = writer->document;

    if (!mcpz_document_has_place(document, &writer->actor)) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT,
                                "too many nodes have written to this agent (limit 32)");
    }
    /* What does not grow is always allowed: merging may have brought more than the limit. */
    if (edit->add_count > found &&
        document->entry_count + edit->add_count - found > MCPZ_ENTRIES_MAX) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "the agent holds too many entries (limit 4096)");
    }
    return ok;
}

static_assert(MCPZ_ACTORS_MAX == 32, "the text in check_limits() names it");
static_assert(MCPZ_ENTRIES_MAX == 4096, "the text in check_limits() names it");

struct mcpz_outcome mcpz_edit_carry_out(struct mcpz_writer *writer, const struct mcpz_edit *edit)
{
    size_t found;
    if (count_found(writer, edit, &found) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (found == 0 && edit->must_find) {
        return mcpz_edit_refuse(MCPZ_CODE_NOT_FOUND, "there is nothing to remove");
    }
    struct mcpz_outcome outcome = check_limits(writer, edit, found);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }

    bool untold = false;
    if (write_deltas(writer, edit, &untold) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (untold) {
        uint64_t digest = mcpz_document_digest_of(writer->document);
        /* Without room for even this, the next comparison tells them. */
        (void)mcpz_mail_offer(writer->mail, NULL, &writer->document->id, digest);
    }
    return ok;
}
