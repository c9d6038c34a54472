#include "http/export_serve.h"

#include <endian.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/document.h"
#include "http/agent_export.h"
#include "http/blob_book.h"
#include "http/blob_names.h"
#include "http/exchange.h"
#include "http/walk.h"

#define PAGE_TYPE "application/octet-stream"

struct page {
    char tenant[MCPZ_TENANT_BYTES_MAX + 1]; /* as people say it */
    bool is_all;                            /* everybody's */

    /* Ids. */
    struct mcpz_walk walk;
    size_t id_count;
    uint8_t ids[1 + MCPZ_EXPORT_IDS_MAX * MCPZ_ID_BYTES];

    /* Documents. */
    struct mcpz_id documents[MCPZ_EXPORT_DOCUMENTS_MAX];
    size_t document_count;
    size_t done;
    uint32_t skip;  /* messages that are not said again */
    uint32_t said;  /* of the document under way */
    uint64_t state; /* as it was when those were said */
    struct mcpz_agent_export agent;
    bool is_naming; /* the document's blobs, before its messages */
    struct mcpz_blob_names names;
    uint8_t *messages;
    size_t length;
    size_t capacity;
    bool is_out_of_memory;
};

static void finish(struct mcpz_exchange *exchange)
{
    struct page *page = exchange->state;

    free(page->messages);
    free(page);
}

/* ---- Ids ---------------------------------------------------------------------------------- */

static bool is_asked_for(const struct page *page, const struct mcpz_record_document *document)
{
    const struct mcpz_bytes tenant =
        document->tenant.length > 0 ? document->tenant : mcpz_text(MCPZ_TENANT_DEFAULT);

    return !mcpz_blob_book_is(&document->id) &&
           !mcpz_bytes_equal(tenant, mcpz_text(MCPZ_TENANT_SYSTEM)) &&
           (page->is_all || mcpz_bytes_equal(tenant, mcpz_text(page->tenant)));
}

static void work_ids(struct mcpz_exchange *exchange)
{
    struct page *page = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    struct mcpz_record record;
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < MCPZ_SLICE_DOCUMENTS && page->id_count < MCPZ_EXPORT_IDS_MAX; i++) {
        error = mcpz_walk_next(&page->walk, store, &record);
        if (error != MCPZ_OK) {
            break;
        }
        if (is_asked_for(page, &record.document)) {
            memcpy(page->ids + 1 + page->id_count++ * MCPZ_ID_BYTES, record.document.id.bytes,
                   MCPZ_ID_BYTES);
        }
    }
    if (error == MCPZ_OK && page->id_count < MCPZ_EXPORT_IDS_MAX) {
        mcpz_exchange_again(exchange);
        return;
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        mcpz_exchange_fail_error(exchange, error, "reading the agents");
        return;
    }
    page->ids[0] = error == MCPZ_ENOTFOUND;
    mcpz_body_append(&exchange->response.body,
                     mcpz_bytes(page->ids, 1 + page->id_count * MCPZ_ID_BYTES));
    mcpz_exchange_send(exchange, 200, PAGE_TYPE);
}

static const struct mcpz_exchange_kind ids_kind = {.work = work_ids, .finish = finish};

/* ---- Documents ---------------------------------------------------------------------------- */

/* What an agent is that was begun: if it is the same, so are its messages. */
static uint64_t state_of(const struct mcpz_agent_export *export)
{
    uint64_t root;

    memcpy(&root, export->root.bytes, sizeof(root));
    return mcpz_document_digest_of(&export->deltas.branches.document) ^ root;
}

/* `length` is what is said of the bytes in front of them. */
static void append(struct page *page, uint32_t length, struct mcpz_bytes bytes)
{
    const uint32_t said = htobe32(length);
    const size_t needed = page->length + sizeof(said) + bytes.length;

    if (needed > page->capacity) {
        uint8_t *grown = realloc(page->messages, 2 * needed);
        if (grown == NULL) {
            page->is_out_of_memory = true;
            return;
        }
        page->messages = grown;
        page->capacity = 2 * needed;
    }
    memcpy(page->messages + page->length, &said, sizeof(said));
    memcpy(page->messages + page->length + sizeof(said), bytes.data, bytes.length);
    page->length = needed;
}

static void add_message(void *context, struct mcpz_bytes message)
{
    struct page *page = context;

    page->said++;
    if (page->said <= page->skip && state_of(&page->agent) == page->state) {
        return;
    }
    if (page->said <= page->skip) { /* it was begun anew: nothing of that was said */
        page->skip = 0;
        page->said = 1;
    }
    append(page, (uint32_t)message.length, message);
}

/* Name the next of its blobs. */
static mcpz_error say_name(struct page *page, struct mcpz_engine *engine)
{
    struct mcpz_blob_ref named;
    mcpz_error error = mcpz_blob_names_next(&page->names, mcpz_engine_store(engine), &named);

    if (error == MCPZ_OK) {
        const struct mcpz_bytes value = page->names.at.entry.value;
        append(page, MCPZ_EXPORT_NAME | (uint32_t)value.length, value);
        error = page->is_out_of_memory ? MCPZ_ENOMEM : MCPZ_OK;
    }
    page->is_naming = error != MCPZ_ENOTFOUND;
    return error == MCPZ_ENOTFOUND || error == MCPZ_ETIMEOUT ? MCPZ_OK : error;
}

/* Errors: MCPZ_ENOTFOUND  it is not here */
static mcpz_error begin_document(struct page *page, struct mcpz_engine *engine)
{
    struct mcpz_record record;

    mcpz_error error =
        mcpz_walk_find(mcpz_engine_store(engine), &page->documents[page->done], &record);
    if (error == MCPZ_OK) {
        error = mcpz_agent_export_start(&page->agent, engine, &record.document);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    const uint64_t state = state_of(&page->agent);
    page->said = 0;
    page->skip = page->done == 0 && state == page->state ? page->skip : 0;
    page->state = state;
    page->is_naming = page->skip == 0; /* else they were named */
    mcpz_blob_names_begin(&page->names, &page->agent.document);
    return MCPZ_OK;
}

static void answer_documents(struct mcpz_exchange *exchange, bool is_absent)
{
    const struct page *page = exchange->state;
    const uint32_t done = htobe32((uint32_t)page->done);
    const uint32_t said = htobe32(page->agent.is_open ? page->said : 0);
    const uint64_t state = htobe64(page->state);
    uint8_t head[MCPZ_EXPORT_PAGE_HEAD_BYTES];

    memcpy(head, &done, 4);
    memcpy(head + 4, &said, 4);
    memcpy(head + 8, &state, 8);
    head[16] = is_absent;
    mcpz_body_append(&exchange->response.body, mcpz_bytes(head, sizeof(head)));
    mcpz_body_append(&exchange->response.body, mcpz_bytes(page->messages, page->length));
    mcpz_exchange_send(exchange, 200, PAGE_TYPE);
}

/* Go on with what is asked for. Errors: MCPZ_ENOTFOUND  the next one is not here */
static mcpz_error say_some(struct page *page, struct mcpz_engine *engine)
{
    const struct mcpz_agent_export_sink sink = {.context = page, .add = add_message};
    mcpz_error error = page->agent.is_open ? MCPZ_OK : begin_document(page, engine);

    if (error != MCPZ_OK || page->is_naming) {
        return error == MCPZ_OK ? say_name(page, engine) : error;
    }
    error = mcpz_agent_export_say(&page->agent, engine, MCPZ_SLICE_DELTAS, &sink);
    if (error == MCPZ_OK && state_of(&page->agent) != page->state) {
        page->state = state_of(&page->agent); /* begun anew: rather said twice than not */
        page->said = 0;
    }
    if (error == MCPZ_ENOTFOUND) {
        page->done++;
        return MCPZ_OK;
    }
    return page->is_out_of_memory ? MCPZ_ENOMEM : error;
}

static void work_documents(struct mcpz_exchange *exchange)
{
    struct page *page = exchange->state;
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    mcpz_error error = MCPZ_OK;

    if (page->done < page->document_count) {
        error = say_some(page, engine);
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        mcpz_exchange_fail_error(exchange, error, "reading the agents");
    } else if (error == MCPZ_ENOTFOUND || page->done == page->document_count ||
               page->length >= MCPZ_EXPORT_PAGE_BYTES) {
        answer_documents(exchange, error == MCPZ_ENOTFOUND);
    } else {
        mcpz_exchange_again(exchange);
    }
}

static const struct mcpz_exchange_kind documents_kind = {.work = work_documents, .finish = finish};

/* ---- What is asked ------------------------------------------------------------------------ */

static bool read_id(const json_t *json, struct mcpz_id *id)
{
    const char *text = json_string_value(json);

    return text != NULL && mcpz_id_from_text(mcpz_text(text), 'd', id) == MCPZ_OK;
}

static bool read_documents(const json_t *json, struct page *page)
{
    const char *state = json_string_value(json_object_get(json, "state"));
    const json_t *documents = json_object_get(json, "documents");
    const json_int_t skip = json_integer_value(json_object_get(json, "skip"));

    page->document_count = json_array_size(documents);
    if (page->document_count > MCPZ_EXPORT_DOCUMENTS_MAX || skip < 0 || skip > UINT32_MAX) {
        return false;
    }
    for (size_t i = 0; i < page->document_count; i++) {
        if (!read_id(json_array_get(documents, i), &page->documents[i])) {
            return false;
        }
    }
    page->skip = (uint32_t)skip;
    page->state = state != NULL ? strtoull(state, NULL, 16) : 0;
    return true;
}

static bool read_asked(const json_t *json, struct page *page)
{
    const char *tenant = json_string_value(json_object_get(json, "tenant"));
    const json_t *after = json_object_get(json, "after");

    page->is_all = tenant == NULL;
    (void)snprintf(page->tenant, sizeof(page->tenant), "%s", tenant != NULL ? tenant : "");
    page->walk.started = after != NULL;
    return (after == NULL || read_id(after, &page->walk.at)) && read_documents(json, page);
}

void mcpz_export_serve(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_bytes body = mcpz_body_in_memory(request->body);
    json_t *json =
        body.data != NULL ? json_loadb((const char *)body.data, body.length, 0, NULL) : NULL;
    struct page *page = calloc(1, sizeof(*page));

    if (page == NULL || !json_is_object(json) || !read_asked(json, page)) {
        json_decref(json);
        free(page);
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "no page that can be asked for");
        return;
    }
    json_decref(json);
    mcpz_exchange_wait(exchange, page->document_count > 0 ? &documents_kind : &ids_kind, page);
    mcpz_exchange_again(exchange);
}
