/*
 * What a node is told about an MCP server that it hosts, and how that is read.
 *
 *   mcp:
 *     servers:
 *       files:
 *         command: npx
 *         args: [-y, "@modelcontextprotocol/server-filesystem", /srv/shared]
 *         env: {DEBUG: "1"}
 *         cwd: /srv/shared
 *         isolation: none            # the default here; degraded or strict: as a provider,
 *                                    # with its read, write, network, sockets and limits
 *         stateless: false           # any process of it, at any node, can take any request
 *         shared: false              # one process for all sessions
 *         replicas: 16               # processes at once; then the one idle for longest gives way
 *         idle: 5m                   # then the process of a session is ended
 *       search:
 *         url: https://tools.example.com/mcp      # one that runs elsewhere: Streamable HTTP
 *         headers: {Authorization: "Bearer env:TOOLS_TOKEN"}   # host/mcp_url.h
 *         ca: /etc/ssl/tools.pem     # who vouches for it, instead of those the system trusts
 *         stateless: false           # and shared, replicas and idle, of its sessions
 *     names: ...                     # host/mcp_names.h
 *
 * JSON is YAML: what is added at run time is read by the same function.
 */

#ifndef HOST_MCP_SERVER_H
#define HOST_MCP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "host/mcp_names.h"
#include "host/mcp_url.h"
#include "host/service.h"

#define MCPZ_MCP_SERVERS_MAX 64 /* of one node: each is two capabilities, and others want some */
#define MCPZ_MCP_ARGUMENTS_MAX 64
#define MCPZ_MCP_VARIABLES_MAX 40
#define MCPZ_MCP_TEXT_BYTES_MAX 4096 /* of the command, an argument, a variable or a path */
#define MCPZ_MCP_REPLICAS_MAX 128
#define MCPZ_MCP_REPLICAS_DEFAULT 16
#define MCPZ_MCP_IDLE_SECONDS_DEFAULT 300
#define MCPZ_MCP_IDLE_SECONDS_MAX 86400

struct mcpz_config_trouble;

/* All texts are owned. */
struct mcpz_mcp_server {
    struct mcpz_service service; /* name; command: all of it, quoted for /bin/sh; how it is run */
    char *command;               /* NULL: it runs elsewhere */
    char *url;                   /* NULL: it is a command */
    char *headers[MCPZ_MCP_HEADERS_MAX]; /* "Name: value"; a value may be a reference */
    size_t header_count;
    char *ca; /* a file, absolute; NULL: those that the system trusts */
    char *arguments[MCPZ_MCP_ARGUMENTS_MAX];
    size_t argument_count;
    char *variables[MCPZ_MCP_VARIABLES_MAX]; /* "NAME=VALUE" */
    size_t variable_count;
    char *cwd; /* absolute; NULL: a workspace of its own */
    bool stateless;
    bool shared;
    uint32_t replicas;
    uint32_t idle_seconds;
};

struct mcpz_mcp_servers {
    struct mcpz_mcp_server *rows; /* at most MCPZ_MCP_SERVERS_MAX; a list of host/rows.h */
    size_t count;
    struct mcpz_mcp_names *said_names; /* mcpz_mcp_servers_names(); NULL: nothing is said */
};

void mcpz_mcp_server_finish(struct mcpz_mcp_server *server);
void mcpz_mcp_servers_finish(struct mcpz_mcp_servers *servers);

/** Errors: MCPZ_ENOMEM; `copy` is then as after mcpz_mcp_server_finish(). */
MCPZ_MUST_USE mcpz_error mcpz_mcp_server_copy(const struct mcpz_mcp_server *server,
                                              struct mcpz_mcp_server *copy);

/** Would it be run in the same way? Names are not compared. */
bool mcpz_mcp_server_equal(const struct mcpz_mcp_server *a, const struct mcpz_mcp_server *b);

/** Make room for one row more, all zero, behind those there are. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_mcp_servers_grow(struct mcpz_mcp_servers *servers);

/** How what they offer is called, wherever they are. Good until they are finished or read anew. */
const struct mcpz_mcp_names *mcpz_mcp_servers_names(const struct mcpz_mcp_servers *servers);

/** Of that name; NULL: none. */
const struct mcpz_mcp_server *mcpz_mcp_servers_find(const struct mcpz_mcp_servers *servers,
                                                    struct mcpz_bytes name);

/**
 * Read the `mcp` mapping of a document, which people know as `path`, into zeroed `servers`. A
 * document without one has none.
 *
 * Errors: MCPZ_ECONFIG  `trouble` says where and what; MCPZ_ENOMEM; `servers` are finished then
 */
MCPZ_MUST_USE mcpz_error mcpz_mcp_servers_read(struct mcpz_bytes document, const char *path,
                                               struct mcpz_mcp_servers *servers,
                                               struct mcpz_config_trouble *trouble);

/**
 * Read one server, {"command": ..., "args": [...], ...}, as it stands under its name. Zeroed at
 * first. Errors: as above
 */
MCPZ_MUST_USE mcpz_error mcpz_mcp_server_read(struct mcpz_bytes document, const char *name,
                                              struct mcpz_mcp_server *server,
                                              struct mcpz_config_trouble *trouble);

/**
 * The server as JSON that mcpz_mcp_server_read() takes; values of variables and headers, and a
 * URL's query, only if `secrets`. The caller's to free(); NULL: no memory.
 */
char *mcpz_mcp_server_show(const struct mcpz_mcp_server *server, bool secrets);

#endif
