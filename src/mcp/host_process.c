/* Which process of a server does a call: one for all, a session's, or one of the pool. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "mcp/host_internal.h"

#define WAIT_US MCPZ_SECONDS(2) /* for a server that is down to be started again */

static mcpz_time now_of(const struct mcpz_mcp_host *host)
{
    return host->config.now(host->config.context);
}

/* Do it now, or when the process is ready. */
static void give(struct mcpz_mcp_call *call, struct mcpz_conn *conn)
{
    conn->used_us = now_of(call->host);
    if (conn->ready) {
        mcpz_call_go(call, conn);
    } else {
        call->conn = conn;
        call->waits = true;
    }
}

/* The one that serves all. */
static void give_describer(struct mcpz_mcp_call *call)
{
    struct mcpz_hosted *server = call->server;
    char text[640];

    if (server->describer != NULL && server->describer->ready) {
        mcpz_call_go(call, server->describer);
    } else if (server->start_at_us != MCPZ_TIME_NEVER &&
               server->start_at_us > now_of(call->host) + WAIT_US) {
        (void)snprintf(text, sizeof(text), "the server %s is down: %s", server->what.service.name,
                       server->trouble);
        mcpz_call_fail(call, MCPZ_CODE_START_FAILED, text, MCPZ_RETRY_AFTER_MS);
    } else {
        call->conn = NULL;
        call->waits = true; /* it is on its way */
    }
}

static bool is_idle(const struct mcpz_conn *conn)
{
    if (conn->jobs != NULL) {
        return false;
    }
    for (const struct mcpz_mcp_call *call = conn->server->calls; call != NULL; call = call->next) {
        if (call->conn == conn && !call->is_unheard) {
            return false;
        }
    }
    return true;
}

/* Those that count: not those that are there once, whoever comes. */
static size_t count_processes(const struct mcpz_hosted *server)
{
    size_t count = 0;

    for (const struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        count += conn->role >= MCPZ_CONN_SESSION && !conn->stopping;
    }
    return count;
}

/* Which of two idle ones gives way first: one of the pool, else the one unused for longer. */
static bool gives_way(const struct mcpz_conn *conn, const struct mcpz_conn *other)
{
    const bool is_pooled = conn->role == MCPZ_CONN_POOLED;

    if (is_pooled != (other->role == MCPZ_CONN_POOLED)) {
        return is_pooled;
    }
    return conn->used_us < other->used_us;
}

/*
 * Room for one more process; an idle one gives way. A session's too: clients that are done seldom
 * say so, and who comes back is given another, greeted as the first one was.
 */
static bool make_room(struct mcpz_hosted *server)
{
    struct mcpz_conn *oldest = NULL;

    if (count_processes(server) < server->what.replicas) {
        return true;
    }
    for (struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->role >= MCPZ_CONN_SESSION && !conn->stopping && is_idle(conn) &&
            (oldest == NULL || gives_way(conn, oldest))) {
            oldest = conn;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    mcpz_conn_stop(oldest, "");
    return true;
}

/* All are in use: it waits for one. False: it has, for long enough. */
static bool wait_for_room(struct mcpz_mcp_call *call)
{
    const mcpz_time now = now_of(call->host);

    if (call->room_by_us == 0) {
        call->room_by_us = now + MCPZ_MCP_ROOM_US;
    }
    if (call->room_by_us <= now) {
        return false;
    }
    call->wants_room = true;
    call->server->wants_room = true;
    return true;
}

/* Start one for a client. NULL: the call waits, or has failed. */
static struct mcpz_conn *start(struct mcpz_mcp_call *call, enum mcpz_conn_role role)
{
    struct mcpz_hosted *server = call->server;
    mcpz_error error = MCPZ_EFULL;
    char text[256];

    const bool has_room = role == MCPZ_CONN_COMMON || make_room(server);
    if (!has_room && wait_for_room(call)) {
        return NULL;
    }
    struct mcpz_conn *conn = has_room ? mcpz_conn_start(server, role, &error) : NULL;
    if (conn == NULL) {
        if (error == MCPZ_EFULL) {
            (void)snprintf(text, sizeof(text),
                           "all %" PRIu32 " processes of the server %s are in use (replicas)",
                           server->what.replicas, server->what.service.name);
        } else {
            (void)snprintf(text, sizeof(text), "the server %s cannot be started: %s",
                           server->what.service.name, mcpz_strerror(error));
        }
        mcpz_call_fail(call, error == MCPZ_EFULL ? MCPZ_CODE_BUSY : MCPZ_CODE_START_FAILED, text,
                       MCPZ_RETRY_AFTER_MS);
        return NULL;
    }
    mcpz_conn_begin(
        conn, call->era == MCPZ_ERA_LEGACY ? mcpz_text(call->version) : mcpz_text(MCPZ_MCP_LEGACY),
        mcpz_own_bytes(&call->capabilities), mcpz_own_bytes(&call->info));
    return conn;
}

static void give_session(struct mcpz_mcp_call *call)
{
    struct mcpz_conn *conn = call->server->conns;

    while (conn != NULL && (conn->role != MCPZ_CONN_SESSION || conn->stopping ||
                            strcmp(conn->session, call->session) != 0)) {
        conn = conn->next;
    }
    if (conn == NULL && call->kind == MCPZ_MCP_REQUEST &&
        call->request.kind == MCPZ_ENVELOPE_NOTIFICATION) {
        mcpz_call_finish(call); /* nobody is there whom it could tell anything */
        return;
    }
    if (conn == NULL) {
        conn = start(call, MCPZ_CONN_SESSION);
        if (conn == NULL) {
            return;
        }
        memcpy(conn->session, call->session, sizeof(conn->session));
    }
    give(call, conn);
}

static uint64_t signature_of(const struct mcpz_mcp_call *call)
{
    return mcpz_hash_bytes(mcpz_own_bytes(&call->capabilities), (uint64_t)call->era);
}

/* One that nobody else uses meanwhile. */
static void give_pooled(struct mcpz_mcp_call *call)
{
    const uint64_t signature = signature_of(call);
    struct mcpz_conn *conn = call->server->conns;

    while (conn != NULL && (conn->role != MCPZ_CONN_POOLED || conn->stopping ||
                            conn->signature != signature || !is_idle(conn))) {
        conn = conn->next;
    }
    if (conn == NULL) {
        conn = start(call, MCPZ_CONN_POOLED);
        if (conn == NULL) {
            return;
        }
        conn->signature = signature;
    }
    give(call, conn);
}

/*
 * The describer says that its client can be asked anything, or servers would not tell of the tools
 * they ask from. One that cannot is better off with a process that knows it.
 */
static void give_common(struct mcpz_mcp_call *call)
{
    struct mcpz_conn *conn = call->server->conns;

    while (conn != NULL && (conn->role != MCPZ_CONN_COMMON || conn->stopping)) {
        conn = conn->next;
    }
    if (conn == NULL) {
        conn = start(call, MCPZ_CONN_COMMON);
        if (conn == NULL) {
            return;
        }
    }
    give(call, conn);
}

static bool can_be_asked(const struct mcpz_mcp_call *call)
{
    const struct mcpz_json all = mcpz_json_value(mcpz_own_bytes(&call->capabilities));

    return mcpz_member(all, "sampling").type != MCPZ_JSON_NONE ||
           mcpz_member(all, "elicitation").type != MCPZ_JSON_NONE ||
           mcpz_member(all, "roots").type != MCPZ_JSON_NONE;
}

/* Does a modern server log for this call? What it logs does not say for whom. */
static bool is_logged(const struct mcpz_mcp_call *call)
{
    return call->level[0] != '\0' && call->kind == MCPZ_MCP_REQUEST &&
           call->request.kind == MCPZ_ENVELOPE_REQUEST &&
           mcpz_envelope_is(&call->request, "tools/call");
}

/* Will the process do that serves all? */
static bool takes_any(const struct mcpz_mcp_call *call)
{
    const struct mcpz_hosted *server = call->server;

    return server->era == MCPZ_ERA_LEGACY ? server->what.stateless || server->what.shared
                                          : server->era == MCPZ_ERA_UNKNOWN || !is_logged(call);
}

void mcpz_call_find(struct mcpz_mcp_call *call)
{
    const struct mcpz_hosted *server = call->server;

    if (server->era == MCPZ_ERA_LEGACY && call->era == MCPZ_ERA_MODERN &&
        call->kind == MCPZ_MCP_REQUEST) {
        mcpz_bridge_modern_request(call);
    } else if (takes_any(call)) {
        give_describer(call);
    } else if (server->era == MCPZ_ERA_LEGACY && call->session[0] != '\0') {
        give_session(call);
    } else {
        give_pooled(call);
    }
}

void mcpz_call_find_modern(struct mcpz_mcp_call *call)
{
    const struct mcpz_hosted *server = call->server;

    if (can_be_asked(call) || call->level[0] != '\0') {
        give_pooled(call);
    } else if (server->what.stateless || server->what.shared ||
               mcpz_envelope_is(&call->request, "server/discover") ||
               mcpz_envelope_is(&call->request, "subscriptions/listen")) {
        give_describer(call);
    } else {
        give_common(call);
    }
}

/* Who has waited for longest. NULL: nobody waits. */
static struct mcpz_mcp_call *first_to_want_room(const struct mcpz_hosted *server)
{
    struct mcpz_mcp_call *first = NULL;

    /* Newer ones stand before older ones. */
    for (struct mcpz_mcp_call *call = server->calls; call != NULL; call = call->next) {
        if (call->wants_room && (first == NULL || call->room_by_us <= first->room_by_us)) {
            first = call;
        }
    }
    return first;
}

void mcpz_calls_find_room(struct mcpz_hosted *server)
{
    struct mcpz_mcp_call *call;

    /* Where the first finds none, none is there for any. */
    while (server->wants_room && (call = first_to_want_room(server)) != NULL) {
        call->wants_room = false;
        server->wants_room = false;
        mcpz_call_find(call);
        if (server->wants_room) {
            return;
        }
        server->wants_room = first_to_want_room(server) != NULL;
    }
    server->wants_room = false;
}

mcpz_time mcpz_calls_room_by(const struct mcpz_hosted *server)
{
    const struct mcpz_mcp_call *first = server->wants_room ? first_to_want_room(server) : NULL;

    return first != NULL ? first->room_by_us : MCPZ_TIME_NEVER;
}
