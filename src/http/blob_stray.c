#include "http/blob_stray.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_copies.h"
#include "http/blob_places.h"
#include "http/blob_serve.h"
#include "http/blob_targets.h"
#include "http/survey.h"

struct mcpz_blob_stray {
    struct mcpz_survey survey;
    struct mcpz_id root;
    struct mcpz_id nodes[MCPZ_BLOB_SOURCES_MAX];
    size_t node_count;
    size_t denials;
    bool is_needed; /* somebody says so */
};

static mcpz_error read_book(struct mcpz_api *api, const struct mcpz_id *root,
                            struct mcpz_blob_entry *entry)
{
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    return mcpz_blob_book_read(mcpz_engine_store(mcpz_api_engine(api)), &document, entry);
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

    return state->is_copy && !state->is_put && !state->is_brief && is_unknown(api, &listed->id) &&
           !mcpz_set_aside_may_name(api);
}

/* ---- What follows --------------------------------------------------------------------------- */

static bool note(struct mcpz_api *api, const struct mcpz_id *root, bool is_needed)
{
    struct mcpz_blob_seen seen = {.root = *root, .is_named = is_needed};

    mcpz_blob_book_id(root, &seen.document);
    return mcpz_blob_doubts_note(&api->blobs.doubts, &seen, mcpz_api_now(api));
}

void mcpz_blob_stray_claimed(struct mcpz_api *api, const struct mcpz_id *root)
{
    (void)note(api, root, true);
}

static void conclude(struct mcpz_api *api, const struct mcpz_blob_stray *stray)
{
    if (stray->is_needed || !is_unknown(api, &stray->root)) {
        mcpz_blob_stray_claimed(api, &stray->root);
    } else if (stray->denials == stray->node_count && !mcpz_set_aside_may_name(api) &&
               note(api, &stray->root, false)) {
        mcpz_blob_let_go(api, &stray->root, MCPZ_BLOB_COPY_HOLDER);
        mcpz_blob_keeper_unwant(&api->blobs, &stray->root);
        api->blobs.counts.strays_dropped++;
    }
}

/* ---- Asking --------------------------------------------------------------------------------- */

static void hear(struct mcpz_survey *survey, const struct mcpz_id *node, unsigned status,
                 const json_t *said)
{
    struct mcpz_blob_stray *stray = survey->owner;
    const char *word = status == 200 ? json_string_value(json_object_get(said, "needed")) : NULL;

    (void)node;
    stray->is_needed |= word != NULL && strcmp(word, "yes") == 0;
    stray->denials += word != NULL && strcmp(word, "no") == 0 ? 1 : 0;
}

/* All others that are to keep it, and further members where those are few. False: not all of them
 * are there, or nobody is. */
static bool find_nodes(struct mcpz_api *api, struct mcpz_blob_stray *stray)
{
    const struct mcpz_engine *engine = mcpz_api_engine(api);
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

static void ask(struct mcpz_blob_stray *stray)
{
    char path[sizeof(MCPZ_BLOB_SERVE_PATH "/stat?blob=") + MCPZ_ID_TEXT_BYTES];
    char text[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(&stray->root, 'b', text);
    (void)snprintf(path, sizeof(path), MCPZ_BLOB_SERVE_PATH "/stat?blob=%s", text);
    (void)mcpz_survey_ask(
        &stray->survey, stray->nodes, stray->node_count,
        &(struct mcpz_question){.method = "GET", .path = path, .timeout_ms = MCPZ_BLOB_STAT_MS});
}

/* ---- Its life ------------------------------------------------------------------------------- */

void mcpz_blob_stray_begin(struct mcpz_api *api, const struct mcpz_id *root)
{
    struct mcpz_blob_stray *stray = calloc(1, sizeof(*stray));

    assert(api->blobs.stray == NULL);
    if (stray == NULL) {
        return;
    }
    stray->survey = (struct mcpz_survey){.owner = stray, .hear = hear};
    stray->root = *root;
    if (!find_nodes(api, stray) || !mcpz_survey_open(&stray->survey, api)) {
        free(stray);
        return;
    }
    api->blobs.stray = stray;
    ask(stray);
}

bool mcpz_blob_stray_look(struct mcpz_api *api)
{
    struct mcpz_blob_stray *stray = api->blobs.stray;

    if (stray == NULL || !stray->survey.is_over) {
        return stray != NULL;
    }
    conclude(api, stray);
    mcpz_blob_stray_finish(api);
    return false;
}

void mcpz_blob_stray_finish(struct mcpz_api *api)
{
    if (api->blobs.stray != NULL) {
        mcpz_survey_close(&api->blobs.stray->survey);
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
                   !mcpz_layouts_may_come(&mcpz_engine_node(mcpz_api_engine(api))->layouts)
               ? "no"
               : "unknown";
}
