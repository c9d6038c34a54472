#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "cli/ask.h"
#include "cli/paste.h"
#include "cli/show.h"
#include "cli/verb_tables.h"
#include "proto/code.h"
#include "wire/credentials.h"

#define TTL_DEFAULT_MS (UINT64_C(3600) * 1000)
#define USES_MAX 1000000
#define TIME_TEXT_BYTES 32
#define HEX_BYTES (2 * MCPZ_TOKEN_ID_BYTES + 1)

/* ---- create ------------------------------------------------------------------------------- */

static enum mcpz_exit read_uses(const struct mcpz_invocation *invocation, json_int_t *uses)
{
    const char *text = mcpz_option_value(invocation, "uses");
    char *end = NULL;

    *uses = 1;
    if (text == NULL) {
        return MCPZ_EXIT_OK;
    }
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || number < 1 || number > USES_MAX) {
        return mcpz_fail_usage(invocation, "--uses %s is not a number from 1 to %d", text,
                               USES_MAX);
    }
    *uses = number;
    return MCPZ_EXIT_OK;
}

static void show_created(const struct mcpz_invocation *invocation, const json_t *answer)
{
    const char *token = mcpz_show_text(answer, "token");
    json_int_t uses = json_integer_value(json_object_get(answer, "uses"));

    if (invocation->json) {
        mcpz_print_json(answer);
    } else if (mcpz_option_is_given(invocation, "quiet")) {
        (void)printf("%s\n", token);
    } else {
        // Words for people go beside it, so that TOKEN=$(mcpz token create) is the token.
        (void)printf("%s\n", token);
        (void)fflush(stdout);
        (void)fprintf(stderr,
                      "\nUntil %s, %" JSON_INTEGER_FORMAT
                      " node%s can join with it. Run there:\n\n    mcpz up --join %s\n",
                      mcpz_show_text(answer, "expires"), uses, uses == 1 ? "" : "s", token);
    }
}

static enum mcpz_exit run_token_create(const struct mcpz_invocation *invocation)
{
    const char *role = mcpz_option_value(invocation, "role");
    uint64_t ttl_ms;
    json_int_t uses;
    json_t *answer;

    enum mcpz_exit status = mcpz_option_duration(invocation, "ttl", TTL_DEFAULT_MS, &ttl_ms);
    if (status == MCPZ_EXIT_OK) {
        status = read_uses(invocation, &uses);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    json_t *body = json_pack("{s:I, s:I, s:s}", "ttl_ms", (json_int_t)ttl_ms, "uses", uses, "role",
                             role != NULL ? role : "");
    if (body == NULL) {
        return mcpz_fail_usage(invocation, "--role is not UTF-8 text");
    }
    status = mcpz_ask(invocation, "POST", "/v1/tokens", body, &answer);
    if (status == MCPZ_EXIT_OK) {
        show_created(invocation, answer);
        json_decref(answer);
    }
    return status;
}

/* ---- list, revoke ------------------------------------------------------------------------- */

static mcpz_error add_token(struct mcpz_table *table, const json_t *token)
{
    char uses[MCPZ_FIELD_BYTES];
    json_int_t spent = json_integer_value(json_object_get(token, "spent"));
    json_int_t most = json_integer_value(json_object_get(token, "uses"));

    (void)snprintf(uses, sizeof(uses), "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT, spent,
                   most);
    const char *const cells[] = {mcpz_show_text(token, "id"),
                                 mcpz_show_text(token, "state"),
                                 uses,
                                 mcpz_show_text(token, "role"),
                                 mcpz_show_text(token, "created"),
                                 mcpz_show_text(token, "expires")};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_tokens(const json_t *answer)
{
    static const char *const headings[] = {"ID", "STATE", "USED", "ROLE", "CREATED", "EXPIRES"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_token,
                                                "no tokens; `mcpz token create` makes one"};

    return mcpz_show_listing(&listing, answer);
}

static enum mcpz_exit run_token_list(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/tokens", show_tokens);
}

static enum mcpz_exit show_revoked(const json_t *answer)
{
    (void)printf("revoked %s\n", mcpz_show_text(answer, "id"));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_token_revoke(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, "/v1/tokens/", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "DELETE", path, show_revoked);
}

/* ---- inspect: what the token itself says, without a node ---------------------------------- */

static void write_hex(struct mcpz_bytes bytes, char *text)
{
    for (size_t i = 0; i < bytes.length && i < MCPZ_TOKEN_ID_BYTES; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes.data[i]);
    }
}

static void write_time(uint64_t ms, char *text)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts = {0};

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(text, TIME_TEXT_BYTES, "never");
    }
}

static json_t *addresses_of(const struct mcpz_join_token *token)
{
    json_t *addresses = json_array();

    for (size_t i = 0; i < token->address_count; i++) {
        (void)json_array_append_new(addresses, json_stringn((const char *)token->addresses[i].data,
                                                            token->addresses[i].length));
    }
    return addresses;
}

/* All but the secret. */
static json_t *describe(const struct mcpz_join_token *token)
{
    char mesh[MCPZ_ID_TEXT_BYTES];
    char id[HEX_BYTES] = "";
    char expires[TIME_TEXT_BYTES];
    bool is_expired = token->expires_ms / 1000 <= (uint64_t)time(NULL);

    mcpz_id_to_text(&token->mesh, 'm', mesh);
    write_hex(token->id, id);
    write_time(token->expires_ms, expires);
    return json_pack("{s:s, s:s, s:s, s:b, s:I, s:s%, s:o}", "id", id, "mesh", mesh, "expires",
                     expires, "expired", is_expired ? 1 : 0, "uses", (json_int_t)token->uses,
                     "role", token->role.length > 0 ? (const char *)token->role.data : "",
                     token->role.length, "addresses", addresses_of(token));
}

static void show_described(const json_t *token)
{
    const json_t *addresses = json_object_get(token, "addresses");
    char uses[MCPZ_FIELD_BYTES];
    char line[MCPZ_FIELD_BYTES];

    mcpz_print_field("id", mcpz_show_text(token, "id"));
    mcpz_print_field("mesh", mcpz_show_text(token, "mesh"));
    (void)snprintf(line, sizeof(line), "%s%s", mcpz_show_text(token, "expires"),
                   json_is_true(json_object_get(token, "expired")) ? " (it has expired)" : "");
    mcpz_print_field("expires", line);
    mcpz_print_field("uses", mcpz_json_field(token, "uses", uses));
    mcpz_print_field("role", mcpz_show_text(token, "role"));
    for (size_t i = 0; i < json_array_size(addresses); i++) {
        mcpz_print_field(i == 0 ? "addresses" : "",
                         json_string_value(json_array_get(addresses, i)));
    }
}

static enum mcpz_exit refuse_token(const struct mcpz_invocation *invocation, mcpz_error error)
{
    return mcpz_fail(invocation, MCPZ_EXIT_USAGE, mcpz_code_word(MCPZ_CODE_BAD_REQUEST),
                     error == MCPZ_EVERSION
                         ? "this token is of another version: a newer mcpz may read it"
                         : "this is not a join token, or a part of it is missing: it begins with"
                           " " MCPZ_TOKEN_PREFIX " and has no blanks in it");
}

static enum mcpz_exit run_token_inspect(const struct mcpz_invocation *invocation)
{
    _Alignas(16) uint8_t memory[MCPZ_TOKEN_TEXT_BYTES_MAX];
    char text[MCPZ_PASTE_BYTES];
    struct mcpz_join_token token;
    struct mcpz_arena arena;
    enum mcpz_exit status = mcpz_paste_token(invocation, text);

    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_error error = mcpz_token_from_text(mcpz_text(text), &arena, &token);
    explicit_bzero(text, sizeof(text));
    if (error != MCPZ_OK) {
        explicit_bzero(memory, sizeof(memory));
        return refuse_token(invocation, error);
    }
    json_t *described = describe(&token);
    explicit_bzero(memory, sizeof(memory));
    if (described == NULL) {
        return refuse_token(invocation, MCPZ_EPROTO);
    }
    if (invocation->json) {
        mcpz_print_json(described);
    } else {
        show_described(described);
    }
    json_decref(described);
    return MCPZ_EXIT_OK;
}

static const struct mcpz_option token_create_options[] = {
    {"ttl", '\0', "TIME", "how long it works, e.g. 30m, 1h (the default), 7d"},
    {"uses", '\0', "N", "how many nodes may join with it (1)"},
    {"role", '\0', "ROLE", "role of the nodes that join; coordinator may admit others"},
    {"quiet", 'q', NULL, "print the token and nothing else"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_token_create, "token create", "", 0, 0, "make a token that lets others join",
    "Prints the token and the command to run on the other machine. It is shown only once;\n"
    "treat it like a password.\n"
    "\n"
    "Examples:\n"
    "  mcpz token create\n"
    "  mcpz token create --ttl 7d --uses 10 --role compute\n"
    "  mcpz token create -q > token.txt\n",
    MCPZ_OPTIONS(token_create_options)},
{
    run_token_list, "token list", "", 0, 0, "list the tokens this node gave out",
    "Shows their ids, never the tokens themselves.\n"
    "\n"
    "Example:\n"
    "  mcpz token list\n",
    NULL, 0},
{
    run_token_revoke, "token revoke", "ID", 1, 1, "make a token worthless",
    "ID is shown by \"mcpz token list\". Nodes that joined with the token stay.\n"
    "\n"
    "Example:\n"
    "  mcpz token revoke 9f86d081884c7d65\n",
    NULL, 0},
{
    run_token_inspect, "token inspect", "[TOKEN|-]", 0, 1,
    "show what a token says, without its secret",
    "Needs no node. Whether the token was revoked or used up only its mesh knows.\n"
    "\n"
    "Example:\n"
    "  mcpz token inspect - < token.txt\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_token_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
