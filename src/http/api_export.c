/*
 * GET /v1/snapshots/export: agents as a file, made while it is read.
 *
 *   slices of a turn each -> a part is whole -> it is pulled -> the next
 *
 * No more than the part under way is in memory, and nothing is made ahead of who reads: a slow
 * reader costs nothing else. Each agent is what it was when its turn came. Where there is a layout
 * those that are kept here come first, then those of others (http/export_elsewhere.h). Ahead of an
 * agent come the blobs that it names (http/export_blobs.h), unless "blobs=no" is asked for.
 */

#include <stdlib.h>

#include "core/crdt/document.h"
#include "http/agent_export.h"
#include "http/agent_id.h"
#include "http/agent_owners.h"
#include "http/agent_scope.h"
#include "http/blob_book.h"
#include "http/exchange.h"
#include "http/export_blobs.h"
#include "http/export_elsewhere.h"
#include "http/snapshot.h"
#include "http/walk.h"

#define EXPORTS_MAX 8   /* under way at once */
#define OPENINGS_MAX 16 /* of one agent, which changes meanwhile */

struct export
{
    struct mcpz_walk walk;
    bool single;             /* only `document` */
    struct mcpz_id document; /* that one, or the one that is being opened */
    struct mcpz_agent_export agent;
    struct mcpz_snapshot_writer writer;
    size_t said;                      /* messages, in this turn */
    struct mcpz_body out;             /* parts that are whole */
    uint64_t pulled;                  /* of it */
    bool is_over;                     /* nothing comes behind that */
    struct mcpz_elsewhere *elsewhere; /* what others keep, once ours is in; NULL: not yet */
    bool asks_elsewhere;
    struct mcpz_export_blobs blobs;
    bool has_blobs;
    bool is_opening; /* the blobs that `document` names come first, */
    uint64_t opened; /* as it was when they were gone through: its digest */
    unsigned anew;   /* times that they were */
    char name[MCPZ_AGENT_NAME_BYTES_MAX + 1]; /* of the single one */
};

/* ---- Writing ------------------------------------------------------------------------------ */

static void add_message(void *context, struct mcpz_bytes message)
{
    struct export *export = context;

    mcpz_snapshot_add(&export->writer, message);
    export->said++;
}

/* Is it no agent of those asked for? What is known of blobs is of no use without them. */
static bool is_left_out(const struct mcpz_exchange *exchange,
                        const struct mcpz_record_document *document)
{
    return mcpz_blob_book_is(&document->id) || !mcpz_agent_scope_has(exchange, document->tenant);
}

/* Say the document, or, if that is not done, the blobs first that it names. */
static mcpz_error start_document(struct mcpz_engine *engine, struct export *export,
                                 const struct mcpz_record_document *document)
{
    const uint64_t digest = mcpz_document_digest(document);
    const bool is_same = export->is_opening && export->opened == digest;

    if (export->has_blobs && !is_same && export->anew < OPENINGS_MAX) {
        export->is_opening = true;
        export->document = document->id;
        export->opened = digest;
        export->anew++;
        mcpz_export_blobs_of(&export->blobs, &export->document);
        return MCPZ_OK;
    }
    export->is_opening = false;
    export->anew = 0;
    export->writer.total.agents++;
    return mcpz_agent_export_start(&export->agent, engine, document);
}

/* Its blobs are in. It may have changed meanwhile, or gone. */
static mcpz_error go_on_opening(struct mcpz_engine *engine, struct export *export)
{
    struct mcpz_record record;
    const mcpz_error error = mcpz_walk_find(mcpz_engine_store(engine), &export->document, &record);

    if (error == MCPZ_ENOTFOUND) {
        export->is_opening = false;
        export->anew = 0;
        return MCPZ_OK;
    }
    return error == MCPZ_OK ? start_document(engine, export, &record.document) : error;
}

/* Take the next document, or none if that one is not asked for. */
static mcpz_error open_document(struct mcpz_exchange *exchange, struct mcpz_engine *engine,
                                struct export *export)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record record;
    mcpz_error error = MCPZ_OK;

    if (export->is_opening) {
        return go_on_opening(engine, export);
    }
    if (!export->single) {
        error = mcpz_walk_next(&export->walk, store, &record);
    } else if (!export->walk.started && !export->asks_elsewhere) {
        error = mcpz_walk_find(store, &export->document, &record);
        export->walk.started = true;
    } else {
        error = MCPZ_ENOTFOUND;
    }
    if (error != MCPZ_OK || is_left_out(exchange, &record.document)) {
        return error;
    }
    if (export->asks_elsewhere && !mcpz_agent_is_here(exchange, &record.document.id)) {
        return MCPZ_OK; /* it is still here; those that keep it have more of it */
    }
    return start_document(engine, export, &record.document);
}

/* Some messages of some documents: of as many as one turn has time for. */
static mcpz_error write_slice(struct mcpz_exchange *exchange, struct export *export)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_agent_export_sink sink = {.context = export, .add = add_message};
    mcpz_error error = MCPZ_OK;

    export->said = 0;
    for (size_t i = 0; i < MCPZ_SLICE_DELTAS && export->said < MCPZ_SLICE_DELTAS; i++) {
        if (!export->agent.is_open) {
            error = open_document(exchange, engine, export);
        }
        if (error == MCPZ_OK && export->blobs.is_walking) {
            return MCPZ_OK; /* they come ahead of it */
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
    return export->out.error;
}

/* ---- Giving it away ----------------------------------------------------------------------- */

static void init_out(struct export *export, const char *directory)
{
    mcpz_body_init(&export->out, directory);
    export->out.memory_max = 2 * (uint64_t)MCPZ_SNAPSHOT_PART_BYTES_MAX; /* never a file */
    export->pulled = 0;
}

/* There is something to pull. */
static void give(struct mcpz_exchange *exchange)
{
    if (exchange->answered) {
        exchange->api->ports.answered(exchange->api->ports.context, exchange->owner);
        return;
    }
    exchange->response.streams = true;
    mcpz_exchange_send(exchange, 200, MCPZ_SNAPSHOT_TYPE);
}

static size_t pull(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity)
{
    struct export *export = exchange->state;
    size_t length = 0;

    if (mcpz_body_read(&export->out, export->pulled, out, capacity, &length) != MCPZ_OK) {
        exchange->response.ended = true;
        return 0;
    }
    export->pulled += length;
    if (length == 0 && export->is_over) {
        exchange->response.ended = true;
    } else if (length == 0) {
        mcpz_body_finish(&export->out);
        init_out(export, exchange->api->directory);
        mcpz_exchange_again(exchange);
    }
    return length;
}

/* It cannot go on. Who has been given something by now is told with what comes last. */
static void break_off(struct mcpz_exchange *exchange, mcpz_error error)
{
    struct export *export = exchange->state;
    char reason[128];

    export->is_over = true;
    if (!exchange->answered) {
        mcpz_exchange_fail_error(exchange, error, "reading the agents");
        return;
    }
    if (export->blobs.seen.count == MCPZ_EXPORT_BLOBS_MAX) {
        (void)snprintf(reason, sizeof(reason),
                       "the agents name more than %d blobs: export them tenant by tenant",
                       MCPZ_EXPORT_BLOBS_MAX);
    } else {
        (void)snprintf(reason, sizeof(reason), "reading the agents: %s", mcpz_strerror(error));
    }
    mcpz_snapshot_fail(&export->writer, reason);
    give(exchange);
}

/* Ours is in: what others keep. Errors: MCPZ_ENOTFOUND  that is all; MCPZ_ETIMEOUT  not yet */
static mcpz_error write_elsewhere(struct mcpz_exchange *exchange, struct export *export)
{
    if (!export->asks_elsewhere) {
        return MCPZ_ENOTFOUND;
    }
    if (export->elsewhere == NULL) {
        export->elsewhere =
            mcpz_elsewhere_create(exchange, export->single ? &export->document : NULL);
    }
    if (export->elsewhere == NULL) {
        return MCPZ_ENOMEM;
    }
    struct mcpz_blob_ref named;
    switch (mcpz_elsewhere_work(export->elsewhere, &export->writer)) {
    case MCPZ_ELSEWHERE_GOES_ON:
        return export->out.error;
    case MCPZ_ELSEWHERE_NAMES:
        mcpz_elsewhere_named(export->elsewhere, &named);
        return export->has_blobs ? mcpz_export_blobs_bring(&export->blobs, &named) : MCPZ_OK;
    case MCPZ_ELSEWHERE_WAITS:
        return MCPZ_ETIMEOUT;
    case MCPZ_ELSEWHERE_OVER:
        return MCPZ_ENOTFOUND;
    case MCPZ_ELSEWHERE_ABSENT:
        return MCPZ_EUNSUPPORTED;
    case MCPZ_ELSEWHERE_FAILED:
        break;
    }
    return MCPZ_ENOMEM;
}

/* What is under way of blobs. Errors: MCPZ_ENOTFOUND  nothing; MCPZ_ETIMEOUT  not yet */
static mcpz_error write_blobs(struct export *export)
{
    switch (mcpz_export_blobs_work(&export->blobs, &export->writer)) {
    case MCPZ_EXPORT_BLOBS_DONE:
        return MCPZ_ENOTFOUND;
    case MCPZ_EXPORT_BLOBS_GOES_ON:
        return export->out.error;
    case MCPZ_EXPORT_BLOBS_WAITS:
        return MCPZ_ETIMEOUT;
    case MCPZ_EXPORT_BLOBS_TOO_MANY:
        return MCPZ_EFULL;
    case MCPZ_EXPORT_BLOBS_FAILED:
        break;
    }
    return MCPZ_EIO;
}

static mcpz_error write_some(struct mcpz_exchange *exchange, struct export *export)
{
    mcpz_error error = write_blobs(export);

    if (error != MCPZ_ENOTFOUND) {
        return error;
    }
    error = export->elsewhere == NULL ? write_slice(exchange, export) : MCPZ_ENOTFOUND;

    if (error == MCPZ_ENOTFOUND) {
        error = write_elsewhere(exchange, export);
    }
    if (error == MCPZ_ENOTFOUND) {
        mcpz_snapshot_end(&export->writer);
        export->is_over = true;
        error = export->out.error;
    }
    return error;
}

/* Of the one agent nothing has come. */
static void fail_single(struct mcpz_exchange *exchange, struct export *export)
{
    export->is_over = true;
    if (export->writer.total.missing_count == 0) {
        mcpz_agent_scope_missing(exchange, mcpz_text(export->name));
        return;
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                       "none of the nodes that keep this agent could be asked: try again later");
}

static void work(struct mcpz_exchange *exchange)
{
    struct export *export = exchange->state;

    if (export->is_over || (exchange->answered && export->pulled < export->out.length)) {
        return; /* what is there is to be pulled first */
    }
    const uint32_t before = export->writer.number;
    mcpz_error error = write_some(exchange, export);
    if (error == MCPZ_EUNSUPPORTED && !exchange->answered) {
        fail_single(exchange, export);
    } else if (error == MCPZ_ETIMEOUT && export->writer.number == before) {
        return; /* an answer is waited for */
    } else if (error != MCPZ_OK && error != MCPZ_ETIMEOUT) {
        break_off(exchange, error);
    } else if (export->is_over || export->writer.number > before) {
        give(exchange);
    } else {
        mcpz_exchange_again(exchange);
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct export *export = exchange->state;

    exchange->api->exports--;
    mcpz_elsewhere_destroy(export->elsewhere);
    mcpz_export_blobs_finish(&export->blobs);
    mcpz_snapshot_drop(&export->writer);
    mcpz_body_finish(&export->out);
    free(export);
}

static const struct mcpz_exchange_kind export_kind = {
    .work = work, .finish = finish, .pull = pull};

/* ---- Beginning ---------------------------------------------------------------------------- */

/* Whether blobs are asked for, and of which agent: none, all of them. False: answered. */
static bool read_parameters(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                            struct export *export, struct mcpz_bytes *id)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    export->has_blobs = exchange->api->ports.blobs != NULL;
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        if (mcpz_bytes_equal(name, mcpz_text("agent")) && !export->single) {
            export->single = true;
            *id = value;
        } else if (mcpz_bytes_equal(name, mcpz_text("blobs")) &&
                   mcpz_bytes_equal(value, mcpz_text("no"))) {
            export->has_blobs = false;
        } else {
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "an export can be asked for \"agent=ID\", \"tenant=NAME\" and "
                               "\"blobs=no\" only");
            return false;
        }
    }
    return true;
}

/* False: answered with what is wrong. */
static bool read_query(struct mcpz_exchange *exchange, struct mcpz_bytes query,
                       struct export *export)
{
    struct mcpz_record record;
    struct mcpz_bytes id = mcpz_bytes(NULL, 0);

    if (!read_parameters(exchange, query, export, &id)) {
        return false;
    }
    if (!export->single) {
        return true;
    }
    const char *trouble = mcpz_agent_id_trouble(id);
    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return false;
    }
    mcpz_agent_scope_document(exchange, id, &export->document);
    mcpz_bytes_to_text(id, export->name, sizeof(export->name));
    export->asks_elsewhere =
        export->asks_elsewhere && !mcpz_agent_is_here(exchange, &export->document);
    if (export->asks_elsewhere) {
        return true;
    }
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
    if (exchange->api->exports == EXPORTS_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "%d exports are under way: try again when one has ended", EXPORTS_MAX);
        return;
    }
    struct export *export = calloc(1, sizeof(*export));
    if (export == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "exporting");
        return;
    }
    export->asks_elsewhere = mcpz_agents_are_spread(exchange);
    if (!read_query(exchange, request->query, export)) {
        free(export);
        return;
    }
    exchange->api->exports++;
    mcpz_exchange_wait(exchange, &export_kind, export);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on as it is read, to an end */
    init_out(export, exchange->api->directory);
    mcpz_snapshot_begin(&export->writer, &export->out);
    mcpz_export_blobs_init(&export->blobs, exchange);
    export->writer.total.has_blobs = export->has_blobs;
    work(exchange);
}
