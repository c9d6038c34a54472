#include "http/shred_book.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blob/keyring.h"
#include "http/exchange.h"
#include "http/system_document.h"

#define NAME_PREFIX "of " /* before a tenant's name: a register's may not begin with "$" */
#define NAME_BYTES (sizeof(NAME_PREFIX) + MCPZ_TENANT_BYTES_MAX)

void mcpz_shred_book_init(struct mcpz_shred_book *book)
{
    *book = (struct mcpz_shred_book){.stale = true};
}

bool mcpz_shred_book_hear(struct mcpz_shred_book *book, const struct mcpz_fact *fact)
{
    const bool is_news = mcpz_system_document_is_news(MCPZ_SHRED_BOOK, fact);

    book->stale |= is_news;
    return is_news;
}

void mcpz_shred_book_changed(struct mcpz_shred_book *book)
{
    book->stale = true;
}

/* ---- From the document to the ring ---------------------------------------------------------- */

struct shredding {
    struct mcpz_blob_job job;
    struct mcpz_api *api;
};

static void on_shredded(struct mcpz_blob_job *job)
{
    struct shredding *shredding = job->owner;
    const struct mcpz_api_ports *ports = &shredding->api->ports;

    shredding->api->shreds.is_busy = false;
    if (job->error == MCPZ_OK) {
        mcpz_engine_shred(ports->enter(ports->context), mcpz_text(job->tenant), job->at_ms);
        shredding->api->shreds.stale = true; /* there may be more */
    }
    mcpz_blob_job_finish(job);
    free(shredding);
}

static void shred(struct mcpz_api *api, const char *tenant, uint64_t at_ms)
{
    const struct mcpz_blob_port *port = api->ports.blobs;
    struct shredding *shredding = calloc(1, sizeof(*shredding));

    if (shredding == NULL) {
        return;
    }
    shredding->api = api;
    shredding->job = (struct mcpz_blob_job){.ask = MCPZ_BLOB_SHRED,
                                            .at_ms = at_ms,
                                            .now_ms = mcpz_api_wall_ms(api),
                                            .done = on_shredded,
                                            .owner = shredding};
    (void)snprintf(shredding->job.tenant, sizeof(shredding->job.tenant), "%s", tenant);
    api->shreds.is_busy = port->submit(port->context, &shredding->job);
    if (!api->shreds.is_busy) {
        free(shredding);
    }
}

/* One at a time; the document is looked at again when it is done. */
static void shred_what_is_said(struct mcpz_api *api, const json_t *state)
{
    struct mcpz_keyring *keyring = api->ports.keyring;
    json_t *readable = json_deep_copy(state);
    const char *name;
    json_t *said;

    json_object_foreach(readable, name, said)
    {
        const char *tenant = name + sizeof(NAME_PREFIX) - 1;
        const json_int_t at_ms = json_integer_value(said);
        if (!api->shreds.is_busy && strncmp(name, NAME_PREFIX, sizeof(NAME_PREFIX) - 1) == 0 &&
            at_ms > 0 && *tenant != '\0' && strlen(tenant) <= MCPZ_TENANT_BYTES_MAX &&
            mcpz_keyring_end_of(keyring, mcpz_text(tenant)) < (uint64_t)at_ms) {
            shred(api, tenant, (uint64_t)at_ms);
        }
    }
    json_decref(readable);
}

/* ---- From the ring to the document ---------------------------------------------------------- */

static void write_end(struct mcpz_engine *engine, const char *name, uint64_t at_ms)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE, .agent = {.op = MCPZ_AGENT_SET}};
    struct mcpz_path path;
    struct mcpz_value value;
    json_t *json = json_integer((json_int_t)at_ms);

    mcpz_error error = mcpz_value_from_json(json, &value);
    json_decref(json);
    if (error != MCPZ_OK || !mcpz_system_document_path(name, &path)) {
        return;
    }
    mcpz_system_document_make(engine, MCPZ_SHRED_BOOK);
    mcpz_system_document_id(MCPZ_SHRED_BOOK, &event.agent.document);
    event.agent.request = mcpz_engine_next_request(engine); /* nobody waits for it */
    event.agent.path = mcpz_bytes(path.bytes, path.length);
    event.agent.value = mcpz_bytes(value.bytes, value.length);
    mcpz_engine_event(engine, &event);
}

static void say_what_was_shredded(struct mcpz_api *api, const json_t *state)
{
    struct mcpz_engine *engine = mcpz_api_engine(api);
    struct mcpz_keyring_end end;

    for (size_t i = 0; mcpz_keyring_end(api->ports.keyring, i, &end); i++) {
        char name[NAME_BYTES];
        (void)snprintf(name, sizeof(name), NAME_PREFIX "%.*s", (int)end.tenant_length,
                       (const char *)end.tenant);
        const json_int_t said = json_integer_value(json_object_get(state, name));
        if ((uint64_t)said < end.at_ms && end.at_ms <= INT64_MAX >> 11 &&
            mcpz_bytes_is_utf8(mcpz_text(name))) {
            write_end(engine, name, end.at_ms);
        }
    }
}

void mcpz_shred_book_look(struct mcpz_shred_book *book, struct mcpz_api *api)
{
    const mcpz_time now = mcpz_api_now(api);
    json_t *state = NULL;

    if (api->ports.keyring == NULL || api->ports.blobs == NULL || book->is_busy ||
        (!book->stale && now < book->look_us)) {
        return;
    }
    book->stale = false;
    book->look_us = now + MCPZ_SHRED_BOOK_US;
    if (mcpz_system_document_read(mcpz_api_engine(api), MCPZ_SHRED_BOOK, &state) == MCPZ_OK) {
        say_what_was_shredded(api, state);
        shred_what_is_said(api, state);
        json_decref(state);
    }
}
