#include "http/blob_review.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/blob_places.h"
#include "http/blob_serve.h"
#include "http/blob_targets.h"
#include "http/exchange.h"
#include "http/survey.h"
#include "http/walk.h"
#include "wire/value.h"

/* A reference that is looked at. */
struct looked {
    char ref[MCPZ_ID_TEXT_BYTES];
    struct mcpz_id document;
    struct mcpz_id keepers[MCPZ_OWNERS_MAX]; /* others that must say no */
    size_t keeper_count;
    size_t denials; /* of them */
    bool is_named;
    bool is_unknown; /* not all can say */
};

struct mcpz_blob_review {
    struct mcpz_survey survey;
    struct mcpz_id root;
    struct looked refs[MCPZ_BLOB_REVIEW_REFS_MAX];
    size_t count;
    struct mcpz_id nodes[MCPZ_BLOB_REVIEW_NODES_MAX];
    size_t node_count;
};

/* ---- What a document names ------------------------------------------------------------------ */

bool mcpz_blob_review_names(const struct mcpz_store *store, const struct mcpz_id *document,
                            const struct mcpz_id *root)
{
    struct mcpz_record record;
    struct mcpz_blob_ref ref;

    mcpz_error error = mcpz_walk_find(store, document, &record);
    if (error == MCPZ_OK) {
        record = (struct mcpz_record){.kind = MCPZ_RECORD_ENTRY, .entry = {.document = *document}};
    }
    for (bool is_first = true; error == MCPZ_OK; is_first = false) {
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, is_first, &record);
        if (error == MCPZ_OK && mcpz_value_read_blob(record.entry.value, &ref) &&
            mcpz_id_equal(&ref.root, root)) {
            return true;
        }
    }
    return error != MCPZ_ENOTFOUND; /* what cannot be read may do so */
}

/* ---- Whom to ask ---------------------------------------------------------------------------- */

/* One node lets go of what is due: the first of those who are to keep the blob that is there. */
static bool is_first(struct mcpz_api *api, const struct mcpz_ack_wait *wait)
{
    const struct mcpz_engine *engine = mcpz_api_engine(api);
    const struct mcpz_members *members = &mcpz_engine_node(engine)->fabric.members;

    for (size_t i = 0; i < wait->owner_count; i++) {
        const struct mcpz_member *member = mcpz_members_find(members, &wait->owners[i].node);
        if (wait->owners[i].sets != 0 && member != NULL && !mcpz_member_is_gone(member)) {
            return mcpz_id_equal(&member->id, mcpz_engine_id(engine));
        }
    }
    return false;
}

static bool is_there(struct mcpz_api *api, const struct mcpz_id *node)
{
    const struct mcpz_members *members = &mcpz_engine_node(mcpz_api_engine(api))->fabric.members;

    return mcpz_roster_is_there(&members->roster, node);
}

/* Nodes that keep the agent, or (no layout says so) some that do as all do. */
static size_t find_keepers(struct mcpz_api *api, const struct mcpz_id *document,
                           const struct mcpz_ack_wait *targets, struct mcpz_id *keepers)
{
    const struct mcpz_layouts *layouts = &mcpz_engine_node(mcpz_api_engine(api))->layouts;
    size_t count = mcpz_layouts_owners(layouts, document, keepers);

    for (size_t i = 0; count == 0 && i < targets->owner_count; i++) {
        keepers[i] = targets->owners[i].node;
    }
    return count > 0 ? count : targets->owner_count;
}

static bool add_node(struct mcpz_blob_review *review, const struct mcpz_id *node)
{
    for (size_t i = 0; i < review->node_count; i++) {
        if (mcpz_id_equal(&review->nodes[i], node)) {
            return true;
        }
    }
    if (review->node_count == MCPZ_BLOB_REVIEW_NODES_MAX) {
        return false;
    }
    review->nodes[review->node_count++] = *node;
    return true;
}

/* Look at it here, and find who else must be asked. */
static void look_at(struct mcpz_api *api, struct mcpz_blob_review *review,
                    const struct mcpz_ack_wait *targets, struct looked *looked)
{
    const struct mcpz_id *self = mcpz_engine_id(mcpz_api_engine(api));
    const size_t count = find_keepers(api, &looked->document, targets, looked->keepers);

    for (size_t i = 0; i < count && !looked->is_named; i++) {
        const struct mcpz_id keeper = looked->keepers[i];
        if (mcpz_id_equal(&keeper, self)) {
            looked->is_named = mcpz_blob_review_names(mcpz_engine_store(mcpz_api_engine(api)),
                                                      &looked->document, &review->root);
        } else {
            looked->keepers[looked->keeper_count++] = keeper;
        }
    }
    for (size_t i = 0; i < looked->keeper_count && !looked->is_named; i++) {
        looked->is_unknown |=
            !is_there(api, &looked->keepers[i]) || !add_node(review, &looked->keepers[i]);
    }
}

/* ---- What follows --------------------------------------------------------------------------- */

static void conclude_one(struct mcpz_api *api, const struct mcpz_id *root, const char *ref,
                         const struct mcpz_blob_seen *seen)
{
    struct mcpz_engine *engine = mcpz_api_engine(api);

    if (mcpz_blob_doubts_note(&api->blobs.doubts, seen, mcpz_api_now(api)) &&
        mcpz_blob_book_remove(engine, root, ref, mcpz_engine_next_request(engine)) == MCPZ_OK) {
        api->blobs.counts.references_dropped++;
    } /* else it is found again */
}

static void conclude(struct mcpz_api *api, const struct mcpz_blob_review *review)
{
    for (size_t i = 0; i < review->count; i++) {
        const struct looked *looked = &review->refs[i];
        if (looked->is_named || (!looked->is_unknown && looked->denials == looked->keeper_count)) {
            const struct mcpz_blob_seen seen = {
                .root = review->root, .document = looked->document, .is_named = looked->is_named};
            conclude_one(api, &review->root, looked->ref, &seen);
        }
    }
}

/* ---- Asking --------------------------------------------------------------------------------- */

static json_t *show_question(const struct mcpz_blob_review *review)
{
    json_t *refs = json_array();

    for (size_t i = 0; i < review->count; i++) {
        (void)json_array_append_new(refs, json_string(review->refs[i].ref));
    }
    return json_pack("{s:o, s:o}", "blob", mcpz_exchange_show_id(&review->root, 'b'), "refs",
                     refs);
}

static bool is_keeper(const struct looked *looked, const struct mcpz_id *node)
{
    for (size_t i = 0; i < looked->keeper_count; i++) {
        if (mcpz_id_equal(&looked->keepers[i], node)) {
            return true;
        }
    }
    return false;
}

static void hear(struct mcpz_survey *survey, const struct mcpz_id *node, unsigned status,
                 const json_t *said)
{
    struct mcpz_blob_review *review = survey->owner;
    const json_t *words = status == 200 ? json_object_get(said, "said") : NULL;

    for (size_t i = 0; i < review->count; i++) {
        struct looked *looked = &review->refs[i];
        const char *word = json_string_value(json_array_get(words, i));
        looked->is_named |= word != NULL && strcmp(word, "yes") == 0;
        looked->denials +=
            word != NULL && strcmp(word, "no") == 0 && is_keeper(looked, node) ? 1 : 0;
    }
}

/* False: nobody can be asked now. */
static bool ask(struct mcpz_api *api, struct mcpz_blob_review *review)
{
    if (review->node_count == 0 || !mcpz_survey_open(&review->survey, api)) {
        return false;
    }
    json_t *body = show_question(review);
    const size_t asked =
        mcpz_survey_ask(&review->survey, review->nodes, review->node_count,
                        &(struct mcpz_question){.method = "POST",
                                                .path = MCPZ_BLOB_SERVE_PATH "/names",
                                                .body = body,
                                                .timeout_ms = MCPZ_BLOB_REVIEW_MS});
    json_decref(body);
    if (asked == 0) {
        mcpz_survey_close(&review->survey);
    }
    return asked > 0;
}

/* ---- Its life ------------------------------------------------------------------------------- */

/* Those of the references that are agents', from one on that is another one each time. */
static void choose(struct mcpz_api *api, struct mcpz_blob_review *review, const json_t *refs)
{
    const size_t all = json_array_size(refs);
    const size_t from = all > 0 ? api->blobs.reviewed++ % all : 0;

    for (size_t i = 0; i < all; i++) {
        const char *ref = json_string_value(json_array_get(refs, (from + i) % all));
        struct mcpz_id document;
        if (ref != NULL && strcmp(ref, MCPZ_BLOB_REF_BRIEF) == 0) {
            conclude_one(api, &review->root, ref, &(struct mcpz_blob_seen){.root = review->root});
        } else if (ref != NULL && review->count < MCPZ_BLOB_REVIEW_REFS_MAX &&
                   mcpz_id_from_text(mcpz_text(ref), 'd', &document) == MCPZ_OK) {
            struct looked *looked = &review->refs[review->count++];
            looked->document = document;
            mcpz_id_to_text(&document, 'd', looked->ref);
        }
    }
}

void mcpz_blob_review_begin(struct mcpz_api *api, const struct mcpz_id *root)
{
    struct mcpz_ack_wait targets = {0};

    assert(api->blobs.review == NULL);
    mcpz_blob_keeper_targets(api, root, &targets);
    if (!is_first(api, &targets)) {
        return;
    }
    struct mcpz_blob_review *review = calloc(1, sizeof(*review));
    json_t *refs = mcpz_blob_book_refs(mcpz_engine_store(mcpz_api_engine(api)), root);
    if (review == NULL) {
        json_decref(refs);
        return;
    }
    review->survey = (struct mcpz_survey){.owner = review, .hear = hear};
    review->root = *root;
    choose(api, review, refs);
    json_decref(refs);
    for (size_t i = 0; i < review->count; i++) {
        look_at(api, review, &targets, &review->refs[i]);
    }
    if (ask(api, review)) {
        api->blobs.review = review;
        return;
    }
    conclude(api, review);
    free(review);
}

bool mcpz_blob_review_look(struct mcpz_api *api)
{
    struct mcpz_blob_review *review = api->blobs.review;

    if (review == NULL || !review->survey.is_over) {
        return review != NULL;
    }
    conclude(api, review);
    mcpz_blob_review_finish(api);
    return false;
}

void mcpz_blob_review_finish(struct mcpz_api *api)
{
    if (api->blobs.review != NULL) {
        mcpz_survey_close(&api->blobs.review->survey);
        free(api->blobs.review);
        api->blobs.review = NULL;
    }
}

/* ---- For others ----------------------------------------------------------------------------- */

static const char *word_for(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                            const json_t *ref)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    const struct mcpz_layouts *layouts = &mcpz_engine_node(engine)->layouts;
    struct mcpz_id document;

    if (!json_is_string(ref) ||
        mcpz_id_from_text(mcpz_exchange_text_of(ref), 'd', &document) != MCPZ_OK) {
        return "unknown";
    }
    if (mcpz_blob_review_names(mcpz_engine_store(engine), &document, root)) {
        return "yes";
    }
    /* Who is only being told of the layout may be one that is to have it, and has not yet. */
    return mcpz_layouts_keeps(layouts, mcpz_engine_id(engine), &document) &&
                   !mcpz_layouts_may_come(layouts)
               ? "no"
               : "unknown";
}

void mcpz_blob_review_serve(struct mcpz_exchange *exchange, const json_t *object)
{
    const char *blob = json_string_value(json_object_get(object, "blob"));
    const json_t *refs = json_object_get(object, "refs");
    const size_t count = json_array_size(refs);
    struct mcpz_id root;

    if (blob == NULL || mcpz_id_from_text(mcpz_text(blob), 'b', &root) != MCPZ_OK || count == 0 ||
        count > MCPZ_BLOB_REVIEW_REFS_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "which blob, and whose names of it?");
        return;
    }
    json_t *said = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(
            said, json_string(word_for(exchange, &root, json_array_get(refs, i))));
    }
    mcpz_exchange_answer(exchange, 200, json_pack("{s:o}", "said", said));
}
