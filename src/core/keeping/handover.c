#include "core/keeping/handover.h"

#include <assert.h>

#include "core/crdt/document.h"
#include "core/keeping/along.h"
#include "core/keeping/step.h"

/* ---- Offering ----------------------------------------------------------------------------- */

/* Ask those who have not said that they have it. */
static void offer(struct mcpz_keeping_step *step, struct mcpz_handing *handing)
{
    struct mcpz_document document;

    handing->again_us = step->now + MCPZ_HANDOVER_AGAIN_US;
    handing->tries++;
    handing->quick = 0;
    if (!mcpz_along_load(step, &handing->document, &document)) {
        return;
    }
    if (handing->tries > MCPZ_HANDOVER_TRIES_MAX ||
        mcpz_document_digest_of(&document) != handing->digest) {
        handing->used = false; /* with the next walk, as it is then */
        return;
    }
    for (size_t i = 0; i < handing->owner_count; i++) {
        if (!handing->has[i] && mcpz_keeping_is_linked(step, &handing->owners[i])) {
            mcpz_along_offer(step, &document, &handing->owners[i]);
        } else if (!handing->has[i]) {
            mcpz_keeping_reach(step, &handing->owners[i]);
        }
    }
    step->keeping->handover.offered++;
}

static bool is_offered(const struct mcpz_handover *handover, const struct mcpz_id *document)
{
    for (size_t i = 0; i < MCPZ_HANDOVERS_MAX; i++) {
        if (handover->handings[i].used &&
            mcpz_id_equal(&handover->handings[i].document, document)) {
            return true;
        }
    }
    return false;
}

/* False: there is no place for one more. */
static bool begin(struct mcpz_keeping_step *step, const struct mcpz_record_document *document)
{
    struct mcpz_handover *handover = &step->keeping->handover;

    for (size_t i = 0; i < MCPZ_HANDOVERS_MAX; i++) {
        struct mcpz_handing *handing = &handover->handings[i];
        if (handing->used) {
            continue;
        }
        *handing = (struct mcpz_handing){
            .used = true, .document = document->id, .digest = mcpz_document_digest(document)};
        handing->owner_count =
            mcpz_layouts_owners(step->below->layouts, &handing->document, handing->owners);
        offer(step, handing);
        return true;
    }
    return false;
}

/* Look at some more documents, for one that is not ours. */
static void walk(struct mcpz_keeping_step *step)
{
    const struct mcpz_store *store = step->keeping->store;
    struct mcpz_handover *handover = &step->keeping->handover;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                 .document = {.id = handover->after}};

    handover->walk_at_us = step->now + MCPZ_HANDOVER_WALK_US;
    for (size_t i = 0; i < MCPZ_HANDOVER_SCAN_MAX; i++) {
        const mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK) {
            step->keeping->store_failures += error != MCPZ_ENOTFOUND ? 1 : 0;
            handover->after = (struct mcpz_id){{0}};
            handover->walk_at_us = step->now + MCPZ_HANDOVER_PAUSE_US;
            return;
        }
        const struct mcpz_id id = record.document.id;
        if (!mcpz_layouts_keeps(step->below->layouts, &step->keeping->self, &id) &&
            !is_offered(handover, &id) && !begin(step, &record.document)) {
            return; /* on from here when one is done */
        }
        handover->after = id;
    }
}

void mcpz_handover_run(struct mcpz_keeping_step *step)
{
    struct mcpz_handover *handover = &step->keeping->handover;

    if (!mcpz_layouts_are_in_force(step->below->layouts)) {
        handover->walk_at_us = 0;
        return;
    }
    if (handover->walk_at_us <= step->now) {
        walk(step);
    }
    for (size_t i = 0; i < MCPZ_HANDOVERS_MAX; i++) {
        struct mcpz_handing *handing = &handover->handings[i];
        if (handing->used && handing->again_us <= step->now) {
            offer(step, handing);
        }
    }
}

mcpz_time mcpz_handover_deadline(const struct mcpz_handover *handover)
{
    mcpz_time deadline = handover->walk_at_us;

    if (deadline == 0) {
        return MCPZ_TIME_NEVER; /* nothing is let go of now */
    }
    for (size_t i = 0; i < MCPZ_HANDOVERS_MAX; i++) {
        if (handover->handings[i].used) {
            deadline = mcpz_time_min(deadline, handover->handings[i].again_us);
        }
    }
    return deadline;
}

/* ---- What owners say ---------------------------------------------------------------------- */

void mcpz_handover_on_offer(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                            const struct mcpz_msg_handover *offer)
{
    const struct mcpz_along along = {.document = offer->document,
                                     .versions = offer->versions,
                                     .version_count = offer->version_count,
                                     .cuts = offer->cuts,
                                     .cut_count = offer->cut_count};
    struct mcpz_document document;

    if (!mcpz_along_is_valid(&along) ||
        !mcpz_layouts_keeps(step->below->layouts, &step->keeping->self, &offer->document) ||
        !mcpz_along_load(step, &offer->document, &document)) {
        return;
    }
    if (mcpz_along_lacks(step, &document, &along)) {
        (void)mcpz_mail_want(&step->mail, from, &document);
        return;
    }
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_HANDED,
                                 .handed = {.document = offer->document, .digest = offer->digest}};
    mcpz_outbox_send(step->out, from, &msg);
    step->out->actions[step->out->count - 1].durable = true;
}

static bool has_all(const struct mcpz_handing *handing)
{
    for (size_t i = 0; i < handing->owner_count; i++) {
        if (!handing->has[i]) {
            return false;
        }
    }
    return handing->owner_count > 0;
}

/* All owners have it: it goes, unless it is ours again, others' by now, or has changed. */
static void finish(struct mcpz_keeping_step *step, struct mcpz_handing *handing)
{
    struct mcpz_handover *handover = &step->keeping->handover;
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    struct mcpz_document document;

    handing->used = false;
    if (mcpz_layouts_keeps(step->below->layouts, &step->keeping->self, &handing->document) ||
        mcpz_layouts_owners(step->below->layouts, &handing->document, owners) !=
            handing->owner_count ||
        !mcpz_along_load(step, &handing->document, &document) || !document.exists ||
        mcpz_document_digest_of(&document) != handing->digest) {
        return;
    }
    for (size_t i = 0; i < handing->owner_count; i++) {
        if (!mcpz_id_equal(&owners[i], &handing->owners[i])) {
            return;
        }
    }
    assert(handover->gone_count < MCPZ_HANDOVERS_MAX);
    handover->gone[handover->gone_count++] = handing->document;
    handover->dropped++;
    handover->walk_at_us = step->now; /* there is a place for the next */
}

void mcpz_handover_on_want(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                           const struct mcpz_id *document)
{
    struct mcpz_handover *handover = &step->keeping->handover;

    for (size_t i = 0; i < MCPZ_HANDOVERS_MAX; i++) {
        struct mcpz_handing *handing = &handover->handings[i];
        struct mcpz_document ours;
        if (!handing->used || handing->quick >= MCPZ_HANDOVER_QUICK_MAX ||
            !mcpz_id_equal(&handing->document, document) ||
            !mcpz_along_load(step, document, &ours)) {
            continue;
        }
        for (size_t n = 0; n < handing->owner_count; n++) {
            if (!handing->has[n] && mcpz_id_equal(&handing->owners[n], from)) {
                handing->quick++;
                mcpz_along_offer(step, &ours, from);
            }
        }
    }
}

void mcpz_handover_on_handed(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                             const struct mcpz_msg_handed *handed)
{
    struct mcpz_handover *handover = &step->keeping->handover;

    for (size_t i = 0; i < MCPZ_HANDOVERS_MAX; i++) {
        struct mcpz_handing *handing = &handover->handings[i];
        if (!handing->used || handing->digest != handed->digest ||
            !mcpz_id_equal(&handing->document, &handed->document)) {
            continue;
        }
        for (size_t n = 0; n < handing->owner_count; n++) {
            handing->has[n] = handing->has[n] || mcpz_id_equal(&handing->owners[n], from);
        }
        if (has_all(handing)) {
            finish(step, handing);
        }
    }
}
