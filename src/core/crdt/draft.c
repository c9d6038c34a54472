#include "core/crdt/draft.h"

#include <assert.h>
#include <string.h>

#include "core/crdt/clock.h"

uint64_t mcpz_draft_own_seq(const struct mcpz_writer *writer)
{
    const struct mcpz_clock *clock = &writer->document->clock;
    return mcpz_clock_get(clock->versions, clock->count, &writer->actor);
}

/*
 * What a delta says that we have seen of others: what we have named once we go on naming, as what
 * one has seen only grows (crdt 1.4, V5). It may be a branch of one that contradicts itself, or
 * one that is not here any more, as another one was signed by all.
 */
static mcpz_error name_past(const struct mcpz_writer *writer, const struct mcpz_version *own,
                            struct mcpz_clock *past)
{
    const struct mcpz_document *document = writer->document;
    struct mcpz_record before = {.kind = MCPZ_RECORD_DELTA};

    *past = document->clock;
    mcpz_clock_forget(past, &writer->actor);
    for (size_t i = 0; i < past->count && writer->closes > 0; i++) {
        struct mcpz_version *seen = &past->versions[i];
        if (mcpz_id_equal(&seen->actor.node, &writer->actor.node) &&
            seen->actor.generation == writer->closes) {
            seen->seq |= MCPZ_SEQ_CLOSED; /* those before it are named, too */
        }
    }
    if (past->count + document->cuts.count == 0 || own == NULL) {
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
        if (mcpz_clock_has(past->versions, past->count, seen)) {
            continue;
        }
        mcpz_clock_forget(past, &seen->actor);
        if (!mcpz_clock_advance(past, seen)) {
            return MCPZ_ECORRUPT; /* document.c: cuts and versions are no more actors than that */
        }
    }
    return MCPZ_OK;
}

/* Store what is in the draft, and tell of it. */
static mcpz_error write_delta(struct mcpz_draft *draft)
{
    struct mcpz_writer *writer = draft->writer;
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
    draft->untold = draft->untold || !mcpz_mail_delta(writer->mail, NULL, NULL, &delta);
    return MCPZ_OK;
}

/* ---- Putting it together ------------------------------------------------------------------ */

void mcpz_draft_init(struct mcpz_draft *draft, struct mcpz_writer *writer, bool is_trial)
{
    draft->writer = writer;
    draft->is_trial = is_trial;
    draft->untold = false;
    draft->change_count = 0;
    draft->add_count = 0;
    draft->remove_count = 0;
}

mcpz_error mcpz_draft_flush(struct mcpz_draft *draft)
{
    mcpz_error error = MCPZ_OK;

    if (!draft->is_trial && draft->add_count + draft->remove_count > 0) {
        error = write_delta(draft);
    }
    draft->add_count = 0;
    draft->remove_count = 0;
    return error;
}

mcpz_error mcpz_draft_close(struct mcpz_draft *draft)
{
    assert(draft->writer->closes > 0);
    assert(draft->add_count + draft->remove_count == 0);

    return write_delta(draft);
}

mcpz_error mcpz_draft_add(struct mcpz_draft *draft, const struct mcpz_add *add)
{
    mcpz_error error = draft->add_count == MCPZ_DELTA_ADDS_MAX ? mcpz_draft_flush(draft) : MCPZ_OK;

    if (error != MCPZ_OK) {
        return error;
    }
    assert(add->value.length > 0 && add->value.length <= MCPZ_VALUE_BYTES_MAX);
    uint8_t *value = draft->values[draft->add_count];
    memcpy(value, add->value.data, add->value.length);
    draft->adds[draft->add_count++] =
        (struct mcpz_add){add->type, add->path, mcpz_bytes(value, add->value.length)};
    draft->change_count++;
    return MCPZ_OK;
}

mcpz_error mcpz_draft_remove(struct mcpz_draft *draft, const struct mcpz_record_entry *entry)
{
    mcpz_error error =
        draft->remove_count == MCPZ_DELTA_REMOVES_MAX ? mcpz_draft_flush(draft) : MCPZ_OK;

    if (error != MCPZ_OK) {
        return error;
    }
    draft->removes[draft->remove_count++] =
        (struct mcpz_remove){.type = entry->type, .path = entry->path, .dot = entry->dot};
    draft->change_count++;
    return MCPZ_OK;
}

void mcpz_draft_tell(const struct mcpz_draft *draft)
{
    const struct mcpz_writer *writer = draft->writer;

    if (draft->untold) {
        uint64_t digest = mcpz_document_digest_of(writer->document);
        /* Without room for even this, the next comparison tells them. */
        (void)mcpz_mail_offer(writer->mail, NULL, &writer->document->id, digest);
    }
}
