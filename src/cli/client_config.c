#include "cli/client_config.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"

#define URL_BYTES 1024
#define KEY_INPUT "mcpz-key" /* what VS Code asks its user for, once */

static const char *const words[MCPZ_CLIENT_KINDS] = {
    [MCPZ_CLIENT_CLAUDE] = "claude",
    [MCPZ_CLIENT_CURSOR] = "cursor",
    [MCPZ_CLIENT_VSCODE] = "vscode",
    [MCPZ_CLIENT_GENERIC] = "generic",
};

enum mcpz_client_kind mcpz_client_kind_of(const char *word)
{
    enum mcpz_client_kind kind = MCPZ_CLIENT_CLAUDE;

    while (kind < MCPZ_CLIENT_KINDS && strcmp(words[kind], word) != 0) {
        kind++;
    }
    return kind;
}

const char *mcpz_client_place(enum mcpz_client_kind kind, bool over_http)
{
    switch (kind) {
    case MCPZ_CLIENT_CLAUDE:
        return over_http
                   ? "Claude Code: run it in a shell. Claude Desktop starts commands only: "
                     "--stdio"
                   : "Claude Desktop: Settings, Developer, Edit Config "
                     "(claude_desktop_config.json), then start it anew. Claude Code: .mcp.json "
                     "of a project";
    case MCPZ_CLIENT_CURSOR:
        return "Cursor: ~/.cursor/mcp.json, or .cursor/mcp.json of a project";
    case MCPZ_CLIENT_VSCODE:
        return "VS Code: .vscode/mcp.json of a workspace, or what \"MCP: Open User "
               "Configuration\" "
               "opens";
    case MCPZ_CLIENT_GENERIC:
    case MCPZ_CLIENT_KINDS:
        break;
    }
    return over_http ? "any client that speaks Streamable HTTP: URL and header are what counts"
                     : "any client that starts its servers: command and arguments are what counts";
}

/* Out of memory, or a name that cannot be: no URL. */
static bool write_url(const struct mcpz_client_entry *entry, char url[URL_BYTES])
{
    char server[URL_BYTES] = "";

    if (entry->server != NULL &&
        mcpz_client_escape(entry->server, server, sizeof(server)) != MCPZ_OK) {
        return false;
    }
    int length =
        snprintf(url, URL_BYTES, "%s/mcp%s%s", entry->url, server[0] != '\0' ? "/" : "", server);
    return length > 0 && length < URL_BYTES;
}

static json_t *list_arguments(const struct mcpz_client_entry *entry)
{
    json_t *list = json_pack("[s, s, s, s]", "mcp", "stdio", "--data", entry->data);

    if (list != NULL && entry->server != NULL &&
        (json_array_append_new(list, json_string("--server")) != 0 ||
         json_array_append_new(list, json_string(entry->server)) != 0)) {
        json_decref(list);
        return NULL;
    }
    return list;
}

/* How the client is told that it is to show a key that it keeps itself. */
static const char *key_of(enum mcpz_client_kind kind)
{
    return kind == MCPZ_CLIENT_VSCODE   ? "Bearer ${input:" KEY_INPUT "}"
           : kind == MCPZ_CLIENT_CURSOR ? "Bearer ${env:" MCPZ_KEY_VARIABLE "}"
                                        : "Bearer ${" MCPZ_KEY_VARIABLE "}";
}

/* NULL: no memory, or a text that is no UTF-8. */
static json_t *make_server(enum mcpz_client_kind kind, const struct mcpz_client_entry *entry)
{
    char url[URL_BYTES];
    bool typed = kind == MCPZ_CLIENT_VSCODE || kind == MCPZ_CLIENT_GENERIC;
    json_t *json = json_object();

    if (typed) {
        (void)json_object_set_new(json, "type",
                                  json_string(entry->url != NULL ? "http" : "stdio"));
    }
    if (entry->url == NULL) {
        json_t *command = json_string(entry->command);
        json_t *arguments = list_arguments(entry);
        if (json_object_set_new(json, "command", command) == 0 &&
            json_object_set_new(json, "args", arguments) == 0) {
            return json;
        }
    } else if (write_url(entry, url) && json_object_set_new(json, "url", json_string(url)) == 0 &&
               (!entry->guarded ||
                json_object_set_new(json, "headers",
                                    json_pack("{s:s}", "Authorization", key_of(kind))) == 0)) {
        return json;
    }
    json_decref(json);
    return NULL;
}

json_t *mcpz_client_config(enum mcpz_client_kind kind, const struct mcpz_client_entry *entry)
{
    assert(kind < MCPZ_CLIENT_KINDS);
    assert(kind != MCPZ_CLIENT_CLAUDE || entry->url == NULL);

    const char *key = kind == MCPZ_CLIENT_VSCODE ? "servers" : "mcpServers";
    json_t *server = make_server(kind, entry);
    json_t *config = server != NULL ? json_pack("{s:{s:o}}", key, entry->name, server) : NULL;
    if (config != NULL && kind == MCPZ_CLIENT_VSCODE && entry->url != NULL && entry->guarded) {
        (void)json_object_set_new(config, "inputs",
                                  json_pack("[{s:s, s:s, s:s, s:b}]", "type", "promptString", "id",
                                            KEY_INPUT, "description", "API key of the mcpz node",
                                            "password", 1));
    }
    return config;
}

/* Within quotes for a shell, unless it needs none. */
static void quote(FILE *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:%@=+,";

    if (*text != '\0' && text[strspn(text, plain)] == '\0') {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, out);
    }
    (void)fputc('\'', out);
}

/* Claude Code takes letters, digits, "-" and "_" for a name. */
static void put_name(FILE *out, const char *name)
{
    for (; *name != '\0'; name++) {
        bool fits = isalnum((unsigned char)*name) || *name == '-' || *name == '_';
        (void)fputc(fits ? *name : '_', out);
    }
}

char *mcpz_client_command(const struct mcpz_client_entry *entry)
{
    char url[URL_BYTES];
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (out == NULL || !write_url(entry, url)) {
        if (out != NULL) {
            (void)fclose(out);
            free(text);
        }
        return NULL;
    }
    (void)fputs("claude mcp add --transport http ", out);
    put_name(out, entry->name);
    (void)fputc(' ', out);
    quote(out, url);
    if (entry->guarded) {
        (void)fputs(" --header \"Authorization: Bearer $" MCPZ_KEY_VARIABLE "\"", out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
