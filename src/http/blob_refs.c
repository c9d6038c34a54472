#include "http/blob_refs.h"

#include <stdlib.h>
#include <string.h>

#include "http/agent_owners.h"
#include "http/blob_serve.h"
#include "http/blob_targets.h"
#include "http/walk.h"
#include "wire/value.h"

#define ASK_MS 5000

bool mcpz_blob_refs_is_one(const struct mcpz_event_agent *agent)
{
    struct mcpz_blob_ref ref;

    return (agent->op == MCPZ_AGENT_SET || agent->op == MCPZ_AGENT_KEEP ||
            agent->op == MCPZ_AGENT_ADD) &&
           mcpz_value_read_blob(agent->value, &ref);
}

/* ---- Writing the reference ------------------------------------------------------------------ */

/* A reference that is to be written: what is said of the blob, and who needs it. */
struct reference {
    struct mcpz_id root;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    uint64_t size;
    char ref[MCPZ_ID_TEXT_BYTES];
};

/* Write it here; false: it was answered with what is wrong. */
static bool write_here(struct mcpz_exchange *exchange, const struct reference *reference,
                       uint64_t request)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    struct mcpz_blob_entry entry;
    struct mcpz_id document;

    mcpz_blob_book_id(&reference->root, &document);
    mcpz_error error = mcpz_blob_book_read(mcpz_engine_store(engine), &document, &entry);
    if (error == MCPZ_ENOTFOUND || (error == MCPZ_OK && entry.ref_count == 0)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no such blob: put it first");
        return false;
    }
    if (error == MCPZ_OK && (entry.about.size != reference->size ||
                             strcmp(entry.about.tenant, reference->tenant) != 0)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "that blob is of another size, or another tenant's");
        return false;
    }
    if (error == MCPZ_OK) {
        error = mcpz_blob_book_add(engine, &entry.about, reference->ref, request);
    }
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "writing down who needs the blob");
    }
    return error == MCPZ_OK;
}

/* A write that waits until its reference is written elsewhere. */
struct referring {
    struct mcpz_event_agent agent; /* points to what follows */
    struct mcpz_path path;
    struct mcpz_value value;
    struct reference reference;
    json_t *json;
    struct mcpz_id nodes[MCPZ_OWNERS_MAX];
    size_t node_count;
    size_t next;
};

static void ask_next(struct mcpz_exchange *exchange, struct referring *referring)
{
    const struct reference *reference = &referring->reference;
    json_t *body = json_pack(
        "{s:o, s:s, s:I, s:s}", "blob", mcpz_exchange_show_id(&reference->root, 'b'), "tenant",
        reference->tenant, "size", (json_int_t)reference->size, "ref", reference->ref);
    bool is_asked = false;

    while (!is_asked && referring->next < referring->node_count) {
        is_asked = mcpz_fellows_ask(exchange, &referring->nodes[referring->next++], "POST",
                                    MCPZ_BLOB_SERVE_PATH "/refer", body, ASK_MS);
    }
    json_decref(body);
    if (!is_asked) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_UNAVAILABLE,
                           "no node that keeps what is known of this blob can be reached");
    }
}

static void finish(struct mcpz_exchange *exchange)
{
    struct referring *referring = exchange->state;

    mcpz_fellows_forget(exchange);
    json_decref(referring->json);
    free(referring);
}

static void work(struct mcpz_exchange *exchange)
{
    struct referring *referring = exchange->state;
    struct mcpz_id node;
    unsigned status = 0;
    json_t *said = NULL;
    size_t waiting = 0;

    if (!mcpz_fellows_take(exchange, &node, &status, &said, &waiting)) {
        return;
    }
    if (status == 200) {
        json_t *json = json_incref(referring->json);
        struct mcpz_event_agent agent = referring->agent;
        const struct mcpz_path path = referring->path;
        const struct mcpz_value value = referring->value;
        agent.path = mcpz_bytes(path.bytes, path.length);
        agent.value = mcpz_bytes(value.bytes, value.length);
        finish(exchange);
        mcpz_exchange_wait_no_more(exchange);
        mcpz_agent_write_hand_in(exchange, &agent, 200, json);
    } else if (status == 400 || status == 404) {
        mcpz_exchange_answer(exchange, status, json_incref(said));
    } else {
        ask_next(exchange, referring);
    }
    json_decref(said);
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};

static void write_elsewhere(struct mcpz_exchange *exchange, const struct mcpz_event_agent *agent,
                            const struct reference *reference, json_t *json)
{
    struct referring *referring = calloc(1, sizeof(*referring));
    struct mcpz_id document;

    if (referring == NULL) {
        json_decref(json);
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "writing down who needs the blob");
        return;
    }
    referring->agent = *agent;
    referring->reference = *reference;
    referring->json = json;
    referring->path.length = agent->path.length;
    referring->value.length = agent->value.length;
    memcpy(referring->path.bytes, agent->path.data, agent->path.length);
    memcpy(referring->value.bytes, agent->value.data, agent->value.length);
    mcpz_blob_book_id(&reference->root, &document);
    referring->node_count = mcpz_agent_keepers(exchange, &document, referring->nodes);
    mcpz_exchange_wait(exchange, &kind, referring);
    ask_next(exchange, referring);
}

void mcpz_blob_refs_write(struct mcpz_exchange *exchange, const struct mcpz_event_agent *agent,
                          json_t *json)
{
    struct reference reference = {.size = 0};
    struct mcpz_blob_ref named;
    struct mcpz_event_agent write = *agent;
    struct mcpz_id document;

    if (!mcpz_value_read_blob(agent->value, &named)) {
        json_decref(json);
        return;
    }
    reference.root = named.root;
    reference.size = named.size;
    mcpz_bytes_to_text(named.tenant, reference.tenant, sizeof(reference.tenant));
    mcpz_id_to_text(&agent->document, 'd', reference.ref);
    mcpz_blob_book_id(&named.root, &document);
    if (!mcpz_exchange_may_name(exchange, reference.tenant)) {
        json_decref(json);
        return;
    }
    if (!mcpz_agent_is_here(exchange, &document)) {
        write_elsewhere(exchange, agent, &reference, json);
    } else if (write_here(exchange, &reference,
                          mcpz_engine_next_request(mcpz_exchange_engine(exchange)))) {
        mcpz_agent_write_hand_in(exchange, &write, 200, json);
    } else {
        json_decref(json);
    }
}

void mcpz_blob_refs_serve(struct mcpz_exchange *exchange, const json_t *object)
{
    const char *blob = json_string_value(json_object_get(object, "blob"));
    const char *tenant = json_string_value(json_object_get(object, "tenant"));
    const char *ref = json_string_value(json_object_get(object, "ref"));
    struct reference reference = {
        .size = (uint64_t)json_integer_value(json_object_get(object, "size"))};
    struct mcpz_id document;

    if (blob == NULL || mcpz_id_from_text(mcpz_text(blob), 'b', &reference.root) != MCPZ_OK ||
        tenant == NULL || strlen(tenant) > MCPZ_TENANT_BYTES_MAX || ref == NULL ||
        mcpz_id_from_text(mcpz_text(ref), 'd', &document) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "which blob, and for whom?");
        return;
    }
    memcpy(reference.tenant, tenant, strlen(tenant) + 1);
    mcpz_id_to_text(&document, 'd', reference.ref);
    const uint64_t request =
        mcpz_exchange_await_reply(exchange, 200, json_pack("{s:b}", "written", 1));
    if (request != 0) {
        (void)write_here(exchange, &reference, request);
    }
}

/* ---- Letting go of it ----------------------------------------------------------------------- */

bool mcpz_blob_refs_names(const struct mcpz_store *store, const struct mcpz_id *document,
                          const struct mcpz_id *root)
{
    struct mcpz_record record;
    struct mcpz_blob_ref ref;

    if (mcpz_walk_find(store, document, &record) == MCPZ_ENOTFOUND) {
        return false;
    }
    record = (struct mcpz_record){.kind = MCPZ_RECORD_ENTRY, .entry = {.document = *document}};
    for (bool is_first = true;
         store->next(store->context, MCPZ_SCAN_DOCUMENT, is_first, &record) == MCPZ_OK;
         is_first = false) {
        if (mcpz_value_read_blob(record.entry.value, &ref) && mcpz_id_equal(&ref.root, root)) {
            return true;
        }
    }
    return false;
}

/* One node lets go of what is due: the first of those who are to keep the blob that is there. */
static bool is_first(struct mcpz_api *api, const struct mcpz_id *root)
{
    const struct mcpz_engine *engine = api->ports.enter(api->ports.context);
    const struct mcpz_members *members = &mcpz_engine_node(engine)->fabric.members;
    struct mcpz_ack_wait wait = {0};

    mcpz_blob_keeper_targets(api, root, &wait);
    for (size_t i = 0; i < wait.owner_count; i++) {
        const struct mcpz_member *member = mcpz_members_find(members, &wait.owners[i].node);
        if (wait.owners[i].sets != 0 && member != NULL && !mcpz_member_is_gone(member)) {
            return mcpz_id_equal(&member->id, mcpz_engine_id(engine));
        }
    }
    return false;
}

void mcpz_blob_refs_look(struct mcpz_api *api, const struct mcpz_id *root)
{
    struct mcpz_engine *engine = api->ports.enter(api->ports.context);
    const struct mcpz_layouts *layouts = &mcpz_engine_node(engine)->layouts;
    const struct mcpz_store *store = mcpz_engine_store(engine);
    const mcpz_time now = api->ports.now(api->ports.context);
    json_t *refs = is_first(api, root) ? mcpz_blob_book_refs(store, root) : NULL;

    for (size_t i = 0; i < json_array_size(refs); i++) {
        const char *ref = json_string_value(json_array_get(refs, i));
        struct mcpz_id document;
        if (ref == NULL || mcpz_id_from_text(mcpz_text(ref), 'd', &document) != MCPZ_OK ||
            !mcpz_layouts_keeps(layouts, mcpz_engine_id(engine), &document)) {
            continue; /* what is kept elsewhere is not known here */
        }
        const bool is_named = mcpz_blob_refs_names(store, &document, root);
        if (mcpz_blob_doubts_note(&api->blobs.doubts, root, &document, is_named, now) &&
            mcpz_blob_book_remove(engine, root, ref, mcpz_engine_next_request(engine)) !=
                MCPZ_OK) {
            /* It is found again. */
        }
    }
    json_decref(refs);
}
