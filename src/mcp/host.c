#include "mcp/host.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/host_internal.h"

#define HOSTED_MAX ((size_t)(2 * MCPZ_MCP_SERVERS_MAX))
#define OFFER_BYTES (MCPZ_MCP_NAME_BYTES_MAX + 64)

static_assert(MCPZ_MCP_NAME_BYTES_MAX + 2 * MCPZ_MCP_HASH_BYTES + 16 <= MCPZ_CAPABILITY_BYTES_MAX,
              "a server's description is a capability");
static_assert(2 * MCPZ_MCP_SERVERS_MAX < MCPZ_CAPABILITIES_PER_NODE_MAX, "others offer, too");

static mcpz_time now_of(const struct mcpz_mcp_host *host)
{
    return host->config.now(host->config.context);
}

static bool is_there(const struct mcpz_hosted *server)
{
    return server->used && !server->leaving;
}

/* ---- Offers ------------------------------------------------------------------------------- */

/* All names that are offered now. */
static size_t list_offers(const struct mcpz_mcp_host *host, char (*texts)[OFFER_BYTES],
                          struct mcpz_bytes *names)
{
    size_t count = 0;

    for (size_t i = 0; i < HOSTED_MAX; i++) {
        const struct mcpz_hosted *server = &host->servers[i];
        if (is_there(server) && server->offered) {
            (void)snprintf(texts[count], OFFER_BYTES, "mcp/%s", server->what.service.name);
            names[count] = mcpz_text(texts[count]);
            count++;
            (void)snprintf(texts[count], OFFER_BYTES, "mcp.about/%s/%s", server->what.service.name,
                           server->hash);
            names[count] = mcpz_text(texts[count]);
            count++;
        }
    }
    return count;
}

static void offer(struct mcpz_mcp_host *host)
{
    char texts[2 * MCPZ_MCP_SERVERS_MAX][OFFER_BYTES];
    struct mcpz_bytes names[2 * MCPZ_MCP_SERVERS_MAX];
    const size_t all = list_offers(host, texts, names);

    host->offers_changed = false;
    if (mcpz_lines_offer(host->lines, names, all) == MCPZ_OK) {
        return;
    }
    /* Somebody else has one of the names: do without that one. */
    size_t count = 0;
    for (size_t i = 0; i < all; i++) {
        names[count] = names[i];
        count += mcpz_lines_offer(host->lines, names, count + 1) == MCPZ_OK;
    }
    (void)!mcpz_lines_offer(host->lines, names, count);
}

/* ---- Time --------------------------------------------------------------------------------- */

/* What a job that took too long means. */
static void expire(struct mcpz_mcp_job *job)
{
    struct mcpz_conn *conn = job->conn;
    struct mcpz_hosted *server = conn->server;
    const enum mcpz_mcp_job_kind kind = job->kind;
    const bool is_lost = job->call == NULL && conn->role == MCPZ_CONN_POOLED;

    if (job->parked) {
        mcpz_mcp_job_abandon(job);
        return;
    }
    if (job->task != NULL) { /* how it ended will not be said, or it lasts for too long */
        mcpz_mcp_task_finish(job->task);
    }
    mcpz_mcp_job_end(job);
    if (kind == MCPZ_JOB_PROBE) {
        mcpz_hosted_probed(server, MCPZ_ERA_LEGACY);
    } else if (kind == MCPZ_JOB_BEGIN) {
        mcpz_conn_stop(conn, "it did not answer initialize in time");
    } else if (kind == MCPZ_JOB_LIST) {
        mcpz_conn_stop(conn, "it did not answer for its lists in time");
    } else if (kind == MCPZ_JOB_CALL && is_lost) {
        mcpz_conn_stop(conn, ""); /* it still works for nobody: who knows at what */
    }
}

/* A job of a process that is due; NULL: none. Whoever is on its way out has none. */
static struct mcpz_mcp_job *find_due_of(const struct mcpz_conn *conn, mcpz_time now)
{
    struct mcpz_mcp_job *job = conn->stopping ? NULL : conn->jobs;

    while (job != NULL && job->due_us > now) {
        job = job->next;
    }
    return job;
}

static struct mcpz_mcp_job *find_due(const struct mcpz_mcp_host *host, mcpz_time now)
{
    struct mcpz_mcp_job *job = NULL;

    for (size_t i = 0; i < HOSTED_MAX && job == NULL; i++) {
        for (const struct mcpz_conn *conn = host->servers[i].conns; conn != NULL && job == NULL;
             conn = conn->next) {
            job = find_due_of(conn, now);
        }
    }
    return job;
}

static bool has_call(const struct mcpz_conn *conn)
{
    for (const struct mcpz_mcp_call *call = conn->server->calls; call != NULL; call = call->next) {
        if (call->conn == conn) {
            return true;
        }
    }
    return false;
}

/* When nobody has needed it for too long. */
static mcpz_time idle_at(const struct mcpz_conn *conn)
{
    if (conn->role < MCPZ_CONN_COMMON || conn->stopping || conn->jobs != NULL || has_call(conn)) {
        return MCPZ_TIME_NEVER;
    }
    return conn->used_us + MCPZ_SECONDS(conn->server->what.idle_seconds);
}

static void tick_server(struct mcpz_hosted *server, mcpz_time now)
{
    if (server->leaving) {
        return;
    }
    if (server->start_at_us <= now) {
        mcpz_hosted_start(server);
    }
    if (server->offered && server->offered_until <= now) {
        server->offered = false;
        server->offered_until = MCPZ_TIME_NEVER;
        server->host->offers_changed = true;
    }
    for (struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (idle_at(conn) <= now) {
            mcpz_conn_stop(conn, "");
        }
    }
    mcpz_bridge_legacy_expire(server, now);
    mcpz_bridge_legacy_look(server, now);
    mcpz_mcp_tasks_expire(server, now);
}

static mcpz_time next_of(const struct mcpz_hosted *server)
{
    mcpz_time next =
        server->leaving ? MCPZ_TIME_NEVER
                        : mcpz_time_min(server->start_at_us,
                                        server->offered ? server->offered_until : MCPZ_TIME_NEVER);

    next = mcpz_time_min(next, mcpz_bridge_legacy_deadline(server));
    next = mcpz_time_min(next, mcpz_bridge_legacy_look_at(server));
    next = mcpz_time_min(next, mcpz_mcp_tasks_deadline(server));
    next = mcpz_time_min(next, mcpz_calls_room_by(server));
    for (const struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        next = mcpz_time_min(next, idle_at(conn));
        for (const struct mcpz_mcp_job *job = conn->jobs; job != NULL && !conn->stopping;
             job = job->next) {
            next = mcpz_time_min(next, job->due_us);
        }
    }
    return next;
}

/* What is left of a server that was removed goes when its processes are gone. */
static void free_server(struct mcpz_hosted *server)
{
    mcpz_bridge_legacy_forget(server, NULL);
    mcpz_mcp_tasks_expire(server, MCPZ_TIME_NEVER);
    for (size_t i = 0; i < MCPZ_LIST_COUNT; i++) {
        mcpz_own_finish(&server->lists[i]);
    }
    mcpz_own_finish(&server->unsound);
    mcpz_own_finish(&server->task_tools);
    mcpz_own_finish(&server->document);
    mcpz_mcp_server_finish(&server->what);
    *server = (struct mcpz_hosted){.used = false};
}

/* The last thing of whatever was done. */
void mcpz_host_settle(struct mcpz_mcp_host *host)
{
    mcpz_time next = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < HOSTED_MAX; i++) {
        struct mcpz_hosted *server = &host->servers[i];
        if (server->wants_room) {
            mcpz_calls_find_room(server);
        }
        if (server->used && server->leaving && server->conns == NULL && server->calls == NULL) {
            free_server(server);
        }
        if (server->used) {
            next = mcpz_time_min(next, next_of(server));
        }
    }
    if (host->offers_changed) {
        offer(host);
    }
    if (next != host->wakes_at) {
        host->wakes_at = next;
        host->config.wake_at(host->config.context, next);
    }
}

void mcpz_mcp_host_tick(struct mcpz_mcp_host *host)
{
    const mcpz_time now = now_of(host);
    struct mcpz_mcp_job *job;

    host->wakes_at = 0;
    while ((job = find_due(host, now)) != NULL) {
        expire(job);
    }
    for (size_t i = 0; i < HOSTED_MAX; i++) {
        if (host->servers[i].used) {
            tick_server(&host->servers[i], now);
        }
    }
    mcpz_host_settle(host);
}

void mcpz_mcp_host_work(struct mcpz_mcp_host *host)
{
    mcpz_lines_work(host->lines);
    mcpz_host_settle(host);
}

/* ---- Servers ------------------------------------------------------------------------------ */

static struct mcpz_hosted *find(struct mcpz_mcp_host *host, struct mcpz_bytes name)
{
    for (size_t i = 0; i < HOSTED_MAX; i++) {
        struct mcpz_hosted *server = &host->servers[i];
        if (is_there(server) && mcpz_bytes_equal(mcpz_text(server->what.service.name), name)) {
            return server;
        }
    }
    return NULL;
}

/* A free place; NULL: as many are there as may, or are on their way out. */
static struct mcpz_hosted *find_place(struct mcpz_mcp_host *host)
{
    struct mcpz_hosted *place = NULL;
    size_t count = 0;

    for (size_t i = 0; i < HOSTED_MAX; i++) {
        count += is_there(&host->servers[i]);
        if (!host->servers[i].used && place == NULL) {
            place = &host->servers[i];
        }
    }
    return count < MCPZ_MCP_SERVERS_MAX ? place : NULL;
}

static void remove_server(struct mcpz_hosted *server)
{
    server->leaving = true;
    server->offered = false;
    server->host->offers_changed = true;
    while (server->calls != NULL) {
        mcpz_call_fail(server->calls, MCPZ_CODE_NOT_OFFERED, "the server was removed", 0);
    }
    for (struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        mcpz_conn_stop(conn, "");
    }
}

mcpz_error mcpz_mcp_host_add(struct mcpz_mcp_host *host, const struct mcpz_mcp_server *server)
{
    struct mcpz_hosted *same = find(host, mcpz_text(server->service.name));
    struct mcpz_mcp_server copy;

    if (same != NULL && mcpz_mcp_server_equal(&same->what, server)) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_mcp_server_copy(server, &copy);
    if (error != MCPZ_OK) {
        return error;
    }
    if (same != NULL) {
        remove_server(same);
    }
    struct mcpz_hosted *place = find_place(host);
    if (place == NULL) {
        mcpz_mcp_server_finish(&copy);
        mcpz_host_settle(host);
        return MCPZ_EFULL;
    }
    *place = (struct mcpz_hosted){.host = host,
                                  .what = copy,
                                  .used = true,
                                  .order = host->next_order++,
                                  .start_at_us = MCPZ_TIME_NEVER,
                                  .offered_until = MCPZ_TIME_NEVER};
    mcpz_hosted_start(place);
    mcpz_host_settle(host);
    return MCPZ_OK;
}

mcpz_error mcpz_mcp_host_remove(struct mcpz_mcp_host *host, struct mcpz_bytes name)
{
    struct mcpz_hosted *server = find(host, name);

    if (server == NULL) {
        return MCPZ_ENOTFOUND;
    }
    remove_server(server);
    mcpz_host_settle(host);
    return MCPZ_OK;
}

/* One that only listens; NULL: none. */
static struct mcpz_mcp_call *find_listening(const struct mcpz_hosted *server)
{
    struct mcpz_mcp_call *call = server->calls;

    while (call != NULL && call->kind != MCPZ_MCP_LISTEN &&
           !(call->begun && mcpz_envelope_is(&call->request, "subscriptions/listen"))) {
        call = call->next;
    }
    return call;
}

void mcpz_mcp_host_dismiss(struct mcpz_mcp_host *host)
{
    struct mcpz_mcp_call *call;

    for (size_t i = 0; i < HOSTED_MAX; i++) {
        while ((call = find_listening(&host->servers[i])) != NULL) {
            if (call->kind == MCPZ_MCP_LISTEN) {
                mcpz_call_fail(call, MCPZ_CODE_DRAINING, "the node is about to go", 0);
            } else {
                mcpz_call_answer(call, mcpz_text("{\"resultType\":\"complete\"}"));
            }
        }
    }
    mcpz_host_settle(host);
}

static void view(const struct mcpz_hosted *server,
                 void (*visit)(void *context, const struct mcpz_mcp_host_view *view),
                 void *context)
{
    static const char *const eras[] = {[MCPZ_ERA_UNKNOWN] = "unknown",
                                       [MCPZ_ERA_LEGACY] = "legacy",
                                       [MCPZ_ERA_MODERN] = "modern"};
    const bool is_up = server->describer != NULL && server->describer->ready && server->described;

    visit(context, &(struct mcpz_mcp_host_view){
                       .server = &server->what,
                       .state = is_up                   ? "ready"
                                : server->failures == 0 ? "starting"
                                                        : "down",
                       .era = eras[server->era],
                       .hash = server->hash,
                       .trouble = server->trouble,
                       .processes = server->conn_count,
                       .calls = server->call_count,
                       .failures = server->failures,
                       .description = mcpz_own_bytes(&server->document),
                   });
}

void mcpz_mcp_host_walk(const struct mcpz_mcp_host *host,
                        void (*visit)(void *context, const struct mcpz_mcp_host_view *view),
                        void *context)
{
    uint64_t shown = 0; /* all with a smaller order were */

    for (size_t n = 0; n < HOSTED_MAX; n++) {
        const struct mcpz_hosted *next = NULL;
        for (size_t i = 0; i < HOSTED_MAX; i++) {
            const struct mcpz_hosted *server = &host->servers[i];
            if (is_there(server) && server->order >= shown &&
                (next == NULL || server->order < next->order)) {
                next = server;
            }
        }
        if (next == NULL) {
            return;
        }
        shown = next->order + 1;
        view(next, visit, context);
    }
}

/* ---- Life --------------------------------------------------------------------------------- */

static void want_work(void *context)
{
    struct mcpz_mcp_host *host = context;

    host->config.later(host->config.context);
}

mcpz_error mcpz_mcp_host_create(const struct mcpz_mcp_host_config *config,
                                struct mcpz_mcp_host **host)
{
    struct mcpz_mcp_host *made = calloc(1, sizeof(*made));

    *host = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->config = *config;
    made->wakes_at = MCPZ_TIME_NEVER;
    mcpz_id_to_text(&config->node, 'n', made->node);
    const struct mcpz_lines_config lines = {
        .desk = config->desk, .context = made, .later = want_work, .on_open = mcpz_host_open};
    mcpz_error error = mcpz_lines_create(&lines, &made->lines);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    *host = made;
    return MCPZ_OK;
}

static void free_conn(struct mcpz_conn *conn)
{
    while (conn->questions != NULL) {
        mcpz_question_end(conn, conn->questions);
    }
    while (conn->jobs != NULL) {
        mcpz_mcp_job_end(conn->jobs);
    }
    mcpz_own_finish(&conn->begun);
    free(conn);
}

void mcpz_mcp_host_destroy(struct mcpz_mcp_host *host)
{
    if (host == NULL) {
        return;
    }
    for (size_t i = 0; i < HOSTED_MAX; i++) {
        struct mcpz_hosted *server = &host->servers[i];
        for (struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
            conn->stopping = true; /* nothing is said any more */
            conn->upstream = NULL;
        }
        while (server->calls != NULL) {
            mcpz_call_free(server->calls);
        }
        mcpz_mcp_tasks_expire(server, MCPZ_TIME_NEVER);
        while (server->conns != NULL) {
            struct mcpz_conn *conn = server->conns;
            server->conns = conn->next;
            free_conn(conn);
        }
        if (server->used) {
            free_server(server);
        }
    }
    mcpz_lines_destroy(host->lines);
    free(host);
}

const struct mcpz_mcp_host_stats *mcpz_mcp_host_stats(const struct mcpz_mcp_host *host)
{
    return &host->stats;
}
