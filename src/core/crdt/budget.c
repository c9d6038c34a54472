#include "core/crdt/budget.h"

#include "core/crdt/clock.h"
#include "core/crdt/escrow.h"

/* So much is said to have been given to `taker`, who had seen so much of the giver. */
struct gift {
    struct mcpz_bytes path;
    const struct mcpz_actor *taker;
    const struct mcpz_version *giver;
    int64_t amount;
};

static bool gives(const struct gift *gift, struct mcpz_bytes value)
{
    struct mcpz_escrow_row row;

    return mcpz_escrow_read(value, &row) &&
           mcpz_escrow_share_of(&row.given, gift->taker) >= gift->amount;
}

/* Mostly the giver's row is there still, or a later one that has given as much by then, too. */
static mcpz_error look_at_rows(const struct mcpz_store *store, const struct mcpz_id *document,
                               const struct gift *gift, bool *found)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = *document, .path = gift->path, .type = MCPZ_ENTRY_BOUNDED},
    };

    *found = false;
    mcpz_error error = store->next(store->context, MCPZ_SCAN_PATH, true, &record);
    while (error == MCPZ_OK && record.entry.type == MCPZ_ENTRY_BOUNDED && !*found) {
        *found = record.entry.dot.seq <= gift->giver->seq &&
                 mcpz_actor_compare(&record.entry.dot.actor, &gift->giver->actor) == 0 &&
                 gives(gift, record.entry.value);
        error = store->next(store->context, MCPZ_SCAN_PATH, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static bool is_in(const struct gift *gift, const struct mcpz_delta *delta)
{
    for (size_t i = 0; i < delta->add_count; i++) {
        const struct mcpz_add *add = &delta->adds[i];
        if (add->type == MCPZ_ENTRY_BOUNDED && mcpz_bytes_equal(add->path, gift->path) &&
            gives(gift, add->value)) {
            return true;
        }
    }
    return false;
}

/* Back along the giver's chain. */
static mcpz_error look_back(const struct mcpz_store *store, const struct mcpz_id *document,
                            const struct gift *gift, bool *found)
{
    struct mcpz_tip tip = {gift->giver->seq, gift->giver->head};

    for (size_t i = 0; i < MCPZ_GIFT_STEPS_MAX && tip.seq > 0; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_DELTA,
            .delta = {.delta = {.document = *document,
                                .actor = gift->giver->actor,
                                .seq = tip.seq},
                      .head = tip.head},
        };
        mcpz_error error = store->get(store->context, &record);
        if (error == MCPZ_ENOTFOUND || (error == MCPZ_OK && is_in(gift, &record.delta.delta))) {
            *found = true;
            return MCPZ_OK;
        }
        if (error != MCPZ_OK) {
            return error;
        }
        tip = (struct mcpz_tip){tip.seq - 1, record.delta.delta.prev};
    }
    *found = tip.seq > 0;
    return MCPZ_OK;
}

static mcpz_error is_given(const struct mcpz_store *store, const struct mcpz_id *document,
                           const struct gift *gift, bool *found)
{
    mcpz_error error = look_at_rows(store, document, gift, found);
    return error == MCPZ_OK && !*found ? look_back(store, document, gift, found) : error;
}

bool mcpz_budget_is_of_seen(const struct mcpz_delta *delta)
{
    struct mcpz_escrow_row row;

    for (size_t i = 0; i < delta->add_count; i++) {
        const struct mcpz_add *add = &delta->adds[i];
        if (add->type != MCPZ_ENTRY_BOUNDED || !mcpz_escrow_read(add->value, &row)) {
            continue;
        }
        for (size_t j = 0; j < row.taken.count; j++) {
            if (mcpz_clock_find(delta->versions, delta->version_count,
                                &row.taken.shares[j].actor) == NULL) {
                return false;
            }
        }
    }
    return true;
}

mcpz_error mcpz_budget_is_covered(const struct mcpz_store *store,
                                  const struct mcpz_document *document,
                                  const struct mcpz_delta *delta, bool *covered)
{
    struct mcpz_escrow_row row;

    *covered = true;
    for (size_t i = 0; i < delta->add_count; i++) {
        const struct mcpz_add *add = &delta->adds[i];
        if (add->type != MCPZ_ENTRY_BOUNDED || !mcpz_escrow_read(add->value, &row)) {
            continue;
        }
        for (size_t j = 0; j < row.taken.count && *covered; j++) {
            const struct mcpz_escrow_share *share = &row.taken.shares[j];
            const struct gift gift = {
                .path = add->path,
                .taker = &delta->actor,
                .giver = mcpz_clock_find(delta->versions, delta->version_count, &share->actor),
                .amount = share->amount,
            };
            mcpz_error error = is_given(store, &document->id, &gift, covered);
            if (error != MCPZ_OK) {
                return error;
            }
        }
    }
    return MCPZ_OK;
}
