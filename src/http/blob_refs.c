#include "http/blob_refs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/agent_owners.h"
#include "http/blob_serve.h"
#include "http/inner.h"
#include "wire/value.h"

#define ASK_MS 5000

bool mcpz_blob_refs_is_one(const struct mcpz_event_agent *agent)
{
    struct mcpz_blob_ref ref;

    return (agent->op == MCPZ_AGENT_SET || agent->op == MCPZ_AGENT_KEEP ||
            agent->op == MCPZ_AGENT_ADD) &&
           mcpz_value_read_blob(agent->value, &ref);
}

bool mcpz_blob_refs_may_name(struct mcpz_exchange *exchange, const json_t *value)
{
    const char *tenant = json_string_value(json_object_get(value, "tenant"));

    return json_object_get(value, "$blob") == NULL || tenant == NULL ||
           mcpz_exchange_may_name(exchange, tenant);
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

/* A reference that is written elsewhere, and perhaps a write that waits for it. */
struct referring {
    struct mcpz_event_agent agent; /* points to what follows */
    struct mcpz_path path;
    struct mcpz_value value;
    struct reference reference;
    json_t *json; /* what the write says; NULL: there is none */
    struct mcpz_id nodes[MCPZ_OWNERS_MAX];
    size_t node_count;
    size_t next;
    bool is_unknown; /* to all of them that have answered: those know nothing of it */
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
    if (!is_asked && referring->is_unknown) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no such blob: put it first");
    } else if (!is_asked) {
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
    if (status == 200 && referring->json == NULL) {
        mcpz_exchange_answer(exchange, 200, json_incref(said));
    } else if (status == 200) {
        json_t *json = json_incref(referring->json);
        struct mcpz_event_agent agent = referring->agent;
        const struct mcpz_path path = referring->path;
        const struct mcpz_value value = referring->value;
        agent.path = mcpz_bytes(path.bytes, path.length);
        agent.value = mcpz_bytes(value.bytes, value.length);
        finish(exchange);
        mcpz_exchange_wait_no_more(exchange);
        mcpz_agent_write_hand_in(exchange, &agent, 200, json);
    } else if (status == 400) {
        mcpz_exchange_answer(exchange, status, json_incref(said));
    } else {
        referring->is_unknown |= status == 404; /* another may have heard of it by now */
        ask_next(exchange, referring);
    }
    json_decref(said);
}

static const struct mcpz_exchange_kind kind = {.work = work, .finish = finish};

/* Those that keep the document, but for us. */
static size_t find_others(struct mcpz_exchange *exchange, const struct mcpz_id *document,
                          struct mcpz_id *nodes)
{
    const size_t count = mcpz_agent_keepers(exchange, document, nodes);
    size_t others = 0;

    for (size_t i = 0; i < count; i++) {
        if (!mcpz_id_equal(&nodes[i], mcpz_engine_id(mcpz_exchange_engine(exchange)))) {
            nodes[others++] = nodes[i];
        }
    }
    return others;
}

/* `agent` and `json` (taken) are the write that waits for it; NULL: none. */
static void write_elsewhere(struct mcpz_exchange *exchange, const struct reference *reference,
                            const struct mcpz_event_agent *agent, json_t *json)
{
    struct referring *referring = calloc(1, sizeof(*referring));
    struct mcpz_id document;

    if (referring == NULL) {
        json_decref(json);
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "writing down who needs the blob");
        return;
    }
    referring->reference = *reference;
    referring->json = json;
    if (agent != NULL) {
        referring->agent = *agent;
        referring->path.length = agent->path.length;
        referring->value.length = agent->value.length;
        memcpy(referring->path.bytes, agent->path.data, agent->path.length);
        memcpy(referring->value.bytes, agent->value.data, agent->value.length);
    }
    mcpz_blob_book_id(&reference->root, &document);
    referring->is_unknown = mcpz_agent_is_here(exchange, &document);
    referring->node_count = find_others(exchange, &document, referring->nodes);
    mcpz_exchange_wait(exchange, &kind, referring);
    ask_next(exchange, referring);
}

static void refer_to(const struct mcpz_blob_ref *named, const struct mcpz_id *document,
                     struct reference *reference)
{
    *reference = (struct reference){.root = named->root, .size = named->size};
    mcpz_bytes_to_text(named->tenant, reference->tenant, sizeof(reference->tenant));
    mcpz_id_to_text(document, 'd', reference->ref);
}

/* Do we keep its document, and does that say that somebody needs it? What was put a moment ago one
 * of the others may know that keep it, and we not yet. */
static bool is_known_here(struct mcpz_exchange *exchange, const struct mcpz_id *root)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_blob_entry entry;
    struct mcpz_id document;

    mcpz_blob_book_id(root, &document);
    if (!mcpz_agent_is_here(exchange, &document)) {
        return false;
    }
    const mcpz_error error = mcpz_blob_book_read(store, &document, &entry);
    return error != MCPZ_ENOTFOUND && (error != MCPZ_OK || entry.ref_count > 0);
}

void mcpz_blob_refs_write(struct mcpz_exchange *exchange, const struct mcpz_event_agent *agent,
                          json_t *json)
{
    struct reference reference;
    struct mcpz_blob_ref named;
    struct mcpz_event_agent write = *agent;

    if (!mcpz_value_read_blob(agent->value, &named)) {
        json_decref(json);
        return;
    }
    refer_to(&named, &agent->document, &reference);
    if (!mcpz_exchange_may_name(exchange, reference.tenant)) {
        json_decref(json);
        return;
    }
    if (!is_known_here(exchange, &named.root)) {
        write_elsewhere(exchange, &reference, agent, json);
    } else if (write_here(exchange, &reference,
                          mcpz_engine_next_request(mcpz_exchange_engine(exchange)))) {
        mcpz_agent_write_hand_in(exchange, &write, 200, json);
    } else {
        json_decref(json);
    }
}

static void answer_when_written(struct mcpz_exchange *exchange, const struct reference *reference)
{
    const uint64_t request =
        mcpz_exchange_await_reply(exchange, 200, json_pack("{s:b}", "written", 1));

    if (request != 0) {
        (void)write_here(exchange, reference, request);
    }
}

void mcpz_blob_refs_add(struct mcpz_exchange *exchange, const struct mcpz_blob_ref *named,
                        const struct mcpz_id *document)
{
    struct reference reference;

    refer_to(named, document, &reference);
    if (is_known_here(exchange, &named->root)) {
        answer_when_written(exchange, &reference);
    } else {
        write_elsewhere(exchange, &reference, NULL, NULL);
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
    answer_when_written(exchange, &reference);
}

bool mcpz_blob_refs_free_brief(struct mcpz_exchange *exchange, struct mcpz_exchange **inner,
                               const struct mcpz_id *blob, const char *tenant)
{
    char name[MCPZ_ID_TEXT_BYTES];
    char path[MCPZ_ID_TEXT_BYTES + 16];
    char query[MCPZ_TENANT_BYTES_MAX + 32];

    mcpz_id_to_text(blob, 'b', name);
    (void)snprintf(path, sizeof(path), "/v1/blobs/%s", name);
    const int length =
        snprintf(query, sizeof(query), "tenant=%s%cref=" MCPZ_BLOB_REF_BRIEF, tenant, '\0');
    return mcpz_inner_ask(
        exchange, inner,
        &(struct mcpz_inner_request){
            .method = MCPZ_DELETE, .path = path, .query = mcpz_bytes(query, (size_t)length)});
}
