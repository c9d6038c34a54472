/* /v1/tokens, /v1/join, /v1/leave: who comes in, and going. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hex.h"
#include "http/exchange.h"
#include "wire/credentials.h"

#define TOKENS_PREFIX "/v1/tokens/"
#define TTL_MS_DEFAULT 3600000
#define TTL_MS_MAX (INT64_C(365) * 24 * 3600 * 1000)
#define USES_MAX 1000000
#define JOIN_TIMEOUT_MS_DEFAULT 30000
#define JOIN_TIMEOUT_MS_MAX 600000

/* ---- Giving out --------------------------------------------------------------------------- */

static void fail_token(struct mcpz_exchange *exchange, mcpz_error error)
{
    switch (error) {
    case MCPZ_EAUTH:
        mcpz_exchange_fail(exchange, MCPZ_CODE_DENIED,
                           "this node may not admit others: ask a node with the role coordinator, "
                           "or the one that made the mesh");
        return;
    case MCPZ_EFULL:
        mcpz_exchange_fail(exchange, MCPZ_CODE_LIMIT,
                           "%d tokens are out: revoke some, or wait until they expire",
                           MCPZ_TOKENS_MAX);
        return;
    case MCPZ_ENOTFOUND:
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "no address others could dial is known: set mesh.listen to an address "
                           "they can reach, or mesh.advertise");
        return;
    default:
        mcpz_exchange_fail_error(exchange, error, "making the token");
        return;
    }
}

static json_t *show_new_token(const struct mcpz_join_token *token)
{
    char text[MCPZ_TOKEN_TEXT_BYTES_MAX];
    json_t *addresses = json_array();

    if (mcpz_token_to_text(token, text, sizeof(text)) != MCPZ_OK) {
        json_decref(addresses);
        return NULL;
    }
    for (size_t i = 0; i < token->address_count; i++) {
        (void)json_array_append_new(addresses, mcpz_exchange_show_text(token->addresses[i]));
    }
    return json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o}", "token", text, "id",
                     mcpz_exchange_show_hex(token->id), "expires",
                     mcpz_exchange_show_time(token->expires_ms), "uses", (json_int_t)token->uses,
                     "role", mcpz_exchange_show_text(token->role), "addresses", addresses, "mesh",
                     mcpz_exchange_show_id(&token->mesh, 'm'));
}

static void create_token(struct mcpz_exchange *exchange, uint64_t ttl_ms, uint32_t uses,
                         struct mcpz_bytes role)
{
    struct mcpz_join_token token;
    json_t *json = json_object();
    uint64_t request = mcpz_exchange_await_reply(exchange, 201, json);

    if (request == 0) {
        return;
    }
    mcpz_error error = mcpz_engine_token_create(mcpz_exchange_engine(exchange), request, ttl_ms,
                                                uses, role, &token);
    if (error != MCPZ_OK) {
        fail_token(exchange, error);
        return;
    }
    json_t *shown = show_new_token(&token);
    if (json_object_update(json, shown) != 0) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "showing the token");
    }
    json_decref(shown);
}

void mcpz_api_post_tokens(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"ttl_ms", "uses", "role", NULL};
    static const struct mcpz_integer_rule ttl_rule = {"ttl_ms", 1000, TTL_MS_MAX, TTL_MS_DEFAULT};
    static const struct mcpz_integer_rule uses_rule = {"uses", 1, USES_MAX, 1};
    json_t *object = mcpz_exchange_object(exchange, allowed);
    json_int_t ttl_ms = 0;
    json_int_t uses = 0;

    (void)request;
    if (object == NULL) {
        return;
    }
    const json_t *role = json_object_get(object, "role");
    if (!mcpz_exchange_integer(exchange, object, &ttl_rule, &ttl_ms) ||
        !mcpz_exchange_integer(exchange, object, &uses_rule, &uses)) {
        json_decref(object);
        return;
    }
    struct mcpz_bytes text = role != NULL ? mcpz_exchange_text_of(role) : mcpz_bytes(NULL, 0);
    if (role != NULL && (!json_is_string(role) || text.length > MCPZ_NAME_BYTES_MAX)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"role\" must be a string of at most %d bytes", MCPZ_NAME_BYTES_MAX);
    } else {
        create_token(exchange, (uint64_t)ttl_ms, (uint32_t)uses, text);
    }
    json_decref(object);
}

/* ---- Listing and revoking ----------------------------------------------------------------- */

static const char *token_state(const struct mcpz_record_token *token, uint64_t wall_ms)
{
    if (token->revoked) {
        return "revoked";
    }
    if (token->uses_spent >= token->uses_max) {
        return "used";
    }
    return token->expires_ms <= wall_ms ? "expired" : "valid";
}

static json_t *show_token(const struct mcpz_record_token *token, uint64_t wall_ms)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:o, s:s}", "id",
                     mcpz_exchange_show_hex(mcpz_bytes(token->id, sizeof(token->id))), "created",
                     mcpz_exchange_show_time(token->created_ms), "expires",
                     mcpz_exchange_show_time(token->expires_ms), "uses",
                     (json_int_t)token->uses_max, "spent", (json_int_t)token->uses_spent, "role",
                     mcpz_exchange_show_text(token->role), "state", token_state(token, wall_ms));
}

void mcpz_api_get_tokens(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));
    uint64_t wall_ms = mcpz_api_wall_ms(exchange->api);
    struct mcpz_record record = {.kind = MCPZ_RECORD_TOKEN};
    json_t *json = json_array();
    bool inclusive = true;
    mcpz_error error = MCPZ_OK;

    (void)request;
    /* MCPZ_TOKENS_MAX of them, and as many that are over. */
    for (size_t i = 0; i < 2 * MCPZ_TOKENS_MAX; i++) {
        error = store->next(store->context, MCPZ_SCAN_KIND, inclusive, &record);
        if (error != MCPZ_OK) {
            break;
        }
        (void)json_array_append_new(json, show_token(&record.token, wall_ms));
        inclusive = false;
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        json_decref(json);
        mcpz_exchange_fail_error(exchange, error, "reading the tokens");
        return;
    }
    mcpz_exchange_answer(exchange, 200, json);
}

void mcpz_api_delete_token(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_bytes text = mcpz_exchange_path_rest(request->path, TOKENS_PREFIX);
    uint8_t id[MCPZ_TOKEN_ID_BYTES];

    if (!mcpz_hex_read(text, id, sizeof(id))) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "a token's id is %d hexadecimal digits: see GET /v1/tokens",
                           2 * MCPZ_TOKEN_ID_BYTES);
        return;
    }
    uint64_t name = mcpz_exchange_await_reply(
        exchange, 200,
        json_pack("{s:o}", "id", mcpz_exchange_show_hex(mcpz_bytes(id, sizeof(id)))));
    if (name == 0) {
        return;
    }
    mcpz_error error =
        mcpz_engine_token_revoke(mcpz_exchange_engine(exchange), name, mcpz_bytes(id, sizeof(id)));
    if (error == MCPZ_ENOTFOUND) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is no such token");
    } else if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "revoking the token");
    }
}

/* ---- Coming and going --------------------------------------------------------------------- */

static void fail_token_text(struct mcpz_exchange *exchange, mcpz_error error)
{
    if (error == MCPZ_EVERSION) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_VERSION,
                           "the token was made by another version of mcpz: make both ends the "
                           "same version");
        return;
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                       "this is not a join token: it starts with \"mcpz1-\" and must be pasted "
                       "whole");
}

static void fail_join(struct mcpz_exchange *exchange, mcpz_error error)
{
    const struct mcpz_engine *engine = mcpz_exchange_engine(exchange);

    if (error == MCPZ_ECONFLICT && mcpz_engine_revoked(engine, mcpz_engine_id(engine)) != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_REVOKED,
                           "this node was revoked: it needs a new identity, see `mcpz status`");
    } else if (error == MCPZ_ECONFLICT) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "this node is in that mesh already, or in another with members: leave "
                           "that one first");
    } else if (error == MCPZ_EEXPIRED) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOKEN_EXPIRED,
                           "the token has expired: ask for a new one");
    } else {
        mcpz_exchange_fail_error(exchange, error, "joining");
    }
}

/* "nobody answered at A, B". */
static void say_nobody(const struct mcpz_join_token *token, char *text, size_t capacity)
{
    size_t used = (size_t)snprintf(text, capacity, "nobody answered at");

    for (size_t i = 0; i < token->address_count && used < capacity; i++) {
        used += (size_t)snprintf(text + used, capacity - used, "%s %.*s", i > 0 ? "," : "",
                                 (int)token->addresses[i].length,
                                 (const char *)token->addresses[i].data);
    }
    if (used < capacity) {
        (void)snprintf(text + used, capacity - used,
                       ": check the address and the firewall; the node goes on trying");
    }
}

static void join(struct mcpz_exchange *exchange, const struct mcpz_join_token *token,
                 uint64_t timeout_ms)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    char nobody[MCPZ_SEEDS_MAX * (MCPZ_ADDRESS_BYTES_MAX + 2) + 128];
    json_t *json = json_pack("{s:o, s:o}", "mesh", mcpz_exchange_show_id(&token->mesh, 'm'),
                             "node", mcpz_exchange_show_id(mcpz_engine_id(engine), 'n'));
    uint64_t request = mcpz_exchange_await_reply(exchange, 200, json);

    if (request == 0) {
        return;
    }
    say_nobody(token, nobody, sizeof(nobody));
    mcpz_exchange_expire_in(exchange, MCPZ_MS(timeout_ms), nobody);
    mcpz_error error = mcpz_engine_join(engine, request, token);
    if (error != MCPZ_OK) {
        fail_join(exchange, error);
    }
}

void mcpz_api_join(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"token", "timeout_ms", NULL};
    static const struct mcpz_integer_rule timeout_rule = {"timeout_ms", 1, JOIN_TIMEOUT_MS_MAX,
                                                          JOIN_TIMEOUT_MS_DEFAULT};
    uint8_t memory[MCPZ_TOKEN_TEXT_BYTES_MAX];
    struct mcpz_arena arena;
    struct mcpz_join_token token;
    json_int_t timeout_ms = 0;
    json_t *object = mcpz_exchange_object(exchange, allowed);

    (void)request;
    if (object == NULL) {
        return;
    }
    const json_t *text = json_object_get(object, "token");
    mcpz_arena_init(&arena, memory, sizeof(memory));
    if (!json_is_string(text)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"token\" must be given, as a string");
    } else if (mcpz_exchange_integer(exchange, object, &timeout_rule, &timeout_ms)) {
        mcpz_error error = mcpz_token_from_text(mcpz_exchange_text_of(text), &arena, &token);
        if (error == MCPZ_OK) {
            join(exchange, &token, (uint64_t)timeout_ms);
        } else {
            fail_token_text(exchange, error);
        }
    }
    json_decref(object);
}

void mcpz_api_leave(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {NULL};
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    struct mcpz_id mesh = *mcpz_engine_mesh(engine);
    json_t *object = mcpz_exchange_object(exchange, allowed);

    (void)request;
    if (object == NULL) {
        return;
    }
    json_decref(object);
    if (mcpz_id_is_zero(&mesh)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT, "this node is in no mesh");
        return;
    }
    uint64_t name = mcpz_exchange_await_reply(
        exchange, 200, json_pack("{s:o}", "left", mcpz_exchange_show_id(&mesh, 'm')));
    if (name != 0) {
        mcpz_engine_leave(engine, name);
    }
}
