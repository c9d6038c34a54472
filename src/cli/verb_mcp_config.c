/* `mcpz mcp config`: what to paste into a client of MCP so that it meets this node. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/client_config.h"
#include "cli/show.h"
#include "cli/verb_tables.h"

#define HOST_BYTES 320

/* What the node says of where it serves HTTP. NULL: nowhere, or it was told why not. */
static enum mcpz_exit ask_where(const struct mcpz_invocation *invocation, json_t **api)
{
    json_t *answer;
    enum mcpz_exit status = mcpz_ask(invocation, "GET", "/v1/status", NULL, &answer);

    *api = NULL;
    if (status == MCPZ_EXIT_OK) {
        json_t *found = json_object_get(answer, "api");
        *api = json_is_object(found) ? json_incref(found) : NULL;
        json_decref(answer);
    }
    return status;
}

/* The client is on this machine: "any address" is no address. */
static void write_url(const char *url, char *written, size_t capacity)
{
    static const char *const any[][2] = {{"http://0.0.0.0:", "http://127.0.0.1:"},
                                         {"http://[::]:", "http://[::1]:"}};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(any); i++) {
        size_t length = strlen(any[i][0]);
        if (strncmp(url, any[i][0], length) == 0) {
            (void)snprintf(written, capacity, "%s%s", any[i][1], url + length);
            return;
        }
    }
    (void)snprintf(written, capacity, "%s", url);
}

static enum mcpz_exit print(const struct mcpz_invocation *invocation, enum mcpz_client_kind kind,
                            const struct mcpz_client_entry *entry)
{
    bool is_command = kind == MCPZ_CLIENT_CLAUDE && entry->url != NULL;
    char *command = is_command ? mcpz_client_command(entry) : NULL;
    json_t *paste =
        is_command ? json_string(command != NULL ? command : "") : mcpz_client_config(kind, entry);

    if (paste == NULL || (is_command && command == NULL)) {
        free(command);
        json_decref(paste);
        return mcpz_fail_usage(invocation, "--server, --name and --data must be UTF-8 text");
    }
    if (invocation->json) {
        json_t *whole =
            json_pack("{s:s, s:s, s:O}", "transport", entry->url != NULL ? "http" : "stdio",
                      "where", mcpz_client_place(kind, entry->url != NULL), "paste", paste);
        mcpz_print_json(whole);
        json_decref(whole);
    } else {
        (void)fprintf(stderr, "%s\n", mcpz_client_place(kind, entry->url != NULL));
        if (entry->url != NULL && entry->guarded && kind != MCPZ_CLIENT_VSCODE) {
            (void)fprintf(stderr, "the key is taken from the variable " MCPZ_KEY_VARIABLE "\n");
        }
        if (is_command) {
            (void)printf("%s\n", command);
        } else {
            mcpz_print_json_pretty(paste);
        }
    }
    free(command);
    json_decref(paste);
    return MCPZ_EXIT_OK;
}

/* Clients are started elsewhere, with another PATH: so both are absolute. */
static enum mcpz_exit find_program(const struct mcpz_invocation *invocation, char *program,
                                   char *data)
{
    ssize_t length = readlink("/proc/self/exe", program, PATH_MAX - 1);

    program[length > 0 ? length : 0] = '\0';
    if (length <= 0) {
        (void)snprintf(program, PATH_MAX, "mcpz");
    }
    if (realpath(invocation->data, data) != NULL) {
        return MCPZ_EXIT_OK;
    }
    char text[PATH_MAX + 128];
    (void)snprintf(text, sizeof(text), "the data directory %.4000s: %s", invocation->data,
                   strerror(errno));
    return mcpz_fail(invocation, MCPZ_EXIT_UNREACHABLE, "unreachable", text);
}

/* Over HTTP, if that is wanted or goes best with the client, and there is HTTP. */
static enum mcpz_exit choose(const struct mcpz_invocation *invocation, enum mcpz_client_kind kind,
                             json_t **api)
{
    bool http = mcpz_option_is_given(invocation, "http");
    bool stdio = mcpz_option_is_given(invocation, "stdio");

    *api = NULL;
    if (http && stdio) {
        return mcpz_fail_usage(invocation, "--http or --stdio, not both");
    }
    if (stdio || (!http && kind == MCPZ_CLIENT_CLAUDE)) {
        return MCPZ_EXIT_OK;
    }
    enum mcpz_exit status = ask_where(invocation, api);
    if (status == MCPZ_EXIT_OK && *api == NULL && http) {
        return mcpz_fail(invocation, MCPZ_EXIT_FAILED, "unavailable",
                         "this node serves no HTTP (api.listen): use --stdio");
    }
    return status;
}

static enum mcpz_exit run_mcp_config(const struct mcpz_invocation *invocation)
{
    static char program[PATH_MAX];
    static char data[PATH_MAX];
    char url[HOST_BYTES];
    const char *word = mcpz_option_value(invocation, "client");
    const char *server = mcpz_option_value(invocation, "server");
    const char *name = mcpz_option_value(invocation, "name");
    enum mcpz_client_kind kind = mcpz_client_kind_of(word != NULL ? word : "generic");
    json_t *api = NULL;

    if (kind == MCPZ_CLIENT_KINDS) {
        return mcpz_fail_usage(invocation,
                               "--client %s is none of claude, cursor, vscode, generic", word);
    }
    enum mcpz_exit status = choose(invocation, kind, &api);
    if (status == MCPZ_EXIT_OK) {
        status = find_program(invocation, program, data);
    }
    if (status == MCPZ_EXIT_OK) {
        write_url(mcpz_show_text(api, "url"), url, sizeof(url));
        const struct mcpz_client_entry entry = {
            .name = name != NULL     ? name
                    : server != NULL ? server
                                     : "mesh",
            .server = server,
            .url = api != NULL ? url : NULL,
            .guarded = json_is_true(json_object_get(api, "guarded")),
            .command = program,
            .data = data,
        };
        status = print(invocation, kind, &entry);
    }
    json_decref(api);
    return status;
}

static const struct mcpz_option mcp_config_options[] = {
    {"client", '\0', "CLIENT", "claude, cursor, vscode or generic (the default)"},
    {"server", '\0', "NAME", "only this server, by the names it gives its tools"},
    {"name", '\0', "NAME", "what it is called there (mesh, or the server's name)"},
    {"http", '\0', NULL, "by URL: the node must serve HTTP on a port"},
    {"stdio", '\0', NULL, "as a command that the client starts"},
};

/* clang-format off */
static const struct mcpz_verb verbs[] = {
{
    run_mcp_config, "mcp config", "", 0, 0, "print what to paste into a client of MCP",
    "Standard output gets what the client's configuration takes, standard error where that is.\n"
    "Over HTTP where the client can and the node serves it, else as a command: \"mcp stdio\".\n"
    "Where the node wants a key the client is told where to find it: in MCPZ_API_KEY, or VS\n"
    "Code asks for it. The key itself is never written.\n"
    "\n"
    "Examples:\n"
    "  mcpz mcp config --client claude             # claude_desktop_config.json, .mcp.json\n"
    "  eval \"$(mcpz mcp config --client claude --http)\"   # Claude Code\n"
    "  mcpz mcp config --client cursor > ~/.cursor/mcp.json\n"
    "  mcpz mcp config --client vscode --server memory > .vscode/mcp.json\n",
    MCPZ_OPTIONS(mcp_config_options)},
};
/* clang-format on */

const struct mcpz_verb_table mcpz_mcp_config_verbs = {verbs, MCPZ_ARRAY_LEN(verbs)};
