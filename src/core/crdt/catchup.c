#include "core/crdt/catchup.h"

#include "core/crdt/clock.h"

/* ---- Comparing ---------------------------------------------------------------------------- */

bool mcpz_catchup_page_is_valid(const struct mcpz_msg_digests *page)
{
    const struct mcpz_id *last = &page->after;

    if (page->digest_count > MCPZ_DIGESTS_PER_MESSAGE_MAX ||
        mcpz_id_compare(&page->after, &page->upto) >= 0) {
        return false;
    }
    for (size_t i = 0; i < page->digest_count; i++) {
        if (mcpz_id_compare(last, &page->digests[i].document) >= 0) {
            return false;
        }
        last = &page->digests[i].document;
    }
    return mcpz_id_compare(last, &page->upto) <= 0;
}

void mcpz_catchup_ask(struct mcpz_catchup *catchup, const struct mcpz_document *document,
                      enum mcpz_want_reason reason, uint64_t digest)
{
    if (!document->exists && catchup->is_full) {
        return;
    }
    if (mcpz_wanted_ask(catchup->wanted, catchup->now, &document->id, reason, digest)) {
        /* One that finds no room is asked for again when its patience is over. */
        (void)mcpz_mail_want(catchup->mail, catchup->peer, &document->id, &document->clock);
    }
}

/* A comparison of one page: what is left of its limits. */
struct comparison {
    struct mcpz_catchup *catchup;
    const struct mcpz_msg_digests *page;
    size_t at; /* in the page */
    size_t asks_left;
    size_t offers_left;
};

static void ask_for(struct comparison *comparison, const struct mcpz_document *ours,
                    uint64_t digest)
{
    if (comparison->asks_left > 0) {
        comparison->asks_left--;
        mcpz_catchup_ask(comparison->catchup, ours, MCPZ_WANT_MORE, digest);
    }
}

/* Ask for those in the page before `upto` (NULL: all that are left): we do not have them. */
static void ask_for_unknown(struct comparison *comparison, const struct mcpz_id *upto)
{
    const struct mcpz_msg_digests *page = comparison->page;

    while (comparison->at < page->digest_count) {
        const struct mcpz_digest *theirs = &page->digests[comparison->at];
        if (upto != NULL && mcpz_id_compare(&theirs->document, upto) >= 0) {
            return;
        }
        struct mcpz_document unknown = {.id = theirs->document};
        ask_for(comparison, &unknown, theirs->digest);
        comparison->at++;
    }
}

/* One of our documents, which lies in the page's range. */
static void compare_one(struct comparison *comparison, const struct mcpz_record_document *ours)
{
    const struct mcpz_msg_digests *page = comparison->page;
    struct mcpz_catchup *catchup = comparison->catchup;
    uint64_t digest = mcpz_clock_digest(ours->versions, ours->version_count);

    ask_for_unknown(comparison, &ours->id);
    if (comparison->at < page->digest_count &&
        mcpz_id_equal(&page->digests[comparison->at].document, &ours->id)) {
        uint64_t theirs = page->digests[comparison->at++].digest;
        if (theirs != digest) {
            struct mcpz_document document = {.id = ours->id, .exists = true};
            mcpz_clock_set(&document.clock, ours->versions, ours->version_count);
            ask_for(comparison, &document, theirs);
        }
        return;
    }
    if (comparison->offers_left > 0) {
        comparison->offers_left--;
        (void)mcpz_mail_offer(catchup->mail, catchup->peer, &ours->id, digest);
    }
}

mcpz_error mcpz_catchup_compare(struct mcpz_catchup *catchup, const struct mcpz_msg_digests *page)
{
    const struct mcpz_store *store = catchup->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = page->after}};
    struct comparison comparison = {
        .catchup = catchup,
        .page = page,
        .asks_left = MCPZ_ASKS_PER_PAGE_MAX,
        .offers_left = MCPZ_OFFERS_PER_PAGE_MAX,
    };

    for (size_t i = 0; i < MCPZ_SCAN_PER_PAGE_MAX; i++) {
        mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
            return error;
        }
        if (error == MCPZ_ENOTFOUND || mcpz_id_compare(&record.document.id, &page->upto) > 0) {
            ask_for_unknown(&comparison, NULL);
            return MCPZ_OK;
        }
        if (!mcpz_clock_is_valid(record.document.versions, record.document.version_count)) {
            return MCPZ_ECORRUPT;
        }
        compare_one(&comparison, &record.document);
    }
    return MCPZ_OK; /* it goes on with the next round */
}

/* ---- Answering ---------------------------------------------------------------------------- */

/* The deltas one asker lacks: the next one of each actor, read ahead. */
struct supply {
    const struct mcpz_document *document;
    struct mcpz_delta heads[MCPZ_ACTORS_MAX];
    bool has_head[MCPZ_ACTORS_MAX]; /* as in the document's vector */
};

static mcpz_error read_head(struct supply *supply, const struct mcpz_store *store, size_t actor,
                            uint64_t seq)
{
    const struct mcpz_version *version = &supply->document->clock.versions[actor];
    struct mcpz_record record;

    supply->has_head[actor] = false;
    if (seq > version->seq) {
        return MCPZ_OK;
    }
    mcpz_error error =
        mcpz_document_find_delta(store, &supply->document->id, &version->actor, seq, &record);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error; /* all deltas are kept */
    }
    supply->heads[actor] = record.delta.delta;
    supply->has_head[actor] = true;
    return MCPZ_OK;
}

/*
 * The actor whose head comes first; `clock.count` if none is left. A delta's stamp is greater
 * than all it has seen, so by stamps is in causal order.
 */
static size_t first_head(const struct supply *supply)
{
    size_t count = supply->document->clock.count;
    size_t first = count;

    for (size_t i = 0; i < count; i++) {
        /* Actors are sorted: on equal stamps the smaller one stays. */
        if (supply->has_head[i] &&
            (first == count || supply->heads[i].hlc < supply->heads[first].hlc)) {
            first = i;
        }
    }
    return first;
}

static mcpz_error read_heads(struct supply *supply, const struct mcpz_store *store,
                             const struct mcpz_msg_want *want)
{
    for (size_t i = 0; i < supply->document->clock.count; i++) {
        const struct mcpz_actor *actor = &supply->document->clock.versions[i].actor;
        uint64_t seen = mcpz_clock_get(want->versions, want->version_count, actor);
        if (seen == UINT64_MAX) {
            continue;
        }
        mcpz_error error = read_head(supply, store, i, seen + 1);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

static void offer_rest(struct mcpz_catchup *catchup, const struct mcpz_document *document)
{
    const struct mcpz_clock *clock = &document->clock;

    (void)mcpz_mail_offer(catchup->mail, catchup->peer, &document->id,
                          mcpz_clock_digest(clock->versions, clock->count));
}

mcpz_error mcpz_catchup_serve(struct mcpz_catchup *catchup, const struct mcpz_document *document,
                              const struct mcpz_msg_want *want, size_t *bytes)
{
    struct supply supply = {.document = document};
    size_t total = 0;
    *bytes = 0;

    mcpz_error error = read_heads(&supply, catchup->store, want);
    for (size_t sent = 0; error == MCPZ_OK; sent++) {
        size_t first = first_head(&supply);
        if (first == document->clock.count) {
            return MCPZ_OK;
        }
        const struct mcpz_delta *delta = &supply.heads[first];
        total += mcpz_mail_delta_bytes(delta);
        if (sent == MCPZ_DELTAS_PER_WANT_MAX || (sent > 0 && total > MCPZ_BYTES_PER_WANT_MAX) ||
            !mcpz_mail_delta(catchup->mail, catchup->peer, NULL, delta)) {
            offer_rest(catchup, document);
            return MCPZ_OK;
        }
        *bytes = total;
        error = read_head(&supply, catchup->store, first, delta->seq + 1);
    }
    return error;
}
