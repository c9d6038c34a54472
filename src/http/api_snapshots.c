/* GET /v1/snapshots and /v1/snapshots/export. */

#include <stdlib.h>

#include "http/agent_export.h"
#include "http/agent_id.h"
#include "http/agent_scope.h"
#include "http/blob_book.h"
#include "http/exchange.h"
#include "http/snapshot.h"
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

/* ---- Exporting ---------------------------------------------------------------------------- */

struct export
{
    struct mcpz_walk walk;
    bool single; /* only `document` */
    struct mcpz_id document;
    struct mcpz_agent_export agent;
    struct mcpz_snapshot_writer writer;
    size_t said; /* messages, in this turn */
};

static void add_message(void *context, struct mcpz_bytes message)
{
    struct export *export = context;

    mcpz_snapshot_add(&export->writer, message);
    export->said++;
}

/* Take the next document, or none if that one is not asked for. */
static mcpz_error open_document(struct mcpz_exchange *exchange, struct mcpz_engine *engine,
                                struct export *export)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record record;
    mcpz_error error = MCPZ_OK;

    if (!export->single) {
        do { /* what is known of blobs is of no use without them */
            error = mcpz_walk_next(&export->walk, store, &record);
        } while (error == MCPZ_OK && mcpz_blob_book_is(&record.document.id));
    } else if (!export->walk.started) {
        error = mcpz_walk_find(store, &export->document, &record);
        export->walk.started = true;
    } else {
        error = MCPZ_ENOTFOUND;
    }
    if (error != MCPZ_OK || !mcpz_agent_scope_has(exchange, record.document.tenant)) {
        return error;
    }
    return mcpz_agent_export_start(&export->agent, engine, &record.document);
}

/* Some messages of some documents: of as many as one turn has time for. */
static mcpz_error export_slice(struct mcpz_exchange *exchange, struct export *export)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_agent_export_sink sink = {.context = export, .add = add_message};
    mcpz_error error = MCPZ_OK;

    export->said = 0;
    for (size_t i = 0; i < MCPZ_SLICE_DELTAS && export->said < MCPZ_SLICE_DELTAS; i++) {
        if (!export->agent.is_open) {
            error = open_document(exchange, engine, export);
        }
        if (error == MCPZ_OK) {
            error = mcpz_agent_export_say(&export->agent, engine, MCPZ_SLICE_DELTAS - export->said,
                                          &sink);
            error = error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
        }
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

static void work_export(struct mcpz_exchange *exchange)
{
    struct export *export = exchange->state;
    mcpz_error error = exchange->response.body.error;

    if (error == MCPZ_OK) {
        error = export_slice(exchange, export);
    }
    if (error == MCPZ_OK) {
        mcpz_exchange_again(exchange);
    } else if (error == MCPZ_ENOTFOUND || exchange->response.body.error != MCPZ_OK) {
        mcpz_snapshot_end(&export->writer);
        mcpz_exchange_send(exchange, 200, MCPZ_SNAPSHOT_TYPE);
    } else {
        mcpz_exchange_fail_error(exchange, error, "reading the agents");
    }
}

static void finish_export(struct mcpz_exchange *exchange)
{
    free(exchange->state);
}

static const struct mcpz_exchange_kind export_kind = {.work = work_export,
                                                      .finish = finish_export};

/* The one agent asked for. False: answered with what is wrong. */
static bool read_query(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                       struct export *export)
{
    struct mcpz_record record;
    struct mcpz_bytes name;
    struct mcpz_bytes id;

    if (!mcpz_exchange_parameter(&query, &name, &id)) {
        return true;
    }
    if (!mcpz_bytes_equal(name, mcpz_text("agent")) || query.length > 0) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "an export can be asked for \"agent=ID\" and \"tenant=NAME\" only");
        return false;
    }
    const char *trouble = mcpz_agent_id_trouble(id);
    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return false;
    }
    export->single = true;
    mcpz_agent_scope_document(exchange, id, &export->document);
    mcpz_error error = mcpz_walk_find(mcpz_engine_store(mcpz_exchange_engine(exchange)),
                                      &export->document, &record);
    if (error == MCPZ_ENOTFOUND) {
        mcpz_agent_scope_missing(exchange, id);
    } else if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "reading the agent");
    }
    return error == MCPZ_OK;
}

void mcpz_api_export(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct export *export = calloc(1, sizeof(*export));

    if (export == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "exporting");
        return;
    }
    if (!read_query(exchange, request->query, export)) {
        free(export);
        return;
    }
    mcpz_exchange_wait(exchange, &export_kind, export);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    mcpz_snapshot_begin(&export->writer, &exchange->response.body);
    work_export(exchange);
}
