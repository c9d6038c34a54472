#include "http/blob_book.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "http/document.h"
#include "http/walk.h"

void mcpz_blob_book_id(const struct mcpz_id *root, struct mcpz_id *document)
{
    char name[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(root, 'b', name);
    mcpz_engine_blob_document_id(mcpz_text(name), document);
}

bool mcpz_blob_book_is(const struct mcpz_id *document)
{
    return mcpz_id_is_of_blob(document);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static bool read_about(const json_t *about, struct mcpz_blob_about *read)
{
    const json_t *first = json_array_get(about, 0);
    const json_t *tenant = json_array_get(first, 0);
    const size_t length = json_string_length(tenant);

    if (!json_is_string(tenant) || length == 0 || length > MCPZ_TENANT_BYTES_MAX) {
        return false;
    }
    memcpy(read->tenant, json_string_value(tenant), length + 1);
    read->size = (uint64_t)json_integer_value(json_array_get(first, 1));
    read->chunks = (uint64_t)json_integer_value(json_array_get(first, 2));
    read->made_ms = (uint64_t)json_integer_value(json_array_get(first, 3));
    return true;
}

static void read_alias(const json_t *as, struct mcpz_blob_entry *read)
{
    const char *name = json_string_value(json_object_get(json_array_get(as, 0), "$blob"));

    read->is_alias = name != NULL &&
                     mcpz_id_from_text(mcpz_text(name), 'b', &read->stands_for) == MCPZ_OK &&
                     !mcpz_id_equal(&read->stands_for, &read->about.root);
}

static mcpz_error read_state(const struct mcpz_store *store, const struct mcpz_id *document,
                             json_t **state)
{
    json_t *conflicts = NULL;
    mcpz_error error = mcpz_document_show(store, document, state, &conflicts);

    json_decref(conflicts);
    return error;
}

mcpz_error mcpz_blob_book_read(const struct mcpz_store *store, const struct mcpz_id *document,
                               struct mcpz_blob_entry *entry)
{
    struct mcpz_record record;
    struct mcpz_blob_entry read = {.ref_count = 0};
    json_t *state = NULL;

    mcpz_error error = mcpz_walk_find(store, document, &record);
    if (error == MCPZ_OK &&
        mcpz_id_from_text(record.document.name, 'b', &read.about.root) != MCPZ_OK) {
        error = MCPZ_ENOTFOUND;
    }
    if (error == MCPZ_OK) {
        error = read_state(store, document, &state);
    }
    if (error == MCPZ_OK) {
        error =
            read_about(json_object_get(state, "about"), &read.about) ? MCPZ_OK : MCPZ_ENOTFOUND;
        read.ref_count = json_array_size(json_object_get(state, "refs"));
        read_alias(json_object_get(state, "as"), &read);
    }
    json_decref(state);
    if (error == MCPZ_OK) {
        *entry = read;
    }
    return error;
}

json_t *mcpz_blob_book_refs(const struct mcpz_store *store, const struct mcpz_id *root)
{
    struct mcpz_record record;
    struct mcpz_id document;
    json_t *state = NULL;

    mcpz_blob_book_id(root, &document);
    if (mcpz_walk_find(store, &document, &record) != MCPZ_OK ||
        read_state(store, &document, &state) != MCPZ_OK) {
        return NULL;
    }
    json_t *refs = json_incref(json_object_get(state, "refs"));
    json_decref(state);
    return refs;
}

bool mcpz_blob_book_resolve(const struct mcpz_store *store, struct mcpz_id *root)
{
    struct mcpz_blob_entry entry;
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    if (mcpz_blob_book_read(store, &document, &entry) != MCPZ_OK || !entry.is_alias) {
        return false;
    }
    *root = entry.stands_for;
    return true;
}

bool mcpz_blob_book_has(const struct mcpz_store *store, const struct mcpz_id *root,
                        const char *ref)
{
    json_t *refs = mcpz_blob_book_refs(store, root);
    bool has = false;

    for (size_t i = 0; i < json_array_size(refs) && !has; i++) {
        const char *said = json_string_value(json_array_get(refs, i));
        has = said != NULL && strcmp(said, ref) == 0;
    }
    json_decref(refs);
    return has;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* An element of the set `name` is put in, or (`op` REMOVE) taken out. `json` is taken. */
static mcpz_error write_element(struct mcpz_engine *engine, struct mcpz_event_agent agent,
                                const char *name, json_t *json)
{
    struct mcpz_path path;
    struct mcpz_value value;
    mcpz_error error = json != NULL ? mcpz_value_from_json(json, &value) : MCPZ_ENOMEM;

    json_decref(json);
    if (error == MCPZ_OK) {
        error = mcpz_path_from_text(mcpz_text(name), &path);
    }
    if (error == MCPZ_OK) {
        agent.path = mcpz_bytes(path.bytes, path.length);
        agent.value = mcpz_bytes(value.bytes, value.length);
        struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE, .agent = agent};
        mcpz_engine_event(engine, &event);
    }
    return error == MCPZ_EPROTO ? MCPZ_EFULL : error;
}

static void create(struct mcpz_engine *engine, const struct mcpz_id *document,
                   const struct mcpz_id *root)
{
    char name[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(root, 'b', name);
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE,
                               .agent = {.op = MCPZ_AGENT_CREATE,
                                         .request = mcpz_engine_next_request(engine),
                                         .document = *document,
                                         .tenant = mcpz_text(MCPZ_TENANT_BLOBS),
                                         .name = mcpz_text(name)}};
    mcpz_engine_event(engine, &event);
}

mcpz_error mcpz_blob_book_add(struct mcpz_engine *engine, const struct mcpz_blob_about *about,
                              const char *ref, uint64_t request)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_event_agent agent = {.op = MCPZ_AGENT_ADD};
    struct mcpz_blob_entry entry;
    struct mcpz_record record;
    mcpz_error error = MCPZ_OK;

    assert(strlen(ref) <= MCPZ_BLOB_REF_BYTES_MAX);
    mcpz_blob_book_id(&about->root, &agent.document);
    if (mcpz_walk_find(store, &agent.document, &record) == MCPZ_ENOTFOUND) {
        create(engine, &agent.document, &about->root);
    }
    if (mcpz_blob_book_read(store, &agent.document, &entry) != MCPZ_OK) {
        agent.request = mcpz_engine_next_request(engine); /* the one after it says it all */
        error = write_element(engine, agent, "about",
                              json_pack("[s, I, I, I]", about->tenant, (json_int_t)about->size,
                                        (json_int_t)about->chunks, (json_int_t)about->made_ms));
    }
    if (error == MCPZ_OK) {
        agent.request = request;
        error = write_element(engine, agent, "refs", json_string(ref));
    }
    return error;
}

mcpz_error mcpz_blob_book_remove(struct mcpz_engine *engine, const struct mcpz_id *root,
                                 const char *ref, uint64_t request)
{
    struct mcpz_event_agent agent = {.op = MCPZ_AGENT_REMOVE, .request = request};

    mcpz_blob_book_id(root, &agent.document);
    return write_element(engine, agent, "refs", json_string(ref));
}

/* The name of a blob, as a value. */
static json_t *show_name(const struct mcpz_blob_about *about, const struct mcpz_id *root)
{
    char text[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(root, 'b', text);
    return json_pack("{s:s, s:I, s:s}", "$blob", text, "size", (json_int_t)about->size, "tenant",
                     about->tenant);
}

mcpz_error mcpz_blob_book_alias(struct mcpz_engine *engine, const struct mcpz_blob_about *about,
                                const struct mcpz_id *stands_for, uint64_t request)
{
    struct mcpz_event_agent agent = {
        .op = MCPZ_AGENT_ADD,
        .request = request,
        .ack = MCPZ_ACK_ONE, /* those that keep it are to know of it before agents name it */
        .ack_timeout_ms = MCPZ_ACK_TIMEOUT_MS};

    mcpz_blob_book_id(&about->root, &agent.document);
    const mcpz_error error =
        mcpz_blob_book_add(engine, about, MCPZ_BLOB_REF_BRIEF, mcpz_engine_next_request(engine));
    return error == MCPZ_OK ? write_element(engine, agent, "as", show_name(about, stands_for))
                            : error;
}

void mcpz_blob_book_unalias(struct mcpz_engine *engine, const struct mcpz_blob_entry *entry)
{
    struct mcpz_event_agent agent = {.op = MCPZ_AGENT_REMOVE,
                                     .request = mcpz_engine_next_request(engine)};

    mcpz_blob_book_id(&entry->about.root, &agent.document);
    (void)write_element(engine, agent, "as", show_name(&entry->about, &entry->stands_for));
}
