/* GET /v1/snapshots: what there is here, and what it comes to. */

#include <stdlib.h>

#include "crypto/digest.h"
#include "http/agent_scope.h"
#include "http/exchange.h"
#include "http/walk.h"

/* ---- Listing ------------------------------------------------------------------------------ */

struct snapshot_list {
    struct mcpz_walk walk;
    bool first_written;
};

/* Roots are made of entries: so many are looked at in one turn, and one document more. */
#define SLICE_ENTRIES MCPZ_ENTRIES_MAX

static mcpz_error list_one(struct mcpz_exchange *exchange, struct mcpz_engine *engine,
                           uint32_t *entries)
{
    struct snapshot_list *list = exchange->state;
    struct mcpz_record record;
    uint8_t root[MCPZ_DIGEST_BYTES];

    mcpz_error error = mcpz_walk_next(&list->walk, mcpz_engine_store(engine), &record);
    if (error != MCPZ_OK || !mcpz_agent_scope_has(exchange, record.document.tenant)) {
        return error;
    }
    error = mcpz_engine_root(engine, &record.document.id, root);
    if (error != MCPZ_OK) {
        /* The document is there: that its root is not found is no end of the walk. */
        return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error;
    }
    *entries += record.document.entry_count;
    mcpz_body_append_json(&exchange->response.body,
                          json_pack("{s:o, s:o, s:o, s:o, s:I, s:o}", "id",
                                    mcpz_exchange_show_text(record.document.name), "tenant",
                                    mcpz_agent_scope_show(record.document.tenant), "document",
                                    mcpz_exchange_show_id(&record.document.id, 'd'), "root",
                                    mcpz_exchange_show_hex(mcpz_bytes(root, sizeof(root))),
                                    "entries", (json_int_t)record.document.entry_count, "updated",
                                    mcpz_exchange_show_time(mcpz_hlc_to_ms(record.document.hlc))),
                          !list->first_written);
    list->first_written = true;
    return MCPZ_OK;
}

static void work_list(struct mcpz_exchange *exchange)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    mcpz_error error = MCPZ_OK;
    uint32_t entries = 0;

    for (size_t i = 0; i < MCPZ_SLICE_DOCUMENTS && entries < SLICE_ENTRIES && error == MCPZ_OK;
         i++) {
        error = list_one(exchange, engine, &entries);
    }
    if (error == MCPZ_OK) {
        mcpz_exchange_again(exchange);
    } else if (error == MCPZ_ENOTFOUND) {
        mcpz_body_text(&exchange->response.body, "]\n");
        mcpz_exchange_send(exchange, 200, "application/json");
    } else {
        mcpz_exchange_fail_error(exchange, error, "reading the snapshots");
    }
}

static void finish_list(struct mcpz_exchange *exchange)
{
    free(exchange->state);
}

static const struct mcpz_exchange_kind list_kind = {.work = work_list, .finish = finish_list};

void mcpz_api_get_snapshots(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct snapshot_list *list = calloc(1, sizeof(*list));

    (void)request;
    if (list == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "listing the snapshots");
        return;
    }
    mcpz_exchange_wait(exchange, &list_kind, list);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    mcpz_body_text(&exchange->response.body, "[");
    work_list(exchange);
}
