#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/paste.h"
#include "cli/peers.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define JOIN_TIMEOUT_MS 30000
#define PROVIDERS_BYTES 1024 /* as many as fit are named */

static enum mcpz_exit run_join(const struct mcpz_invocation *invocation)
{
    char token[MCPZ_PASTE_BYTES];
    uint64_t timeout_ms;
    json_t *answer;

    enum mcpz_exit status =
        mcpz_option_duration(invocation, "timeout", JOIN_TIMEOUT_MS, &timeout_ms);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_paste_token(invocation, token);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    json_t *body = json_pack("{s:s, s:I}", "token", token, "timeout_ms", (json_int_t)timeout_ms);
    explicit_bzero(token, sizeof(token));
    status = mcpz_ask_patiently(invocation, "POST", "/v1/join", body, timeout_ms, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        (void)printf("joined mesh %s\n", mcpz_show_text(answer, "mesh"));
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit show_left(const json_t *answer)
{
    (void)printf("left mesh %s\n", mcpz_show_text(answer, "left"));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_leave(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "POST", "/v1/leave", show_left);
}

/* ---- Peers -------------------------------------------------------------------------------- */

static mcpz_error add_peer(struct mcpz_table *table, const json_t *peer)
{
    char node[MCPZ_FIELD_BYTES];
    char rtt[MCPZ_FIELD_BYTES];
    char reasons[MCPZ_FIELD_BYTES];
    const char *const cells[] = {
        mcpz_show_text(peer, "name"),         mcpz_json_short_id(peer, "node", node),
        mcpz_show_text(peer, "state"),        mcpz_show_text(peer, "view"),
        mcpz_json_field(peer, "rtt_ms", rtt), mcpz_show_text(peer, "since"),
        mcpz_peer_reasons(peer, reasons)};

    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_peers(const json_t *peers, const char *empty)
{
    static const char *const headings[] = {"NAME", "ID",    "STATE", "VIEW",
                                           "RTT",  "SINCE", "REASON"};
    const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_peer, empty};

    return mcpz_show_listing(&listing, peers);
}

/* The words given for `option`, if it was. Tells what is wrong with them. */
static enum mcpz_exit read_filter(const struct mcpz_invocation *invocation, const char *option,
                                  const char *const *known, const char **words)
{
    *words = mcpz_option_value(invocation, option);
    if (*words == NULL || mcpz_words_are(*words, known)) {
        return MCPZ_EXIT_OK;
    }
    return mcpz_fail_usage(invocation, "--%s %s is none of those there are, with commas between",
                           option, *words);
}

static enum mcpz_exit run_peers(const struct mcpz_invocation *invocation)
{
    static const char *const known_states[] = {"alive", "suspect", "dead",
                                               "left",  "revoked", NULL};
    static const char *const known_views[] = {"active", "passive", "none", NULL};
    const char *states;
    const char *views;
    json_t *answer;

    enum mcpz_exit status = read_filter(invocation, "state", known_states, &states);
    if (status == MCPZ_EXIT_OK) {
        status = read_filter(invocation, "view", known_views, &views);
    }
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask(invocation, "GET", "/v1/peers", NULL, &answer);
    }
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    bool are_others = json_array_size(answer) > 0;
    mcpz_peers_keep(answer, "state", states);
    mcpz_peers_keep(answer, "view", views);
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        status = show_peers(
            answer, are_others ? "no peer is as asked for; `mcpz peers` lists them all"
                               : "no other node is in this mesh; `mcpz token create` lets one "
                                 "join");
    }
    json_decref(answer);
    return status;
}

/* ---- Capabilities ------------------------------------------------------------------------- */

/* " (this node, strict)" */
static void describe(const json_t *provider, char *text, size_t capacity)
{
    const bool is_self = json_is_true(json_object_get(provider, "self"));
    const char *isolation = json_string_value(json_object_get(provider, "isolation"));

    text[0] = '\0';
    if (is_self || isolation != NULL) {
        (void)snprintf(text, capacity, " (%s%s%s)", is_self ? "this node" : "",
                       is_self && isolation != NULL ? ", " : "",
                       isolation != NULL ? isolation : "");
    }
}

/* "attic (degraded), n-7f3a2b4c (this node, strict)" */
static void list_providers(const json_t *providers, char *text, size_t capacity)
{
    char node[MCPZ_FIELD_BYTES];
    char more[32];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(providers) && used < capacity; i++) {
        const json_t *provider = json_array_get(providers, i);
        const char *name = json_string_value(json_object_get(provider, "name"));
        bool is_named = name != NULL && *name != '\0';
        describe(provider, more, sizeof(more));
        int length = snprintf(text + used, capacity - used, "%s%s%s", i > 0 ? ", " : "",
                              is_named ? name : mcpz_json_short_id(provider, "node", node), more);
        used += length > 0 ? (size_t)length : 0;
    }
}

static mcpz_error add_capability(struct mcpz_table *table, const json_t *capability)
{
    char providers[PROVIDERS_BYTES];

    list_providers(json_object_get(capability, "providers"), providers, sizeof(providers));
    const char *const cells[] = {mcpz_show_text(capability, "name"), providers};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit show_capabilities(const json_t *answer)
{
    static const char *const headings[] = {"CAPABILITY", "PROVIDERS"};
    static const struct mcpz_listing listing = {
        headings, MCPZ_ARRAY_LEN(headings), add_capability,
        "no node of this mesh offers anything; `mcpz up --provide NAME=COMMAND` does"};

    return mcpz_show_listing(&listing, answer);
}

static enum mcpz_exit run_capabilities(const struct mcpz_invocation *invocation)
{
    return mcpz_ask_and_show(invocation, "GET", "/v1/capabilities", show_capabilities);
}

static const struct mcpz_option join_options[] = {
    {"timeout", '\0', "TIME", "how long to wait for an answer, e.g. 30s (the default)"},
};

static const struct mcpz_option peers_options[] = {
    {"state", '\0', "STATES",
     "only peers that are so: alive, suspect, dead, left, revoked; with commas"},
    {"view", '\0', "VIEWS", "only peers in these views: active, passive, none; with commas"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_join, "join", "[TOKEN|-]", 0, 1, "make the running node join another mesh",
    "The token comes from \"mcpz token create\" on a node of that mesh: as argument, from\n"
    "standard input (-), from MCPZ_JOIN_TOKEN, or from the file MCPZ_JOIN_TOKEN_FILE names.\n"
    "An argument can be seen by other users of this machine while the command runs.\n"
    "\n"
    "Examples:\n"
    "  mcpz join mcpz1-...\n"
    "  ssh attic mcpz token create -q | mcpz join -\n",
    MCPZ_OPTIONS(join_options)},
{
    run_leave, "leave", "", 0, 0, "say goodbye to the mesh and forget it",
    "Agents stay in this node's store. It is without a mesh until it joins one, or is\n"
    "restarted and makes one of its own.\n"
    "\n"
    "Example:\n"
    "  mcpz leave\n",
    NULL, 0},
{
    run_peers, "peers", "", 0, 0, "list the other nodes of the mesh",
    "VIEW is active for peers this node is linked with, which then have a round-trip time\n"
    "(RTT, in ms); passive for those it keeps in reserve. SINCE is when the state became\n"
    "what it is, REASON why a peer is suspect, and for whom.\n"
    "\n"
    "Examples:\n"
    "  mcpz peers\n"
    "  mcpz peers --state suspect,dead\n"
    "  mcpz peers --view active --json\n",
    MCPZ_OPTIONS(peers_options)},
{
    run_capabilities, "capabilities", "", 0, 0, "list what the mesh can do, and who",
    "Each is a task type for \"mcpz task run\".\n"
    "\n"
    "Example:\n"
    "  mcpz capabilities\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_mesh_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
