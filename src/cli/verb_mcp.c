/*
 * The mesh's MCP servers: what they are, what they can, and having one hosted.
 *
 * What a server can is asked as any client of MCP would: JSON-RPC at /mcp or /mcp/NAME, of the
 * version without sessions.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define MCP_VERSION "2026-07-28"
#define MCP_META "io.modelcontextprotocol/"
#define HEADERS_BYTES 1024
#define PAGES_MAX 1000 /* of a list */
#define CAPABILITY "mcp/"
#define SERVERS "/v1/mcp/servers"

/* ---- Asking a server ---------------------------------------------------------------------- */

/* What MCP wants in the head of a request, so that balancers need not read bodies. A name that is
 * not plain goes in base64, which only tools of odd names would need: those are asked without. */
static void write_headers(const char *method, const char *name, char headers[HEADERS_BYTES])
{
    int length = snprintf(headers, HEADERS_BYTES,
                          "Accept: application/json, text/event-stream\r\n"
                          "MCP-Protocol-Version: " MCP_VERSION "\r\nMcp-Method: %s\r\n",
                          method);

    if (name != NULL && length > 0) {
        (void)snprintf(headers + length, HEADERS_BYTES - (size_t)length, "Mcp-Name: %s\r\n", name);
    }
}

static json_t *make_request(const char *method, json_t *params)
{
    json_t *meta = json_pack("{s:s, s:{}, s:{s:s, s:s}}", MCP_META "protocolVersion", MCP_VERSION,
                             MCP_META "clientCapabilities", MCP_META "clientInfo", "name", "mcpz",
                             "version", MCPZ_VERSION);

    (void)json_object_set_new(params, "_meta", meta);
    return json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1, "method", method, "params",
                     params);
}

/* Cut the answer down to its result. */
static enum mcpz_exit take_result(const struct mcpz_invocation *invocation, json_t *message,
                                  json_t **result)
{
    const json_t *error = json_object_get(message, "error");
    const char *text = json_string_value(json_object_get(error, "message"));
    enum mcpz_exit status = MCPZ_EXIT_OK;

    *result = json_incref(json_object_get(message, "result"));
    if (*result == NULL) {
        status = mcpz_fail(invocation, MCPZ_EXIT_FAILED, "mcp",
                           text != NULL ? text : "the answer has neither result nor error");
    }
    json_decref(message);
    return status;
}

/* Ask the server of --server, or all of them. `params` is taken; `name`: of a tool, or NULL. */
static enum mcpz_exit ask(const struct mcpz_invocation *invocation, const char *server,
                          const char *method, json_t *params, const char *name, json_t **result)
{
    char path[MCPZ_API_PATH_BYTES] = "/mcp";
    char headers[HEADERS_BYTES];
    json_t *request = make_request(method, params);
    json_t *message;

    *result = NULL;
    if (request == NULL) {
        return mcpz_fail_usage(invocation, "names must be UTF-8 text");
    }
    enum mcpz_exit status =
        server != NULL ? mcpz_api_path(invocation, "/mcp/", server, "", path) : MCPZ_EXIT_OK;
    write_headers(method, name, headers);
    if (status == MCPZ_EXIT_OK) {
        status = mcpz_ask_with(invocation, headers, path, request, &message);
    } else {
        json_decref(request);
    }
    return status == MCPZ_EXIT_OK ? take_result(invocation, message, result) : status;
}

/* Those that have no name of their own, and that a client is therefore not told of. */
static void add_left_out(json_t *list, const json_t *result)
{
    const json_t *left_out = json_object_get(json_object_get(result, "_meta"), "mcpz/leftOut");

    for (size_t i = 0; i < json_array_size(left_out); i++) {
        json_t *row = json_copy(json_array_get(left_out, i));
        (void)json_object_set_new(row, "leftOut", json_true());
        (void)json_array_append_new(list, row);
    }
}

/* All pages of a list: an array of what is called `key` in each. */
static enum mcpz_exit ask_list(const struct mcpz_invocation *invocation, const char *server,
                               const char *method, const char *key, json_t **list)
{
    enum mcpz_exit status = MCPZ_EXIT_OK;
    json_t *cursor = NULL;

    *list = json_array();
    for (size_t page = 0; page < PAGES_MAX && status == MCPZ_EXIT_OK; page++) {
        json_t *params = json_object();
        json_t *result;
        if (cursor != NULL) {
            (void)json_object_set_new(params, "cursor", cursor);
            cursor = NULL;
        }
        status = ask(invocation, server, method, params, NULL, &result);
        if (status == MCPZ_EXIT_OK) {
            (void)json_array_extend(*list, json_object_get(result, key));
            add_left_out(*list, result);
            cursor = json_incref(json_object_get(result, "nextCursor"));
            json_decref(result);
        }
        if (cursor == NULL) {
            break;
        }
    }
    json_decref(cursor);
    if (status != MCPZ_EXIT_OK) {
        json_decref(*list);
        *list = NULL;
    }
    return status;
}

/* ---- list --------------------------------------------------------------------------------- */

/* The name of an MCP server that a capability is; NULL: it is none. */
static const char *server_of(const json_t *capability)
{
    const char *name = json_string_value(json_object_get(capability, "name"));

    return name != NULL && strncmp(name, CAPABILITY, strlen(CAPABILITY)) == 0
               ? name + strlen(CAPABILITY)
               : NULL;
}

static const json_t *hosted_called(const json_t *hosted, const char *name)
{
    for (size_t i = 0; i < json_array_size(hosted); i++) {
        const json_t *server = json_array_get(hosted, i);
        if (strcmp(mcpz_show_text(server, "name"), name) == 0) {
            return server;
        }
    }
    return NULL;
}

static json_t *names_of(const json_t *providers)
{
    json_t *names = json_array();

    for (size_t i = 0; i < json_array_size(providers); i++) {
        (void)json_array_append(names, json_object_get(json_array_get(providers, i), "name"));
    }
    return names;
}

/* Those of the mesh, then those hosted here that are not up. */
static json_t *join_lists(const json_t *capabilities, const json_t *hosted)
{
    json_t *rows = json_array();
    json_t *seen = json_object();

    for (size_t i = 0; i < json_array_size(capabilities); i++) {
        const json_t *capability = json_array_get(capabilities, i);
        const char *name = server_of(capability);
        if (name != NULL) {
            const json_t *here = hosted_called(hosted, name);
            json_t *row = json_pack("{s:s, s:o}", "name", name, "nodes",
                                    names_of(json_object_get(capability, "providers")));
            (void)json_object_set_new(row, "here",
                                      here != NULL ? json_deep_copy(here) : json_null());
            (void)json_array_append_new(rows, row);
            (void)json_object_set_new(seen, name, json_true());
        }
    }
    for (size_t i = 0; i < json_array_size(hosted); i++) {
        const json_t *here = json_array_get(hosted, i);
        const char *name = mcpz_show_text(here, "name");
        if (json_object_get(seen, name) == NULL) {
            (void)json_array_append_new(rows, json_pack("{s:s, s:[], s:o}", "name", name, "nodes",
                                                        "here", json_deep_copy(here)));
        }
    }
    json_decref(seen);
    return rows;
}

static mcpz_error add_server(struct mcpz_table *table, const json_t *row)
{
    const json_t *here = json_object_get(row, "here");
    const json_t *nodes = json_object_get(row, "nodes");
    char names[MCPZ_FIELD_BYTES] = "";
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(nodes) && used < sizeof(names); i++) {
        const char *name = json_string_value(json_array_get(nodes, i));
        int length = snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "",
                              name != NULL ? name : "?");
        used += length > 0 ? (size_t)length : 0;
    }
    const char *const cells[] = {mcpz_show_text(row, "name"), used > 0 ? names : NULL,
                                 mcpz_show_text(here, "state"), mcpz_show_text(here, "era"),
                                 mcpz_show_text(here, "trouble")};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit run_mcp_list(const struct mcpz_invocation *invocation)
{
    static const char *const headings[] = {"NAME", "NODES", "HERE", "ERA", "TROUBLE"};
    static const struct mcpz_listing listing = {
        headings, MCPZ_ARRAY_LEN(headings), add_server,
        "no MCP servers: `mcpz mcp add NAME -- COMMAND` makes this node host one"};
    json_t *capabilities;
    json_t *hosted;

    enum mcpz_exit status = mcpz_ask(invocation, "GET", "/v1/capabilities", NULL, &capabilities);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    status = mcpz_ask(invocation, "GET", SERVERS, NULL, &hosted);
    if (status == MCPZ_EXIT_OK) {
        json_t *rows = join_lists(capabilities, hosted);
        if (invocation->json) {
            mcpz_print_json(rows);
        } else {
            status = mcpz_show_listing(&listing, rows);
        }
        json_decref(rows);
        json_decref(hosted);
    }
    json_decref(capabilities);
    return status;
}

/* ---- add, remove -------------------------------------------------------------------------- */

/* All that was given of a repeatable option, as NAME, `between`, VALUE. NULL: told. */
static json_t *read_pairs(const struct mcpz_invocation *invocation, const char *option,
                          const char *between)
{
    json_t *pairs = json_object();

    for (size_t i = 0; i < invocation->given_count; i++) {
        const struct mcpz_given *given = &invocation->given[i];
        if (strcmp(given->option->name, option) != 0) {
            continue;
        }
        const size_t length = strcspn(given->value, between);
        const char *value = given->value + length;
        value += *value != '\0';
        value += *between == ':' ? strspn(value, " ") : 0;
        char *name = strndup(given->value, length);
        if (length == 0 || given->value[length] == '\0' || name == NULL ||
            json_object_set_new(pairs, name, json_string(value)) != 0) {
            free(name);
            json_decref(pairs);
            (void)mcpz_fail_usage(invocation, "--%s %s is not NAME%sVALUE", option, given->value,
                                  between);
            return NULL;
        }
        free(name);
    }
    return pairs;
}

static void set_text(json_t *object, const struct mcpz_invocation *invocation, const char *name)
{
    const char *value = mcpz_option_value(invocation, name);

    if (value != NULL) {
        (void)json_object_set_new(object, name, json_string(value));
    }
}

static void set_flag(json_t *object, const struct mcpz_invocation *invocation, const char *name)
{
    if (mcpz_option_is_given(invocation, name)) {
        (void)json_object_set_new(object, name, json_true());
    }
}

/* One that is a command. */
static json_t *read_command(const struct mcpz_invocation *invocation)
{
    json_t *arguments = json_array();

    for (size_t i = 2; i < invocation->argument_count; i++) {
        if (json_array_append_new(arguments, json_string(mcpz_argument(invocation, i))) != 0) {
            json_decref(arguments);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:o}", "name", mcpz_argument(invocation, 0), "command",
                     mcpz_argument(invocation, 1), "args", arguments);
}

/* What the node is told of it. NULL: told what is wrong. */
static json_t *read_server(const struct mcpz_invocation *invocation)
{
    const char *url = mcpz_option_value(invocation, "url");
    json_t *variables = read_pairs(invocation, "env", "=");
    json_t *headers = variables != NULL ? read_pairs(invocation, "header", ":") : NULL;

    if (headers == NULL) {
        json_decref(variables);
        return NULL;
    }
    json_t *server =
        url != NULL ? json_pack("{s:s, s:s}", "name", mcpz_argument(invocation, 0), "url", url)
                    : read_command(invocation);
    if (server == NULL) {
        (void)mcpz_fail_usage(invocation, "NAME, COMMAND and its arguments must be UTF-8 text");
        json_decref(variables);
        json_decref(headers);
        return NULL;
    }
    /* What does not belong to its kind is refused by who reads it. */
    if (json_object_size(variables) > 0) {
        (void)json_object_set(server, "env", variables);
    }
    if (json_object_size(headers) > 0) {
        (void)json_object_set(server, "headers", headers);
    }
    json_decref(variables);
    json_decref(headers);
    set_text(server, invocation, "cwd");
    set_text(server, invocation, "ca");
    set_text(server, invocation, "isolation");
    set_flag(server, invocation, "stateless");
    set_flag(server, invocation, "shared");
    return server;
}

static enum mcpz_exit run_mcp_add(const struct mcpz_invocation *invocation)
{
    const bool is_remote = mcpz_option_is_given(invocation, "url");
    if (is_remote != (invocation->argument_count == 1)) {
        return mcpz_fail_usage(invocation,
                               "a server is a COMMAND, or it has a --url: say one of them");
    }
    json_t *server = read_server(invocation);
    if (server == NULL) {
        return MCPZ_EXIT_USAGE;
    }
    json_t *answer;
    enum mcpz_exit status = mcpz_ask(invocation, "POST", SERVERS, server, &answer);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(answer);
    } else {
        (void)printf("hosting %s: `mcpz mcp list` says how it is\n",
                     mcpz_show_text(answer, "name"));
    }
    json_decref(answer);
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit show_removed(const json_t *answer)
{
    (void)printf("no longer hosting %s\n", mcpz_show_text(answer, "removed"));
    return MCPZ_EXIT_OK;
}

static enum mcpz_exit run_mcp_remove(const struct mcpz_invocation *invocation)
{
    char path[MCPZ_API_PATH_BYTES];
    enum mcpz_exit status =
        mcpz_api_path(invocation, SERVERS "/", mcpz_argument(invocation, 0), "", path);

    return status != MCPZ_EXIT_OK ? status
                                  : mcpz_ask_and_show(invocation, "DELETE", path, show_removed);
}

/* ---- tools, inspect, call ----------------------------------------------------------------- */

static mcpz_error add_tool(struct mcpz_table *table, const json_t *tool)
{
    char first_line[MCPZ_FIELD_BYTES];

    if (json_is_true(json_object_get(tool, "leftOut"))) {
        (void)snprintf(first_line, sizeof(first_line),
                       "left out: another tool has this name; --server %s has it",
                       mcpz_show_text(tool, "server"));
    } else {
        (void)snprintf(first_line, sizeof(first_line), "%s", mcpz_show_text(tool, "description"));
    }
    first_line[strcspn(first_line, "\r\n")] = '\0';
    const char *const cells[] = {mcpz_show_text(tool, "name"), first_line};
    return mcpz_table_add(table, cells);
}

static enum mcpz_exit run_mcp_tools(const struct mcpz_invocation *invocation)
{
    static const char *const headings[] = {"TOOL", "WHAT IT DOES"};
    static const struct mcpz_listing listing = {headings, MCPZ_ARRAY_LEN(headings), add_tool,
                                                "no tools: `mcpz mcp list` shows the servers"};
    json_t *tools;
    enum mcpz_exit status = ask_list(invocation, mcpz_option_value(invocation, "server"),
                                     "tools/list", "tools", &tools);

    if (status == MCPZ_EXIT_OK) {
        if (invocation->json) {
            mcpz_print_json(tools);
        } else {
            status = mcpz_show_listing(&listing, tools);
        }
        json_decref(tools);
    }
    return status;
}

/* All that a server says of itself: one document. */
static enum mcpz_exit run_mcp_inspect(const struct mcpz_invocation *invocation)
{
    static const struct {
        const char *capability;
        const char *method;
        const char *key;
    } lists[] = {
        {"tools", "tools/list", "tools"},
        {"resources", "resources/list", "resources"},
        {"resources", "resources/templates/list", "resourceTemplates"},
        {"prompts", "prompts/list", "prompts"},
    };
    const char *server = mcpz_argument(invocation, 0);
    json_t *all;
    enum mcpz_exit status = ask(invocation, server, "server/discover", json_object(), NULL, &all);

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(lists) && status == MCPZ_EXIT_OK; i++) {
        json_t *list = NULL;
        if (json_object_get(json_object_get(all, "capabilities"), lists[i].capability) != NULL) {
            status = ask_list(invocation, server, lists[i].method, lists[i].key, &list);
        }
        if (list != NULL) {
            (void)json_object_set_new(all, lists[i].key, list);
        }
    }
    if (status == MCPZ_EXIT_OK && invocation->json) {
        mcpz_print_json(all);
    } else if (status == MCPZ_EXIT_OK) {
        mcpz_print_json_pretty(all);
    }
    json_decref(all);
    return status;
}

/* What a tool has to say: text as it is, anything else as JSON. */
static void print_content(const json_t *result)
{
    const json_t *content = json_object_get(result, "content");

    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *block = json_array_get(content, i);
        const char *text = json_string_value(json_object_get(block, "text"));
        if (text != NULL) {
            mcpz_print_clean(stdout, text);
            (void)fputc('\n', stdout);
        } else {
            mcpz_print_json(block);
        }
    }
}

static enum mcpz_exit run_mcp_call(const struct mcpz_invocation *invocation)
{
    const char *tool = mcpz_argument(invocation, 0);
    const char *text = mcpz_option_value(invocation, "params");
    json_error_t why;
    json_t *arguments =
        text != NULL ? json_loads(text, JSON_REJECT_DUPLICATES, &why) : json_object();

    if (!json_is_object(arguments)) {
        json_decref(arguments);
        return mcpz_fail_usage(invocation, "--params is no JSON object");
    }
    json_t *params = json_pack("{s:s, s:o}", "name", tool, "arguments", arguments);
    if (params == NULL) {
        return mcpz_fail_usage(invocation, "TOOL must be UTF-8 text");
    }
    json_t *result;
    enum mcpz_exit status = ask(invocation, mcpz_option_value(invocation, "server"), "tools/call",
                                params, tool, &result);
    if (status != MCPZ_EXIT_OK) {
        return status;
    }
    if (invocation->json) {
        mcpz_print_json(result);
    } else {
        print_content(result);
    }
    status = json_is_true(json_object_get(result, "isError")) ? MCPZ_EXIT_FAILED : MCPZ_EXIT_OK;
    json_decref(result);
    return status;
}

static const struct mcpz_option mcp_add_options[] = {
    {"env", '\0', "NAME=VALUE", "a variable of its environment; may be repeated"},
    {"cwd", '\0', "DIR", "where it starts (a directory of its own)"},
    {"isolation", '\0', "HOW", "none (the default), degraded or strict: see README.md"},
    {"url", '\0', "URL", "it runs elsewhere, and is there (Streamable HTTP)"},
    {"header", '\0', "NAME:VALUE", "sent to URL with all requests; may be repeated"},
    {"ca", '\0', "FILE", "who vouches for URL, instead of those the system trusts"},
    {"stateless", '\0', NULL, "any process of it, at any node, can take any request"},
    {"shared", '\0', NULL, "one process for all clients, not one for each session"},
};

static const struct mcpz_option mcp_tools_options[] = {
    {"server", '\0', "NAME", "only of this server, by the names it gives them"},
};

static const struct mcpz_option mcp_call_options[] = {
    {"params", '\0', "JSON", "its arguments, an object"},
    {"server", '\0', "NAME", "of this server, by the name it gives it"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_mcp_list, "mcp list", "", 0, 0, "list the MCP servers of the mesh",
    "NODES host them. HERE is how it is with those that this node hosts: starting, ready,\n"
    "failed and so on; ERA which kind of MCP they speak.\n"
    "\n"
    "Example:\n"
    "  mcpz mcp list\n",
    NULL, 0},
{
    run_mcp_add, "mcp add", "NAME [COMMAND [ARGUMENT]...]", 1, MCPZ_VERB_ARGUMENTS_MAX,
    "make this node host an MCP server",
    "At once, and after restarts. Its tools, resources and prompts are then seen at every node\n"
    "of the mesh, at /mcp and as it is at /mcp/NAME. Put -- before a COMMAND with options.\n"
    "One that runs elsewhere has a --url instead. The last word of a header's VALUE may be\n"
    "env:VARIABLE (of the node) or file:PATH: that is looked up whenever it is begun with.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp add search --url https://tools.example.com/mcp \\\n"
    "      --header 'Authorization: Bearer file:/run/secrets/search'\n"
    "  mcpz mcp add memory -- npx -y @modelcontextprotocol/server-memory\n"
    "  mcpz mcp add files --cwd /srv -- npx -y @modelcontextprotocol/server-filesystem /srv\n",
    MCPZ_OPTIONS(mcp_add_options)},
{
    run_mcp_remove, "mcp remove", "NAME", 1, 1, "host an MCP server no longer",
    "One that was added by \"mcpz mcp add\" at this node. What it was doing is given up.\n"
    "\n"
    "Example:\n"
    "  mcpz mcp remove memory\n",
    NULL, 0},
{
    run_mcp_tools, "mcp tools", "", 0, 0, "list the tools of all MCP servers",
    "As clients at this node's /mcp see them. With --json as the servers describe them, schemas\n"
    "and all.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp tools\n"
    "  mcpz mcp tools --server memory --json | jq '.[].inputSchema'\n",
    MCPZ_OPTIONS(mcp_tools_options)},
{
    run_mcp_call, "mcp call", "TOOL", 1, 1, "call a tool of an MCP server",
    "Text that it answers goes to standard output. Exit status 1: the tool says that it failed.\n"
    "A tool that has questions to its client finds that this one answers none.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp call read_text_file --params '{\"path\": \"/srv/a\"}'\n"
    "  mcpz mcp call echo --server everything --params '{\"message\": \"hi\"}'\n",
    MCPZ_OPTIONS(mcp_call_options)},
{
    run_mcp_inspect, "mcp inspect", "NAME", 1, 1, "show all that an MCP server says of itself",
    "Name, version, capabilities, instructions, and its lists, wherever it is hosted.\n"
    "\n"
    "Example:\n"
    "  mcpz mcp inspect memory\n",
    NULL, 0},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_mcp_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
