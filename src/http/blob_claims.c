#include "http/blob_claims.h"

#include "http/blob_book.h"
#include "http/blob_refs.h"
#include "http/inner.h"

void mcpz_blob_claims_begin(struct mcpz_blob_claims *claims, const struct mcpz_id *document)
{
    *claims = (struct mcpz_blob_claims){.is_named = false};
    mcpz_blob_names_begin(&claims->names, document);
}

static void fail_busy(struct mcpz_exchange *exchange)
{
    mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "too much is asked at once: try again");
}

static void claim(const struct mcpz_blob_claims *claims, struct mcpz_blob_claim *one,
                  struct mcpz_exchange *exchange, const struct mcpz_blob_ref *named)
{
    if (!mcpz_inner_open(exchange, &one->referring)) {
        fail_busy(exchange);
        return;
    }
    one->is_freeing = false;
    one->named = named->root;
    mcpz_bytes_to_text(named->tenant, one->tenant, sizeof(one->tenant));
    mcpz_blob_refs_add(one->referring, named, &claims->names.document);
}

/* It was put for the agent, which has claimed it: "brief" needs it no more. Where that is not
 * known here it goes by itself. False: nothing is asked. */
static bool free_brief(const struct mcpz_blob_claims *claims, struct mcpz_blob_claim *one,
                       struct mcpz_exchange *exchange, const struct mcpz_store *store)
{
    if (!claims->frees_brief || !mcpz_blob_book_has(store, &one->named, MCPZ_BLOB_REF_BRIEF)) {
        return false;
    }
    one->is_freeing =
        mcpz_blob_refs_free_brief(exchange, &one->referring, &one->named, one->tenant);
    return one->is_freeing;
}

static void note_lost(struct mcpz_blob_claims *claims, const struct mcpz_blob_claim *one)
{
    if (claims->lost < MCPZ_BLOB_CLAIMS_LOST_MAX) {
        claims->lost_ids[claims->lost] = one->named;
    }
    claims->lost++;
}

static void finish_one(struct mcpz_blob_claim *one)
{
    if (one->referring != NULL) {
        mcpz_api_close(one->referring);
        one->referring = NULL;
    }
}

/* The answer to a claim. False: it is still to come, or the exchange was answered. */
static bool take_answer(struct mcpz_blob_claims *claims, struct mcpz_blob_claim *one,
                        struct mcpz_exchange *exchange, const struct mcpz_store *store)
{
    const struct mcpz_response *response =
        one->referring != NULL ? mcpz_api_response(one->referring) : NULL;

    if (one->referring == NULL) {
        return true;
    }
    if (response == NULL) {
        return false;
    }
    const unsigned status = response->status;
    finish_one(one);
    if (one->is_freeing) {
        return true;
    }
    claims->claimed += status == 200 ? 1 : 0;
    if (status == 404 || status == 400) {
        note_lost(claims, one);
    }
    if (status == 200 || status == 404 || status == 400) {
        return status != 200 || !free_brief(claims, one, exchange, store);
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                       "no node that keeps what is known of a blob it names can be reached: try "
                       "again");
    return false;
}

/* Claim the next one, if there is one. False: enough was read for a turn. */
static bool claim_next(struct mcpz_blob_claims *claims, struct mcpz_blob_claim *one,
                       struct mcpz_exchange *exchange, const struct mcpz_store *store)
{
    struct mcpz_blob_ref named;

    const mcpz_error error = mcpz_blob_names_next(&claims->names, store, &named);
    if (error == MCPZ_OK) {
        claim(claims, one, exchange, &named);
    } else if (error == MCPZ_ETIMEOUT) {
        mcpz_exchange_again(exchange);
    } else if (error == MCPZ_ENOTFOUND) {
        claims->is_named = true;
    } else {
        mcpz_exchange_fail_error(exchange, error, "reading which blobs it names");
    }
    return error != MCPZ_ETIMEOUT;
}

static size_t count_under_way(const struct mcpz_blob_claims *claims)
{
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_BLOB_CLAIMS_AT_ONCE; i++) {
        count += claims->claims[i].referring != NULL ? 1 : 0;
    }
    return count;
}

bool mcpz_blob_claims_go_on(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange,
                            const struct mcpz_store *store)
{
    bool may_read = true;

    for (size_t i = 0; i < MCPZ_BLOB_CLAIMS_AT_ONCE && !exchange->answered; i++) {
        struct mcpz_blob_claim *one = &claims->claims[i];
        if (take_answer(claims, one, exchange, store) && !claims->is_named && may_read &&
            (count_under_way(claims) == 0 || mcpz_inner_has_room(exchange))) {
            may_read = claim_next(claims, one, exchange, store);
        }
    }
    return claims->is_named && count_under_way(claims) == 0 && !exchange->answered;
}

void mcpz_blob_claims_finish(struct mcpz_blob_claims *claims)
{
    for (size_t i = 0; i < MCPZ_BLOB_CLAIMS_AT_ONCE; i++) {
        finish_one(&claims->claims[i]);
    }
}
