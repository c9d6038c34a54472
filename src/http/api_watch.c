/*
 * GET /v1/watch/ID: each write to an agent as it becomes known here, as Server-Sent Events.
 *
 *   event: write
 *   data: {"time": "...", "time_ms": N, "writer": "n-...", "generation": 1, "seq": 7,
 *          "paths": ["goal"], "more": 0}
 *
 * Paths that do not fit are counted only. Whoever wants the values asks for the agent. The stream
 * knows how far it has told of each writer, so nothing is left out as long as it stands.
 *
 * Source: WHATWG HTML, section 9.2, "Server-sent events".
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "core/crdt/floor.h"
#include "http/agent_id.h"
#include "http/agent_owners.h"
#include "http/agent_scope.h"
#include "http/document.h"
#include "http/exchange.h"
#include "http/walk.h"

#define WATCH_PREFIX "/v1/watch/"
#define EVENT_BYTES_MAX MCPZ_PULL_BYTES_MIN
#define PATHS_BYTES_MAX 3072 /* of one event, as they are sent */
#define COMMENT ": \n\n"

static_assert(PATHS_BYTES_MAX + 512 < EVENT_BYTES_MAX, "an event fits");

struct watch {
    struct mcpz_id document;
    struct mcpz_clock told; /* all up to it */
    bool comment;           /* one is due */
};

/* ---- One event ---------------------------------------------------------------------------- */

/* Add `path` unless it is there, or there is no room. */
static bool add_path(json_t *paths, struct mcpz_bytes path, size_t *bytes_left)
{
    json_t *shown = mcpz_path_to_json(path);
    size_t bytes = json_dumpb(shown, NULL, 0, JSON_ENCODE_ANY) + 2;

    for (size_t i = 0; i < json_array_size(paths); i++) {
        if (json_equal(json_array_get(paths, i), shown)) {
            json_decref(shown);
            return true;
        }
    }
    if (bytes > *bytes_left) {
        json_decref(shown);
        return false;
    }
    *bytes_left -= bytes;
    return json_array_append_new(paths, shown) == 0;
}

static json_t *show_write(const struct mcpz_delta *delta)
{
    json_t *paths = json_array();
    size_t bytes_left = PATHS_BYTES_MAX;
    json_int_t more = 0;

    for (size_t i = 0; i < delta->add_count; i++) {
        more += add_path(paths, delta->adds[i].path, &bytes_left) ? 0 : 1;
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        more += add_path(paths, delta->removes[i].path, &bytes_left) ? 0 : 1;
    }
    return json_pack("{s:o, s:I, s:o, s:I, s:I, s:o, s:I}", "time",
                     mcpz_exchange_show_time(mcpz_hlc_to_ms(delta->hlc)), "time_ms",
                     (json_int_t)mcpz_hlc_to_ms(delta->hlc), "writer",
                     mcpz_exchange_show_id(&delta->actor.node, 'n'), "generation",
                     (json_int_t)delta->actor.generation, "seq", (json_int_t)delta->seq, "paths",
                     paths, "more", more);
}

/* Print into `text` of EVENT_BYTES_MAX; how many bytes. 0: out of memory. */
static size_t print_write(const struct mcpz_delta *delta, char *text)
{
    static const char head[] = "event: write\ndata: ";
    json_t *json = show_write(delta);
    size_t used = sizeof(head) - 1;

    memcpy(text, head, used);
    size_t length =
        json != NULL ? json_dumpb(json, text + used, EVENT_BYTES_MAX - used - 2, JSON_COMPACT) : 0;
    json_decref(json);
    if (length == 0 || length > EVENT_BYTES_MAX - used - 2) {
        return 0;
    }
    text[used + length] = '\n';
    text[used + length + 1] = '\n';
    return used + length + 2;
}

/* Go on behind the floor, if that is where we are: the next look finds what lies above it. */
static mcpz_error skip_folded(struct watch *watch, const struct mcpz_store *store,
                              const struct mcpz_version *version)
{
    const struct mcpz_actor actor = version->actor;
    struct mcpz_floor floor;

    mcpz_error error = mcpz_floor_load(store, &watch->document, &floor);
    const struct mcpz_version *last =
        mcpz_clock_find(floor.clock.versions, floor.clock.count, &actor);
    if (error == MCPZ_OK && last != NULL &&
        last->seq > mcpz_clock_get(watch->told.versions, watch->told.count, &actor)) {
        return mcpz_clock_advance(&watch->told, last) ? MCPZ_OK : MCPZ_ECORRUPT;
    }
    return error == MCPZ_OK ? MCPZ_ECORRUPT : error;
}

/* The first delta that was not told of yet, by its stamp. */
static mcpz_error find_next(struct watch *watch, const struct mcpz_store *store,
                            struct mcpz_record *next)
{
    struct mcpz_record document = {.kind = MCPZ_RECORD_DOCUMENT,
                                   .document = {.id = watch->document}};
    mcpz_error result = MCPZ_ENOTFOUND;

    mcpz_error error = store->get(store->context, &document);
    for (size_t i = 0; error == MCPZ_OK && i < document.document.version_count; i++) {
        const struct mcpz_version *version = &document.document.versions[i];
        if (mcpz_version_closes(version)) { /* long told, and makes room */
            error = mcpz_clock_advance(&watch->told, version) ? MCPZ_OK : MCPZ_ECORRUPT;
            continue;
        }
        uint64_t told = mcpz_clock_get(watch->told.versions, watch->told.count, &version->actor);
        if (told >= version->seq) {
            continue;
        }
        struct mcpz_record record;
        error =
            mcpz_document_find_delta(store, &watch->document, &version->actor, told + 1, &record);
        if (error == MCPZ_ENOTFOUND) {
            /* Folded before it was told: it is in what the agent is now. */
            error = skip_folded(watch, store, version);
            continue;
        }
        if (error == MCPZ_OK &&
            (result != MCPZ_OK || record.delta.delta.hlc < next->delta.delta.hlc)) {
            *next = record;
            result = MCPZ_OK;
        }
    }
    return error != MCPZ_OK ? error : result;
}

/* The next event, as text of EVENT_BYTES_MAX. 0: nothing now. */
static size_t next_text(struct mcpz_exchange *exchange, char *text)
{
    struct watch *watch = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record;

    if (find_next(watch, store, &record) != MCPZ_OK) {
        return 0;
    }
    const struct mcpz_delta *delta = &record.delta.delta;
    size_t length = print_write(delta, text);
    const struct mcpz_version told = {delta->actor, delta->seq, record.delta.head};
    bool is_told = mcpz_clock_advance(&watch->told, &told);
    return is_told ? length : 0; /* a document has no more actors than a clock */
}

/* ---- The stream --------------------------------------------------------------------------- */

static size_t pull_stream(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity)
{
    struct watch *watch = exchange->state;
    mcpz_time now = mcpz_api_now(exchange->api);
    size_t used = 0;

    while (capacity - used >= EVENT_BYTES_MAX) {
        size_t length = next_text(exchange, (char *)out + used);
        if (length == 0) {
            break;
        }
        used += length;
    }
    if (used == 0 && watch->comment) {
        used = sizeof(COMMENT) - 1;
        memcpy(out, COMMENT, used);
    }
    if (used > 0) {
        watch->comment = false;
        exchange->deadline_us = now + MCPZ_EVENTS_COMMENT_US;
    }
    return used;
}

static void work_stream(struct mcpz_exchange *exchange)
{
    exchange->api->ports.answered(exchange->api->ports.context, exchange->owner);
}

/* Nothing was said for a while. A client that is gone shows when it is written to. */
static void expire_stream(struct mcpz_exchange *exchange)
{
    struct watch *watch = exchange->state;

    watch->comment = true;
    exchange->deadline_us = MCPZ_TIME_NEVER; /* until it is pulled */
    work_stream(exchange);
}

/* Written here, or merged. The reply is somebody else's: it is only looked at. */
static bool note(struct mcpz_exchange *exchange, const struct mcpz_action *action)
{
    const struct watch *watch = exchange->state;
    bool is_ours =
        (action->kind == MCPZ_ACTION_REPLY &&
         mcpz_id_equal(&action->reply.document, &watch->document)) ||
        (action->kind == MCPZ_ACTION_FACT && action->fact.kind == MCPZ_FACT_AGENT_MERGED &&
         mcpz_id_equal(&action->fact.about, &watch->document));

    if (is_ours) {
        mcpz_exchange_again(exchange);
    }
    return false;
}

static void finish(struct mcpz_exchange *exchange)
{
    free(exchange->state);
}

static const struct mcpz_exchange_kind watch_kind = {
    .note = note,
    .work = work_stream,
    .expire = expire_stream,
    .finish = finish,
    .pull = pull_stream,
};

void mcpz_api_watch_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes id = mcpz_exchange_path_rest(request->path, WATCH_PREFIX);
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    const char *trouble = mcpz_agent_id_trouble(id);
    struct mcpz_record record;
    struct mcpz_id document;

    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return;
    }
    mcpz_agent_scope_document(exchange, id, &document);
    if (!mcpz_agent_is_here(exchange, &document)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                           "this node does not keep that agent: watch it at one that does");
        return;
    }
    mcpz_error error = mcpz_walk_find(store, &document, &record);
    if (error == MCPZ_ENOTFOUND) {
        mcpz_agent_scope_missing(exchange, id);
        return;
    }
    if (mcpz_exchange_streams(exchange->api) == MCPZ_EVENT_STREAMS_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "%d others watch or follow events already: end one of them",
                           MCPZ_EVENT_STREAMS_MAX);
        return;
    }
    struct watch *watch = error == MCPZ_OK ? calloc(1, sizeof(*watch)) : NULL;
    if (watch == NULL) {
        mcpz_exchange_fail_error(exchange, error == MCPZ_OK ? MCPZ_ENOMEM : error,
                                 "watching the agent");
        return;
    }
    /* The comment goes out at once, so that it is seen that the stream stands. */
    *watch = (struct watch){.document = document, .comment = true};
    mcpz_clock_set(&watch->told, record.document.versions, record.document.version_count);
    mcpz_exchange_wait(exchange, &watch_kind, watch);
    exchange->response.streams = true;
    mcpz_exchange_send(exchange, 200, "text/event-stream");
}
