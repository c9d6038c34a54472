/* What kind of server is it, what does it offer, and is it there? */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/log.h"
#include "mcp/host_internal.h"
#include "mcp/param.h"

/* How the lists are asked for. */
static const struct {
    const char *method;
    const char *member;     /* of the result */
    const char *capability; /* without it the server has none */
} lists[MCPZ_LIST_COUNT] = {
    [MCPZ_LIST_TOOLS] = {"tools/list", "tools", "tools"},
    [MCPZ_LIST_RESOURCES] = {"resources/list", "resources", "resources"},
    [MCPZ_LIST_TEMPLATES] = {"resources/templates/list", "resourceTemplates", "resources"},
    [MCPZ_LIST_PROMPTS] = {"prompts/list", "prompts", "prompts"},
};

static const char *const era_words[] = {
    [MCPZ_ERA_UNKNOWN] = "unknown", [MCPZ_ERA_LEGACY] = "legacy", [MCPZ_ERA_MODERN] = "modern"};

static mcpz_time now_of(const struct mcpz_hosted *server)
{
    return server->host->config.now(server->host->config.context);
}

static struct mcpz_json begun_of(const struct mcpz_hosted *server)
{
    return mcpz_json_value(mcpz_own_bytes(&server->describer->begun));
}

/* ---- Starting ----------------------------------------------------------------------------- */

static void start_failed(struct mcpz_hosted *server, mcpz_error error)
{
    char why[128];

    (void)snprintf(why, sizeof(why), "it cannot be started: %s", mcpz_strerror(error));
    mcpz_hosted_lost(server, why);
}

/*
 * What the describer says of its client. There are servers with tools only for clients that can be
 * asked: what is to be described is all there is. Where it does calls too, it cannot be asked.
 */
static struct mcpz_bytes describer_capabilities(const struct mcpz_hosted *server)
{
    return mcpz_text(server->what.stateless || server->what.shared
                         ? "{}"
                         : "{\"sampling\":{},\"elicitation\":{\"form\":{},\"url\":{}},"
                           "\"roots\":{}}");
}

void mcpz_hosted_start(struct mcpz_hosted *server)
{
    const bool is_probe = server->era == MCPZ_ERA_UNKNOWN;
    mcpz_error error;

    server->start_at_us = MCPZ_TIME_NEVER;
    struct mcpz_conn *conn =
        mcpz_conn_start(server, is_probe ? MCPZ_CONN_PROBE : MCPZ_CONN_DESCRIBER, &error);
    if (conn == NULL) {
        start_failed(server, error);
        return;
    }
    if (!is_probe) {
        server->describer = conn;
    }
    mcpz_conn_begin(conn, mcpz_text(""), describer_capabilities(server), mcpz_text(""));
}

/* Of the server; NULL: there is none. */
static struct mcpz_conn *probe_of(const struct mcpz_hosted *server)
{
    struct mcpz_conn *conn = server->conns;

    while (conn != NULL && conn->role != MCPZ_CONN_PROBE) {
        conn = conn->next;
    }
    return conn;
}

void mcpz_hosted_probed(struct mcpz_hosted *server, enum mcpz_era era)
{
    struct mcpz_conn *probe = probe_of(server);

    if (probe != NULL) {
        mcpz_conn_stop(probe, "");
    }
    if (server->leaving || server->era != MCPZ_ERA_UNKNOWN) {
        return;
    }
    server->era = era;
    mcpz_log(MCPZ_LOG_DEBUG, "mcp", "a server was probed", "server=%s era=%s",
             server->what.service.name, era_words[era]);
    mcpz_hosted_start(server);
}

/*
 * Can it be of another era than was found? One that was described is the same program; but what
 * runs elsewhere others may have replaced, once nobody speaks with it any more.
 */
static bool may_be_another(const struct mcpz_hosted *server)
{
    return !server->described || (server->what.url != NULL && server->conns == NULL);
}

void mcpz_hosted_lost(struct mcpz_hosted *server, const char *why)
{
    const mcpz_time now = now_of(server);

    if (server->leaving) {
        return;
    }
    (void)snprintf(server->trouble, sizeof(server->trouble), "%s", why);
    server->listing = false;
    server->failures++;
    if (server->failures % 2 == 0 && may_be_another(server)) {
        server->era = MCPZ_ERA_UNKNOWN; /* perhaps it was asked in the wrong way */
    }
    mcpz_time wait = MCPZ_MCP_BACKOFF_FIRST_US;
    for (uint32_t i = 1; i < server->failures && wait < MCPZ_MCP_BACKOFF_MAX_US; i++) {
        wait *= 2;
    }
    server->start_at_us = now + (wait < MCPZ_MCP_BACKOFF_MAX_US ? wait : MCPZ_MCP_BACKOFF_MAX_US);
    if (server->offered && server->offered_until == MCPZ_TIME_NEVER) {
        server->offered_until = now + MCPZ_MCP_GRACE_US;
    }
    mcpz_calls_go(server, NULL);
}

/* ---- Its lists ---------------------------------------------------------------------------- */

static void ask_list(struct mcpz_hosted *server, struct mcpz_json cursor)
{
    struct mcpz_conn *conn = server->describer;
    struct mcpz_own params = {.data = NULL};
    struct mcpz_mcp_job *job =
        mcpz_mcp_job_begin(conn, MCPZ_JOB_LIST, now_of(server) + MCPZ_MCP_ANSWER_US);
    const bool is_modern = server->era == MCPZ_ERA_MODERN;
    bool good = job != NULL && mcpz_own_append(&params, mcpz_text("{"));

    if (good && cursor.type == MCPZ_JSON_STRING) {
        good = mcpz_own_append(&params, mcpz_text("\"cursor\":")) &&
               mcpz_own_append(&params, cursor.text) &&
               mcpz_own_append(&params, mcpz_text(is_modern ? "," : ""));
    }
    if (good && is_modern) {
        good =
            mcpz_own_append(&params, mcpz_text("\"_meta\":{\"" MCPZ_MCP_META "protocolVersion\":"
                                               "\"" MCPZ_MCP_MODERN "\",\"" MCPZ_MCP_META
                                               "clientCapabilities\":{},\"" MCPZ_MCP_META
                                               "clientInfo\":{\"name\":\"mcp-zero\",\"version\":"
                                               "\"" MCPZ_VERSION "\"}}"));
    }
    good = good && mcpz_own_append(&params, mcpz_text("}"));
    if (good) {
        (void)mcpz_conn_ask(conn, job, lists[server->list].method, mcpz_own_bytes(&params));
    } else {
        mcpz_conn_stop(conn, "no memory to ask for its lists");
    }
    mcpz_own_finish(&params);
}

static bool has_capability(const struct mcpz_hosted *server, const char *name)
{
    return mcpz_member(mcpz_member(begun_of(server), "capabilities"), name).type ==
           MCPZ_JSON_OBJECT;
}

static void finish_lists(struct mcpz_hosted *server);

/* Go on with the list `server->list`, or the next one that there is. */
static void next_list(struct mcpz_hosted *server)
{
    while (server->list < MCPZ_LIST_COUNT &&
           !has_capability(server, lists[server->list].capability)) {
        server->list++;
    }
    if (server->list == MCPZ_LIST_COUNT) {
        finish_lists(server);
        return;
    }
    server->pages = 0;
    ask_list(server, (struct mcpz_json){.type = MCPZ_JSON_NONE});
}

static void begin_lists(struct mcpz_hosted *server)
{
    server->listing = true;
    server->stale = false;
    server->list = MCPZ_LIST_TOOLS;
    for (size_t i = 0; i < MCPZ_LIST_COUNT; i++) {
        mcpz_own_finish(&server->lists[i]);
    }
    mcpz_own_finish(&server->unsound);
    next_list(server);
}

void mcpz_hosted_changed(struct mcpz_hosted *server)
{
    if (server->listing) {
        server->stale = true;
    } else if (server->describer != NULL && server->describer->ready && !server->leaving) {
        begin_lists(server);
    }
}

/* The elements of an array, as they stand there. */
static struct mcpz_bytes elements_of(struct mcpz_json array)
{
    struct mcpz_json_walk walk = mcpz_json_walk(array);
    struct mcpz_json first = {.type = MCPZ_JSON_NONE};
    struct mcpz_json last = {.type = MCPZ_JSON_NONE};

    if (array.type != MCPZ_JSON_ARRAY || !mcpz_json_next_element(&walk, &first)) {
        return mcpz_bytes(NULL, 0);
    }
    last = first;
    while (mcpz_json_next_element(&walk, &last)) {
    }
    return mcpz_bytes(first.text.data,
                      (size_t)(last.text.data + last.text.length - first.text.data));
}

/*
 * The same of tools, those apart that say what is wrong about headers: of a server over HTTP a
 * client has to refuse them. False: no memory.
 *
 * Source: Model Context Protocol 2026-07-28, "Tools", x-mcp-header.
 */
static bool append_sound(struct mcpz_hosted *server, struct mcpz_json tools)
{
    struct mcpz_json_walk walk = mcpz_json_walk(tools);
    struct mcpz_json tool;

    while (tools.type == MCPZ_JSON_ARRAY && mcpz_json_next_element(&walk, &tool)) {
        const bool is_sound = mcpz_param_is_sound(mcpz_member(tool, "inputSchema"));
        struct mcpz_own *list = is_sound ? &server->lists[MCPZ_LIST_TOOLS] : &server->unsound;
        if (!is_sound) {
            const struct mcpz_bytes name = mcpz_member(tool, "name").text;
            mcpz_log(MCPZ_LOG_WARN, "mcp",
                     "a tool is left out: what it says in x-mcp-header is wrong",
                     "server=%s tool=%.*s", server->what.service.name,
                     (int)(name.length < 128 ? name.length : 128), (const char *)name.data);
        }
        if ((list->length > 0 && !mcpz_own_append(list, mcpz_text(","))) ||
            !mcpz_own_append(list, tool.text)) {
            return false;
        }
    }
    return true;
}

/* Append a page of the list that is read. False: no memory. */
static bool append_page(struct mcpz_hosted *server, struct mcpz_json page,
                        struct mcpz_bytes elements)
{
    struct mcpz_own *list = &server->lists[server->list];

    if (server->list == MCPZ_LIST_TOOLS && server->what.url != NULL &&
        server->era == MCPZ_ERA_MODERN) {
        return append_sound(server, page);
    }
    return (list->length == 0 || elements.length == 0 || mcpz_own_append(list, mcpz_text(","))) &&
           mcpz_own_append(list, elements);
}

static size_t listed_bytes(const struct mcpz_hosted *server)
{
    size_t bytes = server->unsound.length;

    for (size_t i = 0; i < MCPZ_LIST_COUNT; i++) {
        bytes += server->lists[i].length;
    }
    return bytes;
}

void mcpz_hosted_listed(struct mcpz_hosted *server, const struct mcpz_envelope *answer)
{
    struct mcpz_json cursor = {.type = MCPZ_JSON_NONE};

    if (!server->listing || server->describer == NULL || !server->describer->ready) {
        return;
    }
    if (answer->kind == MCPZ_ENVELOPE_RESPONSE) { /* an error: it has no such list after all */
        const struct mcpz_json page = mcpz_member(answer->result, lists[server->list].member);
        const struct mcpz_bytes elements = elements_of(page);
        cursor = mcpz_member(answer->result, "nextCursor");
        if (listed_bytes(server) + elements.length > MCPZ_MCP_DOCUMENT_BYTES_MAX - 65536) {
            mcpz_conn_stop(server->describer, "its lists are larger than 8 MB");
            return;
        }
        if (!append_page(server, page, elements)) {
            mcpz_conn_stop(server->describer, "no memory for its lists");
            return;
        }
    }
    server->pages++;
    if (cursor.type == MCPZ_JSON_STRING && server->pages < MCPZ_MCP_PAGES_MAX) {
        ask_list(server, cursor);
        return;
    }
    server->list++;
    next_list(server);
}

/* ---- Its description ---------------------------------------------------------------------- */

static void put_member(struct mcpz_json_writer *writer, const char *name, struct mcpz_json value)
{
    if (value.type != MCPZ_JSON_NONE) {
        mcpz_json_put_text(writer, ",\"");
        mcpz_json_put_text(writer, name);
        mcpz_json_put_text(writer, "\":");
        mcpz_envelope_put_line(writer, value.text);
    }
}

static void put_list(struct mcpz_json_writer *writer, const struct mcpz_hosted *server,
                     enum mcpz_list list)
{
    mcpz_json_put_text(writer, ",\"");
    mcpz_json_put_text(writer, lists[list].member);
    mcpz_json_put_text(writer, "\":[");
    mcpz_envelope_put_line(writer, mcpz_own_bytes(&server->lists[list]));
    mcpz_json_put_text(writer, "]");
}

static void put_document(struct mcpz_json_writer *writer, const struct mcpz_hosted *server)
{
    const struct mcpz_json begun = begun_of(server);
    struct mcpz_json info = mcpz_member(begun, "serverInfo");

    if (info.type == MCPZ_JSON_NONE) { /* modern ones say it in `_meta` */
        info = mcpz_member(mcpz_member(begun, "_meta"), MCPZ_MCP_META "serverInfo");
    }
    mcpz_json_put_text(writer, "{\"name\":");
    mcpz_json_put_string(writer, mcpz_text(server->what.service.name));
    mcpz_json_put_text(writer, ",\"era\":\"");
    mcpz_json_put_text(writer, era_words[server->era]);
    mcpz_json_put_text(writer, "\"");
    put_member(writer, "protocolVersion", mcpz_member(begun, "protocolVersion"));
    put_member(writer, "supportedVersions", mcpz_member(begun, "supportedVersions"));
    put_member(writer, "serverInfo", info);
    put_member(writer, "capabilities", mcpz_member(begun, "capabilities"));
    put_member(writer, "instructions", mcpz_member(begun, "instructions"));
    for (enum mcpz_list list = 0; list < MCPZ_LIST_COUNT; list++) {
        put_list(writer, server, list);
    }
    if (server->unsound.length > 0) { /* no tools of anybody's, and not to be called */
        mcpz_json_put_text(writer, ",\"unsound\":[");
        mcpz_envelope_put_line(writer, mcpz_own_bytes(&server->unsound));
        mcpz_json_put_text(writer, "]");
    }
    mcpz_json_put_text(writer, ",\"stateless\":");
    mcpz_json_put_text(writer, server->what.stateless || server->era == MCPZ_ERA_MODERN ? "true"
                                                                                        : "false");
    mcpz_json_put_text(writer, "}");
}

static bool write_document(struct mcpz_hosted *server)
{
    struct mcpz_json_writer measure = mcpz_json_writer(NULL, 0);

    put_document(&measure, server);
    uint8_t *data = measure.length <= MCPZ_MCP_DOCUMENT_BYTES_MAX ? malloc(measure.length) : NULL;
    if (data == NULL) {
        return false;
    }
    struct mcpz_json_writer writer = mcpz_json_writer(data, measure.length);
    put_document(&writer, server);
    assert(writer.error == MCPZ_OK);
    mcpz_own_finish(&server->document);
    server->document = (struct mcpz_own){.data = data, .length = measure.length};
    return true;
}

static void put_task_tools(struct mcpz_json_writer *writer, const void *context)
{
    const struct mcpz_hosted *server = context;
    struct mcpz_json_walk walk =
        mcpz_json_walk(mcpz_member(mcpz_json_value(mcpz_own_bytes(&server->document)), "tools"));
    struct mcpz_json tool;
    const char *between = "";

    mcpz_json_put_text(writer, "[");
    while (mcpz_json_next_element(&walk, &tool)) {
        const enum mcpz_task_support support = mcpz_task_shape_support(tool);
        const struct mcpz_json name = mcpz_member(tool, "name");
        if (support != MCPZ_TASK_FORBIDDEN && name.type == MCPZ_JSON_STRING) {
            mcpz_json_put_text(writer, between);
            mcpz_json_put_text(writer, "[");
            mcpz_json_put(writer, name.text);
            mcpz_json_put_text(writer, support == MCPZ_TASK_REQUIRED ? ",true]" : ",false]");
            between = ",";
        }
    }
    mcpz_json_put_text(writer, "]");
}

/* Which of its tools clients of the later revision can have called as tasks. */
static void note_task_tools(struct mcpz_hosted *server)
{
    const struct mcpz_json capabilities = mcpz_member(begun_of(server), "capabilities");

    mcpz_own_finish(&server->task_tools);
    if (server->era == MCPZ_ERA_LEGACY && mcpz_task_shape_has_legacy(capabilities)) {
        (void)!mcpz_own_write(&server->task_tools, put_task_tools, server);
    }
}

/* Its content is its name: whoever has it need not ask again, and replicas share it. */
static void name_document(struct mcpz_hosted *server)
{
    const struct mcpz_mcp_host_config *config = &server->host->config;
    uint8_t hash[MCPZ_MCP_HASH_BYTES];

    config->digest(config->context, mcpz_own_bytes(&server->document), hash);
    for (size_t i = 0; i < MCPZ_MCP_HASH_BYTES; i++) {
        (void)snprintf(server->hash + 2 * i, 3, "%02x", hash[i]);
    }
}

/* Whoever carries its messages may have to know. */
static void tell_port(const struct mcpz_hosted *server)
{
    const struct mcpz_upstreams *port = mcpz_hosted_port(server);

    if (port->describe != NULL) {
        port->describe(port->context, server->what.service.name,
                       mcpz_own_bytes(&server->document));
    }
}

static void finish_lists(struct mcpz_hosted *server)
{
    char before[sizeof(server->hash)];

    server->listing = false;
    if (server->stale) {
        begin_lists(server);
        return;
    }
    memcpy(before, server->hash, sizeof(before));
    if (!write_document(server)) {
        mcpz_conn_stop(server->describer, "its description is larger than 8 MB");
        return;
    }
    name_document(server);
    note_task_tools(server);
    tell_port(server);
    for (size_t i = 0; i < MCPZ_LIST_COUNT; i++) {
        mcpz_own_finish(&server->lists[i]);
    }
    if (strcmp(before, server->hash) != 0 || !server->offered) {
        server->host->offers_changed = true;
        mcpz_log(MCPZ_LOG_INFO, "mcp",
                 !server->described                  ? "a server is ready"
                 : strcmp(before, server->hash) != 0 ? "a server has changed"
                                                     : "a server is back",
                 "server=%s era=%s description=%s", server->what.service.name,
                 era_words[server->era], server->hash);
    }
    server->described = true;
    server->offered = true;
    server->offered_until = MCPZ_TIME_NEVER;
    server->trouble[0] = '\0';
}

/* Be told of changes, where that has to be asked for. */
static void listen(struct mcpz_hosted *server)
{
    struct mcpz_mcp_job *job =
        mcpz_mcp_job_begin(server->describer, MCPZ_JOB_LISTEN, MCPZ_TIME_NEVER);

    if (job != NULL) {
        (void)mcpz_conn_ask(
            server->describer, job, "subscriptions/listen",
            mcpz_text("{\"notifications\":{\"toolsListChanged\":true,\"promptsListChanged\":true,"
                      "\"resourcesListChanged\":true},\"_meta\":{\"" MCPZ_MCP_META
                      "protocolVersion\":\"" MCPZ_MCP_MODERN "\",\"" MCPZ_MCP_META
                      "clientCapabilities\":{},\"" MCPZ_MCP_META
                      "clientInfo\":{\"name\":\"mcp-zero\",\"version\":\"" MCPZ_VERSION "\"}}}"));
    }
}

void mcpz_hosted_ready(struct mcpz_hosted *server)
{
    if (server->era == MCPZ_ERA_MODERN) {
        listen(server);
    }
    begin_lists(server);
}
