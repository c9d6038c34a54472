#include "http/blob_claims.h"

#include "http/blob_book.h"
#include "http/blob_refs.h"
#include "http/inner.h"

void mcpz_blob_claims_begin(struct mcpz_blob_claims *claims, const struct mcpz_id *document)
{
    *claims = (struct mcpz_blob_claims){.referring = NULL};
    mcpz_blob_names_begin(&claims->names, document);
}

static void fail_busy(struct mcpz_exchange *exchange)
{
    mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "too much is asked at once: try again");
}

static void claim(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange,
                  const struct mcpz_blob_ref *named)
{
    if (!mcpz_inner_open(exchange, &claims->referring)) {
        fail_busy(exchange);
        return;
    }
    claims->named = named->root;
    mcpz_bytes_to_text(named->tenant, claims->tenant, sizeof(claims->tenant));
    mcpz_blob_refs_add(claims->referring, named, &claims->names.document);
}

/* It was put for the agent, which has claimed it: "brief" needs it no more. Where that is not
 * known here it goes by itself. True: it is being let go of. */
static bool free_brief(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange,
                       const struct mcpz_store *store)
{
    if (!claims->frees_brief || !mcpz_blob_book_has(store, &claims->named, MCPZ_BLOB_REF_BRIEF)) {
        return false;
    }
    claims->is_freeing =
        mcpz_blob_refs_free_brief(exchange, &claims->referring, &claims->named, claims->tenant);
    return claims->is_freeing;
}

static void note_lost(struct mcpz_blob_claims *claims)
{
    if (claims->lost < MCPZ_BLOB_CLAIMS_LOST_MAX) {
        claims->lost_ids[claims->lost] = claims->named;
    }
    claims->lost++;
}

/* The answer to the claim under way. False: it is still to come, or the exchange was answered. */
static bool take_answer(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange,
                        const struct mcpz_store *store)
{
    const struct mcpz_response *response =
        claims->referring != NULL ? mcpz_api_response(claims->referring) : NULL;

    if (claims->referring == NULL) {
        return true;
    }
    if (response == NULL) {
        return false;
    }
    const unsigned status = response->status;
    mcpz_blob_claims_finish(claims);
    if (claims->is_freeing) {
        claims->is_freeing = false;
        return true;
    }
    claims->claimed += status == 200 ? 1 : 0;
    if (status == 404 || status == 400) {
        note_lost(claims);
    }
    if (status == 200 || status == 404 || status == 400) {
        return status != 200 || !free_brief(claims, exchange, store);
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                       "no node that keeps what is known of a blob it names can be reached: try "
                       "again");
    return false;
}

bool mcpz_blob_claims_go_on(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange,
                            const struct mcpz_store *store)
{
    struct mcpz_blob_ref named;

    if (!take_answer(claims, exchange, store)) {
        return false;
    }
    const mcpz_error error = mcpz_blob_names_next(&claims->names, store, &named);
    if (error == MCPZ_OK) {
        claim(claims, exchange, &named);
    } else if (error == MCPZ_ETIMEOUT) {
        mcpz_exchange_again(exchange);
    } else if (error != MCPZ_ENOTFOUND) {
        mcpz_exchange_fail_error(exchange, error, "reading which blobs it names");
    }
    return error == MCPZ_ENOTFOUND;
}

void mcpz_blob_claims_finish(struct mcpz_blob_claims *claims)
{
    if (claims->referring != NULL) {
        mcpz_api_close(claims->referring);
        claims->referring = NULL;
    }
}
