#include "core/keeping/hints.h"

#include <assert.h>

#include "base/clear.h"
#include "core/keeping/along.h"
#include "core/keeping/step.h"

/* ---- Owners ------------------------------------------------------------------------------- */

static struct mcpz_hinted *find(struct mcpz_hints *hints, const struct mcpz_id *owner)
{
    for (size_t i = 0; i < MCPZ_HINT_OWNERS_MAX; i++) {
        if (hints->owners[i].count > 0 && mcpz_id_equal(&hints->owners[i].owner, owner)) {
            return &hints->owners[i];
        }
    }
    return NULL;
}

static struct mcpz_hinted *find_or_add(struct mcpz_hints *hints, const struct mcpz_id *owner)
{
    struct mcpz_hinted *hinted = find(hints, owner);

    for (size_t i = 0; i < MCPZ_HINT_OWNERS_MAX && hinted == NULL; i++) {
        if (hints->owners[i].count == 0) {
            hinted = &hints->owners[i];
            *hinted = (struct mcpz_hinted){.owner = *owner, .oldest_ms = UINT64_MAX};
        }
    }
    return hinted;
}

const struct mcpz_hinted *mcpz_hints_find(const struct mcpz_hints *hints,
                                          const struct mcpz_id *node)
{
    for (size_t i = 0; i < MCPZ_HINT_OWNERS_MAX; i++) {
        if (hints->owners[i].count > 0 && mcpz_id_equal(&hints->owners[i].owner, node)) {
            return &hints->owners[i];
        }
    }
    return NULL;
}

static void count_in(struct mcpz_hints *hints, struct mcpz_hinted *hinted,
                     const struct mcpz_record_hint *hint)
{
    hinted->count++;
    hinted->bytes += hint->bytes;
    hinted->oldest_ms = hint->since_ms < hinted->oldest_ms ? hint->since_ms : hinted->oldest_ms;
    hints->count++;
}

static bool is_same(const struct mcpz_record_hint *a, const struct mcpz_record_hint *b)
{
    return a->since_ms == b->since_ms && mcpz_id_equal(&a->owner, &b->owner) &&
           mcpz_id_equal(&a->document, &b->document);
}

static void remove_hint(struct mcpz_hints *hints, const struct mcpz_store *store,
                        const struct mcpz_record_hint *hint)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_HINT, .hint = *hint};
    struct mcpz_hinted *hinted = find(hints, &hint->owner);

    store->remove(store->context, &record);
    for (size_t i = 0; i < MCPZ_HINT_RECENT_MAX; i++) {
        if (is_same(&hints->recent[i], hint)) {
            hints->recent[i] = (struct mcpz_record_hint){.since_ms = 0};
        }
    }
    assert(hinted != NULL && hints->count > 0);
    hinted->count--;
    hinted->bytes -= hint->bytes < hinted->bytes ? hint->bytes : hinted->bytes;
    hints->count--;
}

uint64_t mcpz_hints_init(struct mcpz_hints *hints, const struct mcpz_store *store)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_HINT};
    mcpz_error error;

    mcpz_clear(hints, sizeof(*hints));
    while ((error = store->next(store->context, MCPZ_SCAN_KIND, false, &record)) == MCPZ_OK) {
        struct mcpz_hinted *hinted = find_or_add(hints, &record.hint.owner);
        if (hinted == NULL || hints->count == MCPZ_HINTS_MAX) {
            break; /* nobody keeps more: of a program with other bounds */
        }
        count_in(hints, hinted, &record.hint);
    }
    return error == MCPZ_OK || error == MCPZ_ENOTFOUND ? 0 : 1;
}

uint64_t mcpz_hints_recover(struct mcpz_hints *hints, const struct mcpz_store *store,
                            mcpz_time now)
{
    const uint64_t kept = hints->kept;
    const uint64_t delivered = hints->delivered;
    const uint64_t expired = hints->expired;
    const uint64_t refused = hints->refused;
    const uint64_t failures = mcpz_hints_init(hints, store);

    hints->kept = kept;
    hints->delivered = delivered;
    hints->expired = expired;
    hints->refused = refused;
    hints->look_at_us = now + MCPZ_HINT_LOOK_US; /* at once it would fail again on a full disk */
    hints->offer_at_us = now + MCPZ_HINT_AGAIN_US;
    return failures;
}

/* ---- Making them -------------------------------------------------------------------------- */

/* Is the write within a hint that has just been made? */
static bool is_recent(const struct mcpz_hints *hints, const struct mcpz_id *owner,
                      const struct mcpz_id *document)
{
    for (size_t i = 0; i < MCPZ_HINT_RECENT_MAX; i++) {
        const struct mcpz_record_hint *recent = &hints->recent[i];
        if (recent->since_ms != 0 && mcpz_id_equal(&recent->document, document) &&
            mcpz_id_equal(&recent->owner, owner)) {
            return true;
        }
    }
    return false;
}

void mcpz_hints_note(struct mcpz_keeping_step *step, const struct mcpz_id *owner,
                     const struct mcpz_id *document, size_t bytes)
{
    struct mcpz_hints *hints = &step->keeping->hints;
    const struct mcpz_store *store = step->keeping->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_HINT,
                                 .hint = {.owner = *owner,
                                          .since_ms = step->wall_ms > 0 ? step->wall_ms : 1,
                                          .document = *document,
                                          .bytes = bytes}};

    if (is_recent(hints, owner, document) ||
        mcpz_members_is_revoked(&step->below->fabric->members, owner)) {
        return;
    }
    struct mcpz_hinted *hinted = find_or_add(hints, owner);
    if (hinted == NULL || hints->count >= MCPZ_HINTS_MAX ||
        hinted->bytes + bytes > MCPZ_HINT_BYTES_MAX) {
        hints->refused++;
        return;
    }
    struct mcpz_record there = record;
    if (store->get(store->context, &there) == MCPZ_OK) {
        return; /* of the same moment */
    }
    store->put(store->context, &record);
    count_in(hints, hinted, &record.hint);
    hints->recent[hints->recent_next] = record.hint;
    hints->recent_next = (hints->recent_next + 1) % MCPZ_HINT_RECENT_MAX;
    hints->kept++;
}

/* ---- Delivering --------------------------------------------------------------------------- */

/* Nothing is offered to `owner` for a while. */
static void rest(struct mcpz_keeping_step *step, const struct mcpz_id *owner)
{
    struct mcpz_hints *hints = &step->keeping->hints;
    struct mcpz_hinted *hinted = find(hints, owner);

    for (size_t i = 0; i < MCPZ_HINTS_AT_ONCE; i++) {
        struct mcpz_hint_offer *offer = &hints->offers[i];
        offer->used = offer->used && !mcpz_id_equal(&offer->hint.owner, owner);
    }
    if (hinted != NULL) {
        hinted->rest_until_us = step->now + MCPZ_HINT_REST_US;
    }
}

/* Offer it, or see that it has come to nothing. */
static void offer_one(struct mcpz_keeping_step *step, struct mcpz_hint_offer *offer)
{
    struct mcpz_hints *hints = &step->keeping->hints;
    struct mcpz_document document;

    offer->again_us = step->now + MCPZ_HINT_AGAIN_US;
    if (!mcpz_along_load(step, &offer->hint.document, &document)) {
        return;
    }
    if (!document.exists ||
        !mcpz_layouts_keeps(step->below->layouts, &offer->hint.owner, &offer->hint.document)) {
        remove_hint(hints, step->keeping->store, &offer->hint); /* others', or forgotten here */
        offer->used = false;
        return;
    }
    offer->digest = mcpz_document_digest_of(&document);
    mcpz_along_offer(step, &document, &offer->hint.owner);
}

static bool is_offered(const struct mcpz_hints *hints, const struct mcpz_record_hint *hint)
{
    for (size_t i = 0; i < MCPZ_HINTS_AT_ONCE; i++) {
        if (hints->offers[i].used && is_same(&hints->offers[i].hint, hint)) {
            return true;
        }
    }
    return false;
}

/* The next hint of an owner behind the last that was offered. False: there is none. */
static bool next_hint(struct mcpz_keeping_step *step, struct mcpz_hinted *hinted,
                      struct mcpz_record_hint *hint)
{
    const struct mcpz_store *store = step->keeping->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_HINT, .hint = hinted->last};

    record.hint.owner = hinted->owner;
    const mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
    step->keeping->store_failures += error != MCPZ_OK && error != MCPZ_ENOTFOUND ? 1 : 0;
    if (error != MCPZ_OK || !mcpz_id_equal(&record.hint.owner, &hinted->owner)) {
        hinted->last = (struct mcpz_record_hint){.since_ms = 0}; /* from the start, then */
        return false;
    }
    hinted->last = record.hint;
    *hint = record.hint;
    return true;
}

/* Offer more to an owner that is back, as long as there is room. */
static void deliver_to(struct mcpz_keeping_step *step, struct mcpz_hinted *hinted)
{
    struct mcpz_hints *hints = &step->keeping->hints;
    const bool is_linked = mcpz_keeping_is_linked(step, &hinted->owner);
    struct mcpz_record_hint hint;

    if (!is_linked) {
        rest(step, &hinted->owner); /* what was offered is offered again */
        hinted->rest_until_us = 0;
        hinted->was_linked = false;
        mcpz_keeping_reach(step, &hinted->owner);
        return;
    }
    if (!hinted->was_linked) {
        hinted->was_linked = true;
        hinted->rest_until_us = 0;
        hinted->last = (struct mcpz_record_hint){.since_ms = 0};
    }
    for (size_t i = 0;
         i < MCPZ_HINTS_AT_ONCE && hinted->count > 0 && hinted->rest_until_us <= step->now; i++) {
        struct mcpz_hint_offer *offer = &hints->offers[i];
        if (offer->used) {
            continue;
        }
        if (!next_hint(step, hinted, &hint)) {
            return;
        }
        if (!is_offered(hints, &hint)) {
            *offer = (struct mcpz_hint_offer){.used = true, .hint = hint, .tries = 1};
            offer_one(step, offer);
        }
    }
}

static void offer_again(struct mcpz_keeping_step *step)
{
    struct mcpz_hints *hints = &step->keeping->hints;

    for (size_t i = 0; i < MCPZ_HINTS_AT_ONCE; i++) {
        struct mcpz_hint_offer *offer = &hints->offers[i];
        if (!offer->used || offer->again_us > step->now) {
            continue;
        }
        if (offer->tries == MCPZ_HINT_TRIES_MAX) {
            rest(step, &offer->hint.owner);
            continue;
        }
        offer->tries++;
        offer->quick = 0;
        offer_one(step, offer);
    }
}

/* Was it taken out of all layouts? It is to keep nothing, and so has missed nothing. */
static bool is_out(const struct mcpz_keeping_step *step, const struct mcpz_id *owner)
{
    const struct mcpz_layouts *layouts = step->below->layouts;

    return (mcpz_layouts_any(layouts) &&
            mcpz_layout_history_tracker(&layouts->history, owner) == NULL) ||
           mcpz_members_is_revoked(&step->below->fabric->members, owner);
}

static bool is_old(const struct mcpz_keeping_step *step, uint64_t since_ms)
{
    return step->wall_ms >= since_ms + MCPZ_HINT_AGE_MS;
}

/* Remove what is too old of one owner, or all of it if that is none any more. */
static void expire(struct mcpz_keeping_step *step, struct mcpz_hinted *hinted)
{
    struct mcpz_hints *hints = &step->keeping->hints;
    const struct mcpz_store *store = step->keeping->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_HINT, .hint = {.owner = hinted->owner}};
    const bool is_all = is_out(step, &hinted->owner);

    for (size_t i = 0; i < MCPZ_HINT_SCAN_MAX && hinted->count > 0; i++) {
        if (store->next(store->context, MCPZ_SCAN_KIND, false, &record) != MCPZ_OK ||
            !mcpz_id_equal(&record.hint.owner, &hinted->owner)) {
            return;
        }
        hinted->oldest_ms = record.hint.since_ms;
        if (!is_all && !is_old(step, record.hint.since_ms)) {
            return;
        }
        for (size_t n = 0; n < MCPZ_HINTS_AT_ONCE; n++) {
            struct mcpz_hint_offer *offer = &hints->offers[n];
            offer->used = offer->used && !is_same(&offer->hint, &record.hint);
        }
        remove_hint(hints, store, &record.hint);
        hints->expired++;
    }
    hints->look_at_us = step->now; /* there may be more */
}

void mcpz_hints_run(struct mcpz_keeping_step *step)
{
    struct mcpz_hints *hints = &step->keeping->hints;

    if (hints->count == 0) {
        return;
    }
    if (hints->look_at_us <= step->now) {
        hints->look_at_us = step->now + MCPZ_HINT_LOOK_US;
        for (size_t i = 0; i < MCPZ_HINT_OWNERS_MAX; i++) {
            struct mcpz_hinted *hinted = &hints->owners[i];
            if (hinted->count > 0 &&
                (is_old(step, hinted->oldest_ms) || is_out(step, &hinted->owner))) {
                expire(step, hinted);
            }
        }
    }
    offer_again(step);
    if (hints->offer_at_us <= step->now) {
        hints->offer_at_us = step->now + MCPZ_HINT_AGAIN_US;
        for (size_t i = 0; i < MCPZ_HINT_OWNERS_MAX; i++) {
            if (hints->owners[i].count > 0) {
                deliver_to(step, &hints->owners[i]);
            }
        }
    }
}

void mcpz_hints_on_linked(struct mcpz_keeping_step *step)
{
    step->keeping->hints.offer_at_us = 0;
}

void mcpz_hints_on_want(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                        const struct mcpz_id *document)
{
    struct mcpz_hints *hints = &step->keeping->hints;

    for (size_t i = 0; i < MCPZ_HINTS_AT_ONCE; i++) {
        struct mcpz_hint_offer *offer = &hints->offers[i];
        if (offer->used && offer->quick < MCPZ_HINT_QUICK_MAX &&
            mcpz_id_equal(&offer->hint.document, document) &&
            mcpz_id_equal(&offer->hint.owner, from)) {
            offer->quick++;
            offer->tries = 1; /* it answers */
            offer_one(step, offer);
        }
    }
}

void mcpz_hints_on_handed(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                          const struct mcpz_msg_handed *handed)
{
    struct mcpz_hints *hints = &step->keeping->hints;

    for (size_t i = 0; i < MCPZ_HINTS_AT_ONCE; i++) {
        struct mcpz_hint_offer *offer = &hints->offers[i];
        if (offer->used && offer->digest == handed->digest &&
            mcpz_id_equal(&offer->hint.document, &handed->document) &&
            mcpz_id_equal(&offer->hint.owner, from)) {
            offer->used = false;
            remove_hint(hints, step->keeping->store, &offer->hint);
            hints->delivered++;
            hints->offer_at_us = mcpz_time_min(hints->offer_at_us, step->now + MCPZ_HINT_PAUSE_US);
        }
    }
}

mcpz_time mcpz_hints_deadline(const struct mcpz_hints *hints)
{
    mcpz_time deadline = hints->count > 0 ? hints->offer_at_us : MCPZ_TIME_NEVER;

    for (size_t i = 0; i < MCPZ_HINTS_AT_ONCE; i++) {
        if (hints->offers[i].used) {
            deadline = mcpz_time_min(deadline, hints->offers[i].again_us);
        }
    }
    return deadline;
}
