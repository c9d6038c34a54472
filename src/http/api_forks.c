/* GET /v1/forks: writers that have contradicted themselves, as this node has found. */

#include "http/agent_scope.h"
#include "http/exchange.h"

#define FORKS_SHOWN_MAX 1000 /* whoever has so many has seen enough */

/* What people call the document; null where it has no name any more. */
static json_t *show_name(const struct mcpz_store *store, const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};

    if (store->get(store->context, &record) != MCPZ_OK || record.document.name.length == 0) {
        return json_null();
    }
    return mcpz_exchange_show_text(record.document.name);
}

static json_t *show_delta(const struct mcpz_id *id, uint64_t hlc)
{
    return json_pack("{s:o, s:o}", "delta",
                     mcpz_exchange_show_hex(mcpz_bytes(id->bytes, MCPZ_ID_BYTES)), "time",
                     mcpz_exchange_show_time(mcpz_hlc_to_ms(hlc)));
}

static json_t *show_fork(const struct mcpz_engine *engine, const struct mcpz_store *store,
                         const struct mcpz_record_fork *fork)
{
    return json_pack(
        "{s:o, s:o, s:o, s:I, s:b, s:I, s:[o, o], s:o}", "id", show_name(store, &fork->document),
        "document", mcpz_exchange_show_id(&fork->document, 'd'), "writer",
        mcpz_exchange_show_id(&fork->actor.node, 'n'), "generation",
        (json_int_t)fork->actor.generation, "ours",
        mcpz_id_equal(&fork->actor.node, mcpz_engine_id(engine)), "seq", (json_int_t)fork->seq,
        "deltas", show_delta(&fork->one, fork->one_hlc), show_delta(&fork->other, fork->other_hlc),
        "noticed", mcpz_exchange_show_time(fork->noticed_ms));
}

void mcpz_api_get_forks(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record = {.kind = MCPZ_RECORD_FORK};
    json_t *json = json_array();
    mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, true, &record);

    (void)request;
    while (json_array_size(json) < FORKS_SHOWN_MAX && error == MCPZ_OK) {
        if (mcpz_agent_scope_has_document(exchange, &record.fork.document)) {
            (void)json_array_append_new(json, show_fork(engine, store, &record.fork));
        }
        error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        json_decref(json);
        mcpz_exchange_fail_error(exchange, error, "reading what contradicts itself");
        return;
    }
    mcpz_exchange_answer(exchange, 200, json);
}
