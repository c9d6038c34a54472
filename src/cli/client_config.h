/*
 * What a client of MCP is to be told of this node, in the words of its own configuration. Pure.
 *
 *                over HTTP                                   over standard input and output
 *   claude       a command for the shell: `claude mcp add`   {"mcpServers": {NAME: {command,
 * args}}} cursor       {"mcpServers": {NAME: {url, headers}}}      {"mcpServers": {NAME: {command,
 * args}}} vscode       {"servers": {NAME: {type, url, headers}}}   {"servers": {NAME: {type,
 * ...}}} generic      {"mcpServers": {NAME: {type, url, ...}}}    {"mcpServers": {NAME: {type,
 * ...}}}
 *
 * Keys are never written: each client is told to take it from where it takes secrets.
 *
 * Sources: the clients' own documentation: modelcontextprotocol.io, "Connect to local MCP
 * servers" (Claude Desktop); code.claude.com, "MCP"; cursor.com/docs, "MCP";
 * code.visualstudio.com, "MCP configuration reference".
 */

#ifndef CLI_CLIENT_CONFIG_H
#define CLI_CLIENT_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

#define MCPZ_KEY_VARIABLE "MCPZ_API_KEY" /* where clients are told to look for the key */

enum mcpz_client_kind {
    MCPZ_CLIENT_CLAUDE,
    MCPZ_CLIENT_CURSOR,
    MCPZ_CLIENT_VSCODE,
    MCPZ_CLIENT_GENERIC,
    MCPZ_CLIENT_KINDS,
};

/* What it is about. All borrowed. */
struct mcpz_client_entry {
    const char *name;    /* what it is to be called there */
    const char *server;  /* one MCP server; NULL: the whole mesh */
    const char *url;     /* "http://127.0.0.1:8000": over HTTP; NULL: over standard input */
    bool guarded;        /* over HTTP a key must be shown */
    const char *command; /* this program, and its data directory: both absolute */
    const char *data;
};

/** The kind called `word`; MCPZ_CLIENT_KINDS: there is none. */
enum mcpz_client_kind mcpz_client_kind_of(const char *word);

/** The configuration; NULL: out of memory, or a text is no UTF-8. Not for claude over HTTP. */
json_t *mcpz_client_config(enum mcpz_client_kind kind, const struct mcpz_client_entry *entry);

/** The command that tells Claude Code of it, for a shell; the caller's. NULL: out of memory. */
char *mcpz_client_command(const struct mcpz_client_entry *entry);

/** Where that goes, for people. */
const char *mcpz_client_place(enum mcpz_client_kind kind, bool over_http);

#endif
