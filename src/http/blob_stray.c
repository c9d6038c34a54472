#include "http/blob_stray.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_copies.h"
#include "http/blob_places.h"
#include "http/blob_serve.h"
#include "http/blob_targets.h"

struct mcpz_blob_stray {
    struct mcpz_exchange *exchange; /* asks */
    bool is_over;
    struct mcpz_id root;
    char path[sizeof(MCPZ_BLOB_SERVE_PATH "/stat?blob=") + MCPZ_ID_TEXT_BYTES];
    struct mcpz_id nodes[MCPZ_BLOB_SOURCES_MAX];
    size_t node_count;
    size_t next;
    size_t denials;
    bool is_needed; /* somebody says so */
};

static struct mcpz_engine *engine_of(struct mcpz_api *api)
{
    return api->ports.enter(api->ports.context);
}

static mcpz_error read_book(struct mcpz_api *api, const struct mcpz_id *root,
                            struct mcpz_blob_entry *entry)
{
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    return mcpz_blob_book_read(mcpz_engine_store(engine_of(api)), &document, entry);
}

/* Nothing is known of it here, nor being done. */
static bool is_unknown(struct mcpz_api *api, const struct mcpz_id *root)
{
    struct mcpz_blob_entry entry;

    return read_book(api, root, &entry) == MCPZ_ENOTFOUND && !mcpz_blob_places_has_put(api, root);
}

bool mcpz_blob_stray_is(struct mcpz_api *api, const struct mcpz_blob_listed *listed)
{
    const struct mcpz_blob_state *state = &listed->state;

    return state->is_copy && !state->is_put && !state->is_brief && is_unknown(api, &listed->id);
}

/* ---- What follows --------------------------------------------------------------------------- */

static bool note(struct mcpz_api *api, const struct mcpz_id *root, bool is_needed)
{
    struct mcpz_blob_seen seen = {.root = *root, .is_named = is_needed};

    mcpz_blob_book_id(root, &seen.document);
    return mcpz_blob_doubts_note(&api->blobs.doubts, &seen, api->ports.now(api->ports.context));
}

void mcpz_blob_stray_claimed(struct mcpz_api *api, const struct mcpz_id *root)
{
    (void)note(api, root, true);
}

static void conclude(struct mcpz_api *api, const struct mcpz_blob_stray *stray)
{
    if (stray->is_needed || !is_unknown(api, &stray->root)) {
        mcpz_blob_stray_claimed(api, &stray->root);
    } else if (stray->denials == stray->node_count && note(api, &stray->root, false)) {
        mcpz_blob_let_go(api, &stray->root, MCPZ_BLOB_COPY_HOLDER);
        mcpz_blob_keeper_unwant(&api->blobs, &stray->root);
        api->blobs.counts.strays_dropped++;
    }
}

/* ---- Asking --------------------------------------------------------------------------------- */

static void ask_on(struct mcpz_exchange *exchange, struct mcpz_blob_stray *stray)
{
    while (stray->next < stray->node_count &&
           mcpz_fellows_ask(exchange, &stray->nodes[stray->next], "GET", stray->path, NULL,
                            MCPZ_BLOB_STAT_MS)) {
        stray->next++;
    }
}

static void hear(struct mcpz_blob_stray *stray, const json_t *answer)
{
    const char *word = json_string_value(json_object_get(answer, "needed"));

    stray->is_needed |= word != NULL && strcmp(word, "yes") == 0;
    stray->denials += word != NULL && strcmp(word, "no") == 0 ? 1 : 0;
}

static void work(struct mcpz_exchange *exchange)
{
    struct mcpz_blob_stray *stray = exchange->state;
    struct mcpz_id node;
    unsigned status = 0;
    json_t *json = NULL;
    size_t waiting = 0;

    while (mcpz_fellows_take(exchange, &node, &status, &json, &waiting)) {
        hear(stray, status == 200 ? json : NULL);
        json_decref(json);
    }
    if (waiting == 0) { /* whoever could not be asked has not said no */
        mcpz_exchange_answer(exchange, 200, json_object());
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    mcpz_fellows_forget(exchange);
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};

static void on_answered(struct mcpz_exchange *exchange)
{
    struct mcpz_api *api = exchange->api;

    if (api->blobs.stray != NULL && api->blobs.stray->exchange == exchange) {
        api->blobs.stray->is_over = true;
        api->ports.defer(api->ports.context);
    }
}

/* All others that are to keep it, and further members where those are few. False: not all of them
 * are there, or nobody is. */
static bool find_nodes(struct mcpz_api *api, struct mcpz_blob_stray *stray)
{
    const struct mcpz_engine *engine = engine_of(api);
    struct mcpz_ack_wait wait = {0};
    size_t others = 0;
    size_t there = 0;

    mcpz_blob_keeper_targets(api, &stray->root, &wait);
    for (size_t i = 0; i < wait.owner_count; i++) {
        const struct mcpz_ack_owner *owner = &wait.owners[i];
        others += owner->sets != 0 && !mcpz_id_equal(&owner->node, mcpz_engine_id(engine)) ? 1 : 0;
    }
    const size_t count = mcpz_blob_sources(engine, &wait, NULL, stray->nodes);
    while (there < count && mcpz_blob_targets_has(&wait, &stray->nodes[there])) {
        there++;
    }
    const size_t most =
        others > MCPZ_BLOB_STRAY_ASKED_MIN ? others : (size_t)MCPZ_BLOB_STRAY_ASKED_MIN;
    stray->node_count = count < most ? count : most;
    return there == others && stray->node_count > 0;
}

void mcpz_blob_stray_begin(struct mcpz_api *api, const struct mcpz_id *root)
{
    struct mcpz_blob_stray *stray = calloc(1, sizeof(*stray));
    char text[MCPZ_ID_TEXT_BYTES];

    assert(api->blobs.stray == NULL);
    if (stray == NULL) {
        return;
    }
    stray->root = *root;
    mcpz_id_to_text(root, 'b', text);
    (void)snprintf(stray->path, sizeof(stray->path), MCPZ_BLOB_SERVE_PATH "/stat?blob=%s", text);
    if (find_nodes(api, stray)) {
        stray->exchange = mcpz_blob_open_exchange(api, on_answered);
    }
    if (stray->exchange == NULL) {
        free(stray);
        return;
    }
    api->blobs.stray = stray;
    mcpz_exchange_wait(stray->exchange, &kind, stray);
    stray->exchange->deadline_us = MCPZ_TIME_NEVER; /* calls end by themselves */
    ask_on(stray->exchange, stray);
    mcpz_exchange_again(stray->exchange); /* nobody may have been asked */
}

/* ---- Its life ------------------------------------------------------------------------------- */

bool mcpz_blob_stray_look(struct mcpz_api *api)
{
    struct mcpz_blob_stray *stray = api->blobs.stray;

    if (stray == NULL || !stray->is_over) {
        return stray != NULL;
    }
    api->blobs.stray = NULL;
    mcpz_api_close(stray->exchange);
    conclude(api, stray);
    free(stray);
    return false;
}

void mcpz_blob_stray_finish(struct mcpz_api *api)
{
    if (api->blobs.stray != NULL) {
        mcpz_api_close(api->blobs.stray->exchange);
        free(api->blobs.stray);
        api->blobs.stray = NULL;
    }
}

/* ---- For others ----------------------------------------------------------------------------- */

const char *mcpz_blob_stray_word(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                                 const struct mcpz_blob_state *state)
{
    struct mcpz_api *api = exchange->api;
    struct mcpz_blob_entry entry;

    const mcpz_error error = read_book(api, root, &entry);
    if (state->is_put || state->is_brief || mcpz_blob_places_has_put(api, root) ||
        (error == MCPZ_OK && entry.ref_count > 0)) {
        return "yes";
    }
    return (error == MCPZ_OK || error == MCPZ_ENOTFOUND) &&
                   !mcpz_layouts_may_come(&mcpz_engine_node(engine_of(api))->layouts)
               ? "no"
               : "unknown";
}
