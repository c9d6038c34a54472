#include "http/blob_claims.h"

#include <string.h>

#include "http/blob_refs.h"
#include "wire/value.h"

void mcpz_blob_claims_begin(struct mcpz_blob_claims *claims, const struct mcpz_id *document)
{
    *claims = (struct mcpz_blob_claims){.document = *document};
}

static void wake(void *context)
{
    mcpz_exchange_again(context);
}

static bool claim(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange,
                  const struct mcpz_blob_ref *named)
{
    if (mcpz_api_open(exchange->api, NULL, &claims->referring) != MCPZ_OK) {
        claims->referring = NULL;
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "too much is asked at once: try again");
        return false;
    }
    mcpz_api_answer_to(claims->referring, wake, exchange);
    mcpz_blob_refs_add(claims->referring, named, &claims->document);
    return true;
}

/* Read the next entry. Errors as of the store. */
static mcpz_error read_next(struct mcpz_blob_claims *claims, const struct mcpz_store *store)
{
    struct mcpz_record *at = &claims->at;

    at->kind = MCPZ_RECORD_ENTRY;
    at->entry.document = claims->document;
    at->entry.path = mcpz_bytes(claims->path.bytes, claims->path.length);
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, !claims->is_begun, at);
    claims->is_begun = true;
    if (error == MCPZ_OK && at->entry.path.length <= sizeof(claims->path.bytes)) {
        memcpy(claims->path.bytes, at->entry.path.data, at->entry.path.length);
        claims->path.length = at->entry.path.length;
    }
    return error;
}

/* The answer to the claim under way. False: it is still to come, or the exchange was answered. */
static bool take_answer(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange)
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
    claims->claimed += status == 200 ? 1 : 0;
    claims->lost += status == 404 || status == 400 ? 1 : 0;
    if (status == 200 || status == 404 || status == 400) {
        return true;
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

    if (!take_answer(claims, exchange)) {
        return false;
    }
    for (size_t i = 0; i < MCPZ_BLOB_CLAIMS_SLICE; i++) {
        const mcpz_error error = read_next(claims, store);
        if (error == MCPZ_ENOTFOUND) {
            return true;
        }
        if (error != MCPZ_OK) {
            mcpz_exchange_fail_error(exchange, error, "reading which blobs it names");
            return false;
        }
        if (mcpz_value_read_blob(claims->at.entry.value, &named)) {
            (void)claim(claims, exchange, &named);
            return false;
        }
    }
    mcpz_exchange_again(exchange);
    return false;
}

void mcpz_blob_claims_finish(struct mcpz_blob_claims *claims)
{
    if (claims->referring != NULL) {
        mcpz_api_close(claims->referring);
        claims->referring = NULL;
    }
}
