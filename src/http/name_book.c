#include "http/name_book.h"

#include <jansson.h>
#include <string.h>

#include "http/document.h"
#include "http/system_document.h"

void mcpz_name_book_init(struct mcpz_name_book *book)
{
    *book = (struct mcpz_name_book){.stale = true};
}

bool mcpz_name_book_hear(struct mcpz_name_book *book, const struct mcpz_fact *fact)
{
    bool is_news = mcpz_system_document_is_news(MCPZ_NAME_BOOK, fact);

    book->stale |= is_news;
    return is_news;
}

void mcpz_name_book_again(struct mcpz_name_book *book)
{
    book->stale = true;
}

/* Who claimed a name first? NULL: nobody, as far as this says anything of the kind. */
static const char *first_claim(json_t *claims)
{
    json_t *several = json_object_get(claims, "$values"); /* made where none was known yet */
    const char *first = NULL;
    json_int_t since = 0;

    for (size_t i = 0; i < (several != NULL ? json_array_size(several) : 1); i++) {
        json_t *claim = several != NULL ? json_array_get(several, i) : claims;
        const json_int_t at = json_integer_value(json_array_get(claim, 0));
        const char *server = json_string_value(json_array_get(claim, 1));
        if (server != NULL &&
            (first == NULL || at < since || (at == since && strcmp(server, first) < 0))) {
            first = server;
            since = at;
        }
    }
    return first;
}

void mcpz_name_book_read(struct mcpz_name_book *book, struct mcpz_engine *engine,
                         struct mcpz_face *face)
{
    json_t *state = NULL;
    const char *name;
    json_t *claims;

    if (!book->stale || mcpz_system_document_read(engine, MCPZ_NAME_BOOK, &state) != MCPZ_OK) {
        return;
    }
    book->stale = false;
    book->count = json_object_size(state);
    json_object_foreach(state, name, claims)
    {
        const char *server = first_claim(claims);
        if (server != NULL) {
            mcpz_face_pin(face, mcpz_text(name), mcpz_text(server));
        }
    }
    json_decref(state);
}

/* Write a register, or with `value` NULL take it out. Nobody waits for the reply. */
static void write_name(struct mcpz_engine *engine, const struct mcpz_path *path,
                       const struct mcpz_value *value)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE,
                               .agent = {.op = value != NULL ? MCPZ_AGENT_KEEP : MCPZ_AGENT_UNSET,
                                         .request = mcpz_engine_next_request(engine),
                                         .path = mcpz_bytes(path->bytes, path->length)}};

    if (value != NULL) {
        event.agent.value = mcpz_bytes(value->bytes, value->length);
    }
    mcpz_system_document_id(MCPZ_NAME_BOOK, &event.agent.document);
    mcpz_engine_event(engine, &event);
}

/* Has somebody the name by what has come in, but was not read yet? */
static bool is_claimed(const struct mcpz_name_book *book, struct mcpz_engine *engine,
                       const char *name)
{
    json_t *state = NULL;

    if (!book->stale || mcpz_system_document_read(engine, MCPZ_NAME_BOOK, &state) != MCPZ_OK) {
        return false;
    }
    const bool has_claim = first_claim(json_object_get(state, name)) != NULL;
    json_decref(state);
    return has_claim;
}

void mcpz_name_book_keep(struct mcpz_name_book *book, struct mcpz_engine *engine, uint64_t wall_ms,
                         const char *name, const char *server)
{
    struct mcpz_path path;
    struct mcpz_value value;
    json_t *json = json_pack("[I, s]", (json_int_t)wall_ms, server);
    mcpz_error error = mcpz_value_from_json(json, &value);

    json_decref(json);
    if (error != MCPZ_OK || book->count >= MCPZ_NAMES_MAX ||
        !mcpz_system_document_path(name, &path) || is_claimed(book, engine, name)) {
        return; /* a claim written now would take the place of those that are here */
    }
    book->count++;
    mcpz_system_document_make(engine, MCPZ_NAME_BOOK);
    write_name(engine, &path, &value);
}

void mcpz_name_book_release(struct mcpz_engine *engine, struct mcpz_bytes server)
{
    json_t *state = NULL;
    const char *name;
    json_t *claims;
    struct mcpz_path path;

    if (mcpz_system_document_read(engine, MCPZ_NAME_BOOK, &state) != MCPZ_OK) {
        return;
    }
    json_object_foreach(state, name, claims)
    {
        const char *owner = first_claim(claims);
        if (owner != NULL && mcpz_bytes_equal(mcpz_text(owner), server) &&
            mcpz_system_document_path(name, &path)) {
            write_name(engine, &path, NULL);
        }
    }
    json_decref(state);
}
